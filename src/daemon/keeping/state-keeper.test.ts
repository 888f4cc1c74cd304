// A state file that cannot be written stops nothing, is told once, and is written as soon as it can be.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StateKeeper } from './state-keeper.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('what cannot be written is told once, and written when there is room again', () => {
  let isFull = true;
  const written: (object | undefined)[] = [];
  const told: string[] = [];
  const keeper = new StateKeeper({
    write: changed => {
      if (isFull) throw new Error('ENOSPC: no space left on device, write');
      written.push(changed);
    },
    tell: ({ severity, message }) => told.push(`${severity}: ${message}`),
    log: { error: () => {} },
  });
  const bond: ReadonlySet<object> = new Set([{}]);
  keeper.save(bond);
  keeper.save(bond);
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual([expect.stringMatching(/^error: .*cannot be written down \(ENOSPC/)]);
  isFull = false;
  vi.advanceTimersByTime(60_000);
  // Whole, as more than one bond may have changed.
  expect(written).toEqual([undefined]);
  expect(told.slice(1)).toEqual([expect.stringMatching(/^info: .*again/)]);
  keeper.save(bond);
  expect(written).toEqual([undefined, bond]);
  expect(told).toHaveLength(2);
});

test('one that is closed tries no more', () => {
  const written: unknown[] = [];
  const keeper = new StateKeeper({
    write: () => {
      written.push('tried');
      throw new Error('EROFS');
    },
    tell: () => {},
    log: { error: () => {} },
  });
  keeper.save();
  keeper.close();
  vi.advanceTimersByTime(60_000);
  expect(written).toEqual(['tried']);
  expect(vi.getTimerCount()).toBe(0);
});
