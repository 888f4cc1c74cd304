// The netlink message header (struct nlmsghdr), the kernel's answers (acknowledgement, error, end of dump) and
// the sentence that the kernel adds to an error (extended acknowledgement).
import { err, ok, type Result } from '../base/index.js';
import { findAttribute, parseAttributes, text, u32 } from './attribute.js';

/** Message types below the families' own (linux/netlink.h). */
export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;

export const NLM_F_REQUEST = 0x001;
export const NLM_F_MULTI = 0x002;
export const NLM_F_ACK = 0x004;
export const NLM_F_ECHO = 0x008;
/** The dump was inconsistent, because something changed meanwhile: ask again. */
export const NLM_F_DUMP_INTR = 0x010;
export const NLM_F_DUMP_FILTERED = 0x020;
/** For a get: all of the table. */
export const NLM_F_ROOT = 0x100;
export const NLM_F_MATCH = 0x200;
export const NLM_F_DUMP = 0x300;
/** For a new: replace what is there. */
export const NLM_F_REPLACE = 0x100;
/** For a new: fail if it is there. */
export const NLM_F_EXCL = 0x200;
/** For a new: make it if it is not there. */
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
/** In an answer: the request's payload was cut off. */
const NLM_F_CAPPED = 0x100;
/** In an answer: attributes of the extended acknowledgement follow. */
const NLM_F_ACK_TLVS = 0x200;

const NLMSGERR_ATTR_MSG = 1;
const NLMSGERR_ATTR_OFFS = 2;

/** Length of struct nlmsghdr. */
export const NLMSG_HDRLEN = 16;

/**
 * One message.
 *
 *      0                   16                  32
 *     +---------------------------------------+
 *     | nlmsg_len                             |
 *     +-------------------+-------------------+
 *     | nlmsg_type        | nlmsg_flags       |
 *     +-------------------+-------------------+
 *     | nlmsg_seq                             |
 *     +---------------------------------------+
 *     | nlmsg_pid                             |
 *     +---------------------------------------+
 */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** The sender's netlink port; 0 is the kernel. */
  readonly port: number;
  readonly payload: Uint8Array;
}

/** A message to the kernel before the socket gives it a sequence number. */
export interface NetlinkRequest {
  readonly type: number;
  /** NLM_F_REQUEST and NLM_F_ACK are added by the socket. */
  readonly flags: number;
  readonly payload: Uint8Array;
}

/** The messages in one datagram, or the reason why they cannot be read. Payloads are copies. */
export function parseMessages(bytes: Uint8Array): Result<NetlinkMessage[], string> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: NetlinkMessage[] = [];
  let at = 0;
  while (at + NLMSG_HDRLEN <= bytes.length) {
    const length = view.getUint32(at, true);
    if (length < NLMSG_HDRLEN)
      return err(`Message at byte ${at} is ${length} bytes long; the least is ${NLMSG_HDRLEN}`);
    if (at + length > bytes.length) {
      return err(`Message at byte ${at} is ${length} bytes long; only ${bytes.length - at} are left`);
    }
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      port: view.getUint32(at + 12, true),
      payload: bytes.slice(at + NLMSG_HDRLEN, at + length),
    });
    at += (length + 3) & ~3;
  }
  return ok(messages);
}

/** Bytes of one message. */
export function emitMessage(message: NetlinkMessage): Uint8Array {
  const bytes = new Uint8Array(NLMSG_HDRLEN + message.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, message.type, true);
  view.setUint16(6, message.flags, true);
  view.setUint32(8, message.sequence, true);
  view.setUint32(12, message.port, true);
  bytes.set(message.payload, NLMSG_HDRLEN);
  return bytes;
}

/** What NLMSG_ERROR or NLMSG_DONE says. */
export interface Answer {
  /** Positive errno, 0 for success. */
  readonly errno: number;
  /** The kernel's own sentence (NLMSGERR_ATTR_MSG); for a success, a warning. */
  readonly message?: string;
  /** Byte of the request, counted from its header, that the kernel objects to (NLMSGERR_ATTR_OFFS). */
  readonly offset?: number;
}

/** Reads an NLMSG_ERROR or NLMSG_DONE message, or gives the reason why it is neither. */
export function parseAnswer(message: NetlinkMessage): Result<Answer, string> {
  const { type, flags, payload } = message;
  if (type !== NLMSG_ERROR && type !== NLMSG_DONE) return err(`Message type ${type} is not an answer`);
  if (payload.length < 4)
    return type === NLMSG_DONE ? ok({ errno: 0 }) : err('The error message has no errno');
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const errno = Math.abs(view.getInt32(0, true));
  if ((flags & NLM_F_ACK_TLVS) === 0) return ok({ errno });
  const tail = parseAttributes(payload, answerAttributesStart(message, view));
  if (!tail.ok) return ok({ errno });
  const sentence = findAttribute(tail.value, NLMSGERR_ATTR_MSG);
  const offset = findAttribute(tail.value, NLMSGERR_ATTR_OFFS);
  return ok({
    errno,
    ...(sentence !== undefined && { message: text.read(sentence.value) ?? '' }),
    ...(offset?.value.length === 4 && { offset: u32.read(offset.value) ?? 0 }),
  });
}

/** Attributes come after the errno (end of dump), or after the errno and the request as far as it is quoted. */
function answerAttributesStart({ type, flags, payload }: NetlinkMessage, view: DataView): number {
  if (type === NLMSG_DONE) return 4;
  const quoted = (flags & NLM_F_CAPPED) !== 0 || payload.length < 8 ? NLMSG_HDRLEN : view.getUint32(4, true);
  return 4 + Math.max(NLMSG_HDRLEN, (quoted + 3) & ~3);
}
