// Scenarios on real interfaces with Bondwire's own daemon, held against the simulation: one for each kind of thing that may
// happen. `npm run test:reference` runs all of them, and the driver's.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readDifferences } from '../scripts/differences.js';
import { judge, type Ran } from '../scripts/judgement.js';
import { runReal } from '../src/arms/index.js';
import { parseScenario, type Scenario } from '../src/simulator/index.js';

const CHOSEN = [
  'active-slave-by-hand',
  'advertisements',
  'bond-down-up',
  'fail-over-mac-follow',
  'failover',
  'garps-undelayed-2',
  'options-refused',
  'prio-reselect-better',
  'proc-text',
  'recovery-updelay-2000',
  'no-monitor',
  'switch-port-silent',
  'two-switches-one-dies',
  'arp-validate-all',
  'xor-layer3-4',
  'tlb',
  'watch-any-silent-port',
];
/** Runs at a time: they mostly wait. */
const PARALLEL = 4;

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function read(name: string): Scenario {
  const parsed = parseScenario(readFileSync(at(`scenarios/${name}.json`), 'utf8'));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

async function runAll(scenarios: readonly Scenario[], parallel: number): Promise<Ran[]> {
  const waiting = [...scenarios];
  const ran: Ran[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      ran.push({ scenario: next.name, timeline: await runReal(next, 'bondwire') });
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return ran;
}

test('Scenarios come out on real interfaces as in the simulation (H51, H52, H56, H57)', {
  timeout: 600_000,
}, async () => {
  const scenarios = CHOSEN.map(read);
  const differences = readDifferences(readFileSync(at('../docs/differences.md'), 'utf8'));
  const first = judge('bondwire:here', scenarios, await runAll(scenarios, PARALLEL), differences);
  expect(first.scenarios).toBe(CHOSEN.length);
  expect(first.compared).toBeGreaterThan(10 * CHOSEN.length);
  // What was late on a busy machine has a quiet one the second time.
  const doubtful = scenarios.filter(({ name }) => first.unlisted.some(({ scenario }) => scenario === name));
  const second = judge('bondwire:here', doubtful, await runAll(doubtful, 1), differences);
  expect(second.unlisted).toEqual([]);
});
