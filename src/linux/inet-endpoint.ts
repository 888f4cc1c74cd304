// Addresses with ports, as the calls on UDP and TCP sockets take them (sockaddr_in, sockaddr_in6).
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../base/index.js';
import { SystemError } from './errors.js';
import { check, libc } from './ffi.js';

const AF_INET = 2;
const AF_INET6 = 10;
const EINVAL = 22;
const SOCKADDR_BYTES = 28;

/** An address and port. */
export interface InetEndpoint {
  /** IPv4 or IPv6 text. */
  readonly address: string;
  readonly port: number;
}

/** The family and the bytes of an endpoint. Throws SystemError (EINVAL) when it is no address. */
export function socketAddress({ address, port }: InetEndpoint): { family: number; bytes: Uint8Array } {
  const isIpv6 = address.includes(':');
  const parsed = isIpv6 ? parseIpv6(address) : parseIpv4(address);
  if (!parsed.ok) throw new SystemError('socket', EINVAL, address, parsed.error);
  const bytes = new Uint8Array(isIpv6 ? SOCKADDR_BYTES : 16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isIpv6 ? AF_INET6 : AF_INET, true);
  view.setUint16(2, port);
  bytes.set(parsed.value, isIpv6 ? 8 : 4);
  return { family: isIpv6 ? AF_INET6 : AF_INET, bytes };
}

/** The address and port that a socket has. */
export function endpointOf(fd: number): InetEndpoint {
  const bytes = new Uint8Array(SOCKADDR_BYTES);
  const length = Uint8Array.of(SOCKADDR_BYTES, 0, 0, 0);
  check(libc().getsockname(fd, bytes, length), 'getsockname');
  const view = new DataView(bytes.buffer);
  const isIpv6 = view.getUint16(0, true) === AF_INET6;
  return { address: isIpv6 ? formatIpv6(bytes, 8) : formatIpv4(bytes, 4), port: view.getUint16(2) };
}
