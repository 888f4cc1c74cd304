// LACPDUs and markers: bytes that the driver sent, both ways for any values, and no bytes that make the parser throw.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMac } from '../base/index.js';
import {
  type LacpEnd,
  type Lacpdu,
  lacpduFrame,
  MARKER_TLV,
  markerResponse,
  parseSlowFrame,
  SLOW_PDU_LENGTH,
  type SlowFrame,
  tagFrame,
} from './index.js';

const MEMBER = '02:aa:00:00:00:01';
const PARTNER = '02:bb:00:00:00:01';

/** Sent by Linux 6.12.117 (port 1, negotiated with 02:bb:00:00:00:01). */
const DRIVERS =
  '0180c200000202aa000000018809' +
  '0101' +
  '0114ffff02aa00000001000f00ff00013f000000' +
  '0214ffff02bb00000001000900ff00013d000000' +
  `0310${'00'.repeat(14)}` +
  '00'.repeat(52);

const NEGOTIATED: Lacpdu = {
  actor: { systemPriority: 65535, system: MEMBER, key: 15, portPriority: 255, port: 1, state: 0x3f },
  partner: { systemPriority: 65535, system: PARTNER, key: 9, portPriority: 255, port: 1, state: 0x3d },
};

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], pair => Number.parseInt(pair, 16));

function valueOf<T>(result: { ok: true; value: T } | { ok: false; error: string }): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}
const read = (frame: Uint8Array): SlowFrame => valueOf(parseSlowFrame(frame));

const mac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map(bytes => formatMac(bytes));
const u16 = fc.nat(0xffff);
const end: fc.Arbitrary<LacpEnd> = fc.record({
  systemPriority: u16,
  system: mac,
  key: u16,
  portPriority: u16,
  port: u16,
  state: fc.nat(0xff),
});

describe('LACPDUs', () => {
  it('are byte for byte those of the driver', () => {
    expect(hex(valueOf(lacpduFrame(MEMBER, NEGOTIATED)))).toBe(DRIVERS);
    expect(read(bytesOf(DRIVERS))).toEqual({
      source: MEMBER,
      vlanTags: [],
      kind: 'lacpdu',
      pdu: NEGOTIATED,
    });
  });

  it('parse to what was emitted', () => {
    fc.assert(
      fc.property(mac, end, end, (source, actor, partner) => {
        const frame = valueOf(lacpduFrame(source, { actor, partner }));
        expect(frame.length).toBe(124);
        expect(read(frame)).toEqual({ source, vlanTags: [], kind: 'lacpdu', pdu: { actor, partner } });
      }),
    );
  });

  it.each([
    ['version 0', 15, 0],
    ['version 2', 15, 2],
    ['another TLV for the actor', 16, 9],
    ['another length of the actor', 17, 19],
    ['no length of the partner', 37, 0],
    ['no length of the collector', 57, 0],
  ])('are read by their places: %s', (_what, at, value) => {
    const frame = bytesOf(DRIVERS);
    frame[at] = value;
    expect(read(frame)).toMatchObject({ kind: 'lacpdu', pdu: NEGOTIATED });
  });

  it('may be longer than they need be, and are illegal when shorter', () => {
    const longer = new Uint8Array(200);
    longer.set(bytesOf(DRIVERS));
    expect(read(longer)).toMatchObject({ kind: 'lacpdu', pdu: NEGOTIATED });
    for (const length of [14, 16, 30, 60, 123])
      expect(read(bytesOf(DRIVERS).subarray(0, length))).toMatchObject({
        kind: 'illegal',
        length: length - 14,
      });
  });

  it('tell the tags that they came with', () => {
    const tagged = tagFrame(bytesOf(DRIVERS), [{ tpid: 0x8100, tci: 5 }]);
    expect(read(tagged)).toMatchObject({ kind: 'lacpdu', vlanTags: [{ tpid: 0x8100, tci: 5 }] });
  });

  it('are for the slow protocols’ address alone, and of their EtherType', () => {
    const elsewhere = bytesOf(DRIVERS);
    elsewhere[5] = 3;
    expect(parseSlowFrame(elsewhere)).toEqual({ ok: false, error: 'it is for 01:80:c2:00:00:03' });
    const other = bytesOf(DRIVERS);
    other[13] = 0x08;
    expect(parseSlowFrame(other).ok).toBe(false);
    expect(lacpduFrame('nobody', NEGOTIATED).ok).toBe(false);
    expect(lacpduFrame(MEMBER, { ...NEGOTIATED, actor: { ...NEGOTIATED.actor, system: '' } }).ok).toBe(false);
  });
});

describe('markers', () => {
  const marker = (tlv: number): Uint8Array => {
    const body = new Uint8Array(SLOW_PDU_LENGTH).fill(0xa5);
    body.set([2, 1, tlv, 16, 0, 7, 2, 0xbb, 0, 0, 0, 1, 1, 2, 3, 4]);
    return body;
  };
  const frameOf = (body: Uint8Array): Uint8Array =>
    Uint8Array.from([...bytesOf('0180c200000202bb000000018809'), ...body]);

  it('are told apart from other slow protocols', () => {
    for (const tlv of [MARKER_TLV.INFORMATION, MARKER_TLV.RESPONSE, 3])
      expect(read(frameOf(marker(tlv)))).toMatchObject({ kind: 'marker', tlv, body: marker(tlv) });
    for (const subtype of [3, 10]) {
      const body = marker(1);
      body[0] = subtype;
      expect(read(frameOf(body))).toMatchObject({ kind: 'other', subtype });
    }
  });

  it('are answered with the same and another type', () => {
    const asked = marker(MARKER_TLV.INFORMATION);
    const answer = valueOf(markerResponse(MEMBER, asked, false));
    const expected = new Uint8Array(SLOW_PDU_LENGTH);
    expected.set(asked.subarray(0, 16));
    expected[2] = MARKER_TLV.RESPONSE;
    expect(hex(answer)).toBe(`0180c200000202aa000000018809${hex(expected)}`);
  });

  it('come back with what is reserved, as the driver sends it, where that is wanted', () => {
    const answer = valueOf(markerResponse(MEMBER, marker(1), true));
    const expected = marker(MARKER_TLV.RESPONSE);
    expect(hex(answer.subarray(14))).toBe(hex(expected));
  });
});

describe('any bytes', () => {
  it('never make the parser throw', () => {
    const slow = fc
      .uint8Array({ maxLength: 160 })
      .map(rest => Uint8Array.from([...bytesOf('0180c200000202bb000000018809'), ...rest]));
    fc.assert(
      fc.property(fc.oneof(slow, fc.uint8Array({ maxLength: 160 })), frame => {
        expect(() => parseSlowFrame(frame)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });
});
