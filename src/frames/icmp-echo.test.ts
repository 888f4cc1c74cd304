// Echo messages: bytes of a real ping, both ways.
import { describe, expect, it } from 'vitest';
import { emitIcmpEcho, parseIcmpEcho } from './icmp-echo.js';

/** `ping -c 1 -s 8 -p 61 -e 4660 127.0.0.1`, as tcpdump -x shows it. */
const CAPTURED = Uint8Array.from([
  0x08, 0x00, 0x84, 0xca, 0x12, 0x34, 0x00, 0x01, 0x61, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
]);
const DATA = Uint8Array.of(0x61, 0, 0, 0, 0, 0, 0, 0);

describe('ICMP echo', () => {
  it('is read and written to the byte', () => {
    expect(parseIcmpEcho('ipv4', CAPTURED)).toEqual({
      ok: true,
      value: { family: 'ipv4', kind: 'request', identifier: 0x1234, sequence: 1, data: DATA },
    });
    expect(
      emitIcmpEcho({ family: 'ipv4', kind: 'request', identifier: 0x1234, sequence: 1, data: DATA }),
    ).toEqual(CAPTURED);
  });

  it('of IPv6 has other types, and its checksum is left to the kernel', () => {
    const bytes = emitIcmpEcho({
      family: 'ipv6',
      kind: 'reply',
      identifier: 7,
      sequence: 0xffff,
      data: DATA,
    });
    expect([...bytes.subarray(0, 8)]).toEqual([129, 0, 0, 0, 0, 7, 0xff, 0xff]);
    expect(parseIcmpEcho('ipv6', bytes)).toMatchObject({
      ok: true,
      value: { kind: 'reply', sequence: 0xffff },
    });
  });

  it('at an offset, behind an IPv4 header', () => {
    const bytes = new Uint8Array(36);
    bytes.set(CAPTURED, 20);
    expect(parseIcmpEcho('ipv4', bytes, 20)).toMatchObject({ ok: true, value: { identifier: 0x1234 } });
  });

  it('what is none is told apart', () => {
    expect(parseIcmpEcho('ipv4', CAPTURED.subarray(0, 7))).toEqual({
      ok: false,
      error: 'An ICMP message of 7 bytes has no header',
    });
    expect(parseIcmpEcho('ipv6', CAPTURED)).toEqual({ ok: false, error: 'ICMP type 8 is no echo' });
  });
});
