// IPv4 headers (RFC 791), with the Router Alert option (RFC 2113) as the only option written.
import { err, ok, type Result } from '../base/index.js';
import { putU16, u16 } from './bytes.js';
import { internetChecksum } from './checksum.js';

/** Bytes of a header without options. */
export const IPV4_LENGTH = 20;
/** Bytes of a header with the Router Alert option. */
export const IPV4_ROUTER_ALERT_LENGTH = 24;

/** IP protocol numbers that Bondwire names. */
export const IP_PROTOCOL = { HOP_BY_HOP: 0, IGMP: 2, ICMPV6: 58 } as const;

/**
 * ```
 * VER|IHL(1) TOS(1) TOTAL(2) ID(2) FLAGS|FRAG(2) TTL(1) PROTO(1) CHECKSUM(2) SRC(4) DST(4) [RA: 94 04 00 00]
 * ```
 */
export interface Ipv4Header {
  readonly tos: number;
  /** Header and payload, bytes. */
  readonly totalLength: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In units of 8 bytes. */
  readonly fragmentOffset: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly routerAlert: boolean;
}

/** A header and where its payload begins and ends. */
export interface ParsedIpv4 extends Ipv4Header {
  readonly payloadOffset: number;
  readonly payloadEnd: number;
}

/** True when the options from `start` to `end` hold a Router Alert (type 148). */
function hasRouterAlert(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const type = bytes[at] ?? 0;
    if (type === 0) return false;
    if (type === 148) return true;
    at += type === 1 ? 1 : Math.max(2, bytes[at + 1] ?? 2);
  }
  return false;
}

/** Reads and checks (version, lengths, checksum) the header at `offset`, or says what is wrong with it. */
export function parseIpv4Header(bytes: Uint8Array, offset = 0): Result<ParsedIpv4, string> {
  if (bytes.length < offset + IPV4_LENGTH) return err('IPv4 header is cut short');
  const first = bytes[offset] ?? 0;
  if (first >>> 4 !== 4) return err(`IP version ${first >>> 4} is not 4`);
  const headerLength = (first & 15) * 4;
  const totalLength = u16(bytes, offset + 2);
  if (headerLength < IPV4_LENGTH) return err('IPv4 header length is below 20');
  if (totalLength < headerLength || bytes.length < offset + totalLength)
    return err('IPv4 packet is cut short');
  if (internetChecksum(bytes, offset, offset + headerLength) !== 0) return err('IPv4 checksum is wrong');
  const fragment = u16(bytes, offset + 6);
  return ok({
    tos: bytes[offset + 1] ?? 0,
    totalLength,
    identification: u16(bytes, offset + 4),
    dontFragment: (fragment & 0x4000) !== 0,
    moreFragments: (fragment & 0x2000) !== 0,
    fragmentOffset: fragment & 0x1fff,
    ttl: bytes[offset + 8] ?? 0,
    protocol: bytes[offset + 9] ?? 0,
    source: bytes.slice(offset + 12, offset + 16),
    destination: bytes.slice(offset + 16, offset + 20),
    routerAlert: hasRouterAlert(bytes, offset + IPV4_LENGTH, offset + headerLength),
    payloadOffset: offset + headerLength,
    payloadEnd: offset + totalLength,
  });
}

/** Writes the header with its checksum at `offset`; returns where the payload begins. */
export function emitIpv4Header(header: Ipv4Header, into: Uint8Array, offset = 0): number {
  const length = header.routerAlert ? IPV4_ROUTER_ALERT_LENGTH : IPV4_LENGTH;
  into[offset] = 0x40 | (length / 4);
  into[offset + 1] = header.tos;
  putU16(into, offset + 2, header.totalLength);
  putU16(into, offset + 4, header.identification);
  const flags = (header.dontFragment ? 0x4000 : 0) | (header.moreFragments ? 0x2000 : 0);
  putU16(into, offset + 6, flags | header.fragmentOffset);
  into[offset + 8] = header.ttl;
  into[offset + 9] = header.protocol;
  putU16(into, offset + 10, 0);
  into.set(header.source, offset + 12);
  into.set(header.destination, offset + 16);
  if (header.routerAlert) into.set([148, 4, 0, 0], offset + IPV4_LENGTH);
  putU16(into, offset + 10, internetChecksum(into, offset, offset + length));
  return offset + length;
}
