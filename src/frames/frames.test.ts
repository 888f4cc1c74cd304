// Every protocol both ways: what is emitted on a dirty buffer parses back to the same value, and no bytes make a parser throw.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ArpPacket,
  emitArp,
  emitEthernet,
  emitIgmp,
  emitIpv4Header,
  emitIpv6Header,
  emitMld,
  emitNdisc,
  type EthernetHeader,
  gratuitousArp,
  igmpLength,
  igmpReports,
  type IgmpReport,
  internetChecksum,
  type Ipv4Header,
  type Ipv6Header,
  mldLength,
  mldReports,
  type MldReport,
  type NdiscMessage,
  parseArp,
  parseEthernet,
  parseIgmp,
  parseIpv4Header,
  parseIpv6Header,
  parseMld,
  parseNdisc,
  unsolicitedNa,
} from './index.js';

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const mac = bytes(6);
const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const dirty = (length: number): Uint8Array => new Uint8Array(length).fill(0xa5);
const hex = (data: Uint8Array): string =>
  Array.from(data, byte => byte.toString(16).padStart(2, '0')).join('');

function valueOf<T>(result: { ok: true; value: T } | { ok: false; error: string }): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

describe('parse after emit on a buffer of 0xa5', () => {
  it('ethernet, with tags', () => {
    const tag = fc.record({ tpid: fc.constantFrom(0x8100, 0x88a8), tci: u16 });
    const header: fc.Arbitrary<EthernetHeader> = fc.record({
      destination: mac,
      source: mac,
      vlanTags: fc.array(tag, { maxLength: 3 }),
      etherType: u16.filter(type => type !== 0x8100 && type !== 0x88a8),
    });
    fc.assert(
      fc.property(header, value => {
        const frame = dirty(64);
        const end = emitEthernet(value, frame);
        expect(parseEthernet(frame)).toEqual({ ok: true, value: { ...value, payloadOffset: end } });
        expect(frame.subarray(end)).toEqual(dirty(64 - end));
      }),
    );
  });

  it('arp', () => {
    const packet: fc.Arbitrary<ArpPacket> = fc.record({
      operation: u16,
      senderMac: mac,
      senderIp: bytes(4),
      targetMac: mac,
      targetIp: bytes(4),
    });
    fc.assert(
      fc.property(packet, fc.nat(5), (value, offset) => {
        const buffer = dirty(40);
        expect(emitArp(value, buffer, offset)).toBe(offset + 28);
        expect(parseArp(buffer, offset)).toEqual({ ok: true, value });
      }),
    );
  });

  it('ipv4 header', () => {
    const header: fc.Arbitrary<Ipv4Header> = fc.record({
      tos: u8,
      totalLength: fc.integer({ min: 24, max: 80 }),
      identification: u16,
      dontFragment: fc.boolean(),
      moreFragments: fc.boolean(),
      fragmentOffset: fc.nat(0x1fff),
      ttl: u8,
      protocol: u8,
      source: bytes(4),
      destination: bytes(4),
      routerAlert: fc.boolean(),
    });
    fc.assert(
      fc.property(header, value => {
        const buffer = dirty(80);
        const payloadOffset = emitIpv4Header(value, buffer);
        const expected = { ...value, payloadOffset, payloadEnd: value.totalLength };
        expect(parseIpv4Header(buffer)).toEqual({ ok: true, value: expected });
      }),
    );
  });

  it('ipv6 header', () => {
    const header: fc.Arbitrary<Ipv6Header> = fc.record({
      trafficClass: u8,
      flowLabel: fc.nat(0xfffff),
      payloadLength: fc.nat(40),
      nextHeader: fc.integer({ min: 1, max: 255 }),
      hopLimit: u8,
      source: bytes(16),
      destination: bytes(16),
      routerAlert: fc.boolean(),
    });
    fc.assert(
      fc.property(header, value => {
        const buffer = dirty(100);
        const payloadOffset = emitIpv6Header(value, buffer);
        const expected = { ...value, payloadOffset, payloadEnd: payloadOffset + value.payloadLength };
        expect(parseIpv6Header(buffer)).toEqual({ ok: true, value: expected });
      }),
    );
  });

  it('neighbour discovery', () => {
    const message: fc.Arbitrary<NdiscMessage> = fc.record({
      kind: fc.constantFrom('solicitation' as const, 'advertisement' as const),
      router: fc.boolean(),
      solicited: fc.boolean(),
      override: fc.boolean(),
      target: bytes(16).map(address => address.with(0, 0xfe)),
      linkAddress: fc.option(mac),
    });
    fc.assert(
      fc.property(message, bytes(16), bytes(16), (value, source, destination) => {
        const buffer = dirty(40);
        const end = emitNdisc(source, destination, value, buffer, 3);
        expect(parseNdisc(source, destination, buffer, 3, end)).toEqual({ ok: true, value });
        buffer[7] = (buffer[7] ?? 0) ^ 1;
        expect(parseNdisc(source, destination, buffer, 3, end).ok).toBe(false);
      }),
    );
  });

  it('igmp and mld', () => {
    const record = (size: number) =>
      fc.record({
        type: fc.integer({ min: 1, max: 6 }),
        group: bytes(size),
        sources: fc.array(bytes(size), { maxLength: 3 }),
      });
    const igmp: fc.Arbitrary<IgmpReport> = fc.oneof(
      fc.record({ version: fc.constantFrom(1 as const, 2 as const), group: bytes(4) }),
      fc.record({ version: fc.constant(3 as const), records: fc.array(record(4), { maxLength: 4 }) }),
    );
    const mld: fc.Arbitrary<MldReport> = fc.oneof(
      fc.record({ version: fc.constant(1 as const), group: bytes(16) }),
      fc.record({ version: fc.constant(2 as const), records: fc.array(record(16), { maxLength: 4 }) }),
    );
    fc.assert(
      fc.property(igmp, mld, bytes(16), bytes(16), (a, b, source, destination) => {
        const first = dirty(igmpLength(a));
        emitIgmp(a, first);
        expect(parseIgmp(first)).toEqual({ ok: true, value: a });
        const second = dirty(mldLength(b));
        emitMld(source, destination, b, second);
        expect(parseMld(source, destination, second)).toEqual({ ok: true, value: b });
      }),
    );
  });
});

describe('parsers', () => {
  it('never throw, whatever the bytes and wherever they are cut', () => {
    const address = new Uint8Array(16);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.constantFrom(0x45, 0x46, 0x60, 0x22, 143, 136, 0),
        (data, first) => {
          if (data.length > 0) data[0] = first;
          for (const parse of [parseEthernet, parseArp, parseIpv4Header, parseIpv6Header, parseIgmp]) {
            expect(typeof parse(data).ok).toBe('boolean');
          }
          for (const parse of [parseMld, parseNdisc])
            expect(typeof parse(address, address, data).ok).toBe('boolean');
        },
      ),
    );
  });
});

describe('announcements', () => {
  it('gratuitousArp() is the 42-byte broadcast request that the kernel sends', () => {
    expect(hex(valueOf(gratuitousArp('02:00:00:00:00:01', '192.0.2.1')))).toBe(
      'ffffffffffff02000000000108060001080006040001020000000001c0000201000000000000c0000201',
    );
    expect(gratuitousArp('nonsense', '192.0.2.1').ok).toBe(false);
    expect(gratuitousArp('02:00:00:00:00:01', '192.0.2').ok).toBe(false);
  });

  it('unsolicitedNa() goes to all nodes with Override, hop limit 255 and a right checksum', () => {
    const frame = valueOf(unsolicitedNa('02:00:00:00:00:01', 'fe80::1', true));
    expect(frame).toHaveLength(86);
    expect(hex(frame.subarray(0, 14))).toBe('33330000000102000000000186dd');
    const ip = valueOf(parseIpv6Header(frame, 14));
    expect(ip.hopLimit).toBe(255);
    const message = valueOf(parseNdisc(ip.source, ip.destination, frame, ip.payloadOffset, ip.payloadEnd));
    expect(message).toMatchObject({ kind: 'advertisement', router: true, solicited: false, override: true });
    expect(hex(message.linkAddress ?? new Uint8Array())).toBe('020000000001');
  });

  it('igmpReports() version 3 puts every group but 224.0.0.1 in one report to 224.0.0.22', () => {
    const from = { mac: '02:00:00:00:00:01', ip: '192.0.2.1', mtu: 1500 };
    const frames = valueOf(igmpReports(from, ['224.0.0.1', '239.1.2.3', '224.0.0.251'], 3));
    expect(frames.map(hex)).toEqual([
      '01005e000016020000000001080046c0003000004000010241f0c0000201e000001694040000220007fd0000000202000000ef01020302000000e00000fb',
    ]);
    const ip = valueOf(parseIpv4Header(frames[0] ?? new Uint8Array(), 14));
    expect(ip).toMatchObject({ tos: 0xc0, ttl: 1, routerAlert: true, protocol: 2 });
  });

  it('igmpReports() versions 1 and 2 go to the group itself', () => {
    const from = { mac: '02:00:00:00:00:01', ip: null, mtu: 1500 };
    for (const version of [1, 2] as const) {
      const frames = valueOf(igmpReports(from, ['224.0.0.1', '239.129.2.3'], version));
      expect(frames).toHaveLength(1);
      expect(hex(frames[0]?.subarray(0, 6) ?? new Uint8Array())).toBe('01005e010203');
      const ip = valueOf(parseIpv4Header(frames[0] ?? new Uint8Array(), 14));
      expect(hex(ip.source)).toBe('00000000');
      expect(parseIgmp(frames[0] ?? new Uint8Array(), ip.payloadOffset, ip.payloadEnd)).toMatchObject({
        value: { version },
      });
    }
  });

  it('long version 3 reports are split to fit the MTU', () => {
    const groups = Array.from({ length: 200 }, (_, i) => `239.0.1.${i}`);
    const frames = valueOf(igmpReports({ mac: '02:00:00:00:00:01', ip: null, mtu: 576 }, groups, 3));
    expect(frames.length).toBe(3);
    expect(Math.max(...frames.map(frame => frame.length))).toBeLessThanOrEqual(576 + 14);
  });

  it('mldReports() leaves out ff02::1 and interface-local groups', () => {
    const from = { mac: '02:00:00:00:00:01', ip: 'fe80::1', mtu: 1500 };
    const groups = ['ff02::1', 'ff01::5', 'ff02::fb', 'ff05::2'];
    const [frame, ...rest] = valueOf(mldReports(from, groups, 2));
    expect(rest).toEqual([]);
    const ip = valueOf(parseIpv6Header(frame ?? new Uint8Array(), 14));
    expect(ip).toMatchObject({ hopLimit: 1, routerAlert: true, nextHeader: 58 });
    const report = valueOf(
      parseMld(ip.source, ip.destination, frame ?? new Uint8Array(), ip.payloadOffset, ip.payloadEnd),
    );
    expect(report.version === 2 && report.records.map(record => record.type)).toEqual([2, 2]);
    const old = valueOf(mldReports(from, groups, 1));
    expect(old.map(each => hex(each.subarray(0, 6)))).toEqual(['3333000000fb', '333300000002']);
    expect(old.every(each => hex(each.subarray(0, 2)) === '3333')).toBe(true);
  });
});

describe('internetChecksum()', () => {
  it('gives the example of RFC 1071', () => {
    expect(internetChecksum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7))).toBe(0x220d);
  });
});
