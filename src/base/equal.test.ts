import { expect, test } from 'vitest';
import { equalValues } from './equal.js';

test.each([
  [1, 1],
  ['a', 'a'],
  [null, null],
  [[], []],
  [{}, {}],
  [
    { a: 1, b: [1, { c: null }] },
    { b: [1, { c: null }], a: 1 },
  ],
])('%j is %j', (a, b) => {
  expect(equalValues(a, b)).toBe(true);
  expect(equalValues(b, a)).toBe(true);
});

test.each([
  [1, 2],
  [1, '1'],
  [0, null],
  [null, {}],
  [[], {}],
  [
    [1, 2],
    [2, 1],
  ],
  [[1], [1, 2]],
  [{ a: 1 }, { a: 1, b: 1 }],
  [{ a: undefined }, { b: undefined }],
  [{ a: { b: [1] } }, { a: { b: [2] } }],
])('%j is not %j', (a, b) => {
  expect(equalValues(a, b)).toBe(false);
  expect(equalValues(b, a)).toBe(false);
});
