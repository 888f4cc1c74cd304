// Which aggregator carries the bond's traffic, by ad_select, one rule at a time.
import { expect, test } from 'vitest';
import {
  activeAggregator,
  type Aggregator,
  type LacpBond,
  type LacpRun,
  newPort,
  NO_SYSTEM,
  type PortMember,
} from './port.js';
import { chooseActive } from './selection.js';

const SOMEBODY = '02:bb:00:00:00:01';
const STABLE = 0;
const BANDWIDTH = 1;
const COUNT = 2;
const PRIO = 3;

interface Wish {
  /** Ports, each in Mbit/s; those that are down are negative. */
  readonly speeds: readonly number[];
  readonly aggregator?: Partial<Aggregator>;
  readonly prio?: number;
}

/** Aggregators as they are wished, the first of them with number 1, and which one is active now. */
function choose(adSelect: number, wishes: readonly Wish[], active: number | null): number | null {
  const members: PortMember[] = [];
  const lacp = {
    system: '02:00:00:00:00:01',
    systemPriority: 1,
    aggregators: 0,
    selectTicks: 0,
    ports: [],
    idleTicks: 0,
  };
  const bond = {
    name: 'bond0',
    address: '02:00:00:00:00:01',
    adminUp: true,
    members,
    numbers: { ad_select: adSelect, all_slaves_active: 0, lacp_quirks: 0, ad_user_port_key: 0 },
    adActorSystem: NO_SYSTEM,
    lacp,
    timers: { lacp: null },
  } as unknown as LacpBond;
  const run: LacpRun = { bond, lacp, out: [], now: 0 };
  const heads: Aggregator[] = [];
  for (const { speeds, aggregator, prio = 255 } of wishes) {
    const ports = speeds.map(speed => {
      const member: PortMember = {
        member: members.length + 1,
        name: `eth${members.length + 1}`,
        permanentAddress: '02:00:00:00:00:01',
        adminUp: true,
        carrier: speed > 0,
        link: speed > 0 ? 'up' : 'down',
        speedMbps: Math.abs(speed),
        duplex: 'full',
        actorPortPrio: prio,
        state: 'backup',
        inactive: true,
      };
      members.push(member);
      const port = newPort(bond, run.lacp, member);
      port.enabled = speed > 0;
      run.lacp.ports.push(port);
      return port;
    });
    const [head] = ports;
    if (head === undefined) continue;
    Object.assign(head.own, { actorKey: 9, partnerSystem: SOMEBODY, ...aggregator });
    head.own.ports = ports.map(({ member }) => member);
    head.own.active = heads.length + 1 === active;
    heads.push(head.own);
  }
  chooseActive(run);
  const chosen = activeAggregator(run.lacp);
  return chosen === null ? null : heads.indexOf(chosen) + 1;
}

test.each<[string, number, Wish[], number | null, number | null]>([
  ['of equals the first', BANDWIDTH, [{ speeds: [1000] }, { speeds: [1000] }], null, 1],
  ['of equals the active one', BANDWIDTH, [{ speeds: [1000] }, { speeds: [1000] }], 2, 2],
  ['more bandwidth', BANDWIDTH, [{ speeds: [1000, 1000] }, { speeds: [10_000] }], 1, 2],
  ['more ports', COUNT, [{ speeds: [10_000] }, { speeds: [1000, 1000] }], 1, 2],
  ['of as many ports more bandwidth', COUNT, [{ speeds: [1000] }, { speeds: [10_000] }], 1, 2],
  ['ports that are down do not count', COUNT, [{ speeds: [1000, -1000] }, { speeds: [100] }], null, 1],
  [
    'the sum of priorities',
    PRIO,
    [
      { speeds: [10_000, 10_000], prio: 10 },
      { speeds: [1000], prio: 21 },
    ],
    1,
    2,
  ],
  [
    'of equal priorities more ports',
    PRIO,
    [
      { speeds: [1000], prio: 20 },
      { speeds: [100, 100], prio: 10 },
    ],
    1,
    2,
  ],
  [
    'stable: the active one, whatever the others have',
    STABLE,
    [{ speeds: [100] }, { speeds: [10_000] }],
    1,
    1,
  ],
  ['stable: not one whose ports are all down', STABLE, [{ speeds: [-100] }, { speeds: [100] }], 1, 2],
  [
    'stable: not one that nobody answers',
    STABLE,
    [{ speeds: [100], aggregator: { partnerSystem: NO_SYSTEM } }, { speeds: [100] }],
    1,
    2,
  ],
  [
    'stable: one that nobody answers, among such',
    STABLE,
    [
      { speeds: [100], aggregator: { partnerSystem: NO_SYSTEM } },
      { speeds: [1000], aggregator: { partnerSystem: NO_SYSTEM } },
    ],
    1,
    1,
  ],
  [
    'stable: not one without a key',
    STABLE,
    [{ speeds: [100], aggregator: { actorKey: 0 } }, { speeds: [1000] }],
    1,
    2,
  ],
  [
    'not an individual one',
    BANDWIDTH,
    [{ speeds: [100] }, { speeds: [10_000], aggregator: { individual: true } }],
    null,
    1,
  ],
  [
    'an individual one where there is no other',
    BANDWIDTH,
    [{ speeds: [10], aggregator: { individual: true } }],
    null,
    1,
  ],
  ['none where nothing is up', BANDWIDTH, [{ speeds: [-1000] }, { speeds: [-1000] }], 1, null],
])('%s', (_what, adSelect, wishes, active, expected) => {
  expect(choose(adSelect, wishes, active)).toBe(expected);
});
