// What waits to be written down is written once a turn, before whoever asked for it is answered, and with whatever cannot wait.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DueSaves } from './due-saves.js';

function recorded(): { due: DueSaves; written: (readonly object[])[] } {
  const written: (readonly object[])[] = [];
  const due: DueSaves = new DueSaves(() => void written.push([...due.take()]));
  return { due, written };
}

const [one, other] = [{ name: 'one' }, { name: 'other' }];

test('soon() writes all that changed in a turn at once, when the turn is over', async () => {
  const { due, written } = recorded();
  for (const bond of [one, other, one]) due.soon(bond);
  expect(written).toEqual([]);
  await Promise.resolve();
  expect(written).toEqual([[one, other]]);
});

test('soon() has written when the answer of an operation goes out', async () => {
  const { due, written } = recorded();
  const operation = async (): Promise<void> => due.soon(one);
  await operation();
  expect(written).toEqual([[one]]);
});

test('take() takes along what waits, which is not written again', async () => {
  const { due, written } = recorded();
  due.soon(one);
  expect([...due.take(other)]).toEqual([one, other]);
  await Promise.resolve();
  expect(written).toEqual([]);
  due.soon(one);
  await Promise.resolve();
  expect(written).toEqual([[one]]);
});

describe('while many changes follow', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('soon() waits for a note, which takes it along', () => {
    const { due, written } = recorded();
    due.hold();
    due.soon(one);
    vi.advanceTimersByTime(99);
    expect(written).toEqual([]);
    expect([...due.take(other)]).toEqual([one, other]);
    vi.advanceTimersByTime(1000);
    expect(written).toEqual([]);
  });

  test('soon() writes by itself where no note follows', () => {
    const { due, written } = recorded();
    due.hold();
    for (const bond of [one, other]) due.soon(bond);
    vi.advanceTimersByTime(100);
    expect(written).toEqual([[one, other]]);
  });

  test('the end of it writes at once what waits, and soon() writes once a turn again', async () => {
    const { due, written } = recorded();
    const release = due.hold();
    due.soon(one);
    release();
    expect(written).toEqual([[one]]);
    due.soon(other);
    await Promise.resolve();
    expect(written).toEqual([[one], [other]]);
    vi.advanceTimersByTime(1000);
    expect(written).toHaveLength(2);
  });
});
