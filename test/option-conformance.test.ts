// Every write of the record of the kernel's driver (golden/options/*.conformance.txt), made in every situation to a bond of
// ours: the same errno, the same values of all options afterwards, and the same kind of thing said, but for what is listed. Part of test:all.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readListed } from '../scripts/conformance/listed.js';
import { parseRecord } from '../scripts/conformance/record-format.js';
import { STAGES } from '../scripts/conformance/stages.js';
import { type Divergence, replayCreations, replayStage, splitPair } from './support/option-replay.js';

const FOLDER = new URL('golden/options/', import.meta.url);
const PAGE = readFileSync(new URL('../docs/differences.md', import.meta.url), 'utf8');

const files = readdirSync(FOLDER).filter(name => name.endsWith('.conformance.txt'));
const listed = readListed(PAGE);

/** Option and value of a write; all of them of a creation. */
function writesOf({ stage, option, value }: Divergence): (readonly [string, string])[] {
  return stage === 'creation' ? value.split(' ').map(splitPair) : [[option, value]];
}

test('Both kernels are there', () => {
  expect(files).toEqual(['linux-6.1.conformance.txt', 'linux-6.12.conformance.txt']);
});

test.each(files)('%s', { timeout: 300_000 }, file => {
  const recorded = parseRecord(readFileSync(new URL(file, FOLDER), 'utf8'));
  expect(recorded.stages.map(({ name }) => name)).toEqual(STAGES.map(({ name }) => name));
  const unlisted = new Map<string, Divergence & { times: number }>();
  let writes = 0;
  const parts = [...recorded.stages.keys()].map(at => () => replayStage(recorded, at));
  for (const replay of [...parts, () => replayCreations(recorded)]) {
    const replayed = replay();
    writes += replayed.writes;
    for (const each of replayed.divergences) {
      const row = listed.find(one => writesOf(each).some(write => one.matches(...write, each.what)));
      if (row !== undefined) {
        row.seen++;
        continue;
      }
      const key = [each.door, each.option, each.what, each.driver, each.ours].join('|');
      const known = unlisted.get(key) ?? { ...each, times: 0 };
      known.times++;
      unlisted.set(key, known);
    }
  }
  console.log(`${file}: ${writes} writes, ${[...unlisted.values()].length} unlisted differences`);
  expect([...unlisted.values()].slice(0, 20)).toEqual([]);
  expect(writes).toBeGreaterThan(50_000);
});

test('Every listed difference of options occurs', () => {
  expect(listed.filter(({ seen }) => seen === 0).map(({ id }) => id)).toEqual([]);
});
