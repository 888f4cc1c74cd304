import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from './ip.js';

describe('parseIpv4()', () => {
  test('reads dotted decimal', () => {
    expect(parseIpv4('192.0.2.255')).toEqual({ ok: true, value: Uint8Array.of(192, 0, 2, 255) });
  });

  test.each(['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.x', ' 1.2.3.4', '1..2.3'])(
    'refuses "%s"',
    text => {
      expect(parseIpv4(text).ok).toBe(false);
    },
  );

  test('reads back what formatIpv4() wrote', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), bytes => {
        expect(parseIpv4(formatIpv4(bytes))).toEqual({ ok: true, value: bytes });
      }),
    );
  });
});

describe('parseIpv6()', () => {
  test.each([
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['fe80:0:0:0:0:0:0:0', 'fe80::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['0:0:1::', '0:0:1::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ])('%s is written %s', (text, canonical) => {
    const parsed = parseIpv6(text);
    expect(parsed.ok && formatIpv6(parsed.value)).toBe(canonical);
  });

  test.each([
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '12345::',
    'g::',
    '1.2.3.4::',
    '::1.2.3',
    'fe80::1%eth0',
    '::1/64',
    '1:',
    ':1',
  ])('refuses "%s"', text => {
    expect(parseIpv6(text).ok).toBe(false);
  });

  test('reads back what formatIpv6() wrote', () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), values => {
        const bytes = Uint8Array.from(values.flatMap(value => [value >> 8, value & 0xff]));
        expect(parseIpv6(formatIpv6(bytes))).toEqual({ ok: true, value: bytes });
      }),
    );
  });
});
