// Hellos and markers: both ways for any values, what is no hello, and no bytes that make a parser throw.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMac } from '../base/index.js';
import {
  HELLO,
  helloFrame,
  markerFrame,
  markerResponse,
  MARKER_TLV,
  parseHello,
  parseSlowFrame,
  readMarker,
  SLOW_PDU_LENGTH,
} from './index.js';

const MEMBER = '02:aa:00:00:00:01';
const SYSTEM = '02:cc:00:00:00:02';

const number = (bits: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** bits - 1 });
const mac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map(bytes => formatMac(Uint8Array.from([(bytes[0] ?? 0) & 0xfe, ...bytes.subarray(1)])));

function bodyOf(frame: { ok: true; value: Uint8Array } | { ok: false; error: string }): Uint8Array {
  if (!frame.ok) throw new Error(frame.error);
  const read = parseSlowFrame(frame.value);
  if (!read.ok || !('body' in read.value)) throw new Error('it has no body');
  return read.value.body;
}

describe('a hello', () => {
  it('has these bytes', () => {
    const frame = helloFrame(MEMBER, { flags: HELLO.DEAF, sequence: 0x0102_0304, system: SYSTEM, port: 7 });
    if (!frame.ok) throw new Error(frame.error);
    const bytes = Array.from(frame.value, byte => byte.toString(16).padStart(2, '0')).join('');
    expect(bytes).toBe(
      `0180c200000202aa0000000188090a024257010102000102030402cc000000020007${'00'.repeat(90)}`,
    );
    expect(frame.value).toHaveLength(14 + SLOW_PDU_LENGTH);
  });

  it('is read as it was made', () => {
    const hello = fc.record({ flags: number(8), sequence: number(32), system: mac, port: number(16) });
    fc.assert(
      fc.property(hello, value => {
        expect(parseHello(bodyOf(helloFrame(MEMBER, value)))).toEqual({ ok: true, value });
      }),
    );
  });

  it('is not what another organisation says, another kind, or what is cut short', () => {
    const good = bodyOf(helloFrame(MEMBER, { flags: 0, sequence: 1, system: SYSTEM, port: 1 }));
    for (const at of [0, 1, 2, 3, 4]) {
      const bad = good.slice();
      bad[at] = 0xee;
      expect(parseHello(bad).ok).toBe(false);
    }
    expect(parseHello(good.subarray(0, 19)).ok).toBe(false);
    const later = good.slice();
    later[5] = 2;
    expect(parseHello(later).ok).toBe(true);
  });

  it('is looked for in any bytes without harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 130 }), bytes => {
        parseHello(bytes);
        readMarker(bytes);
      }),
    );
  });

  it('cannot be said with an address that is none', () => {
    expect(helloFrame(MEMBER, { flags: 0, sequence: 0, system: 'nobody', port: 1 }).ok).toBe(false);
  });
});

describe('a marker', () => {
  it('and its answer say who asked, and which of its markers it was', () => {
    const marker = fc.record({ port: number(16), system: mac, transaction: number(32) });
    fc.assert(
      fc.property(marker, value => {
        const asked = bodyOf(markerFrame(MEMBER, value));
        expect([asked[2], readMarker(asked)]).toEqual([MARKER_TLV.INFORMATION, value]);
        const answered = bodyOf(markerResponse(SYSTEM, asked, false));
        expect([answered[2], readMarker(answered)]).toEqual([MARKER_TLV.RESPONSE, value]);
      }),
    );
  });
});
