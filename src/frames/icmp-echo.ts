// ICMP echo (RFC 792) and ICMPv6 echo (RFC 4443 §4): the question of ping, and its answer.
import { err, ok, type Result } from '../base/index.js';
import { internetChecksum } from './checksum.js';

/** Header of an echo message; data follows. */
export const ICMP_ECHO_LENGTH = 8;

/** Types of the messages. */
export const ICMP_ECHO = {
  ipv4: { request: 8, reply: 0 },
  ipv6: { request: 128, reply: 129 },
} as const;

/**
 * One echo message.
 *
 *      0        8        16                32
 *     +--------+--------+-----------------+
 *     | type   | code 0 | checksum        |
 *     +--------+--------+-----------------+
 *     | identifier      | sequence number |
 *     +-----------------+-----------------+
 *     | data ...                          |
 */
export interface IcmpEcho {
  readonly family: 'ipv4' | 'ipv6';
  readonly kind: 'request' | 'reply';
  /** 16 bits each. */
  readonly identifier: number;
  readonly sequence: number;
  readonly data: Uint8Array;
}

/** Reads an echo message that begins at `offset`, or gives the reason why it is none. The checksum is the kernel's to look at. */
export function parseIcmpEcho(
  family: IcmpEcho['family'],
  bytes: Uint8Array,
  offset = 0,
): Result<IcmpEcho, string> {
  if (bytes.length - offset < ICMP_ECHO_LENGTH)
    return err(`An ICMP message of ${bytes.length - offset} bytes has no header`);
  const types = ICMP_ECHO[family];
  const type = bytes[offset];
  const kind = type === types.reply ? 'reply' : type === types.request ? 'request' : undefined;
  if (kind === undefined) return err(`ICMP type ${type} is no echo`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return ok({
    family,
    kind,
    identifier: view.getUint16(offset + 4),
    sequence: view.getUint16(offset + 6),
    data: bytes.subarray(offset + ICMP_ECHO_LENGTH),
  });
}

/** Bytes of an echo message. The checksum of ICMPv6 needs the addresses, and is left to the kernel, which makes it for raw sockets (RFC 3542 §3.1). */
export function emitIcmpEcho({ family, kind, identifier, sequence, data }: IcmpEcho): Uint8Array {
  const bytes = new Uint8Array(ICMP_ECHO_LENGTH + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, ICMP_ECHO[family][kind]);
  view.setUint16(4, identifier);
  view.setUint16(6, sequence);
  bytes.set(data, ICMP_ECHO_LENGTH);
  if (family === 'ipv4') view.setUint16(2, internetChecksum(bytes));
  return bytes;
}
