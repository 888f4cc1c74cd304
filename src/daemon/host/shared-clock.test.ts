// Deadlines of many bonds come in few wake-ups, and no later than the driver's own timers may.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { servedAt, SharedClock } from './shared-clock.js';

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

const now = (): number => Date.now();

test('servedAt() is never early, and late by a small part of the time at most', () => {
  for (const wait of [0, 1, 3, 10, 20, 33, 50, 90, 100, 1000]) {
    for (let from = 0; from < 16; from++) {
      const late = servedAt(from + wait, from) - (from + wait);
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThan(Math.min(8, Math.max(1, wait / 10)));
    }
  }
  expect(servedAt(5, 9)).toBe(9);
});

test('64 bonds with a period of 100 ms wake the daemon at most 13 times in it, and each of them runs each time', () => {
  const clock = new SharedClock(now);
  const runs = Array.from({ length: 64 }, () => 0);
  const wakeUps = new Set<number>();
  const tick = (bond: number, dueMs: number): void => {
    runs[bond] = (runs[bond] ?? 0) + 1;
    wakeUps.add(now());
    clock.at(dueMs + 100, () => tick(bond, dueMs + 100));
  };
  for (let bond = 0; bond < 64; bond++) {
    const firstMs = 100 + ((bond * 37) % 100);
    clock.at(firstMs, () => tick(bond, firstMs));
  }
  vi.advanceTimersByTime(1000);
  wakeUps.clear();
  runs.fill(0);
  vi.advanceTimersByTime(1000);
  expect(runs.every(count => count === 10)).toBe(true);
  expect(wakeUps.size).toBeLessThanOrEqual(130);
});

test('what was taken back does not run, not even by another that is served with it; nothing is left then', () => {
  const clock = new SharedClock(now);
  const ran: string[] = [];
  const cancelled = clock.at(50, () => ran.push('cancelled'));
  let later = (): void => {};
  clock.at(100, () => {
    ran.push('first');
    later();
  });
  later = clock.at(100, () => ran.push('taken back by the first'));
  const same = (): void => void ran.push('twice');
  clock.at(200, same);
  clock.at(200, same);
  cancelled();
  vi.advanceTimersByTime(300);
  expect(ran).toEqual(['first', 'twice', 'twice']);
  const last = clock.at(5_000_000_000, () => {});
  last();
  expect(vi.getTimerCount()).toBe(0);
});

test('what one throws comes from the event loop, and those that are served with it run', () => {
  const clock = new SharedClock(now);
  const ran: string[] = [];
  clock.at(100, () => {
    throw new Error('a call failed');
  });
  clock.at(100, () => ran.push('with it'));
  clock.at(104, () => ran.push('after it'));
  expect(() => vi.advanceTimersByTime(300)).toThrow('a call failed');
  vi.advanceTimersByTime(300);
  expect(ran).toEqual(['with it', 'after it']);
});
