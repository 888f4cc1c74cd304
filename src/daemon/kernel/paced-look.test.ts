// What takes long comes seldom.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FollowedLook, PacedLook, pauseAfter } from './paced-look.js';

const PACE = { leastMs: 500, mostMs: 5000, times: 1000 } as const;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('pauseAfter(): so many times what a look took, within bounds', () => {
  expect(pauseAfter(0.1, PACE)).toBe(500);
  expect(pauseAfter(0.8, PACE)).toBe(800);
  expect(pauseAfter(8, PACE)).toBe(5000);
});

test('one that takes long is followed by the next later', () => {
  let looks = 0;
  let spentMs = 0;
  const work = (): void => {
    looks += 1;
    spentMs += looks;
  };
  const look = new PacedLook(PACE, work, () => spentMs);
  // The first takes 1 ms, the second 2 ms, and so on.
  const passed = [500, 999, 1, 1999, 1, 2999, 1].map(ms => {
    vi.advanceTimersByTime(ms);
    return looks;
  });
  expect(passed).toEqual([1, 1, 2, 2, 3, 3, 4]);
  look.close();
});

test('one that throws is followed by another, and none comes after the end', () => {
  let looks = 0;
  const work = (): void => {
    looks += 1;
    if (looks === 1) throw new Error('no descriptor free');
    if (looks === 2) look.close();
  };
  const look = new PacedLook(PACE, work, () => 0);
  expect(() => vi.advanceTimersByTime(500)).toThrow('no descriptor free');
  vi.advanceTimersByTime(5000);
  expect(looks).toBe(2);
  expect(vi.getTimerCount()).toBe(0);
});

test('followers may make looks later, each by so much, however long one takes', () => {
  let looks = 0;
  let spentMs = 0;
  const work = (): void => {
    looks += 1;
    spentMs += 4;
  };
  const look = new FollowedLook({ ...PACE, laterMs: 100 }, work, () => spentMs);
  const first = look.follow(1);
  vi.advanceTimersByTime(1000);
  expect(looks).toBe(2);
  const others = [2, 3, 4].map(follower => look.follow(follower));
  vi.advanceTimersByTime(500);
  expect(looks).toBe(3);
  vi.advanceTimersByTime(799);
  expect(looks).toBe(3);
  vi.advanceTimersByTime(1);
  expect(looks).toBe(4);
  for (const end of [first, ...others]) end();
  expect(vi.getTimerCount()).toBe(0);
});
