// Short messages that carry open files from process to process (unix(7), SCM_RIGHTS), over a pair of sockets of which a child
// inherits one.
import { SystemError } from './errors.js';
import { addressOf, check, lastErrno, libc } from './ffi.js';

const AF_UNIX = 1;
const SOCK_SEQPACKET_CLOEXEC = 5 | 0x80000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const EINTR = 4;
const EAGAIN = 11;
const EPIPE = 32;
const ECONNRESET = 104;
const LONGEST_BYTES = 4096;
/** struct cmsghdr (length 0, level 8, type 12) with one descriptor behind it. */
const CONTROL_BYTES = 20;
/** Where things are in the one piece of memory of a message: struct msghdr at its start. */
const AT = { iovec: 56, control: 72, data: 96 } as const;

/** One message. */
export interface Passed {
  readonly text: string;
  /** An open file that came with it; it is the receiver's to close. */
  readonly fd?: number;
}

/** Two ends; neither is inherited but where a child is given it by its number. */
export function channelPair(): readonly [number, number] {
  const ends = new Uint8Array(8);
  check(libc().socketpair(AF_UNIX, SOCK_SEQPACKET_CLOEXEC, 0, ends), 'socketpair');
  const view = new DataView(ends.buffer);
  return [view.getInt32(0, true), view.getInt32(4, true)];
}

/** Closes an inherited descriptor to children of this process. Throws SystemError when it is not open. */
export function keepFromChildren(fd: number): void {
  check(libc().fcntl(fd, F_SETFD, FD_CLOEXEC), 'fcntl', `file descriptor ${fd}`);
}

/** Memory of a message with room for so much text and one descriptor; in one piece, so that all of it stays while it is used. */
function messageMemory(textBytes: number, withControl: boolean): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(AT.data + textBytes);
  const view = new DataView(bytes.buffer);
  const base = addressOf(bytes);
  // struct msghdr: name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48.
  view.setBigUint64(16, base + BigInt(AT.iovec), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(AT.iovec, base + BigInt(AT.data), true);
  view.setBigUint64(AT.iovec + 8, BigInt(textBytes), true);
  if (withControl) {
    view.setBigUint64(32, base + BigInt(AT.control), true);
    view.setBigUint64(40, BigInt(AT.data - AT.control), true);
  }
  return { bytes, view };
}

/**
 * Sends a message; waits for room, unless told not to. False when nobody has the other end any more, or when there is no room.
 * Throws SystemError.
 */
export function sendPassed(channel: number, { text, fd }: Passed, waits = true): boolean {
  const data = new TextEncoder().encode(text);
  if (data.length === 0 || data.length > LONGEST_BYTES)
    throw new RangeError(`A message of ${data.length} bytes`);
  const { bytes, view } = messageMemory(data.length, fd !== undefined);
  bytes.set(data, AT.data);
  if (fd !== undefined) {
    view.setBigUint64(AT.control, BigInt(CONTROL_BYTES), true);
    view.setInt32(AT.control + 8, SOL_SOCKET, true);
    view.setInt32(AT.control + 12, SCM_RIGHTS, true);
    view.setInt32(AT.control + 16, fd, true);
  }
  for (;;) {
    const sent = libc().sendmsg(channel, bytes, waits ? MSG_NOSIGNAL : MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return true;
    const errno = lastErrno();
    if (errno === EPIPE || errno === ECONNRESET || errno === EAGAIN) return false;
    if (errno !== EINTR) throw new SystemError('sendmsg', errno, 'SCM_RIGHTS');
  }
}

/** The next message; undefined when none waits, 'ended' when nobody has the other end any more. Throws SystemError. */
export function receivePassed(channel: number): Passed | 'ended' | undefined {
  const { bytes, view } = messageMemory(LONGEST_BYTES, true);
  for (;;) {
    const length = libc().recvmsg(channel, bytes, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length === 0) return 'ended';
    if (length > 0) {
      const text = new TextDecoder().decode(bytes.subarray(AT.data, AT.data + length));
      const hasFd = view.getBigUint64(40, true) >= BigInt(CONTROL_BYTES);
      return hasFd ? { text, fd: view.getInt32(AT.control + 16, true) } : { text };
    }
    const errno = lastErrno();
    if (errno === EAGAIN) return undefined;
    if (errno === ECONNRESET) return 'ended';
    if (errno !== EINTR) throw new SystemError('recvmsg', errno, 'SCM_RIGHTS');
  }
}
