import { expect, test } from 'vitest';
import { FrameBudget } from './frame-budget.js';

const RATE = { perSecond: 50, atOnce: 20 } as const;

/** How many of the frames at these times are looked at. */
function taken(budget: FrameBudget, times: readonly number[]): number {
  return times.filter(nowMs => budget.take(nowMs)).length;
}

test('a partner that keeps to the rules is always heard', () => {
  const budget = new FrameBudget(RATE);
  // Ten frames a second is the most that IEEE 802.3 Annex 57A allows each slow protocol.
  expect(
    taken(
      budget,
      Array.from({ length: 1000 }, (_, at) => at * 33),
    ),
  ).toBe(1000);
  expect(budget.refused).toBe(0);
});

test('of ten thousand a second so many are looked at as the rate says', () => {
  const budget = new FrameBudget(RATE);
  const times = Array.from({ length: 30_000 }, (_, at) => at / 10);
  expect(taken(budget, times)).toBe(20 + 3 * 50 - 1);
  expect(budget.refused).toBe(30_000 - 169);
});

test('after a flood a partner is heard at once', () => {
  const budget = new FrameBudget(RATE);
  taken(
    budget,
    Array.from({ length: 1000 }, () => 5),
  );
  expect(budget.take(5)).toBe(false);
  expect(budget.take(25)).toBe(true);
  expect(budget.take(25)).toBe(false);
});
