import { expect, test } from 'vitest';
import { parseOptionWords } from './option-words.js';

test('parseOptionWords() splits at the first "=" and lets a value be empty', () => {
  expect(parseOptionWords(['mode=1', 'primary=', 'x=a=b'])).toEqual({ mode: '1', primary: '', x: 'a=b' });
});

test('parseOptionWords() keeps names that objects have by themselves', () => {
  const options = parseOptionWords(['__proto__=1', 'constructor=2']);
  expect(JSON.stringify(options)).toBe('{"__proto__":"1","constructor":"2"}');
});

test.each([
  [['miimon'], '"miimon" is not OPTION=VALUE'],
  [[''], '"" is not OPTION=VALUE'],
  [['=100'], '"=100" has no option name before the "="'],
  [['mii mon=1'], 'does not begin with the name of an option'],
  [['miimon=100', 'miimon=50'], 'Option miimon is given twice (100 and 50)'],
])('parseOptionWords() refuses %j', (words, reason) => {
  expect(() => parseOptionWords(words)).toThrow(reason);
});
