import { expect, test } from 'vitest';
import { checkBondName, checkMembers } from './names.js';

test.each(['bond0', 'b', 'a-long_name.15x', 'bönd0', '...'])('checkBondName() takes %j', name => {
  expect(() => checkBondName(name)).not.toThrow();
});

test.each([
  ['', 'it is empty'],
  ['.', 'Linux reserves it'],
  ['..', 'Linux reserves it'],
  ['a/b', 'it holds a "/"'],
  ['bond0:1', 'it holds a ":"'],
  ['bond 0', 'it holds white space'],
  ['bond\n', 'it holds white space'],
  ['bond0123456789xy', 'it has 16 bytes where 15 is the most'],
  ['bönd012345678xy', 'it has 16 bytes where 15 is the most'],
  // U+00E0 is c3 a0 in UTF-8, and the kernel takes the byte a0 for a blank.
  ['bond\u00e0', 'it holds white space'],
])('checkBondName() refuses %j: %s', (name, reason) => {
  expect(() => checkBondName(name)).toThrow(reason);
});

test('checkBondName() writes control characters so that they do nothing', () => {
  expect(() => checkBondName('\u001b[2J/')).toThrow('"\\x1b[2J/" cannot name a bond');
});

test('checkMembers() takes an alternative name, which may be long', () => {
  expect(() => checkMembers('bond0', ['eth0', 'enx0123456789abcdef-left'])).not.toThrow();
});

test.each([
  [['eth0', 'bond0'], 'bond0 cannot be a member of itself'],
  [['eth0', 'eth1', 'eth0'], 'eth0 is given twice'],
  [['eth0', ''], '"" cannot be the name of an interface: it is empty'],
  [['../eth0'], '"../eth0" cannot be the name of an interface'],
])('checkMembers() refuses %j', (members, reason) => {
  expect(() => checkMembers('bond0', members)).toThrow(reason);
});
