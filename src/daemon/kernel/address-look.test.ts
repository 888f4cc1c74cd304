// Who is told that lists of addresses changed.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AddressLook } from './address-look.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Bonds 7 of members 1 and 2, and 8 of member 3. */
function prepared() {
  const lists = new Map<number, string>();
  const asked: number[][] = [];
  const read = (interfaces: ReadonlySet<number>): Map<number, string> => {
    asked.push([...interfaces]);
    return new Map(lists);
  };
  const look = new AddressLook(read, () => 0);
  const told: string[] = [];
  const waiting = new Set<string>();
  const follow = (name: string, interfaces: readonly number[]): (() => void) =>
    look.follow({
      interfaces: () => interfaces,
      isWaiting: () => waiting.has(name),
      changed: () => void told.push(name),
    });
  const ends = [follow('bond7', [7, 1, 2]), follow('bond8', [8, 3])];
  return { lists, asked, told, waiting, ends };
}

/** Those that were told at the next look. */
function next(told: string[]): string[] {
  vi.advanceTimersByTime(5000);
  return told.splice(0);
}

test('those whose bond or member has another list than at the last look are told, once', () => {
  const { lists, asked, told } = prepared();
  expect(next(told)).toEqual([]);
  expect(asked).toEqual([[7, 1, 2, 8, 3]]);
  lists.set(7, 'a');
  expect(next(told)).toEqual(['bond7']);
  expect(next(told)).toEqual([]);
  lists.set(3, 'b');
  expect(next(told)).toEqual(['bond8']);
  lists.delete(7);
  lists.set(9, 'c');
  expect(next(told)).toEqual(['bond7']);
});

test('one that could not do all is told each time until it could', () => {
  const { told, waiting } = prepared();
  waiting.add('bond8');
  expect(next(told)).toEqual(['bond8']);
  expect(next(told)).toEqual(['bond8']);
  waiting.clear();
  expect(next(told)).toEqual([]);
});

test('nobody looks where nobody follows', () => {
  const { asked, ends } = prepared();
  for (const end of ends) end();
  vi.advanceTimersByTime(60_000);
  expect(asked).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
