import { expect, test } from 'vitest';
import { plain, shown } from './index.js';

test('plain() writes control characters as codes and leaves the rest', () => {
  expect(plain('a\u0000b\n\u001b[1mü\u0085')).toBe('a\\x00b\\x0a\\x1b[1mü\\x85');
});

test('shown() cuts off what is too long', () => {
  expect(shown('eth0')).toBe('eth0');
  expect(shown('x'.repeat(48))).toBe('x'.repeat(48));
  expect(shown('x'.repeat(49))).toBe(`${'x'.repeat(48)}…`);
  expect(shown('abc', 2)).toBe('ab…');
});
