// Datagrams to a Unix socket (unix(7)), which Node cannot send: how a service tells its manager how it is (sd_notify(3)).
import { SystemError } from './errors.js';
import { check, closeFd, lastErrno, libc } from './ffi.js';

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const EINTR = 4;
const EAGAIN = 11;
/** sizeof(sun_path). */
const LONGEST_PATH = 108;

/**
 * struct sockaddr_un: family 2, path. `@name` is in the abstract namespace: a NUL instead of the @, and as long as it is.
 *
 *     +--------+----------------------------- - -+
 *     | family | path, or NUL and name           |
 *     +--------+----------------------------- - -+
 */
function unixAddress(path: string): Uint8Array {
  const name = new TextEncoder().encode(path);
  const isAbstract = path.startsWith('@');
  const bytes = new Uint8Array(2 + name.length + (isAbstract ? 0 : 1));
  if (bytes.length > 2 + LONGEST_PATH)
    throw new RangeError(`${path} is too long for the address of a socket`);
  bytes[0] = AF_UNIX;
  bytes.set(name, 2);
  if (isAbstract) bytes[2] = 0;
  return bytes;
}

/** Sends one; false when the receiver has no room now. Throws SystemError when there is no receiver. */
export function sendUnixDatagram(path: string, text: string): boolean {
  const address = unixAddress(path);
  const data = new TextEncoder().encode(text);
  const fd = check(libc().socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0), 'socket', 'AF_UNIX');
  try {
    check(libc().connect(fd, address, address.length), 'connect', path);
    for (;;) {
      if (libc().send(fd, data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
      const errno = lastErrno();
      if (errno === EAGAIN) return false;
      if (errno !== EINTR) throw new SystemError('send', errno, path);
    }
  } finally {
    closeFd(fd);
  }
}

/** Opens a socket that receives at this address, for tests; nobody else's socket may be there. */
export function receiveUnixDatagrams(path: string): { read(): string | undefined; close(): void } {
  const fd = check(libc().socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0), 'socket', 'AF_UNIX');
  const address = unixAddress(path);
  try {
    check(libc().bind(fd, address, address.length), 'bind', path);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  const buffer = new Uint8Array(4096);
  return {
    read() {
      const length = libc().recv(fd, buffer, buffer.length, MSG_DONTWAIT);
      return length < 0 ? undefined : new TextDecoder().decode(buffer.subarray(0, length));
    },
    close: () => closeFd(fd),
  };
}
