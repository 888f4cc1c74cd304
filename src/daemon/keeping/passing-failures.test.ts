import { EventEmitter } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { SystemError } from '../../linux/index.js';
import { surviveFailures } from './passing-failures.js';

afterEach(() => void vi.useRealTimers());

/** An event loop that tells what nobody caught, and what was written down of it. */
function watched() {
  const loop = new EventEmitter();
  const said: unknown[] = [];
  const log = { error: (...words: unknown[]): void => void said.push(words) };
  return { loop, said, stop: surviveFailures(log, loop) };
}

test('A call that failed where nobody waits for it is written down, and the daemon goes on', () => {
  const { loop, said } = watched();
  const failure = new SystemError('RTM_GETNEIGH', 1);
  expect(loop.emit('uncaughtException', failure)).toBe(true);
  expect(said).toEqual([[{ err: failure }, 'what was due could not be done']]);
});

test('The same failures again and again, in turns too, do not fill the log; after a while they are told again', () => {
  vi.useFakeTimers();
  const { loop, said } = watched();
  const both = (): void => {
    loop.emit('uncaughtException', new SystemError('RTM_GETNEIGH', 1));
    loop.emit('uncaughtException', new SystemError('RTM_GETLINK', 24));
  };
  for (let nth = 0; nth < 100; nth++) both();
  expect(said).toHaveLength(2);
  vi.advanceTimersByTime(10_000);
  both();
  expect(said).toHaveLength(4);
});

test('A mistake of ours ends the daemon', () => {
  const { loop, said } = watched();
  expect(() => loop.emit('uncaughtException', new TypeError('bonds is undefined'))).toThrow(TypeError);
  expect(said).toEqual([]);
});

test('After the end of the daemon nothing is kept from ending the process', () => {
  const { loop, stop } = watched();
  stop();
  expect(loop.emit('uncaughtException', new SystemError('RTM_GETNEIGH', 1))).toBe(false);
});
