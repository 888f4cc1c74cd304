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
  'daemon-killed-inline',
  'fail-over-mac-follow',
  'failover',
  'garps-undelayed-2',
  'options-refused',
  'prio-reselect-better',
  'proc-text',
  'recovery-updelay-2000',
  'switch-port-silent',
];
/** Runs at a time: they mostly wait. */
const PARALLEL = 4;

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function read(name: string): Scenario {
  const parsed = parseScenario(readFileSync(at(`scenarios/${name}.json`), 'utf8'));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

test('Scenarios come out on real interfaces as in the simulation', { timeout: 180_000 }, async () => {
  const scenarios = CHOSEN.map(read);
  const waiting = [...scenarios];
  const ran: Ran[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      ran.push({ scenario: next.name, timeline: await runReal(next, 'bondwire') });
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  const differences = readDifferences(readFileSync(at('../docs/differences.md'), 'utf8'));
  const tally = judge('bondwire:here', scenarios, ran, differences);
  expect(tally.unlisted).toEqual([]);
  expect(tally.scenarios).toBe(CHOSEN.length);
  expect(tally.compared).toBeGreaterThan(10 * CHOSEN.length);
});
