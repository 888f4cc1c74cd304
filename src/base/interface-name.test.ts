import { expect, test } from 'vitest';
import { badBondName } from './interface-name.js';

test.each([
  ['', /empty/],
  ['..', /reserves/],
  ['a b', /white space/],
  ['0123456789abcdef', /more than 15 bytes/],
  ['bond%d', /number/],
  ['b\u00f6nd', /ASCII/],
  ['all', /all interfaces/],
  ['bonding_masters', /file of that name/],
  ['-x', /option/],
  ['bwl-0badcafe', /lower ends/],
])('%j is no name of a bond', (name, why) => {
  expect(badBondName(name)).toMatch(why);
});

test('names that a bond may have', () => {
  for (const name of ['bond0', 'b-x', 'bwl', 'bonding', '0123456789abcde'])
    expect(badBondName(name)).toBeNull();
});
