// Random worlds of 802.3ad, on machines from quick to slow: no rule may be broken. LACP_WORLDS=N runs as many, LACP_WORLD=SEED that one.
import { expect, test } from 'vitest';
import { Bond, createBond } from '../src/policy/index.js';
import {
  checkScenario,
  PACES,
  type PolicyMaker,
  printScenario,
  type Scenario,
  simulate,
  type Simulated,
} from '../src/simulator/index.js';
import { lacpWorld } from './support/lacp-worlds.js';
import { switchWorld } from './support/switch-random.js';

const policies: PolicyMaker = {
  create: createBond,
  restore: (saved, now) => Bond.restore(saved, now),
};

const WORLDS = Number(process.env['LACP_WORLDS'] ?? 60);
const FIRST = Number(process.env['LACP_WORLD'] ?? 1);

/**
 * A port that is passed over as silent, though nothing was lost on its cable since long before: lacp_fast_silence was wrong. What its
 * end has back up to a second later is right, and so is what a partner that was told to be another leaves out.
 */
function falseAlarms({ events }: Scenario, { told }: Simulated): string[] {
  return told.flatMap(({ atMs, event }) => {
    if (event.member === undefined || !event.message.includes('fell silent although')) return [];
    const end = `left:${event.member}`;
    const before = events.filter(each => each.atMs <= atMs);
    const lost = before.findLast(each => each.do === 'lose' && each.end === end);
    const isLossy = lost?.do === 'lose' && lost.percent > 0;
    const wasLossy = before.some(
      each => each.do === 'lose' && each.end === end && each.percent === 0 && atMs - each.atMs < 1000,
    );
    return isLossy || wasLossy ? [] : [`${event.member} at ${atMs} ms`];
  });
}

/** Every third world has switches that aggregate. */
function worldOf(seed: number): Scenario {
  return seed % 3 === 0 ? switchWorld(seed) : lacpWorld(seed);
}

test(`${WORLDS} random worlds keep every rule`, () => {
  for (let seed = FIRST; seed < FIRST + WORLDS; seed++) {
    const scenario = worldOf(seed);
    expect([seed, checkScenario(structuredClone(scenario))]).toMatchObject([seed, { ok: true }]);
    const pace = PACES[seed % PACES.length] ?? PACES[0];
    const simulated = simulate(scenario, { seed, pace, policies });
    if (!simulated.ok) throw new Error(`seed ${seed}: ${simulated.error}`);
    // A switch that reboots, or whose group is gone, is silent.
    if (scenario.switches.length === 0)
      expect([seed, falseAlarms(scenario, simulated.value)]).toEqual([seed, []]);
    const [first] = simulated.value.violations;
    if (first !== undefined) {
      const text = `seed ${seed}: ${first.rule} of ${first.of} at ${first.atMs} ms: ${first.message}`;
      throw new Error(`${text}\n${printScenario(scenario)}`);
    }
  }
});
