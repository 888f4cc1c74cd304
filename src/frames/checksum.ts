// The Internet checksum (RFC 1071) and its IPv6 pseudo header (RFC 8200 §8.1).
import { u16 } from './bytes.js';

/** Folded one's complement sum of 16-bit big-endian words, before the final complement; an odd last byte counts as high. */
function sum(bytes: Uint8Array, start: number, end: number, initial: number): number {
  let total = initial;
  for (let i = start; i + 1 < end; i += 2) total += u16(bytes, i);
  if ((end - start) % 2 === 1) total += (bytes[end - 1] ?? 0) << 8;
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return total;
}

/** Internet checksum of `bytes[start…end)`; 0 over data that already carries a right checksum. */
export function internetChecksum(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  return ~sum(bytes, start, end, 0) & 0xffff;
}

/**
 * Checksum of an upper-layer packet under IPv6, pseudo header included.
 * `source` and `destination` are 16 bytes; the packet is `bytes[start…end)`; `protocol` is its next-header number.
 */
export function ipv6Checksum(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): number {
  const length = end - start;
  let total = sum(source, 0, 16, 0);
  total = sum(destination, 0, 16, total);
  total = sum(bytes, start, end, total + (length >>> 16) + (length & 0xffff) + protocol);
  return ~total & 0xffff;
}
