// Uplinks in virtual time: stored scenarios keep what they expect, random ones keep every rule. `npm run soak -- --uplinks` runs many more.
import { describe, expect, it } from 'vitest';
import {
  checkUplinkScenario,
  parseAnyScenario,
  printScenario,
  randomUplink,
  shrinkUplink,
  simulateUplink,
  unmetOfUplink,
  type UplinkScenario,
} from '../src/simulator/index.js';
import { storedUplinks, uplinkScenario } from './support/uplink-scenarios.js';

const SEEDS = 60;

describe('stored uplinks', () => {
  it.each([...storedUplinks(), 'silent-line', 'metered-lte', 'rough-line'])('%s', name => {
    const scenario = uplinkScenario(name);
    const simulated = simulateUplink(scenario);
    expect(unmetOfUplink(scenario, simulated)).toEqual([]);
    expect(simulated.violations).toEqual([]);
  });
});

describe('random uplinks', () => {
  it(`keep every rule, ${SEEDS} of them`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const [first] = simulateUplink(randomUplink(seed), { seed }).violations;
      if (first === undefined) continue;
      const text = `seed ${seed}: ${first.rule} at ${first.atMs} ms: ${first.message}`;
      throw new Error(`${text}\nTo keep under test/uplink-scenarios/:\n${printScenario(randomUplink(seed))}`);
    }
  });

  it('are valid, print and parse to themselves, and do not depend on anything but their seed', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const scenario = randomUplink(seed);
      expect(checkUplinkScenario(scenario)).toEqual({ ok: true, value: scenario });
      expect(parseAnyScenario(printScenario(scenario))).toEqual({ ok: true, value: scenario });
      expect(randomUplink(seed)).toEqual(scenario);
    }
  });

  it('shrink to the least one that still shows what is looked for', () => {
    const isCut = ({ steps }: UplinkScenario): boolean => steps.some(step => step.do === 'cut');
    const seeds = Array.from({ length: 50 }, (_, at) => at + 1);
    const least = shrinkUplink(randomUplink(seeds.find(seed => isCut(randomUplink(seed))) ?? 1), isCut);
    expect(least.steps).toHaveLength(1);
    expect(least.uplink.lines).toHaveLength(1);
    expect(least.uplink.traffic).toEqual([]);
  });
});
