import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { SystemError } from '../../linux/index.js';
import { surviveFailures } from './passing-failures.js';

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

test('The same failure again and again does not fill the log', () => {
  const { loop, said } = watched();
  for (let nth = 0; nth < 100; nth++) loop.emit('uncaughtException', new SystemError('RTM_GETNEIGH', 1));
  expect(said).toHaveLength(1);
  loop.emit('uncaughtException', new SystemError('RTM_GETLINK', 24));
  expect(said).toHaveLength(2);
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
