import { expect, it, vi } from 'vitest';
import { LookTurns, pauseAfter } from './look-turns.js';

it('calls all that wait at once, each once, and never in the turn in which it was asked', async () => {
  const turns = new LookTurns(() => 0);
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
    const turns = new LookTurns(() => performance.now());
    const looked: number[] = [];
    // A clock that goes on by itself while somebody looks.
    const look = (tookMs: number) => () => {
      looked.push(performance.now());
      vi.setSystemTime(Date.now() + tookMs);
      vi.advanceTimersByTime(tookMs);
    };
    turns.take(look(4));
    vi.advanceTimersByTime(0);
    const [first = Number.NaN] = looked;
    turns.take(look(0));
    turns.take(look(0));
    vi.advanceTimersByTime(pauseAfter(4) - 1);
    expect(looked).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(looked.map(at => at - first)).toEqual([0, 4 + pauseAfter(4), 4 + pauseAfter(4)]);
  } finally {
    vi.useRealTimers();
  }
});

it('has pauses of nine times what looks take, and of half a second at most', () => {
  expect([0, 0.5, 10, 55, 56, 1000].map(pauseAfter)).toEqual([0, 4.5, 90, 495, 500, 500]);
});

it('lets the others look where one fails', async () => {
  const turns = new LookTurns(() => 0);
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
