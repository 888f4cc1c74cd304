// UDP sockets that send and receive many datagrams in one system call (sendmmsg, recvmmsg) from memory laid out once:
// nothing is allocated a packet, so that a loss meter keeps up with 50,000 packets a second.
import { type FdWatch, watchReadable } from './fd-watch.js';
import { addressOf, check, closeFd, lastErrno, libc, setReceiveBuffer, setSendBuffer } from './ffi.js';
import { endpointOf, type InetEndpoint, socketAddress } from './inet-endpoint.js';

const AF_INET = 2;
const SOCK_FLAGS = 2 | 0x80000 | 0x800;
const EAGAIN = 11;
/** struct mmsghdr: struct msghdr (56 bytes: iov at 16, iovlen at 24), then msg_len, padded. */
const MMSGHDR_BYTES = 64;
const MSG_LEN = 56;
const IOVEC_BYTES = 16;

/** How to open. */
export interface UdpBatchOptions {
  /** Where to receive; port 0 lets the kernel choose. */
  readonly local?: InetEndpoint;
  /** Where to send, and whom alone to receive from. */
  readonly remote?: InetEndpoint;
  /** Datagrams in one system call, at most 1,024. Default 64. */
  readonly batch?: number;
  /** Bytes of every datagram sent, and the most that is received of one; at least 8. Default 64. */
  readonly payloadBytes?: number;
  /** Default 8 MiB. */
  readonly socketBufferBytes?: number;
}

/** Slots for a batch of datagrams with the headers that the kernel reads. */
class Batch {
  readonly slots: Uint8Array;
  readonly headers: Uint8Array;
  readonly headerWords: Uint32Array;
  readonly #iovecs: Uint8Array;

  constructor(count: number, stride: number, payloadBytes: number) {
    this.slots = new Uint8Array(count * stride);
    this.headers = new Uint8Array(count * MMSGHDR_BYTES);
    this.headerWords = new Uint32Array(this.headers.buffer);
    this.#iovecs = new Uint8Array(count * IOVEC_BYTES);
    const headers = new DataView(this.headers.buffer);
    const iovecs = new DataView(this.#iovecs.buffer);
    const slotsAddress = addressOf(this.slots);
    const iovecsAddress = addressOf(this.#iovecs);
    for (let i = 0; i < count; i++) {
      headers.setBigUint64(i * MMSGHDR_BYTES + 16, iovecsAddress + BigInt(i * IOVEC_BYTES), true);
      headers.setBigUint64(i * MMSGHDR_BYTES + 24, 1n, true);
      iovecs.setBigUint64(i * IOVEC_BYTES, slotsAddress + BigInt(i * stride), true);
      iovecs.setBigUint64(i * IOVEC_BYTES + 8, BigInt(payloadBytes), true);
    }
  }
}

/**
 * A non-blocking UDP socket. Slot i of `outgoing` and `incoming` starts at byte `i * stride`, word `i * stride / 4` of
 * the `…Words` views; the stride is the payload's length rounded up to eight.
 */
export class UdpBatch {
  readonly fd: number;
  readonly batch: number;
  readonly stride: number;
  /** Datagrams to send: fill the slots, then `send()`. */
  readonly outgoing: Uint8Array;
  readonly outgoingWords: Uint32Array;
  /** Datagrams of the last `receive()`. */
  readonly incoming: Uint8Array;
  readonly incomingWords: Uint32Array;
  /** Bytes of each datagram of the last `receive()`. */
  readonly lengths: Uint32Array;
  readonly #out: Batch;
  readonly #in: Batch;
  #watch: FdWatch | undefined;
  #closed = false;

  private constructor(fd: number, batch: number, payloadBytes: number) {
    this.fd = fd;
    this.batch = batch;
    this.stride = Math.ceil(payloadBytes / 8) * 8;
    this.#out = new Batch(batch, this.stride, payloadBytes);
    this.#in = new Batch(batch, this.stride, payloadBytes);
    this.outgoing = this.#out.slots;
    this.outgoingWords = new Uint32Array(this.outgoing.buffer);
    this.incoming = this.#in.slots;
    this.incomingWords = new Uint32Array(this.incoming.buffer);
    this.lengths = new Uint32Array(batch);
  }

  /** Opens a socket in the network namespace that the thread is in. Throws SystemError. */
  static open(options: UdpBatchOptions): UdpBatch {
    const local = options.local === undefined ? undefined : socketAddress(options.local);
    const remote = options.remote === undefined ? undefined : socketAddress(options.remote);
    const family = (remote ?? local)?.family ?? AF_INET;
    const fd = check(libc().socket(family, SOCK_FLAGS, 0), 'socket', 'UDP');
    try {
      setReceiveBuffer(fd, options.socketBufferBytes ?? 8 * 1024 * 1024);
      setSendBuffer(fd, options.socketBufferBytes ?? 8 * 1024 * 1024);
      if (local !== undefined) {
        check(libc().bind(fd, local.bytes, local.bytes.length), 'bind', options.local?.address);
      }
      if (remote !== undefined) {
        check(libc().connect(fd, remote.bytes, remote.bytes.length), 'connect', options.remote?.address);
      }
      const batch = Math.min(1024, Math.max(1, options.batch ?? 64));
      return new UdpBatch(fd, batch, Math.max(8, options.payloadBytes ?? 64));
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  /** The address and port that the socket has. */
  localEndpoint(): InetEndpoint {
    return endpointOf(this.fd);
  }

  /** Sends the first `count` slots; gives how many went, or a negative errno when the first did not (−11: no room now). */
  send(count: number): number {
    const result = libc().sendmmsg(this.fd, this.#out.headers, Math.min(count, this.batch), 0);
    return result >= 0 ? result : -lastErrno();
  }

  /** Receives what waits, up to one batch, into `incoming` and `lengths`; gives how many, or a negative errno (−11: none waits). */
  receive(): number {
    const result = libc().recvmmsg(this.fd, this.#in.headers, this.batch, 0, null);
    if (result < 0) return -lastErrno();
    const words = this.#in.headerWords;
    for (let i = 0; i < result; i++) this.lengths[i] = words[(i * MMSGHDR_BYTES + MSG_LEN) >> 2] ?? 0;
    return result;
  }

  /** Calls `callback` with the number of datagrams after every batch that came. Errors of earlier sends (ICMP) are passed over. */
  watch(callback: (count: number) => void, burst = 16): void {
    this.#watch?.close();
    this.#watch = watchReadable(this.fd, () => {
      for (let i = 0; i < burst && !this.#closed; i++) {
        const count = this.receive();
        if (count === -EAGAIN || count === 0) return;
        if (count < 0) continue;
        callback(count);
        if (count < this.batch) return;
      }
    });
  }

  /** Closes the socket. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch?.close();
    closeFd(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
