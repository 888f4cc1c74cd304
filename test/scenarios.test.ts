// Every stored scenario, in the simulated arm: it can be read and printed, keeps its expectations, and breaks no rule.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseScenario, printScenario, type Scenario, simulate, unmet } from '../src/simulator/index.js';

function filesIn(folder: string): [file: string, text: string][] {
  const root = fileURLToPath(new URL(folder, import.meta.url));
  const names = readdirSync(root).filter(name => name.endsWith('.json'));
  return names.map(name => [name, readFileSync(`${root}/${name}`, 'utf8')]);
}

function read(text: string): Scenario {
  const parsed = parseScenario(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

/** Those of uplinks are read by uplinks-simulated.test.ts. */
const stored = [...filesIn('scenarios'), ...filesIn('../examples')].filter(
  ([, text]) => !Object.hasOwn(JSON.parse(text) as object, 'uplink'),
);

describe('stored scenarios', () => {
  it.each(stored)('%s is called like its file and prints as it is stored', (file, text) => {
    const scenario = read(text);
    expect(`${scenario.name}.json`).toBe(file);
    expect(printScenario(scenario)).toBe(text);
  });

  it.each(stored)('%s keeps its expectations when simulated', (_, text) => {
    const scenario = read(text);
    const simulated = simulate(scenario);
    if (!simulated.ok) throw new Error(simulated.error);
    expect(unmet(scenario, simulated.value.timeline)).toEqual([]);
    expect(simulated.value.violations).toEqual([]);
  });

  it.each(stored)('%s expects only what it watches, and something', (_, text) => {
    const { expect: wishes, observe, events } = read(text);
    const watched = new Set(observe.watch.map(each => `${each.of} ${each.property}`));
    expect(wishes.filter(each => !watched.has(`${each.of} ${each.property}`))).toEqual([]);
    expect(wishes.length + events.length).toBeGreaterThan(0);
  });

  it('give the same timeline for the same seed, and on a slower machine the same active members', () => {
    for (const [, text] of filesIn('scenarios').filter((_, at) => at % 8 === 0)) {
      const scenario = read(text);
      const pace = { linkWatchMs: 20, newsMs: 3, timerLateMs: 4 };
      expect(simulate(scenario, { seed: 9, pace })).toEqual(simulate(scenario, { seed: 9, pace }));
      const slow = simulate(scenario, { seed: 9, pace });
      expect(slow.ok && slow.value.violations).toEqual([]);
    }
  });
});
