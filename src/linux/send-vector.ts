// Frames that lie anywhere in memory, sent many a call (sendmmsg); the vector may lie in memory that outlives the process, as the
// kernel notes there which frames went.
import { libc, lastErrno } from './ffi.js';

const MMSGHDR_BYTES = 64;
const IOVEC_BYTES = 16;
/** A frame is in one piece or in two. */
const PIECES = 2;
const MSG_DONTWAIT = 0x40;
const TWO_32 = 2 ** 32;

/** struct mmsghdr, words of four bytes: name 0, namelen 2, iov 4, iovlen 6, control 8, controllen 10, flags 12, msg_len 14. */
const WORD = { iovec: 4, pieces: 6, sentLength: 14, mark: 15 } as const;
const MMSGHDR_WORDS = MMSGHDR_BYTES / 4;
const IOVEC_WORDS = IOVEC_BYTES / 4;

/** Memory that stays where it is. */
export interface FixedMemory {
  readonly buffer: ArrayBuffer;
  readonly address: number;
}

/** Room for `size` frames. */
export class SendVector {
  readonly size: number;
  readonly #address: number;
  readonly #headers: Uint32Array;
  readonly #iovecs: Uint32Array;

  /** Bytes of memory for so many frames. */
  static bytesFor(size: number): number {
    return size * (MMSGHDR_BYTES + PIECES * IOVEC_BYTES);
  }

  /** Lies in `memory` from `offset` on; what an earlier vector noted there stays until its places are set. */
  constructor(size: number, memory: FixedMemory, offset: number) {
    this.size = size;
    this.#address = memory.address + offset;
    this.#headers = new Uint32Array(memory.buffer, offset, size * MMSGHDR_WORDS);
    const iovecs = size * MMSGHDR_BYTES;
    this.#iovecs = new Uint32Array(memory.buffer, offset + iovecs, size * PIECES * IOVEC_WORDS);
    for (let i = 0; i < size; i++) {
      const iovec = this.#address + iovecs + i * PIECES * IOVEC_BYTES;
      this.#headers[i * MMSGHDR_WORDS + WORD.iovec] = iovec % TWO_32;
      this.#headers[i * MMSGHDR_WORDS + WORD.iovec + 1] = iovec / TWO_32;
    }
  }

  /** Puts a frame at place `i`: where it starts, how long it is, and a mark to know it by. */
  set(i: number, address: number, length: number, mark: number): void {
    this.#begin(i, 1, mark);
    this.#piece(i, 0, address, length);
  }

  /** The same for a frame whose first bytes lie elsewhere. */
  setTwo(i: number, head: number, headLength: number, rest: number, restLength: number, mark: number): void {
    this.#begin(i, 2, mark);
    this.#piece(i, 0, head, headLength);
    this.#piece(i, 1, rest, restLength);
  }

  markOf(i: number): number {
    return this.#headers[i * MMSGHDR_WORDS + WORD.mark] ?? 0;
  }

  /** True when the frame at place `i` was sent since it was put there; the kernel itself notes it, frame by frame. */
  hasGone(i: number): boolean {
    return this.#headers[i * MMSGHDR_WORDS + WORD.sentLength] !== 0;
  }

  /** Sends the frames at places `from` to `to` (exclusive); gives how many went, or minus the errno that the first met. */
  send(fd: number, from: number, to: number): number {
    const result = libc().sendmmsgAt(fd, this.#address + from * MMSGHDR_BYTES, to - from, MSG_DONTWAIT);
    return result >= 0 ? result : -lastErrno();
  }

  #begin(i: number, pieces: number, mark: number): void {
    const at = i * MMSGHDR_WORDS;
    this.#headers[at + WORD.sentLength] = 0;
    this.#headers[at + WORD.mark] = mark;
    this.#headers[at + WORD.pieces] = pieces;
  }

  #piece(i: number, piece: number, address: number, length: number): void {
    const at = (i * PIECES + piece) * IOVEC_WORDS;
    this.#iovecs[at] = address % TWO_32;
    this.#iovecs[at + 1] = address / TWO_32;
    this.#iovecs[at + 2] = length;
    this.#iovecs[at + 3] = 0;
  }
}
