// docs/howto-coverage.md: every row of the HOWTO is there, and what it names shows it or says why not.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = new URL('../', import.meta.url);
const page = readFileSync(new URL('docs/howto-coverage.md', ROOT), 'utf8');
const rows = Array.from(
  page.matchAll(/^\| (H\d\d) \| ([^|]+) \| ([^|]+) \|$/gm),
  ([, id = '', what = '', shown = '']) => ({ id, what, shown }),
);

const spans = [
  [1, 8],
  [10, 16],
  [20, 29],
  [30, 34],
  [40, 43],
  [50, 57],
] as const;

test('has every row once', () => {
  const wanted = spans.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, i) => `H${String(from + i).padStart(2, '0')}`),
  );
  expect(rows.map(({ id }) => id)).toEqual(wanted);
});

test.each(rows)('$id: $what', ({ id, shown }) => {
  if (shown.startsWith('open')) {
    expect(shown).toMatch(/^open(?: in part)?: \S.{20,}/);
    return;
  }
  const files = Array.from(shown.matchAll(/`((?:test|src)\/[^`]+\.test\.ts)`/g), ([, file = '']) => file);
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect(existsSync(fileURLToPath(new URL(file, ROOT))), file).toBe(true);
  const [first = ''] = files;
  expect(readFileSync(new URL(first, ROOT), 'utf8'), `${first} names ${id}`).toContain(id);
});
