// Waiting for many file descriptors in a thread that has no event loop, and waking it (poll(2), ppoll(2), eventfd(2)).
import { addressOf, check, closeFd, lastErrno, libc } from './ffi.js';

const EFD_CLOEXEC_NONBLOCK = 0x80800;
const POLLFD_BYTES = 8;
const POLLIN = 1;
const EINTR = 4;

/** Something that a thread waits for, and that another sets off. */
export class WakeUp {
  readonly fd: number;

  constructor() {
    this.fd = check(libc().eventfd(0, EFD_CLOEXEC_NONBLOCK), 'eventfd');
  }

  set(): void {
    setWakeUp(this.fd);
  }

  close(): void {
    closeFd(this.fd);
  }
}

/** Sets off what waits for an eventfd. */
export function setWakeUp(fd: number): void {
  const one = new Uint8Array(8);
  one[0] = 1;
  libc().write(fd, one, 8);
}

/** Takes an eventfd back to rest. */
export function clearWakeUp(fd: number): void {
  libc().read(fd, new Uint8Array(8), 8);
}

/** File descriptors that are waited for until one can be read. */
export class PollSet {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #time: BigInt64Array = new BigInt64Array(2);
  readonly #timeBytes: Uint8Array = new Uint8Array(this.#time.buffer);
  readonly count: number;

  constructor(fds: readonly number[]) {
    this.count = fds.length;
    this.#bytes = new Uint8Array(Math.max(64, fds.length * POLLFD_BYTES));
    this.#words = new Uint32Array(this.#bytes.buffer);
    // Its place in memory is looked up once and for all, so that it is moved before and not during a call.
    addressOf(this.#bytes);
    for (const [i, fd] of fds.entries()) {
      this.#words[2 * i] = fd;
      this.#words[2 * i + 1] = POLLIN;
    }
  }

  /** Waits; gives how many are ready, 0 after a signal. A negative timeout is for ever. Throws SystemError. */
  wait(timeoutMs: number): number {
    const result = libc().poll(this.#bytes, this.count, timeoutMs);
    if (result >= 0) return result;
    const errno = lastErrno();
    return errno === EINTR ? 0 : check(result, 'poll');
  }

  /** As `wait()`, with a timeout that may be a fraction of a millisecond; Infinity is for ever. Throws SystemError. */
  waitExactly(timeoutMs: number): number {
    const forEver = timeoutMs === Infinity;
    if (!forEver) {
      const ns = BigInt(Math.max(0, Math.round(timeoutMs * 1e6)));
      this.#time[0] = ns / 1_000_000_000n;
      this.#time[1] = ns % 1_000_000_000n;
    }
    const result = libc().ppoll(this.#bytes, this.count, forEver ? null : this.#timeBytes, null);
    if (result >= 0) return result;
    const errno = lastErrno();
    return errno === EINTR ? 0 : check(result, 'ppoll');
  }

  /** True when the descriptor with this number has something to read, or an error to fetch. */
  isReady(i: number): boolean {
    return (this.#words[2 * i + 1] ?? 0) >>> 16 !== 0;
  }

  /** True when it has an error to fetch (POLLERR, POLLHUP, POLLNVAL). */
  hasError(i: number): boolean {
    return (((this.#words[2 * i + 1] ?? 0) >>> 16) & 0x38) !== 0;
  }
}
