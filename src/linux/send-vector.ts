// Frames that lie anywhere in memory, sent many a call (sendmmsg); the vector is laid out once.
import { addressOf, lastErrno, libc } from './ffi.js';

const MMSGHDR_BYTES = 64;
const IOVEC_BYTES = 16;
const MSG_DONTWAIT = 0x40;
const TWO_32 = 2 ** 32;

/** Room for `size` frames. */
export class SendVector {
  readonly size: number;
  readonly #headers: Uint8Array;
  readonly #headersAddress: number;
  readonly #iovecs: Uint32Array;

  constructor(size: number) {
    this.size = size;
    this.#headers = new Uint8Array(size * MMSGHDR_BYTES);
    this.#iovecs = new Uint32Array((size * IOVEC_BYTES) / 4);
    const iovecsAddress = addressOf(new Uint8Array(this.#iovecs.buffer));
    const view = new DataView(this.#headers.buffer);
    for (let i = 0; i < size; i++) {
      // struct mmsghdr: name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48, msg_len 56.
      view.setBigUint64(i * MMSGHDR_BYTES + 16, iovecsAddress + BigInt(i * IOVEC_BYTES), true);
      view.setBigUint64(i * MMSGHDR_BYTES + 24, 1n, true);
    }
    this.#headersAddress = Number(addressOf(this.#headers));
  }

  /** Puts a frame at place `i`: where it starts, and how long it is. */
  set(i: number, address: number, length: number): void {
    const at = 4 * i;
    this.#iovecs[at] = address % TWO_32;
    this.#iovecs[at + 1] = address / TWO_32;
    this.#iovecs[at + 2] = length;
    this.#iovecs[at + 3] = 0;
  }

  /** Sends the frames at places `from` to `to` (exclusive); gives how many went, or minus the errno that the first met. */
  send(fd: number, from: number, to: number): number {
    const result = libc().sendmmsgAt(
      fd,
      this.#headersAddress + from * MMSGHDR_BYTES,
      to - from,
      MSG_DONTWAIT,
    );
    return result >= 0 ? result : -lastErrno();
  }
}
