// AF_PACKET sockets for forwarding: frames come in through a ring that is shared with the kernel (TPACKET_V2), and go out many
// a call. Each frame has a virtio header before it, so that checksums and segments stay undone where they are.
import { SystemError } from './errors.js';
import { addressOf, check, closeFd, lastErrno, libc, setSendBuffer, setSocketOption } from './ffi.js';
import { type MappedMemory, mapShared } from './memory.js';

const AF_PACKET = 17;
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0x800 | 0x80000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SOL_PACKET = 263;
const PACKET_RX_RING = 5;
const PACKET_STATISTICS = 6;
const PACKET_VERSION = 10;
const PACKET_VNET_HDR = 15;
const PACKET_QDISC_BYPASS = 20;
const PACKET_IGNORE_OUTGOING = 23;
const TPACKET_V2 = 1;
const ETH_P_ALL_NETWORK_ORDER = 0x0300;
const ENOMEM = 12;
const SEND_BUFFER_BYTES = 8 << 20;
const SIOCGIFNAME = 0x8910;
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GLINK = 0x0a;
const EOPNOTSUPP = 95;

/** Bytes of a slot: a frame of 64 KiB with all that the kernel puts before it. */
export const RING_FRAME_BYTES: number = 66_048;
/** Bytes of a block; a slot does not reach from one into the next. */
export const RING_BLOCK_BYTES: number = 4 << 20;
/** Slots of a block. */
export const RING_FRAMES_PER_BLOCK: number = Math.floor(RING_BLOCK_BYTES / RING_FRAME_BYTES);

/** A socket with its ring. */
export interface PacketRing {
  readonly fd: number;
  readonly memory: MappedMemory;
  readonly blocks: number;
}

/** A socket bound to one interface, in the namespace that the thread is in, which receives nothing yet. */
function openSocket(): number {
  const fd = check(libc().socket(AF_PACKET, SOCK_RAW_NONBLOCK_CLOEXEC, 0), 'socket', 'AF_PACKET');
  try {
    setSocketOption(fd, SOL_PACKET, PACKET_VNET_HDR, 1, 'PACKET_VNET_HDR');
    setSendBuffer(fd, SEND_BUFFER_BYTES);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

function bindTo(fd: number, ifindex: number, protocol: number): void {
  const address = new Uint8Array(20);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol, true);
  view.setInt32(4, ifindex, true);
  check(libc().bind(fd, address, address.length), 'bind', `interface ${ifindex}`);
}

/** Makes the ring; fewer blocks than wished where memory is short, at least one. */
function makeRing(fd: number, wished: number): number {
  const request = new Uint8Array(16);
  const view = new DataView(request.buffer);
  for (let blocks = wished; ; blocks = Math.ceil(blocks / 2)) {
    view.setUint32(0, RING_BLOCK_BYTES, true);
    view.setUint32(4, blocks, true);
    view.setUint32(8, RING_FRAME_BYTES, true);
    view.setUint32(12, blocks * RING_FRAMES_PER_BLOCK, true);
    if (libc().setsockopt(fd, SOL_PACKET, PACKET_RX_RING, request, request.length) === 0) return blocks;
    const errno = lastErrno();
    if (errno !== ENOMEM || blocks === 1) throw new SystemError('setsockopt(PACKET_RX_RING)', errno);
  }
}

/** Opens a socket whose ring fills with the frames that the interface receives. Throws SystemError. */
export function openPacketRing(ifindex: number, blocks: number): PacketRing {
  const fd = openSocket();
  let memory: MappedMemory | undefined;
  try {
    setSocketOption(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2, 'PACKET_VERSION');
    // Needed, not wished: without it (before 4.20) what we send would come back and go round.
    setSocketOption(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, 'PACKET_IGNORE_OUTGOING');
    const made = makeRing(fd, blocks);
    memory = mapPacketRing(fd, made);
    bindTo(fd, ifindex, ETH_P_ALL_NETWORK_ORDER);
    return { fd, memory, blocks: made };
  } catch (error) {
    memory?.unmap();
    closeFd(fd);
    throw error;
  }
}

/** Maps the ring of a socket that another process opened. Throws SystemError. */
export function mapPacketRing(fd: number, blocks: number): MappedMemory {
  return mapShared(fd, blocks * RING_BLOCK_BYTES, { writable: true });
}

/** True when a packet socket is bound to this interface: a deleted one's are bound to -1. */
export function isBoundTo(fd: number, ifindex: number): boolean {
  const address = new Uint8Array(20);
  const length = Uint8Array.of(address.length, 0, 0, 0);
  if (libc().getsockname(fd, address, length) < 0) return false;
  return new DataView(address.buffer).getInt32(4, true) === ifindex;
}

/**
 * Opens a socket that only sends, past the qdisc. What makes it worth having: the kernel looks at the carrier on each frame
 * and refuses it (ENOBUFS) when there is none (__dev_direct_xmit); through the qdisc it would vanish in silence.
 */
export function openDirectSender(ifindex: number): number {
  const fd = openSocket();
  try {
    setSocketOption(fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1, 'PACKET_QDISC_BYPASS');
    bindTo(fd, ifindex, 0);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/** Frames that found the ring full since the last call. */
export function takeRingDrops(fd: number): number {
  const statistics = new Uint8Array(8);
  const length = Uint8Array.of(8, 0, 0, 0);
  if (libc().getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, statistics, length) !== 0) return 0;
  return new DataView(statistics.buffer).getUint32(4, true);
}

/** Fetches a socket's waiting error (interface down, or gone), which poll(2) would tell for ever; 0 when there is none. */
export function takeSocketError(fd: number): number {
  const value = new Uint8Array(4);
  const length = Uint8Array.of(4, 0, 0, 0);
  if (libc().getsockopt(fd, SOL_SOCKET, SO_ERROR, value, length) !== 0) return 0;
  return new DataView(value.buffer).getInt32(0, true);
}

/** Asks interfaces for their links through a socket of their namespace, whichever namespace the thread is in. */
export class LinkProbe {
  readonly #request = new Uint8Array(40);
  readonly #view = new DataView(this.#request.buffer);
  readonly #value = new Uint8Array(8);
  readonly #valueView = new DataView(this.#value.buffer);

  /** True when the interface is up and has a carrier, or does not say; false also when it is gone. */
  canSend(fd: number, ifindex: number): boolean {
    this.#request.fill(0);
    this.#view.setInt32(16, ifindex, true);
    if (libc().ioctl(fd, SIOCGIFNAME, this.#request) < 0) return false;
    this.#valueView.setUint32(0, ETHTOOL_GLINK, true);
    this.#view.setBigUint64(16, addressOf(this.#value), true);
    if (libc().ioctl(fd, SIOCETHTOOL, this.#request) < 0) return lastErrno() === EOPNOTSUPP;
    return this.#valueView.getUint32(4, true) !== 0;
  }
}
