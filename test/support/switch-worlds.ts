// Two hosts on switches that aggregate, as scenarios for tests.
import type {
  GroupSpec,
  PairSpec,
  Scenario,
  SwitchSpec,
  TimedEvent,
  Watch,
} from '../../src/simulator/index.js';

type Options = Readonly<Record<string, string>>;
export const LACP: Options = {
  mode: '802.3ad',
  miimon: '100',
  lacp_rate: 'fast',
  xmit_hash_policy: 'layer3+4',
};
export const XOR: Options = { mode: 'balance-xor', miimon: '100', xmit_hash_policy: 'layer3+4' };
export const RR: Options = { mode: 'balance-rr', miimon: '100' };

export interface Given {
  readonly options?: Options;
  readonly switches: readonly SwitchSpec[];
  readonly pairs?: readonly PairSpec[];
  /** Beside those of the bonds. */
  readonly cables?: Scenario['cables'];
  /** Where the cables of each host's eth0, eth1 go; `peer` has an interface without a bond at the first of its one. */
  readonly left: readonly string[];
  readonly right: readonly string[];
  readonly events?: readonly TimedEvent[];
  readonly watch?: readonly Watch[];
  readonly lengthMs?: number;
}

/** Two hosts with four flows each way; one with a single cable has no bond. */
export function world(given: Given): Scenario {
  const { options = LACP, switches, pairs, cables = [], left, right, events = [], watch = [] } = given;
  const { lengthMs = 15_000 } = given;
  const host = (name: string, address: string, ends: readonly string[]): Scenario['hosts'][number] => {
    const names = ends.map((_, at) => `eth${at}`);
    if (ends.length === 1) return { name, interfaces: [{ name: 'eth0', addresses: [`${address}/24`] }] };
    return {
      name,
      interfaces: names.map(each => ({ name: each })),
      bonds: [{ name: 'bond0', options, members: names, addresses: [`${address}/24`] }],
    };
  };
  const flow = (name: string, from: string, to: string, address: string): Scenario['flows'][number] => ({
    name,
    from,
    to,
    address,
    packetsPerSecond: 40,
    bytes: 64,
    startMs: 0,
    endMs: lengthMs - 500,
  });
  return {
    version: 1,
    name: 'switches-that-aggregate',
    summary: 'Two hosts on switches that aggregate.',
    arms: ['simulated'],
    hosts: [host('left', '192.0.2.1', left), host('right', '192.0.2.2', right)],
    switches,
    ...(pairs && { pairs }),
    cables: [
      ...cables,
      ...left.map((b, at) => ({ a: `left:eth${at}`, b })),
      ...right.map((b, at) => ({ a: `right:eth${at}`, b })),
    ],
    flows: [1, 2, 3, 4].flatMap(at => [
      flow(`out-${at}`, 'left', 'right', '192.0.2.2'),
      flow(`in-${at}`, 'right', 'left', '192.0.2.1'),
    ]),
    events,
    observe: { atMs: [], watch },
    expect: [],
    lengthMs,
  };
}

/** One switch with a group of two ports for the left host; the right one has a port of its own. */
export function oneSwitch(group: Partial<GroupSpec>, more: Partial<Given> = {}): Scenario {
  const switches = [{ name: 'sw', groups: [{ name: '1', ports: ['1', '2'], ...group }] }];
  return world({ switches, left: ['sw:1', 'sw:2'], right: ['sw:3'], ...more });
}

export const PAIR: Pick<Given, 'switches' | 'pairs' | 'cables' | 'left' | 'right'> = {
  switches: ['A', 'B'].map(name => ({
    name,
    groups: [
      { name: 'to-left', ports: ['1'], rate: 'fast' },
      { name: 'to-right', ports: ['2'], rate: 'fast' },
    ],
  })),
  pairs: [{ name: 'mlag', primary: 'A', secondary: 'B' }],
  cables: [{ a: 'A:peer', b: 'B:peer' }],
  left: ['A:1', 'B:1'],
  right: ['A:2', 'B:2'],
};
