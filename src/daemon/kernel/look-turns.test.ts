import { expect, it, vi } from 'vitest';
import { LookTurns, PACE } from './look-turns.js';
import { pauseAfter } from './paced-look.js';

it('calls all that wait at once, each once, and never in the turn in which it was asked', async () => {
  const turns = new LookTurns(
    () => 0,
    () => 0,
  );
  const looked: string[] = [];
  turns.take(() => looked.push('one'));
  turns.take(() => looked.push('two'));
  expect(looked).toEqual([]);
  await vi.waitFor(() => expect(looked).toEqual(['one', 'two']));
  turns.take(() => looked.push('three'));
  await vi.waitFor(() => expect(looked).toEqual(['one', 'two', 'three']));
});

it('lets whoever comes after dear looks wait, and all others who come meanwhile look with it', () => {
  vi.useFakeTimers();
  try {
    let spentMs = 0;
    const turns = new LookTurns(
      () => performance.now(),
      () => spentMs,
    );
    const looked: number[] = [];
    const look = (costMs: number) => () => {
      looked.push(performance.now());
      spentMs += costMs;
    };
    turns.take(look(4));
    vi.advanceTimersByTime(0);
    const [first = Number.NaN] = looked;
    turns.take(look(0));
    turns.take(look(0));
    vi.advanceTimersByTime(35);
    expect(looked).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(looked.map(at => at - first)).toEqual([0, 36, 36]);
  } finally {
    vi.useRealTimers();
  }
});

it('has pauses of nine times what looks cost, and of half a second at most', () => {
  expect([0, 0.5, 10, 55, 56, 1000].map(costMs => pauseAfter(costMs, PACE))).toEqual([
    0, 4.5, 90, 495, 500, 500,
  ]);
});

it('lets the others look where one fails', async () => {
  const turns = new LookTurns(
    () => 0,
    () => 0,
  );
  const failures: unknown[] = [];
  const failed = (error: unknown): void => void failures.push(error);
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException').on('uncaughtException', failed);
  try {
    let looked = 0;
    turns.take(() => {
      throw new Error('no descriptor was free');
    });
    turns.take(() => void looked++);
    await vi.waitFor(() => expect([failures.length, looked]).toEqual([1, 1]));
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of before) process.on('uncaughtException', listener);
  }
});
