// One UDP or TCP socket that never waits: one datagram, or one piece of a stream, a call. For meters that hold both ends of a path.
import { check, closeFd, lastErrno, libc, setReceiveBuffer, setSendBuffer, setSocketOption } from './ffi.js';
import { endpointOf, type InetEndpoint, socketAddress } from './inet-endpoint.js';

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK_CLOEXEC = 0x80800;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
/** IP_TRANSPARENT and IPV6_TRANSPARENT. */
const TRANSPARENT = { ipv4: { level: 0, name: 19 }, ipv6: { level: 41, name: 75 } } as const;
const EINPROGRESS = 115;
const BACKLOG = 64;
const UDP_BUFFER_BYTES = 1 << 20;

/** A socket in the network namespace that the thread was in when it was opened. Opening throws SystemError. */
export class InetSocket {
  readonly fd: number;
  #closed = false;

  private constructor(fd: number) {
    this.fd = fd;
  }

  static #open(type: number, local: InetEndpoint, prepare: (fd: number) => void): InetSocket {
    const address = socketAddress(local);
    const fd = check(libc().socket(address.family, type | SOCK_NONBLOCK_CLOEXEC, 0), 'socket');
    try {
      prepare(fd);
      check(libc().bind(fd, address.bytes, address.bytes.length), 'bind', local.address);
      return new InetSocket(fd);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  /** A UDP socket. */
  static udp(local: InetEndpoint): InetSocket {
    return InetSocket.#open(SOCK_DGRAM, local, fd => {
      setReceiveBuffer(fd, UDP_BUFFER_BYTES);
      setSendBuffer(fd, UDP_BUFFER_BYTES);
    });
  }

  /**
   * A TCP socket that sends at once (TCP_NODELAY). With `transparent` it answers from whatever address it was asked at, also one that
   * the host does not have (IP_TRANSPARENT; needs CAP_NET_ADMIN).
   */
  static tcp(local: InetEndpoint, options: { readonly transparent?: boolean } = {}): InetSocket {
    return InetSocket.#open(SOCK_STREAM, local, fd => {
      if (options.transparent === true) {
        const { level, name } = TRANSPARENT[local.address.includes(':') ? 'ipv6' : 'ipv4'];
        setSocketOption(fd, level, name, 1, 'IP_TRANSPARENT');
      }
      setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, 1, 'SO_REUSEADDR');
      setSocketOption(fd, IPPROTO_TCP, TCP_NODELAY, 1, 'TCP_NODELAY');
    });
  }

  /** UDP: whom to send to and receive from. TCP: begins to connect; the other end's `accept` says when it is done. */
  connect(remote: InetEndpoint): void {
    const { bytes } = socketAddress(remote);
    const result = libc().connect(this.fd, bytes, bytes.length);
    const errno = result < 0 ? lastErrno() : 0;
    if (errno !== 0 && errno !== EINPROGRESS) check(result, 'connect', remote.address, errno);
  }

  listen(): void {
    check(libc().listen(this.fd, BACKLOG), 'listen');
  }

  /** A connection that waits, or undefined. */
  accept(): InetSocket | undefined {
    const fd = libc().accept4(this.fd, null, null, SOCK_NONBLOCK_CLOEXEC);
    if (fd < 0) return undefined;
    setSocketOption(fd, IPPROTO_TCP, TCP_NODELAY, 1, 'TCP_NODELAY');
    return new InetSocket(fd);
  }

  /** The address and port that the socket has. */
  local(): InetEndpoint {
    return endpointOf(this.fd);
  }

  /** Sends the first `length` bytes, or as many as there is room for; gives how many, or a negative errno (−11: no room now). */
  send(data: Uint8Array, length: number): number {
    const result = libc().send(this.fd, data, length, 0);
    return result >= 0 ? result : -lastErrno();
  }

  /** Gives how many bytes came (0: the stream has ended), or a negative errno (−11: none wait). */
  receive(into: Uint8Array): number {
    const result = libc().recv(this.fd, into, into.length, 0);
    return result >= 0 ? result : -lastErrno();
  }

  /** Closes the socket. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeFd(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
