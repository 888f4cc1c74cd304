// The reading end of a BPF_MAP_TYPE_RINGBUF: records that programs write, in order, through shared memory.
import { type FdWatch, watchReadable } from './fd-watch.js';
import { type MappedMemory, mapShared, pageSize } from './memory.js';

/** Record header: length with two flags in its top bits, then a page offset that is the kernel's own. */
const BPF_RINGBUF_BUSY_BIT = 0x80000000;
const BPF_RINGBUF_DISCARD_BIT = 0x40000000;
const HEADER_BYTES = 8;

/**
 * Reads a ring buffer. Memory (kernel/bpf/ringbuf.c):
 *
 *     page 0 (ours to write)   page 1 (read only)   then (read only)
 *     consumer position u64    producer position    data, and the same data again
 *
 * The data are mapped twice, one after the other, so that no record is ever cut at the end.
 * One reader a map.
 */
export class RingBuffer {
  readonly #fd: number;
  readonly #consumer: MappedMemory;
  readonly #producer: MappedMemory;
  readonly #consumerPosition: BigUint64Array;
  readonly #producerPosition: BigUint64Array;
  readonly #data: Uint8Array;
  readonly #headers: Int32Array;
  readonly #size: number;
  #watch: FdWatch | undefined;
  #closed = false;

  /** `size` is the map's `maxEntries`. The file descriptor stays the caller's, open as long as this is. */
  constructor(mapFd: number, size: number) {
    const page = pageSize();
    this.#fd = mapFd;
    this.#size = size;
    this.#consumer = mapShared(mapFd, page, { writable: true });
    try {
      this.#producer = mapShared(mapFd, page + 2 * size, { writable: false, offset: page });
    } catch (error) {
      this.#consumer.unmap();
      throw error;
    }
    this.#consumerPosition = new BigUint64Array(this.#consumer.buffer, 0, 1);
    this.#producerPosition = new BigUint64Array(this.#producer.buffer, 0, 1);
    this.#data = new Uint8Array(this.#producer.buffer, page, 2 * size);
    this.#headers = new Int32Array(this.#producer.buffer, page, (2 * size) >> 2);
  }

  /**
   * Gives every finished record to `callback`, up to `most`, and counts them. The bytes are the ring's own: valid
   * during the callback only, and not to be written (that would end the process). A record whose callback throws
   * counts as read. Nothing is left to read after `close()`.
   */
  consume(callback: (record: Uint8Array) => void, most: number = Number.POSITIVE_INFINITY): number {
    if (this.#closed) return 0;
    let count = 0;
    let position = Number(Atomics.load(this.#consumerPosition, 0));
    while (!this.#closed && count < most) {
      if (position >= Number(Atomics.load(this.#producerPosition, 0))) break;
      const at = this.#offset(position);
      const header = Atomics.load(this.#headers, at >> 2) >>> 0;
      // Reserved, not yet written: what comes after waits for it.
      if ((header & BPF_RINGBUF_BUSY_BIT) !== 0) break;
      const length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
      position += HEADER_BYTES + Math.ceil(length / 8) * 8;
      try {
        if ((header & BPF_RINGBUF_DISCARD_BIT) === 0) {
          count++;
          callback(this.#data.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length));
        }
      } finally {
        if (!this.#closed) Atomics.store(this.#consumerPosition, 0, BigInt(position));
      }
    }
    return count;
  }

  /** Calls `callback` with every record as it comes; at most `burst` in one turn of the event loop. */
  watch(callback: (record: Uint8Array) => void, burst = 256): void {
    this.#watch?.close();
    this.#watch = watchReadable(this.#fd, () => this.consume(callback, burst));
  }

  /** Ends the watch and gives the memory back. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch?.close();
    this.#consumer.unmap();
    this.#producer.unmap();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Positions count up for ever, beyond 32 bits. */
  #offset(position: number): number {
    return position % this.#size;
  }
}
