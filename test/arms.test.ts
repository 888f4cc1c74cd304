// Scenarios on real interfaces with Bondwire's own daemon, held against the simulation: one for each kind of thing that may
// happen, and some on the user-space data plane. `npm run test:reference` runs all of them, and the driver's.
// Needs root; part of test:all.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readDifferences } from '../scripts/differences.js';
import { judge, type Ran } from '../scripts/judgement.js';
import { type RealArm, runReal } from '../src/arms/index.js';
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
  'lacp-address-lists-up',
  'lacp-prio-selection',
  'lacp-spread-layer3-4',
];
const CHOSEN_IN_USER_SPACE = [
  'arp-validate-all',
  'daemon-killed-link-flapped',
  'failover',
  'garps-undelayed-2',
  'recovery-updelay-2000',
  'two-switches-one-dies',
  'xor-layer3-4',
  'lacp-spread-layer3-4',
];
/** A scenario that came out otherwise is run again so often. */
const MORE_TRIES = 3;
/** Runs at a time: they mostly wait. */
const PARALLEL = 4;

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function read(name: string): Scenario {
  const parsed = parseScenario(readFileSync(at(`scenarios/${name}.json`), 'utf8'));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

async function runAll(scenarios: readonly Scenario[], arm: RealArm, parallel: number): Promise<Ran[]> {
  const waiting = [...scenarios];
  const ran: Ran[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      ran.push({ scenario: next.name, timeline: await runReal(next, arm) });
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return ran;
}

test.each([
  ['bondwire', CHOSEN],
  ['userspace', CHOSEN_IN_USER_SPACE],
] as const)(
  'Scenarios come out on real interfaces as in the simulation (H51, H52, H56, H57): %s',
  {
    timeout: 600_000,
  },
  async (arm, chosen) => {
    const scenarios = chosen.map(read);
    const where = `${arm}:here`;
    const differences = readDifferences(readFileSync(at('../docs/differences.md'), 'utf8'));
    const first = judge(where, scenarios, await runAll(scenarios, arm, PARALLEL), differences);
    expect(first.scenarios).toBe(chosen.length);
    expect(first.compared).toBeGreaterThan(10 * chosen.length);
    // What was late on a busy machine has a quiet one the next time; what is different is so every time.
    let { unlisted } = first;
    for (let again = 0; again < MORE_TRIES && unlisted.length > 0; again++) {
      const doubtful = scenarios.filter(({ name }) => unlisted.some(({ scenario }) => scenario === name));
      ({ unlisted } = judge(where, doubtful, await runAll(doubtful, arm, 1), differences));
    }
    expect(unlisted).toEqual([]);
  },
);
