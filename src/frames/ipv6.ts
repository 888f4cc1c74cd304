// IPv6 headers (RFC 8200), with a hop-by-hop header that carries Router Alert for MLD (RFC 2711) when asked for.
import { err, ok, type Result } from '../base/index.js';
import { putU16, u16 } from './bytes.js';
import { IP_PROTOCOL } from './ipv4.js';

/** Bytes of the fixed header. */
export const IPV6_LENGTH = 40;
/** Bytes of the hop-by-hop header that carries Router Alert. */
export const IPV6_ROUTER_ALERT_LENGTH = 8;

/**
 * ```
 * VER|CLASS|FLOW(4) PAYLOAD(2) NEXT(1) HOPS(1) SRC(16) DST(16) [NEXT 00 05 02 00 00 01 00]
 * ```
 */
export interface Ipv6Header {
  readonly trafficClass: number;
  readonly flowLabel: number;
  /** Bytes after the fixed header and the hop-by-hop header written here. */
  readonly payloadLength: number;
  /** Protocol of the payload (after the hop-by-hop header, when there is one). */
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly routerAlert: boolean;
}

/** A header and where its payload begins and ends. */
export interface ParsedIpv6 extends Ipv6Header {
  readonly payloadOffset: number;
  readonly payloadEnd: number;
}

/** True when the hop-by-hop options from `start` to `end` hold a Router Alert (type 5). */
function hasRouterAlert(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    if (bytes[at] === 5) return true;
    at += bytes[at] === 0 ? 1 : 2 + (bytes[at + 1] ?? 0);
  }
  return false;
}

/** Reads the header at `offset` and steps over one hop-by-hop header; other extension headers stay in the payload. */
export function parseIpv6Header(bytes: Uint8Array, offset = 0): Result<ParsedIpv6, string> {
  if (bytes.length < offset + IPV6_LENGTH) return err('IPv6 header is cut short');
  const version = (bytes[offset] ?? 0) >>> 4;
  if (version !== 6) return err(`IP version ${version} is not 6`);
  const length = u16(bytes, offset + 4);
  const payloadEnd = offset + IPV6_LENGTH + length;
  if (bytes.length < payloadEnd) return err('IPv6 packet is cut short');
  let payloadOffset = offset + IPV6_LENGTH;
  let nextHeader = bytes[offset + 6] ?? 0;
  let routerAlert = false;
  if (nextHeader === IP_PROTOCOL.HOP_BY_HOP) {
    const extension = 8 * (1 + (bytes[payloadOffset + 1] ?? 0));
    if (payloadOffset + extension > payloadEnd) return err('IPv6 hop-by-hop header is cut short');
    nextHeader = bytes[payloadOffset] ?? 0;
    routerAlert = hasRouterAlert(bytes, payloadOffset + 2, payloadOffset + extension);
    payloadOffset += extension;
  }
  return ok({
    trafficClass: (u16(bytes, offset) >>> 4) & 0xff,
    flowLabel: (((bytes[offset + 1] ?? 0) & 15) << 16) | u16(bytes, offset + 2),
    payloadLength: payloadEnd - payloadOffset,
    nextHeader,
    hopLimit: bytes[offset + 7] ?? 0,
    source: bytes.slice(offset + 8, offset + 24),
    destination: bytes.slice(offset + 24, offset + 40),
    routerAlert,
    payloadOffset,
    payloadEnd,
  });
}

/** Writes the header (and the hop-by-hop header) at `offset`; returns where the payload begins. */
export function emitIpv6Header(header: Ipv6Header, into: Uint8Array, offset = 0): number {
  putU16(into, offset, 0x6000 | (header.trafficClass << 4) | (header.flowLabel >>> 16));
  putU16(into, offset + 2, header.flowLabel & 0xffff);
  putU16(into, offset + 4, header.payloadLength + (header.routerAlert ? IPV6_ROUTER_ALERT_LENGTH : 0));
  into[offset + 6] = header.routerAlert ? IP_PROTOCOL.HOP_BY_HOP : header.nextHeader;
  into[offset + 7] = header.hopLimit;
  into.set(header.source, offset + 8);
  into.set(header.destination, offset + 24);
  if (!header.routerAlert) return offset + IPV6_LENGTH;
  // Router Alert of value 0 (MLD), then PadN of no bytes.
  into.set([header.nextHeader, 0, 5, 2, 0, 0, 1, 0], offset + IPV6_LENGTH);
  return offset + IPV6_LENGTH + IPV6_ROUTER_ALERT_LENGTH;
}
