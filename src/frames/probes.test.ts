// Probes of the ARP monitor: bytes of a request and a solicitation, and that every probe is read back as it was meant.
import { array, assert, constantFrom, nat, pre, property, record, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpv4, formatIpv6, formatMac } from '../base/index.js';
import { parseEthernet, parseProbeAnswer, probeFrame, type VlanTag } from './index.js';

const MAC = '02:00:00:00:00:01';
const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');

function frameOf(sender: string | null, target: string, vlans: VlanTag[] = []): Uint8Array {
  const frame = probeFrame({ mac: MAC, sender, target, vlans });
  if (!frame.ok) throw new Error(frame.error);
  return frame.value;
}

describe('probeFrame()', () => {
  it('is a broadcast ARP request', () => {
    expect(hex(frameOf('192.0.2.1', '192.0.2.254'))).toBe(
      'ffffffffffff02000000000108060001080006040001020000000001c0000201000000000000c00002fe',
    );
  });

  it('asks from 0.0.0.0 without a sender, and through all VLANs, the outermost first', () => {
    const frame = frameOf(null, '192.0.2.254', [
      { tpid: 0x88a8, tci: 3 },
      { tpid: 0x8100, tci: 4 },
    ]);
    expect(hex(frame).slice(24, 44)).toBe('88a80003810000040806');
    expect(parseProbeAnswer(frame)).toMatchObject({ ok: true, value: { sender: '0.0.0.0' } });
  });

  it('is a solicitation to the solicited-node group, with our link address where we have an address', () => {
    const frame = frameOf('2001:db8::1', '2001:db8::12:3456');
    const header = parseEthernet(frame);
    expect(header.ok && formatMac(header.value.destination)).toBe('33:33:ff:12:34:56');
    expect(frame.length).toBe(14 + 40 + 32);
    expect(frameOf(null, '2001:db8::12:3456').length).toBe(14 + 40 + 24);
    expect(parseProbeAnswer(frame)).toEqual({
      ok: true,
      value: {
        protocol: 'nd',
        isReply: false,
        sender: '2001:db8::1',
        target: 'ff02::1:ff12:3456',
        destination: '33:33:ff:12:34:56',
      },
    });
  });

  it.each([
    ['192.0.2', '192.0.2.1'],
    ['192.0.2.1', '2001:db8::1'],
    ['fe80::zz', 'fe80::1'],
  ])('refuses target %s from %s', (target, sender) => {
    expect(probeFrame({ mac: MAC, sender, target, vlans: [] }).ok).toBe(false);
  });

  it('is read back as it was meant', () => {
    const bytes = (length: number) => uint8Array({ minLength: length, maxLength: length });
    const vlanTag = record({ tpid: constantFrom(0x8100, 0x88a8), tci: nat(4094) });
    assert(
      property(bytes(4), bytes(4), array(vlanTag, { maxLength: 3 }), (from, to, vlans) => {
        const [sender, target] = [formatIpv4(from), formatIpv4(to)];
        const read = parseProbeAnswer(frameOf(sender, target, vlans));
        expect(read).toEqual({
          ok: true,
          value: { protocol: 'arp', isReply: false, sender, target, destination: 'ff:ff:ff:ff:ff:ff' },
        });
      }),
    );
    assert(
      property(bytes(16), bytes(16), (from, to) => {
        pre(from[0] !== 0xff && to[0] !== 0xff && to.some(byte => byte !== 0));
        const [sender, target] = [formatIpv6(from), formatIpv6(to)];
        expect(parseProbeAnswer(frameOf(sender, target))).toMatchObject({ ok: true, value: { sender } });
      }),
    );
  });

  it('never throws on what comes in', () => {
    assert(
      property(uint8Array({ maxLength: 120 }), constantFrom(0x0806, 0x86dd), (bytes, type) => {
        const frame = Uint8Array.from(bytes);
        frame.set(
          [type >> 8, type & 255].slice(0, Math.max(0, frame.length - 12)),
          Math.min(12, frame.length),
        );
        expect(typeof parseProbeAnswer(frame).ok).toBe('boolean');
      }),
    );
  });
});
