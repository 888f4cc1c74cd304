import { expect, test } from 'vitest';
import { namespaceName, ownerOf, staleNames } from './names.js';

test('namespaceName() and ownerOf() agree, for the first and for later labs of a process', () => {
  expect(namespaceName(4711, 0, 'h')).toBe('bw4711h');
  expect(namespaceName(4711, 2, 's')).toBe('bw4711s2');
  expect(ownerOf('bw4711h')).toBe(4711);
  expect(ownerOf('bw4711s2')).toBe(4711);
});

test('ownerOf() knows no owner of names that are not a lab’s', () => {
  for (const name of ['bw', 'bwh', 'bw12', 'xbw12h', 'bw12H', 'h', 'bw-12h', 'bw12h/../x']) {
    expect(ownerOf(name), name).toBeNull();
  }
});

test('staleNames() gives the dead owners’ names only', () => {
  expect(staleNames(['bw1h', 'bw2h', 'bw2s', 'blue', 'bw3p'], pid => pid !== 2)).toEqual(['bw2h', 'bw2s']);
});
