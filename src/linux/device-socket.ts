// UDP and TCP sockets tied to an interface, so that what they ask goes by a certain line, whatever the routes say otherwise.
import { bindToDevice, check, closeFd, lastErrno, libc } from './ffi.js';
import { type InetEndpoint, socketAddress } from './inet-endpoint.js';

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK_CLOEXEC = 0x80800;
const EINPROGRESS = 115;

function connected(type: number, device: string, remote: InetEndpoint): number {
  const { family, bytes } = socketAddress(remote);
  const fd = check(libc().socket(family, type | SOCK_NONBLOCK_CLOEXEC, 0), 'socket');
  try {
    bindToDevice(fd, device);
    const result = libc().connect(fd, bytes, bytes.length);
    const errno = result < 0 ? lastErrno() : 0;
    if (errno !== 0 && errno !== EINPROGRESS) check(result, 'connect', remote.address, errno);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/** A UDP socket that sends to `remote` and hears it alone; its descriptor is the caller's to close. Throws SystemError. */
export function connectUdpBy(device: string, remote: InetEndpoint): number {
  return connected(SOCK_DGRAM, device, remote);
}

/** A TCP socket that connects to `remote`; for `net.Socket`, which then owns the descriptor. Throws SystemError. */
export function connectTcpBy(device: string, remote: InetEndpoint): number {
  return connected(SOCK_STREAM, device, remote);
}

/** Sends one datagram. Throws SystemError. */
export function sendDatagram(fd: number, data: Uint8Array): void {
  check(libc().send(fd, data, data.length, 0), 'send');
}

/** Bytes of the next datagram that came into `into`; undefined when none waits. Throws SystemError (ECONNREFUSED: nobody listens there). */
export function receiveDatagram(fd: number, into: Uint8Array): number | undefined {
  const result = libc().recv(fd, into, into.length, 0);
  if (result >= 0) return result;
  const errno = lastErrno();
  if (errno === 11) return undefined;
  check(result, 'recv', '', errno);
  return undefined;
}
