// AF_PACKET sockets: whole frames sent and received on one interface, beside the IP stack.
import type { ClassicStep } from '../netlink/index.js';
import { SystemError } from './errors.js';
import { type FdWatch, watchReadable } from './fd-watch.js';
import { attachFilter } from './socket-filter.js';
import {
  addressOf,
  check,
  closeFd,
  lastErrno,
  libc,
  setReceiveBuffer,
  setSocketOption,
  trySetSocketOption,
} from './ffi.js';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_FLAGS = 0x80000 | 0x800;
const SOL_PACKET = 263;
const PACKET_AUXDATA = 8;
const PACKET_QDISC_BYPASS = 20;
const PACKET_IGNORE_OUTGOING = 23;
const TP_STATUS_VLAN_VALID = 0x10;
const TP_STATUS_VLAN_TPID_VALID = 0x40;
const EAGAIN = 11;
const EINTR = 4;
const ENETDOWN = 100;

/** ETH_P_ALL: every EtherType. */
export const ETH_P_ALL = 0x0003;

/** How to open. */
export interface PacketSocketOptions {
  readonly ifindex: number;
  /** EtherType to receive, ETH_P_ALL, or 0 to receive nothing. */
  readonly protocol: number;
  /** Send past the qdisc and the egress programs of the interface. */
  readonly qdiscBypass?: boolean;
  /** Do not receive what the host itself sends. Default true. */
  readonly ignoreOutgoing?: boolean;
  /** Tell the VLAN tag that the device took off. */
  readonly auxData?: boolean;
  /** Only frames that this takes; the others are not even copied. */
  readonly filter?: readonly ClassicStep[];
  readonly receiveBufferBytes?: number;
  /** Longest frame received whole. Default 9,216 bytes plus headers. */
  readonly maxFrameBytes?: number;
}

/** One frame received. */
export interface ReceivedFrame {
  /** The frame, cut off at the longest length; valid until the next `receive()`. */
  readonly data: Uint8Array;
  /** Length on the wire. */
  readonly length: number;
  /** PACKET_HOST 0, BROADCAST 1, MULTICAST 2, OTHERHOST 3, OUTGOING 4. */
  readonly packetType: number;
  /** The tag that was taken off before we saw the frame; only with `auxData`. */
  readonly vlan?: { readonly tci: number; readonly protocol: number };
}

function networkOrder(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}

const CONTROL_BYTES = 64;
const SOCKADDR_LL_BYTES = 20;

/** A packet socket bound to one interface, in the namespace that the thread was in. Methods throw SystemError. */
export class PacketSocket {
  readonly fd: number;
  readonly #target: string;
  readonly #frame: Uint8Array;
  readonly #address: Uint8Array = new Uint8Array(SOCKADDR_LL_BYTES);
  readonly #control: Uint8Array = new Uint8Array(CONTROL_BYTES);
  readonly #iovec: Uint8Array = new Uint8Array(16);
  readonly #header: Uint8Array = new Uint8Array(56);
  readonly #headerView: DataView;
  #watch: FdWatch | undefined;
  #closed = false;

  private constructor(fd: number, target: string, frameBytes: number) {
    this.fd = fd;
    this.#target = target;
    this.#frame = new Uint8Array(frameBytes);
    const iovec = new DataView(this.#iovec.buffer);
    iovec.setBigUint64(0, addressOf(this.#frame), true);
    iovec.setBigUint64(8, BigInt(frameBytes), true);
    // struct msghdr: name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48.
    this.#headerView = new DataView(this.#header.buffer);
    this.#headerView.setBigUint64(0, addressOf(this.#address), true);
    this.#headerView.setBigUint64(16, addressOf(this.#iovec), true);
    this.#headerView.setBigUint64(24, 1n, true);
    this.#headerView.setBigUint64(32, addressOf(this.#control), true);
  }

  /** Opens a socket; it receives nothing before it is bound to the interface, so no foreign frame slips in. */
  static open(options: PacketSocketOptions): PacketSocket {
    const target = `interface ${options.ifindex}`;
    const fd = check(libc().socket(AF_PACKET, SOCK_RAW | SOCK_FLAGS, 0), 'socket', 'AF_PACKET');
    try {
      if (options.qdiscBypass === true)
        setSocketOption(fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1, 'PACKET_QDISC_BYPASS');
      // Kernels before 4.20 lack it; the packet type tells then.
      if (options.ignoreOutgoing !== false) trySetSocketOption(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
      if (options.auxData === true) setSocketOption(fd, SOL_PACKET, PACKET_AUXDATA, 1, 'PACKET_AUXDATA');
      if (options.receiveBufferBytes !== undefined) setReceiveBuffer(fd, options.receiveBufferBytes);
      if (options.filter !== undefined) attachFilter(fd, options.filter);
      const address = new Uint8Array(SOCKADDR_LL_BYTES);
      const view = new DataView(address.buffer);
      view.setUint16(0, AF_PACKET, true);
      view.setUint16(2, networkOrder(options.protocol), true);
      view.setInt32(4, options.ifindex, true);
      check(libc().bind(fd, address, address.length), 'bind', target);
      return new PacketSocket(fd, target, options.maxFrameBytes ?? 9216 + 32);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  /** Sends a frame; false when the device has no room now (ENOBUFS, EAGAIN) or is down (ENETDOWN). */
  send(frame: Uint8Array): boolean {
    for (;;) {
      if (libc().send(this.fd, frame, frame.length, 0) >= 0) return true;
      const errno = lastErrno();
      if (errno === EAGAIN || errno === ENETDOWN || errno === 105) return false;
      if (errno !== EINTR) throw new SystemError('send', errno, this.#target);
    }
  }

  /** The next frame; undefined when none waits. An interface that went down is no error: it may come up again. */
  receive(): ReceivedFrame | undefined {
    for (;;) {
      this.#headerView.setUint32(8, SOCKADDR_LL_BYTES, true);
      this.#headerView.setBigUint64(40, BigInt(CONTROL_BYTES), true);
      const length = libc().recvmsg(this.fd, this.#header, 0x20);
      if (length >= 0) return this.#received(length);
      const errno = lastErrno();
      if (errno === EAGAIN) return undefined;
      // ENETDOWN is told once each time that the interface goes down.
      if (errno !== EINTR && errno !== ENETDOWN) throw new SystemError('recvmsg', errno, this.#target);
    }
  }

  /** Calls `callback` with every frame as it comes; at most `burst` in one turn of the event loop. */
  watch(callback: (frame: ReceivedFrame) => void, burst = 64): void {
    this.#watch?.close();
    this.#watch = watchReadable(this.fd, () => {
      for (let i = 0; i < burst && !this.#closed; i++) {
        const frame = this.receive();
        if (frame === undefined) return;
        callback(frame);
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

  #received(length: number): ReceivedFrame {
    const vlan = this.#vlan();
    return {
      data: this.#frame.subarray(0, Math.min(length, this.#frame.length)),
      length,
      packetType: this.#address[10] ?? 0,
      ...(vlan !== undefined && { vlan }),
    };
  }

  /** struct cmsghdr (16 bytes), then struct tpacket_auxdata: status 0, len 4, snaplen 8, mac 12, net 14, tci 16, tpid 18. */
  #vlan(): ReceivedFrame['vlan'] {
    if (this.#headerView.getUint32(40, true) < 16 + 20) return undefined;
    const view = new DataView(this.#control.buffer);
    if (view.getInt32(8, true) !== SOL_PACKET || view.getInt32(12, true) !== PACKET_AUXDATA) return undefined;
    const status = view.getUint32(16, true);
    if ((status & TP_STATUS_VLAN_VALID) === 0) return undefined;
    const protocol = (status & TP_STATUS_VLAN_TPID_VALID) === 0 ? 0x8100 : view.getUint16(16 + 18, true);
    return { tci: view.getUint16(16 + 16, true), protocol };
  }
}
