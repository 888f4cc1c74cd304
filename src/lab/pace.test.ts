import { expect, test } from 'vitest';
import { steadyPace } from './pace.js';

test('steadyPace() has packet n due at n / rate', () => {
  const pace = steadyPace(1000, 2000, 10, 64);
  expect(pace.due(999, 0)).toBe(0);
  expect(pace.due(1000, 0)).toBe(1);
  expect(pace.due(1000.4, 1)).toBe(0);
  expect(pace.due(1000.5, 1)).toBe(1);
  expect(pace.sleepMs(1000, 1)).toBeCloseTo(0.5);
});

test('steadyPace() catches up in groups of at most `most` and stops at the count', () => {
  const pace = steadyPace(0, 1000, 100, 64);
  expect(pace.due(1000, 0)).toBe(64);
  expect(pace.due(1000, 64)).toBe(36);
  expect(pace.due(1000, 100)).toBe(0);
});

test('steadyPace() sleeps in groups at a high rate', () => {
  const pace = steadyPace(0, 50_000, 1_000_000, 64);
  expect(pace.sleepMs(0, 1)).toBe(0.25);
  expect(pace.due(0.25, 1)).toBe(12);
});
