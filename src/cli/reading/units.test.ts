import { expect, test } from 'vitest';
import { byteCount, clock, count, plural, span, speed } from './units.js';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [9994, '9.99 kB'],
  [9996, '10.0 kB'],
  [99_960, '100 kB'],
  [999_499, '999 kB'],
  [999_500, '1.00 MB'],
  [1_650_000_000, '1.65 GB'],
  [2 ** 63, '9.22 EB'],
])('byteCount(%d) is %s', (bytes, text) => {
  expect(byteCount(bytes)).toBe(text);
});

test('count() and plural() group thousands', () => {
  expect([count(999), count(1000), count(1_234_567)]).toEqual(['999', '1,000', '1,234,567']);
  expect([plural(1, 'packet'), plural(0, 'packet')]).toEqual(['1 packet', '0 packets']);
});

test('speed() speaks of Gbit/s from 1000 on', () => {
  expect([speed(10), speed(2500), speed(100_000)]).toEqual(['10 Mbit/s', '2.5 Gbit/s', '100 Gbit/s']);
});

test.each([
  [-5, '0 s'],
  [59_999, '59 s'],
  [180_000, '3 min'],
  [7_500_000, '2 h 5 min'],
  [86_400_000, '1 d'],
  [90_000_000, '1 d 1 h'],
])('span(%d) is %s', (ms, text) => {
  expect(span(ms)).toBe(text);
});

test('clock() leaves the date of today out', () => {
  const time = new Date(2026, 2, 1, 9, 5, 7, 42);
  expect(clock(time, new Date(2026, 2, 1, 23), true)).toBe('09:05:07.042');
  expect(clock(time, new Date(2026, 2, 2, 0), false)).toBe('2026-03-01 09:05:07');
});
