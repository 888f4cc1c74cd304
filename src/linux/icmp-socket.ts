// Raw ICMP and ICMPv6 sockets tied to an interface, for pings by a certain way. Ping sockets (SOCK_DGRAM) are closed to everybody by
// net.ipv4.ping_group_range = "1 0", root too.
import { formatIpv4, formatIpv6, isErrno } from '../base/index.js';
import { monotonicMs } from './clock.js';
import { SystemError } from './errors.js';
import { type FdWatch, watchReadable } from './fd-watch.js';
import { addressOf, bindToDevice, check, closeFd, lastErrno, libc, trySetSocketOption } from './ffi.js';
import { socketAddress } from './inet-endpoint.js';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_RAW_FLAGS = 3 | 0x80000 | 0x800;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const ICMPV6_FILTER = 1;
const ICMP_ECHOREPLY = 0;
const ICMPV6_ECHO_REPLY = 129;
const SOL_SOCKET = 1;
const SO_TIMESTAMPNS = 35;
const CLOCK_REALTIME = 0;
const EAGAIN = 11;
const EINTR = 4;
const SOCKADDR_BYTES = 28;
const CONTROL_BYTES = 64;
const MESSAGE_BYTES = 2048;
/** Messages taken in one turn of the event loop. */
const BURST = 64;

/** An echo reply as it came in. */
export interface ReceivedIcmp {
  /** The ICMP message, without an IP header; valid until the next one is received. */
  readonly data: Uint8Array;
  readonly from: string;
  /** CLOCK_MONOTONIC when the kernel took it from the device, as near as that can be told. */
  readonly atMs: number;
}

const timespec = new BigInt64Array(2);
const timespecBytes = new Uint8Array(timespec.buffer);

function realtimeMs(): number {
  check(libc().clock_gettime(CLOCK_REALTIME, timespecBytes), 'clock_gettime');
  return Number(timespec[0]) * 1000 + Number(timespec[1]) / 1e6;
}

/** Hears echo replies alone, by one interface. Methods throw SystemError. */
export class IcmpSocket {
  readonly fd: number;
  readonly #isIpv6: boolean;
  readonly #device: string;
  readonly #data: Uint8Array = new Uint8Array(MESSAGE_BYTES);
  readonly #address: Uint8Array = new Uint8Array(SOCKADDR_BYTES);
  readonly #control: Uint8Array = new Uint8Array(CONTROL_BYTES);
  readonly #iovec: Uint8Array = new Uint8Array(16);
  readonly #header: Uint8Array = new Uint8Array(56);
  readonly #headerView: DataView;
  #watch: FdWatch | undefined;
  #closed = false;

  private constructor(fd: number, isIpv6: boolean, device: string) {
    this.fd = fd;
    this.#isIpv6 = isIpv6;
    this.#device = device;
    const iovec = new DataView(this.#iovec.buffer);
    iovec.setBigUint64(0, addressOf(this.#data), true);
    iovec.setBigUint64(8, BigInt(MESSAGE_BYTES), true);
    // struct msghdr: name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48.
    this.#headerView = new DataView(this.#header.buffer);
    this.#headerView.setBigUint64(0, addressOf(this.#address), true);
    this.#headerView.setBigUint64(16, addressOf(this.#iovec), true);
    this.#headerView.setBigUint64(24, 1n, true);
    this.#headerView.setBigUint64(32, addressOf(this.#control), true);
  }

  /** Opens a socket in the network namespace that the thread is in (CAP_NET_RAW); ENODEV: there is no such interface. */
  static open(family: 'ipv4' | 'ipv6', device: string): IcmpSocket {
    const isIpv6 = family === 'ipv6';
    const protocol = isIpv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
    const fd = check(
      libc().socket(isIpv6 ? AF_INET6 : AF_INET, SOCK_RAW_FLAGS, protocol),
      'socket',
      isIpv6 ? 'ICMPv6' : 'ICMP',
    );
    try {
      // Nothing but replies: a bit that is set keeps a type out.
      const keptOut = new Uint32Array(8).fill(0xffff_ffff);
      const reply = isIpv6 ? ICMPV6_ECHO_REPLY : ICMP_ECHOREPLY;
      keptOut[reply >> 5] = ~(1 << (reply & 31));
      const filter = new Uint8Array(keptOut.buffer);
      const [level, name] = isIpv6 ? [IPPROTO_ICMPV6, ICMPV6_FILTER] : [SOL_RAW, ICMP_FILTER];
      check(libc().setsockopt(fd, level, name, filter, isIpv6 ? 32 : 4), 'setsockopt(ICMP_FILTER)');
      bindToDevice(fd, device);
      trySetSocketOption(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
      return new IcmpSocket(fd, isIpv6, device);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  /** Sends a message; throws where there is no way, no address or no room for it. */
  send(to: string, message: Uint8Array): void {
    const { bytes } = socketAddress({ address: to, port: 0 });
    check(libc().sendto(this.fd, message, message.length, 0, bytes, bytes.length), 'sendto', to);
  }

  /** The next message; undefined when none waits. */
  receive(): ReceivedIcmp | undefined {
    for (;;) {
      this.#headerView.setUint32(8, SOCKADDR_BYTES, true);
      this.#headerView.setBigUint64(40, BigInt(CONTROL_BYTES), true);
      const length = libc().recvmsg(this.fd, this.#header, 0);
      if (length >= 0) return this.#received(length);
      const errno = lastErrno();
      if (errno === EAGAIN) return undefined;
      // What an earlier message met on its way is told here too, and is no answer.
      if (errno === EINTR) continue;
      const error = new SystemError('recvmsg', errno, this.#device);
      if (!isErrno(error, 'ENETDOWN', 'ENETUNREACH', 'EHOSTUNREACH', 'ECONNREFUSED', 'EHOSTDOWN', 'EPROTO'))
        throw error;
    }
  }

  /** Calls `callback` with every message as it comes. The watch does not keep the process alive. */
  watch(callback: (message: ReceivedIcmp) => void): void {
    this.#watch?.close();
    this.#watch = watchReadable(
      this.fd,
      () => {
        for (let i = 0; i < BURST && !this.#closed; i++) {
          const message = this.receive();
          if (message === undefined) return;
          callback(message);
        }
      },
      false,
    );
  }

  /** Closes the socket. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch?.close();
    closeFd(this.fd);
  }

  #received(length: number): ReceivedIcmp {
    const start = this.#isIpv6 ? 0 : 4 * ((this.#data[0] ?? 0) & 15);
    return {
      data: this.#data.subarray(Math.min(start, length), length),
      from: this.#isIpv6 ? formatIpv6(this.#address, 8) : formatIpv4(this.#address, 4),
      atMs: this.#arrival(),
    };
  }

  /** The kernel stamps by the clock on the wall, so what counts is how long ago that was; a clock that was set meanwhile is told by an absurd age. */
  #arrival(): number {
    const now = monotonicMs();
    if (this.#headerView.getUint32(40, true) < 32) return now;
    const view = new DataView(this.#control.buffer);
    if (view.getInt32(8, true) !== SOL_SOCKET || view.getInt32(12, true) !== SO_TIMESTAMPNS) return now;
    const stampMs = Number(view.getBigInt64(16, true)) * 1000 + Number(view.getBigInt64(24, true)) / 1e6;
    const age = realtimeMs() - stampMs;
    return age >= 0 && age < 60_000 ? now - age : now;
  }
}
