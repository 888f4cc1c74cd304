import { expect, test } from 'vitest';
import { uninterrupted } from './bpf-syscall.js';

const [EINTR, EAGAIN, EINVAL] = [4, 11, 22];
const atOnce = (): number => 0;

test('a call that was interrupted is made again until it is through', () => {
  const results = [-EAGAIN, -EINTR, -EAGAIN, 7];
  expect(uninterrupted(() => results.shift() ?? 0, atOnce)).toBe(7);
  expect(results).toEqual([]);
});

test('what failed otherwise is not tried again', () => {
  const results = [-EINVAL, 7];
  expect(uninterrupted(() => results.shift() ?? 0, atOnce)).toBe(-EINVAL);
});

test('two seconds are enough', () => {
  let now = 0;
  let calls = 0;
  const call = (): number => {
    calls += 1;
    now += 500;
    return -EAGAIN;
  };
  expect(uninterrupted(call, () => now)).toBe(-EAGAIN);
  expect(calls).toBe(4);
});
