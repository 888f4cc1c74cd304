// Random networks in trouble, by the thousand: no checker may find anything. A failing one is shrunk and printed as a file
// to keep under test/scenarios/. `npm run soak` runs many more.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkScenario,
  PACES,
  parseScenario,
  printScenario,
  randomScenario,
  type Scenario,
  shrinkScenario,
  simulate,
  type Violation,
} from '../src/simulator/index.js';
import { anyScenario } from './support/scenario-arbitrary.js';

const RUNS = 3000;
const LONGEST_MS = 40_000;

function violations(scenario: Scenario): readonly Violation[] {
  const seed = Number(/\d+$/.exec(scenario.name)?.[0] ?? 0);
  const simulated = simulate(scenario, { seed, pace: PACES[seed % PACES.length] ?? PACES[0] });
  if (!simulated.ok) throw new Error(`${scenario.name} cannot be built: ${simulated.error}`);
  return simulated.value.violations;
}

describe('random scenarios', () => {
  it(`keep every rule, ${RUNS} of them or as many as fit into ${LONGEST_MS} ms`, () => {
    fc.assert(
      fc.property(anyScenario(), scenario => {
        const [first] = violations(scenario);
        if (first === undefined) return;
        const text = `${first.rule} of ${first.of} at ${first.atMs} ms: ${first.message}`;
        throw new Error(`${text}\nTo keep under test/scenarios/:\n${printScenario(scenario)}`);
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: LONGEST_MS },
    );
  });

  it('are valid, print and parse to themselves, and do not depend on anything but their seed', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const scenario = randomScenario(seed);
      expect(checkScenario(scenario)).toEqual({ ok: true, value: scenario });
      expect(parseScenario(printScenario(scenario))).toEqual({ ok: true, value: scenario });
      expect(randomScenario(seed)).toEqual(scenario);
    }
  });

  it('shrink to the least scenario that still shows what is looked for', () => {
    const hasCut = (scenario: Scenario): boolean => scenario.events.some(event => event.do === 'cut');
    const seed = Array.from({ length: 50 }, (_, at) => at + 1).find(each => hasCut(randomScenario(each)));
    const least = shrinkScenario(randomScenario(seed ?? 1), hasCut);
    expect(least.events).toHaveLength(1);
    expect(least.hosts).toHaveLength(1);
    expect(least.flows).toEqual([]);
  });
});
