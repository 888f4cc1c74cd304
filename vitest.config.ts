// How the tests run, in three groups, told apart by the opening comment of each file:
// - pure: those without a word; as many at once as the machine has processors;
// - real: "needs root"; they build networks of their own, in namespaces of their own, two files at once;
// - long: "part of test:all", whatever they need; left to `npm run test:all`, two files at once.
// For others than root, files that need root are left out, and that is told first.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** A file for the results as JSON, where somebody wants them (.ci/run counts them). */
const report = process.env['BONDWIRE_TEST_REPORT'];
const isRoot = process.geteuid?.() === 0;
/** Tests on real interfaces wait more than they compute, but a machine that is kept busy drops packets; an emulated one is. */
const LANES = process.env['BONDWIRE_GUEST'] === undefined ? 2 : 1;

/** The comment that a file opens with, in one line. */
function openingComment(file: string): string {
  const [comment = ''] = /^(?:\/\/.*\n)*/.exec(readFileSync(file, 'utf8')) ?? [];
  return comment.replaceAll('\n//', '');
}

const pure: string[] = [];
const real: string[] = [];
const long: string[] = [];
const leftOut: string[] = [];
for (const directory of ['src', 'test']) {
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).toSorted()) {
    if (!name.endsWith('.test.ts')) continue;
    const file = join(directory, name);
    const comment = openingComment(file);
    const needsRoot = /\bneeds root\b/i.test(comment);
    if (needsRoot && !isRoot) leftOut.push(file);
    else if (comment.includes('test:all')) long.push(file);
    else (needsRoot ? real : pure).push(file);
  }
}

if (leftOut.length > 0) {
  console.log(
    `You are not root: ${leftOut.length} test files that need root are left out (${leftOut.join(', ')}).`,
  );
}

export default defineConfig({
  test: {
    pool: 'forks',
    passWithNoTests: !isRoot,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      { name: 'pure', include: pure, sequence: { groupOrder: 0 } },
      { name: 'real', include: real, sequence: { groupOrder: 1 }, maxWorkers: LANES },
      { name: 'long', include: long, sequence: { groupOrder: 2 }, maxWorkers: LANES },
    ].map(project => ({
      test: {
        pool: 'forks',
        // A busy machine takes its time; what holds at once is not kept waiting.
        testTimeout: 180_000,
        hookTimeout: 180_000,
        expect: { poll: { timeout: 60_000 } },
        ...project,
      },
    })),
  },
});
