// How the tests run, in three groups, told apart by the opening comment of each file:
// - pure: those without a word; as many at once as the machine has processors;
// - real: "needs root"; they build networks of their own, in namespaces of their own, two files at once;
// - long: "part of test:all", whatever they need; left to `npm run test:all`, two files at once.
// Files that need root, or programs that are not here, are left out, and that is told first; with CI=true a missing program is
// a failure.
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { isOnPath, leftOutText, sortTestFiles } from './test/support/test-files.js';

/** A file for the results as JSON, where somebody wants them (.ci/run counts them). */
const report = process.env['BONDWIRE_TEST_REPORT'];
/** Tests on real interfaces wait more than they compute, but a machine that is kept busy drops packets; an emulated one is. */
const LANES = process.env['BONDWIRE_GUEST'] === undefined ? 2 : 1;

function reads(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

const files = ['src', 'test', 'bench'].flatMap(folder =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.test.ts'))
    .map(name => join(folder, name))
    .toSorted(),
);
const sorted = sortTestFiles(files, { isRoot: process.geteuid?.() === 0, hasProgram: isOnPath, read: reads });
const { pure, real, long, lacking } = sorted;
const leftOut = leftOutText(sorted);
if (process.env['CI'] === 'true' && lacking.length > 0) throw new Error(leftOut);
if (leftOut !== '') console.log(leftOut);

export default defineConfig({
  test: {
    pool: 'forks',
    // Where much is left out, a group may be empty.
    passWithNoTests: leftOut !== '',
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      // Vitest itself would take one fewer than there are processors: one at a time, on two.
      {
        name: 'pure',
        include: [...pure],
        sequence: { groupOrder: 0 },
        maxWorkers: availableParallelism(),
      },
      { name: 'real', include: [...real], sequence: { groupOrder: 1 }, maxWorkers: LANES },
      { name: 'long', include: [...long], sequence: { groupOrder: 2 }, maxWorkers: LANES },
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
