// The simulation held against what the kernel's driver did in every stored scenario, as `npm run test:reference -- --record` wrote it.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readDifferences } from '../scripts/differences.js';
import { judge } from '../scripts/judgement.js';
import { parseScenario, type Scenario, type Timeline } from '../src/simulator/index.js';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const stored = readdirSync(at('scenarios')).map((file): Scenario => {
  const parsed = parseScenario(readFileSync(at(`scenarios/${file}`), 'utf8'));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
});
/** Recorded with 6.12 alone: 6.1 has the same state machines of LACP, which the recordings of test/golden/lacp show of both. */
const NOT_RECORDED: ReadonlyMap<string, RegExp> = new Map([['6.1', /^lacp-/]]);
const forTheDriver = stored.filter(({ arms }) => arms?.includes('driver') ?? true);

describe.each(['6.12', '6.1'])('the driver of Linux %s', kernel => {
  const ofTheDriver = forTheDriver.filter(({ name }) => NOT_RECORDED.get(kernel)?.test(name) !== true);
  const timelines = JSON.parse(
    readFileSync(at(`golden/timelines/driver-${kernel}.json`), 'utf8'),
  ) as Timeline[];

  test('ran every scenario that is for it', () => {
    expect(timelines.map(({ scenario }) => scenario).toSorted()).toEqual(
      ofTheDriver.map(({ name }) => name).toSorted(),
    );
  });

  test('did what the simulation does, but for the listed differences, which all occur', () => {
    const differences = readDifferences(readFileSync(at('../docs/differences.md'), 'utf8'));
    const ran = timelines.map(timeline => ({ scenario: timeline.scenario, timeline }));
    const { compared, unlisted } = judge(`driver:${kernel}`, ofTheDriver, ran, differences);
    expect(unlisted).toEqual([]);
    expect(compared).toBeGreaterThan(10 * ofTheDriver.length);
    const needless = differences.filter(({ seen, where }) => seen === 0 && where.test(`driver:${kernel}`));
    expect(needless.map(({ id }) => id)).toEqual([]);
  });
});
