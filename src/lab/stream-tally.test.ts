import { expect, test } from 'vitest';
import { StreamTally } from './stream-tally.js';

test('StreamTally counts a whole stream as whole', () => {
  const tally = new StreamTally();
  for (let n = 0; n < 1_000_000; n++) tally.arrive(n, n);
  expect(tally.report()).toMatchObject({
    received: 1_000_000,
    missing: 0,
    doubled: 0,
    reordered: 0,
    highest: 999_999,
    longestGapMs: 1,
    gaps: [],
  });
  expect(tally.missingRuns(1_000_000)).toEqual([]);
  expect(tally.missingRuns(1_000_002)).toEqual([{ first: 1_000_000, count: 2 }]);
});

test('StreamTally tells missing, doubled and reordered packets apart', () => {
  const tally = new StreamTally();
  [0, 1, 4, 3, 3, 7].forEach((number, at) => tally.arrive(number, at));
  expect(tally.report()).toMatchObject({ received: 5, missing: 3, doubled: 1, reordered: 1, highest: 7 });
  expect(tally.missingRuns(9)).toEqual([
    { first: 2, count: 1 },
    { first: 5, count: 2 },
    { first: 8, count: 1 },
  ]);
});

test('StreamTally says how long the longest gap was and when it began, and lists those of 5 ms and more', () => {
  const tally = new StreamTally();
  [100, 101, 107, 108, 208, 209].forEach((at, number) => tally.arrive(number, at));
  const report = tally.report();
  expect(report.longestGapMs).toBe(100);
  expect(report.longestGapAtMs).toBe(8);
  expect(report.gaps).toEqual([
    { atMs: 1, lengthMs: 6 },
    { atMs: 8, lengthMs: 100 },
  ]);
});

test('StreamTally of nothing is empty', () => {
  expect(new StreamTally().report()).toMatchObject({
    received: 0,
    missing: 0,
    highest: -1,
    firstMs: null,
    lastMs: null,
  });
});
