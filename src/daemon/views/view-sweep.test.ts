import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ViewSweep } from './view-sweep.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('looks in between are no sweeps, one that fails is followed by another, and none comes after the end', () => {
  const seen: boolean[] = [];
  const look = (isSweep: boolean): void => {
    seen.push(isSweep);
    if (isSweep) throw new Error('no descriptor free');
  };
  const begun: string[] = [];
  const sweep = new ViewSweep(() => begun.push('begun'));
  sweep.start();
  sweep.work(look);
  vi.advanceTimersByTime(5000);
  expect(begun).toHaveLength(1);
  expect(() => sweep.work(look)).toThrow('no descriptor free');
  sweep.work(look);
  expect(seen).toEqual([false, true, false]);
  vi.advanceTimersByTime(60_000);
  expect(begun).toHaveLength(2);
  expect(() => sweep.work(look)).toThrow('no descriptor free');
  sweep.close();
  vi.advanceTimersByTime(600_000);
  expect(begun).toHaveLength(2);
});
