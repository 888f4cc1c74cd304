// Random worlds of 802.3ad, on machines from quick to slow: no rule may be broken. LACP_WORLDS=N runs as many, LACP_WORLD=SEED that one.
import { expect, test } from 'vitest';
import { Bond } from '../src/policy/index.js';
import { createUnfinishedBond } from '../src/policy/testing.js';
import { checkScenario, PACES, type PolicyMaker, printScenario, simulate } from '../src/simulator/index.js';
import { lacpWorld } from './support/lacp-worlds.js';

const policies: PolicyMaker = {
  create: createUnfinishedBond,
  restore: (saved, now) => Bond.restore(saved, now),
};

const WORLDS = Number(process.env['LACP_WORLDS'] ?? 60);
const FIRST = Number(process.env['LACP_WORLD'] ?? 1);

test(`${WORLDS} random worlds keep every rule`, () => {
  for (let seed = FIRST; seed < FIRST + WORLDS; seed++) {
    const scenario = lacpWorld(seed);
    expect(checkScenario(structuredClone(scenario))).toMatchObject({ ok: true });
    const pace = PACES[seed % PACES.length] ?? PACES[0];
    const simulated = simulate(scenario, { seed, pace, policies });
    if (!simulated.ok) throw new Error(`seed ${seed}: ${simulated.error}`);
    const [first] = simulated.value.violations;
    if (first !== undefined) {
      const text = `seed ${seed}: ${first.rule} of ${first.of} at ${first.atMs} ms: ${first.message}`;
      throw new Error(`${text}\n${printScenario(scenario)}`);
    }
  }
});
