// Comparing timelines: tolerances are per observation, the first difference is named and shown on both sides.
import { describe, expect, it } from 'vitest';
import { compareTimelines, unmet } from './compare-timelines.js';
import type { Observation, Timeline, Value } from './observations.js';
import { randomScenario } from './generate.js';
import type { Scenario, Watch } from './scenario.js';

function change(atMs: number, value: Value, property: Observation['property'] = 'active'): Observation {
  return { atMs, of: 'a/bond0', property, how: 'change', value };
}

function timeline(observations: Observation[], arm: Timeline['arm'] = 'simulated'): Timeline {
  return { scenario: 's', arm, ranBy: 'test', observations };
}

const watch: Watch = { of: 'a/bond0', property: 'active', how: 'change', withinMs: 100 };

describe('compareTimelines()', () => {
  it('finds nothing between equal ones and says how much it compared', () => {
    const one = timeline([change(0, 'eth0'), change(2100, 'eth1')]);
    expect(compareTimelines(one, one, [watch])).toEqual({ compared: 2, divergence: null });
  });

  it('allows a change to be as far apart as its watch says, and no further', () => {
    const one = timeline([change(0, 'eth0'), change(2100, 'eth1')]);
    const near = timeline([change(0, 'eth0'), change(2190, 'eth1')], 'driver');
    const far = timeline([change(0, 'eth0'), change(2250, 'eth1')], 'driver');
    expect(compareTimelines(one, near, [watch]).divergence).toBeNull();
    expect(compareTimelines(one, far, [watch]).divergence).toMatchObject({
      of: 'a/bond0',
      property: 'active',
      atMs: 2100,
    });
    expect(compareTimelines(one, near, []).divergence).toBeNull();
  });

  it('names the first difference in time and shows both sides', () => {
    const one = timeline([change(0, 'eth0'), change(100, true, 'carrier'), change(900, 'eth1')]);
    const other = timeline([change(0, 'eth0'), change(100, false, 'carrier'), change(900, 'eth2')], 'driver');
    const { divergence } = compareTimelines(one, other, [watch]);
    expect(divergence).toMatchObject({ property: 'carrier', atMs: 100 });
    expect(divergence?.text).toContain('simulated (test)');
    expect(divergence?.text).toMatch(/carrier true +\| +100\.0 a\/bond0 carrier false/);
  });

  it('sees a change that only one side has', () => {
    const one = timeline([change(0, 'eth0')]);
    const other = timeline([change(0, 'eth0'), change(50, null)]);
    expect(compareTimelines(one, other, [watch]).divergence?.reason).toMatch(/only the right/);
  });

  it('leaves out values that were held for a moment, where the watch says so', () => {
    const one = timeline([change(0, 'eth0'), change(500, null), change(501, 'eth1')]);
    const other = timeline([change(0, 'eth0'), change(505, 'eth1')]);
    expect(compareTimelines(one, other, [watch]).divergence).not.toBeNull();
    expect(compareTimelines(one, other, [{ ...watch, ignoreShorterThanMs: 5 }]).divergence).toBeNull();
  });

  it('lets numbers differ by what their watch says', () => {
    const total = (value: number): Timeline =>
      timeline([{ atMs: 9, of: 'flow f', property: 'lost', how: 'total', value }]);
    const by: Watch = { of: 'flow f', property: 'lost', how: 'total', by: 3 };
    expect(compareTimelines(total(5), total(8), [by]).divergence).toBeNull();
    expect(compareTimelines(total(5), total(9), [by]).divergence?.reason).toMatch(/5 left and 9 right/);
  });
});

describe('unmet()', () => {
  const scenario: Scenario = {
    ...randomScenario(1),
    events: [{ atMs: 5, do: 'daemon-start', host: 'host1', refused: 'EPERM' }],
    expect: [
      { of: 'a/bond0', property: 'active', sequence: ['eth0', 'eth1'] },
      { of: 'a/bond0', property: 'active', atMs: 600, is: 'eth1' },
      { of: 'flow f', property: 'lost', atMost: 3 },
    ],
  };

  it('is silent when everything is as expected', () => {
    const seen: Observation[] = [
      change(0, 'eth0'),
      { atMs: 5, of: 'event 0', property: 'errno', how: 'event', value: 'EPERM' },
      change(500, 'eth1'),
      { atMs: 900, of: 'flow f', property: 'lost', how: 'total', value: 3 },
    ];
    expect(unmet(scenario, timeline(seen))).toEqual([]);
  });

  it('counts from an earlier sample where it is told to', () => {
    const sample = (atMs: number, value: Value): Observation => ({
      atMs,
      of: 'a/eth0',
      property: 'lacpdus',
      how: 'sample',
      value,
    });
    const wish = { of: 'a/eth0', property: 'lacpdus', atMs: 900, sinceMs: 100 } as const;
    const seen = timeline([sample(100, 7), sample(900, 9)]);
    const grown = (more: { atLeast?: number; atMost?: number }): string[] =>
      unmet({ ...scenario, events: [], expect: [{ ...wish, ...more }] }, seen);
    expect(grown({ atLeast: 2, atMost: 2 })).toEqual([]);
    expect(grown({ atMost: 1 })).toEqual(['a/eth0 lacpdus: is 2 at 900 ms, expected at most 1']);
    expect(unmet({ ...scenario, events: [], expect: [{ ...wish, sinceMs: 50 }] }, seen)).toEqual([
      'a/eth0 lacpdus: was not observed at 50 ms',
    ]);
  });

  it('names what is otherwise and what was not looked at', () => {
    const seen: Observation[] = [
      { atMs: 5, of: 'event 0', property: 'errno', how: 'event', value: 'ok' },
      change(0, 'eth0'),
    ];
    const problems = unmet(scenario, timeline(seen));
    expect(problems).toHaveLength(4);
    expect(problems[0]).toMatch(/errno is "ok", expected EPERM/);
    expect(problems[3]).toMatch(/was not observed/);
  });
});
