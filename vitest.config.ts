// How the tests run: one process after the other, because many of them build real networks.
import { defineConfig } from 'vitest/config';

/** A file for the results as JSON, where somebody wants them (.ci/run counts them). */
const report = process.env['BONDWIRE_TEST_REPORT'];

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    pool: 'forks',
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
});
