// How the tests run: one process after the other, because many of them build real networks. Files that say in their head that
// they need root are left out for others, and that is told first.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** A file for the results as JSON, where somebody wants them (.ci/run counts them). */
const report = process.env['BONDWIRE_TEST_REPORT'];

/** Test files whose opening comment says that they need root. */
function needRoot(): string[] {
  const files = ['src', 'test'].flatMap(directory =>
    readdirSync(directory, { recursive: true, encoding: 'utf8' }).map(file => join(directory, file)),
  );
  return files
    .filter(file => file.endsWith('.test.ts'))
    .filter(file => /^(?:\/\/.*\n)*\/\/.*\bneeds root\b/i.test(readFileSync(file, 'utf8')));
}

const leftOut = process.geteuid?.() === 0 ? [] : needRoot();
if (leftOut.length > 0) {
  console.log(
    `You are not root: ${leftOut.length} test files that need root are left out (${leftOut.join(', ')}).`,
  );
}

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: leftOut,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A busy machine takes its time; what holds at once is not kept waiting.
    expect: { poll: { timeout: 20_000 } },
    fileParallelism: false,
    pool: 'forks',
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
});
