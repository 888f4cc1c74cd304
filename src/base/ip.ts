// IPv4 and IPv6 addresses: text to bytes and back. IPv6 text is written in the canonical form of RFC 5952.
import { err, ok, type Result } from './result.js';

const DECIMAL_OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const HEX_GROUP = /^[0-9a-f]{1,4}$/i;

function octets(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    const value = DECIMAL_OCTET.test(part) ? Number(part) : 256;
    if (value > 255) return undefined;
    bytes[i] = value;
  }
  return bytes;
}

/** The four bytes of a dotted-decimal IPv4 address (leading zeros are refused, as by inet_pton), or the reason why it is none. */
export function parseIpv4(text: string): Result<Uint8Array, string> {
  const bytes = octets(text);
  if (bytes === undefined) return err(`"${text}" is not an IPv4 address; write it as 192.0.2.1`);
  return ok(bytes);
}

/** Dotted-decimal text of the four bytes at `offset`. */
export function formatIpv4(bytes: Uint8Array, offset = 0): string {
  return `${bytes[offset] ?? 0}.${bytes[offset + 1] ?? 0}.${bytes[offset + 2] ?? 0}.${bytes[offset + 3] ?? 0}`;
}

/** The 16-bit groups in one side of `::`; a trailing dotted-decimal part counts as two. */
function groups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const values: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (HEX_GROUP.test(part)) {
      values.push(Number.parseInt(part, 16));
      continue;
    }
    const tail = mayEndInIpv4 && i === parts.length - 1 ? octets(part) : undefined;
    if (tail === undefined) return undefined;
    values.push(((tail[0] ?? 0) << 8) | (tail[1] ?? 0), ((tail[2] ?? 0) << 8) | (tail[3] ?? 0));
  }
  return values;
}

function ipv6Groups(text: string): number[] | undefined {
  const gap = text.indexOf('::');
  if (gap < 0) {
    const all = groups(text, true);
    return all?.length === 8 ? all : undefined;
  }
  const head = groups(text.slice(0, gap), false);
  const tail = groups(text.slice(gap + 2), true);
  if (head === undefined || tail === undefined || head.length + tail.length > 7) return undefined;
  return [...head, ...Array.from<number>({ length: 8 - head.length - tail.length }).fill(0), ...tail];
}

/** The sixteen bytes of an IPv6 address (RFC 4291 §2.2, no zone and no prefix length), or the reason why it is none. */
export function parseIpv6(text: string): Result<Uint8Array, string> {
  const values = ipv6Groups(text);
  if (values === undefined) return err(`"${text}" is not an IPv6 address; write it as 2001:db8::1`);
  const bytes = new Uint8Array(16);
  for (const [i, value] of values.entries()) {
    bytes[2 * i] = value >> 8;
    bytes[2 * i + 1] = value & 0xff;
  }
  return ok(bytes);
}

/** Start and length of the longest run of two or more zero groups, the first of equals (RFC 5952 §4.2). */
function longestZeroRun(values: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < values.length; start++) {
    let length = 0;
    while (values[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
    start += length;
  }
  return best;
}

function hex(values: readonly number[]): string {
  return values.map(value => value.toString(16)).join(':');
}

/** Canonical text (RFC 5952) of the sixteen bytes at `offset`; IPv4-mapped addresses end in dotted decimal (§5). */
export function formatIpv6(bytes: Uint8Array, offset = 0): string {
  const values: number[] = [];
  for (let i = 0; i < 8; i++)
    values.push(((bytes[offset + 2 * i] ?? 0) << 8) | (bytes[offset + 2 * i + 1] ?? 0));
  if (values[5] === 0xffff && values.slice(0, 5).every(value => value === 0)) {
    return `::ffff:${formatIpv4(bytes, offset + 12)}`;
  }
  const run = longestZeroRun(values);
  if (run.start < 0) return hex(values);
  return `${hex(values.slice(0, run.start))}::${hex(values.slice(run.start + run.length))}`;
}
