// Switches that aggregate, in the simulation: channel groups by LACP and static ones, pairs (MLAG), and what befalls them.
import { describe, expect, test } from 'vitest';
import {
  checkScenario,
  type Scenario,
  simulate,
  type Simulated,
  type TimedEvent,
  type Watch,
} from '../src/simulator/index.js';
import { LACP, oneSwitch, PAIR, RR, world, XOR } from './support/switch-worlds.js';

function run(scenario: Scenario): Simulated {
  const checked = checkScenario(structuredClone(scenario));
  if (!checked.ok) throw new Error(checked.error);
  const simulated = simulate(checked.value);
  if (!simulated.ok) throw new Error(simulated.error);
  expect(simulated.value.violations).toEqual([]);
  expect(simulated.value.flows.filter(({ duplicated }) => duplicated > 0)).toEqual([]);
  return simulated.value;
}

const watchOf = (of: string, property: Watch['property']): Watch => ({ of, property, how: 'change' });
/** Values of a watch one after the other. */
const values = ({ timeline }: Simulated, of: string, property: string): unknown[] =>
  timeline.observations
    .filter(each => each.how === 'change' && each.of === of && each.property === property)
    .map(({ value }) => value);
const timesOf = ({ timeline }: Simulated, of: string): number[] =>
  timeline.observations.filter(each => each.how === 'change' && each.of === of).map(({ atMs }) => atMs);
const lostOf = ({ flows }: Simulated): number => flows.reduce((sum, { lost }) => sum + lost, 0);
const messages = ({ told }: Simulated): string[] => told.map(({ event }) => event.message);

describe('a switch with a channel group', () => {
  test.each([
    ['fast', 'active', 'fast', 'on'],
    ['slow', 'active', 'slow', 'on'],
    ['fast', 'passive', 'slow', 'on'],
    ['slow', 'active', 'fast', 'off'],
  ] as const)('agrees: rate %s, lacp %s, the host %s and %s', (rate, lacp, lacp_rate, lacp_active) => {
    const simulated = run(
      oneSwitch(
        { rate, lacp },
        {
          options: { ...LACP, lacp_rate, lacp_active },
          watch: ['sw:1', 'sw:2', 'left/eth0', 'left/eth1'].map(of => watchOf(of, 'state')),
        },
      ),
    );
    for (const of of ['sw:1', 'sw:2', 'left/eth0', 'left/eth1'])
      expect(values(simulated, of, 'state')).toEqual(['active']);
    expect(lostOf(simulated)).toBe(0);
    expect(simulated.bonds[0]?.bond.lacp?.active).toMatchObject({
      partnerKey: 1,
      partnerSystem: '02:b2:00:00:00:00',
    });
  });

  test('spreads what it sends over the ports that carry, and by the one that is left', () => {
    const simulated = run(
      oneSwitch(
        { rate: 'fast' },
        {
          events: [
            { do: 'cut', end: 'left:eth0', atMs: 3000 },
            { do: 'restore', end: 'left:eth0', atMs: 6000 },
          ],
          watch: [watchOf('sw:1', 'state')],
        },
      ),
    );
    expect(values(simulated, 'sw:1', 'state')).toEqual(['active', 'backup', 'active']);
    expect(timesOf(simulated, 'sw:1')[2]).toBeLessThan(8600);
    // What was in the cable.
    expect(lostOf(simulated)).toBeLessThanOrEqual(4);
  });

  test('that has only passive ports, as the host, agrees on nothing; it suspends them', () => {
    const options = { ...LACP, lacp_active: 'off' };
    const simulated = run(oneSwitch({ lacp: 'passive' }, { options, watch: [watchOf('sw:1', 'state')] }));
    expect(values(simulated, 'sw:1', 'state')).toEqual(['backup']);
    expect(simulated.flows.every(({ received }) => received === 0)).toBe(true);
    expect(simulated.bonds[0]?.bond.lacp?.ports[0]?.explanation?.text).toContain('both ends are passive');
  });

  test('whose ports are in two groups: one carries, and it is told why', () => {
    const switches = [
      {
        name: 'sw',
        groups: [
          { name: '1', ports: ['1'] },
          { name: '2', ports: ['2'] },
        ],
      },
    ];
    const simulated = run(oneSwitch({}, { switches, watch: [watchOf('left/eth1', 'state')] }));
    expect(values(simulated, 'left/eth1', 'state')).toEqual(['backup']);
    expect(lostOf(simulated)).toBe(0);
    expect(simulated.bonds[0]?.bond.lacp?.ports[1]?.explanation?.text).toBe(
      "the partner of eth1 is port 2 of 02:b2:00:00:00:00 with key 2, that of eth0 is port 1 with key 1: the switch's ports are not in one channel group",
    );
  });

  test('whose port goes to another group and back', () => {
    const groups = [
      { name: '1', ports: ['1', '2'], rate: 'fast' },
      { name: '2', ports: [] },
    ] as const;
    const simulated = run(
      oneSwitch(
        {},
        {
          switches: [{ name: 'sw', groups }],
          events: [
            { do: 'group-move', switch: 'sw', port: '2', group: '2', atMs: 3000 },
            { do: 'group-move', switch: 'sw', port: '2', group: '1', atMs: 9000 },
          ],
          watch: [watchOf('left/eth1', 'state')],
          lengthMs: 20_000,
        },
      ),
    );
    expect(values(simulated, 'left/eth1', 'state')).toEqual(['active', 'backup', 'active']);
    expect(messages(simulated)).toContainEqual(
      expect.stringContaining("the switch's ports are not in one channel group"),
    );
  });

  test('whose group gets another key agrees again; another rate changes nothing but how often the host speaks', () => {
    const change = (to: Extract<TimedEvent, { do: 'group-set' }>['to']): Simulated =>
      run(
        oneSwitch(
          { rate: 'fast' },
          {
            events: [{ do: 'group-set', switch: 'sw', group: '1', to, atMs: 3000 }],
            watch: [watchOf('left/eth0', 'partner-flags'), watchOf('left/eth0', 'state')],
          },
        ),
      );
    const keyed = change({ key: 77 });
    expect(keyed.bonds[0]?.bond.lacp?.active).toMatchObject({ partnerKey: 77, ports: 2 });
    expect(keyed.groups[0]?.ports.every(({ carries }) => carries)).toBe(true);
    const paced = change({ rate: 'slow' });
    expect(values(paced, 'left/eth0', 'partner-flags')).toEqual(['ATGSCD', 'AGSCD']);
    expect(values(paced, 'left/eth0', 'state')).toEqual(['active']);
    expect(lostOf(paced)).toBe(0);
  });

  test('whose group is removed: after three seconds one port of the host carries without LACP', () => {
    const simulated = run(
      oneSwitch(
        { rate: 'fast' },
        {
          events: [{ do: 'group-remove', switch: 'sw', group: '1', atMs: 3000 }],
          watch: [watchOf('left/eth0', 'state'), watchOf('left/eth1', 'state'), watchOf('sw:1', 'state')],
        },
      ),
    );
    expect(values(simulated, 'sw:1', 'state')).toEqual(['active', 'none']);
    const carrying = simulated.bonds[0]?.bond.lacp?.ports.filter(({ carries }) => carries);
    expect(carrying).toHaveLength(1);
    expect(messages(simulated)).toContainEqual(expect.stringContaining('does not speak LACP'));
  });

  test('that reboots: the host is back when it is ready, and not before', () => {
    const simulated = run(
      oneSwitch(
        { rate: 'fast' },
        {
          events: [{ do: 'reboot', switch: 'sw', downMs: 2000, readyMs: 3000, atMs: 3000 }],
          watch: [watchOf('left/bond0', 'carrier'), watchOf('left/eth0', 'state')],
          lengthMs: 20_000,
        },
      ),
    );
    // With lacp_fallback=one the first port is up without LACP, as with the driver.
    expect(values(simulated, 'left/bond0', 'carrier')).toEqual([true, false, true]);
    expect(simulated.groups[0]?.ports.every(({ carries }) => carries)).toBe(true);
    const gap = Math.max(...simulated.flows.map(({ longestGapMs }) => longestGapMs));
    expect(gap).toBeGreaterThan(5000);
    expect(gap).toBeLessThan(9000);
  });

  test.each([
    ['suspend', 0],
    ['individual', 1],
  ] as const)('that sees a host boot without LACP (PXE), with %s', (withoutLacp, carrying) => {
    // Before its bond speaks, the host has one plain interface on a port of the group.
    const simulated = run(
      oneSwitch(
        { withoutLacp },
        {
          left: ['sw:1'],
          right: ['sw:3'],
          switches: [{ name: 'sw', groups: [{ name: '1', ports: ['1'], withoutLacp }] }],
        },
      ),
    );
    const arrived = simulated.flows.filter(({ received }) => received > 0).length;
    expect(arrived > 0 ? 1 : 0).toBe(carrying);
    if (carrying === 1) expect(lostOf(simulated)).toBe(0);
  });
});

describe('a static group', () => {
  test.each([
    ['balance-xor', XOR],
    ['balance-rr', RR],
  ])('and %s carry on both cables; a cut one costs what the monitor needs', (_, options) => {
    const events: TimedEvent[] = [{ do: 'cut', end: 'left:eth0', atMs: 3000 }];
    const simulated = run(oneSwitch({ lacp: 'off' }, { options, events }));
    // What is in the cable, and a tick of miimon; each way.
    expect(lostOf(simulated)).toBeLessThanOrEqual(8);
    expect(simulated.groups[0]?.ports).toEqual([
      { port: '1', carries: false },
      { port: '2', carries: true },
    ]);
  });

  test('facing a bond that speaks LACP loses what it sends by the other port, and it is told why', () => {
    const simulated = run(oneSwitch({ lacp: 'off' }));
    const lost = simulated.flows.filter(({ lost: each, sent }) => each === sent);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.every(({ name }) => name.startsWith('in'))).toBe(true);
    expect(simulated.bonds[0]?.bond.lacp?.ports[1]?.explanation?.text).toContain('a static trunk');
    // With lacp_fallback=static it carries on both, as the switch does.
    const options = { ...LACP, lacp_fallback: 'static' };
    expect(lostOf(run(oneSwitch({ lacp: 'off' }, { options })))).toBe(0);
  });
});

describe('a pair of switches', () => {
  test('shows one system, so that both ends of the bond are in one aggregate', () => {
    const simulated = run(world(PAIR));
    expect(lostOf(simulated)).toBe(0);
    for (const { bond } of simulated.bonds) {
      expect(bond.lacp?.active?.ports).toBe(2);
      expect(bond.lacp?.ports.map(({ partner }) => partner.port > 0x4000)).toEqual([false, true]);
    }
  });

  test.each(['A', 'B'])('whose %s dies: the other one carries all', node => {
    const simulated = run(
      world({
        ...PAIR,
        events: [
          { do: 'kill', node, atMs: 3000 },
          { do: 'revive', node, atMs: 9000 },
        ],
        watch: [watchOf('left/bond0', 'carrier'), watchOf('A:1', 'state'), watchOf('B:1', 'state')],
        lengthMs: 20_000,
      }),
    );
    expect(values(simulated, 'left/bond0', 'carrier')).toEqual([true]);
    expect(values(simulated, `${node}:1`, 'state')).toEqual(['active', 'backup', 'active']);
    expect(values(simulated, `${node === 'A' ? 'B' : 'A'}:1`, 'state')).toEqual(['active']);
    expect(lostOf(simulated)).toBeLessThanOrEqual(8);
  });

  // As ports of the driver, those that are coupled send as soon as the partner is in sync, up to a tick before it takes anything in.
  test.each([
    ['on', 8 + 8 * 5],
    ['off', 8],
  ])(
    'whose peer link is cut: the secondary shuts the ports of its groups, and has them back after; coupled_control=%s',
    (coupled_control, most) => {
      const simulated = run(
        world({
          ...PAIR,
          options: { ...LACP, coupled_control },
          events: [
            { do: 'cut', end: 'A:peer', atMs: 3000 },
            { do: 'restore', end: 'A:peer', atMs: 9000 },
          ],
          watch: [watchOf('B:1', 'carrier'), watchOf('A:1', 'carrier'), watchOf('left/eth1', 'state')],
          lengthMs: 20_000,
        }),
      );
      expect(values(simulated, 'B:1', 'carrier')).toEqual([true, false, true]);
      expect(values(simulated, 'A:1', 'carrier')).toEqual([true]);
      expect(values(simulated, 'left/eth1', 'state')).toEqual(['active', 'backup', 'active']);
      expect(lostOf(simulated)).toBeLessThanOrEqual(most);
    },
  );

  test('floods what it does not know once: not by the ports that the other switch has served', () => {
    // Addresses are forgotten before the next packet, so that every one is flooded.
    const switches = PAIR.switches.map(each => ({ ...each, ageingMs: 1 }));
    const simulated = run(
      world({
        ...PAIR,
        switches,
        events: [
          { do: 'cut', end: 'right:eth1', atMs: 3000 },
          { do: 'cut', end: 'left:eth0', atMs: 6000 },
        ],
      }),
    );
    expect(lostOf(simulated)).toBeLessThanOrEqual(8);
  });

  test('whose peer link is cut and whose primary dies then: the secondary carries on', () => {
    const simulated = run(
      world({
        ...PAIR,
        events: [
          { do: 'cut', end: 'A:peer', atMs: 3000 },
          { do: 'kill', node: 'A', atMs: 5000 },
        ],
        watch: [watchOf('B:1', 'carrier')],
      }),
    );
    expect(values(simulated, 'B:1', 'carrier')).toEqual([true, false, true]);
    expect(
      simulated.groups.filter(({ owner }) => owner === 'B').map(({ ports }) => ports[0]?.carries),
    ).toEqual([true, true]);
  });

  test('takes what comes to a port of one switch to a bond whose cable to that one is cut, by the peer link', () => {
    const simulated = run(
      world({
        ...PAIR,
        right: ['A:2'],
        switches: PAIR.switches.map(({ name, groups = [] }) => ({ name, groups: groups.slice(0, 1) })),
        events: [{ do: 'cut', end: 'left:eth0', atMs: 3000 }],
      }),
    );
    expect(lostOf(simulated)).toBeLessThanOrEqual(8);
  });

  test('may have a trunk to another switch, over both of them', () => {
    const simulated = run(
      world({
        ...PAIR,
        switches: [...PAIR.switches, { name: 'core', groups: [{ name: 'down', ports: ['1', '2'] }] }],
        cables: [...(PAIR.cables ?? []), { a: 'A:2', b: 'core:1' }, { a: 'B:2', b: 'core:2' }],
        right: ['core:3'],
        events: [
          { do: 'cut', end: 'left:eth0', atMs: 3000 },
          { do: 'kill', node: 'B', atMs: 9000 },
        ],
      }),
    );
    // Nothing is left of the bond after that: both its cables are dead.
    expect(simulated.flows[0]?.received).toBeGreaterThanOrEqual(359);
  });

  test('without the pair it is two switches, and one carries', () => {
    const { pairs: _pairs, ...apart } = PAIR;
    const simulated = run(world({ ...apart, watch: [watchOf('left/eth1', 'state')] }));
    expect(values(simulated, 'left/eth1', 'state')).toEqual(['backup']);
    expect(simulated.bonds[0]?.bond.lacp?.ports[1]?.explanation?.text).toContain(
      'two switches need MLAG or vPC, which shows one system address',
    );
  });
});
