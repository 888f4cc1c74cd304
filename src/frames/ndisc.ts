// Neighbour solicitations and advertisements (RFC 4861 §4.3, §4.4) with the link-layer address option.
import { err, ok, type Result } from '../base/index.js';
import { isZero, putU16, u16 } from './bytes.js';
import { ipv6Checksum } from './checksum.js';
import { IP_PROTOCOL } from './ipv4.js';

/** Bytes of a message with a link-layer address option; 24 without. */
export const NDISC_LENGTH = 32;
const NDISC_BARE_LENGTH = 24;

const SOLICITATION = 135;
const ADVERTISEMENT = 136;

/**
 * ```
 * TYPE(1) CODE(1)=0 CHECKSUM(2) R|S|O(1) RESERVED(3) TARGET(16) [OPT(1) LEN(1)=1 MAC(6)]
 * ```
 * OPT is 1 (source) in a solicitation and 2 (target) in an advertisement.
 */
export interface NdiscMessage {
  readonly kind: 'solicitation' | 'advertisement';
  /** R, S and O flags; they mean something in an advertisement only. */
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
  readonly target: Uint8Array;
  /** The option's MAC address, or null when there is none. */
  readonly linkAddress: Uint8Array | null;
}

/** The MAC in the first option of type `wanted`; undefined when an option is malformed. */
function findLinkAddress(
  bytes: Uint8Array,
  start: number,
  end: number,
  wanted: number,
): Uint8Array | null | undefined {
  let at = start;
  while (at < end) {
    const length = 8 * (bytes[at + 1] ?? 0);
    if (length === 0 || at + length > end) return undefined;
    if (bytes[at] === wanted) return bytes.slice(at + 2, at + 8);
    at += length;
  }
  return null;
}

/** Reads and checks the ICMPv6 message `bytes[start…end)` that went from `source` to `destination` (16 bytes each). */
export function parseNdisc(
  source: Uint8Array,
  destination: Uint8Array,
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Result<NdiscMessage, string> {
  if (end - start < NDISC_BARE_LENGTH || end > bytes.length)
    return err('neighbour discovery message is cut short');
  const type = bytes[start] ?? 0;
  if (type !== SOLICITATION && type !== ADVERTISEMENT)
    return err(`ICMPv6 type ${type} is no neighbour discovery`);
  if (bytes[start + 1] !== 0) return err('ICMPv6 code is not 0');
  if (ipv6Checksum(source, destination, IP_PROTOCOL.ICMPV6, bytes, start, end) !== 0) {
    return err('ICMPv6 checksum is wrong');
  }
  if (bytes[start + 8] === 0xff || isZero(bytes, start + 8, 16)) return err('target is no unicast address');
  const optionType = type === SOLICITATION ? 1 : 2;
  const linkAddress = findLinkAddress(bytes, start + NDISC_BARE_LENGTH, end, optionType);
  if (linkAddress === undefined) return err('neighbour discovery option is malformed');
  const flags = u16(bytes, start + 4);
  return ok({
    kind: type === SOLICITATION ? 'solicitation' : 'advertisement',
    router: (flags & 0x8000) !== 0,
    solicited: (flags & 0x4000) !== 0,
    override: (flags & 0x2000) !== 0,
    target: bytes.slice(start + 8, start + 24),
    linkAddress,
  });
}

/** Writes the message with its checksum at `offset`; returns the offset after it. */
export function emitNdisc(
  source: Uint8Array,
  destination: Uint8Array,
  message: NdiscMessage,
  into: Uint8Array,
  offset = 0,
): number {
  const end = offset + (message.linkAddress === null ? NDISC_BARE_LENGTH : NDISC_LENGTH);
  const advertisement = message.kind === 'advertisement';
  into.fill(0, offset, end);
  into[offset] = advertisement ? ADVERTISEMENT : SOLICITATION;
  into[offset + 4] =
    (message.router ? 0x80 : 0) | (message.solicited ? 0x40 : 0) | (message.override ? 0x20 : 0);
  into.set(message.target, offset + 8);
  if (message.linkAddress !== null) {
    into[offset + 24] = advertisement ? 2 : 1;
    into[offset + 25] = 1;
    into.set(message.linkAddress, offset + 26);
  }
  putU16(into, offset + 2, ipv6Checksum(source, destination, IP_PROTOCOL.ICMPV6, into, offset, end));
  return end;
}
