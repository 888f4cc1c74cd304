// What a scenario says of switches, channel groups and pairs that cannot be: one sentence with its place.
import { describe, expect, test } from 'vitest';
import {
  checkScenario,
  type GroupSpec,
  type Scenario,
  simulate,
  type SwitchSpec,
  type TimedEvent,
} from '../src/simulator/index.js';
import { oneSwitch, PAIR, world } from './support/switch-worlds.js';

const problemOf = (scenario: unknown): string => {
  const checked = checkScenario(scenario);
  return checked.ok ? 'nothing' : checked.error;
};

describe('what cannot be is refused with its place', () => {
  const good = oneSwitch({});
  const onSwitch = (groups: readonly unknown[]): unknown => ({ ...good, switches: [{ name: 'sw', groups }] });
  const paired = world(PAIR);
  const event = (given: unknown): unknown => ({ ...good, events: [given] });

  test.each<[unknown, string]>([
    [
      { ...good, arms: undefined },
      'sw: channel groups of switches are there in the simulation alone: arms must be ["simulated"]',
    ],
    [
      { ...world({ ...PAIR, switches: [{ name: 'A' }, { name: 'B' }] }), arms: ['bondwire'] },
      'mlag: pairs of switches are there in the simulation alone: arms must be ["simulated"]',
    ],
    [
      {
        ...world({ switches: [{ name: 'sw' }], left: ['sw:1', 'sw:2'], right: ['sw:3'] }),
        arms: ['driver'],
        events: [{ do: 'reboot', switch: 'sw', downMs: 5, atMs: 1 }],
      },
      'events[0] (reboot): it is there in the simulation alone: arms must be ["simulated"]',
    ],
    [
      onSwitch([{ name: '1', ports: ['1'], rate: 'quick' }]),
      'switches[0].groups[0].rate must be one of slow, fast, not "quick"',
    ],
    [
      onSwitch([{ name: '1', ports: ['1'], key: 0 }]),
      'switches[0].groups[0].key must be a number from 1 to 65534, not 0',
    ],
    [
      onSwitch([
        { name: '1', ports: [] },
        { name: '1', ports: [] },
      ]),
      'sw has two groups called 1',
    ],
    [onSwitch([{ name: '1', ports: ['1', '1'] }]), 'sw:1 is in a group twice'],
    [onSwitch([{ name: '1', ports: ['9'] }]), 'sw: no cable ends at port 9 of its groups'],
    [
      onSwitch([{ name: '1', ports: ['1'], lacp: 'off', rate: 'fast' }]),
      'sw group 1: it is static (lacp off), and has neither rate nor withoutLacp',
    ],
    [
      onSwitch([
        { name: '1', ports: ['1'], key: 5 },
        { name: '2', ports: ['2'], key: 5 },
      ]),
      'groups 1 and 2 of sw have one key (5): what is at their other ends would take them for one',
    ],
    [
      event({ do: 'group-move', switch: 'sw', port: '1', group: '7', atMs: 1 }),
      'events[0] (group-move): sw has no group 7 then',
    ],
    [
      event({ do: 'group-move', switch: 'sw', port: '7', atMs: 1 }),
      'events[0] (group-move): no cable ends at sw:7',
    ],
    [
      event({ do: 'group-set', switch: 'no', group: '1', to: {}, atMs: 1 }),
      'events[0] (group-set): there is no switch no',
    ],
    [
      {
        ...good,
        events: [
          { do: 'group-remove', switch: 'sw', group: '1', atMs: 1 },
          { do: 'group-set', switch: 'sw', group: '1', to: { key: 3 }, atMs: 2 },
        ],
      },
      'events[1] (group-set): sw has no group 1 then',
    ],
    [
      { ...paired, cables: paired.cables.slice(1) },
      'pairs[0] (mlag): one cable between A and B must be their peer link, and there are 0',
    ],
    [
      { ...paired, pairs: [{ name: 'mlag', primary: 'A', secondary: 'C' }] },
      'pairs[0] (mlag): there is no switch C',
    ],
    [
      { ...paired, pairs: [{ name: 'mlag', primary: 'A', secondary: 'A' }] },
      'pairs[0] (mlag): A is in a pair already',
    ],
    [
      { ...paired, pairs: [{ name: 'left', primary: 'A', secondary: 'B' }] },
      'pairs[0] (left): something else is called left',
    ],
    [
      { ...paired, events: [{ do: 'group-move', switch: 'A', port: 'peer', group: 'to-left', atMs: 1 }] },
      'events[0] (group-move): A:peer ends the peer link and can be in no group',
    ],
    [
      {
        ...paired,
        switches: [
          { name: 'A', groups: [{ name: 'to-left', ports: ['1'], key: 3 }] },
          { name: 'B', groups: [{ name: 'to-left', ports: ['1'], key: 4 }] },
        ],
      },
      'group to-left of mlag has key 3 on A and 4 on B: a group of a pair has one key',
    ],
  ])('%#', (scenario, problem) => {
    expect(problemOf(structuredClone(scenario))).toBe(problem);
  });

  test('a trunk between switches that would be a loop without its group', () => {
    const group = (withoutLacp?: 'individual'): GroupSpec => ({
      name: 't',
      ports: ['1', '2'],
      ...(withoutLacp && { withoutLacp }),
    });
    const trunk = (switches: readonly SwitchSpec[], events: readonly TimedEvent[] = []): Scenario =>
      world({
        switches,
        cables: [
          { a: 'x:1', b: 'y:1' },
          { a: 'x:2', b: 'y:2' },
        ],
        left: ['x:3'],
        right: ['y:3'],
        events,
      });
    const both = ['x', 'y'].map(name => ({ name, groups: [group()] }));
    const simulated = simulate(trunk(both));
    expect(simulated.ok && simulated.value.violations).toEqual([]);
    expect(simulated.ok && simulated.value.flows.every(({ lost }) => lost === 0)).toBe(true);
    expect(problemOf(trunk([{ name: 'x', groups: [group()] }, { name: 'y' }]))).toBe(
      'the cable from x:2 to y:2 closes a loop of switches',
    );
    const remove: TimedEvent = { do: 'group-remove', switch: 'y', group: 't', atMs: 5 };
    expect(problemOf(trunk(both, [remove]))).toBe(
      'events[0] (group-remove): then the cable from x:2 to y:2 closes a loop of switches',
    );
    expect(problemOf(trunk(['x', 'y'].map(name => ({ name, groups: [group('individual')] }))))).toBe(
      'x:1 leads to a switch: ports of its group without LACP would be a loop, so withoutLacp cannot be individual',
    );
  });
});
