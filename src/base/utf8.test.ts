import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8, encodeUtf8 } from './utf8.js';

test('encodeUtf8() writes what TextEncoder writes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
    }),
  );
});

test('decodeUtf8() reads back what encodeUtf8() wrote', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), text => {
      expect(decodeUtf8(encodeUtf8(text))).toBe(text);
    }),
  );
});

test('decodeUtf8() replaces bytes that are not UTF-8 and keeps the rest', () => {
  expect(decodeUtf8(Uint8Array.of(0x61, 0xff, 0x62))).toBe('a\ufffdb');
  expect(decodeUtf8(Uint8Array.of(0xe2, 0x82))).toBe('\ufffd\ufffd');
  expect(decodeUtf8(Uint8Array.of(0xc0, 0x80))).toBe('\ufffd\ufffd');
});
