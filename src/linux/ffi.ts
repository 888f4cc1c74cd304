// The C library through koffi, loaded at the first call so that commands which make none start quickly.
// Calls are synchronous, take 0.3 µs, and give -1 on failure; `lastErrno()` must be read right after.
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { SystemError } from './errors.js';

type KoffiModule = typeof Koffi;

/** Bytes that a call reads or fills. */
export type Bytes = Uint8Array;

/** The functions of the C library that Bondwire calls; section 2 of the manual has each. */
export interface Libc {
  readonly open: (path: string, flags: number, mode: number) => number;
  readonly close: (fd: number) => number;
  readonly ioctl: (fd: number, request: number, argument: Bytes) => number;
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Bytes, length: number) => number;
  readonly connect: (fd: number, address: Bytes, length: number) => number;
  readonly listen: (fd: number, backlog: number) => number;
  readonly accept4: (fd: number, address: null, length: null, flags: number) => number;
  readonly getsockname: (fd: number, address: Bytes, length: Bytes) => number;
  readonly getsockopt: (fd: number, level: number, name: number, value: Bytes, length: Bytes) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Bytes, length: number) => number;
  readonly send: (fd: number, data: Bytes, length: number, flags: number) => number;
  readonly sendto: (
    fd: number,
    data: Bytes,
    length: number,
    flags: number,
    address: Bytes,
    addressLength: number,
  ) => number;
  readonly recv: (fd: number, data: Bytes, length: number, flags: number) => number;
  readonly recvmsg: (fd: number, message: Bytes, flags: number) => number;
  readonly sendmsg: (fd: number, message: Bytes, flags: number) => number;
  readonly socketpair: (domain: number, type: number, protocol: number, ends: Bytes) => number;
  readonly sendmmsg: (fd: number, messages: Bytes, count: number, flags: number) => number;
  /** The same by address, for a part of a vector of messages. */
  readonly sendmmsgAt: (fd: number, address: number, count: number, flags: number) => number;
  readonly recvmmsg: (fd: number, messages: Bytes, count: number, flags: number, timeout: null) => number;
  readonly mmap: (
    address: number,
    length: number,
    protection: number,
    flags: number,
    fd: number,
    offset: number,
  ) => number;
  readonly madvise: (address: number, length: number, advice: number) => number;
  readonly munmap: (address: number, length: number) => number;
  /** fork(2): the child has this thread alone. See `user-namespace.ts` for what it may do. */
  readonly fork: () => number;
  readonly execve: (path: string, args: Bytes, env: Bytes) => number;
  readonly _exit: (status: number) => void;
  readonly pipe2: (ends: Bytes, flags: number) => number;
  readonly waitpid: (pid: number, status: Bytes, options: number) => number;
  readonly eventfd: (initial: number, flags: number) => number;
  readonly read: (fd: number, data: Bytes, length: number) => number;
  readonly write: (fd: number, data: Bytes, length: number) => number;
  /** `descriptors`: struct pollfd (8 bytes) each. */
  readonly poll: (descriptors: Bytes, count: number, timeoutMs: number) => number;
  /** The same with a struct timespec, null for ever. */
  readonly ppoll: (descriptors: Bytes, count: number, timeout: Bytes | null, mask: null) => number;
  /** `parameters`: the priority, 4 bytes. musl refuses it (ENOSYS). */
  readonly sched_setscheduler: (pid: number, policy: number, parameters: Bytes) => number;
  readonly setns: (fd: number, type: number) => number;
  readonly unshare: (flags: number) => number;
  readonly mount: (
    source: string,
    target: string,
    type: string | null,
    flags: number,
    data: string | null,
  ) => number;
  readonly umount2: (target: string, flags: number) => number;
  readonly statfs: (path: string, buffer: Bytes) => number;
  /** Of the calling thread; gives an errno, or 0. `set` and `old`: sigset_t (128 bytes). */
  readonly pthread_sigmask: (how: number, set: Bytes, old: Bytes) => number;
  readonly fcntl: (fd: number, command: number, argument: number) => number;
  readonly fchdir: (fd: number) => number;
  readonly flock: (fd: number, operation: number) => number;
  readonly prlimit: (pid: number, resource: number, limit: Bytes, old: null) => number;
  readonly sysconf: (name: number) => number;
  readonly clock_gettime: (clock: number, time: Bytes) => number;
  readonly if_nametoindex: (name: string) => number;
  /** bpf(2), which has no wrapper: `syscall(__NR_bpf, command, attr, size)`. */
  readonly bpf: (number: number, command: number, attr: Bytes, size: number) => number;
  /** fsopen(2), fsconfig(2) and fsmount(2) by their numbers: older C libraries have no wrappers. */
  readonly fsopen: (number: number, type: string, flags: number) => number;
  readonly fsconfig: (
    number: number,
    fd: number,
    command: number,
    key: null,
    value: null,
    auxiliary: number,
  ) => number;
  readonly fsmount: (number: number, fd: number, flags: number, attributes: number) => number;
}

const PROTOTYPES: Readonly<Record<keyof Libc, readonly [result: string, args: readonly string[]]>> = {
  open: ['int', ['str', 'int', 'int']],
  close: ['int', ['int']],
  ioctl: ['int', ['int', 'ulong', 'void *']],
  socket: ['int', ['int', 'int', 'int']],
  bind: ['int', ['int', 'void *', 'uint32_t']],
  connect: ['int', ['int', 'void *', 'uint32_t']],
  listen: ['int', ['int', 'int']],
  accept4: ['int', ['int', 'void *', 'void *', 'int']],
  getsockname: ['int', ['int', 'void *', 'void *']],
  getsockopt: ['int', ['int', 'int', 'int', 'void *', 'void *']],
  setsockopt: ['int', ['int', 'int', 'int', 'void *', 'uint32_t']],
  send: ['int64_t', ['int', 'void *', 'size_t', 'int']],
  sendto: ['int64_t', ['int', 'void *', 'size_t', 'int', 'void *', 'uint32_t']],
  recv: ['int64_t', ['int', 'void *', 'size_t', 'int']],
  recvmsg: ['int64_t', ['int', 'void *', 'int']],
  sendmsg: ['int64_t', ['int', 'void *', 'int']],
  socketpair: ['int', ['int', 'int', 'int', 'void *']],
  sendmmsg: ['int', ['int', 'void *', 'uint32_t', 'int']],
  sendmmsgAt: ['int', ['int', 'uint64_t', 'uint32_t', 'int']],
  recvmmsg: ['int', ['int', 'void *', 'uint32_t', 'int', 'void *']],
  mmap: ['int64_t', ['uint64_t', 'size_t', 'int', 'int', 'int', 'int64_t']],
  madvise: ['int', ['uint64_t', 'size_t', 'int']],
  munmap: ['int', ['uint64_t', 'size_t']],
  fork: ['int', []],
  execve: ['int', ['str', 'void *', 'void *']],
  _exit: ['void', ['int']],
  pipe2: ['int', ['void *', 'int']],
  waitpid: ['int', ['int', 'void *', 'int']],
  eventfd: ['int', ['uint32_t', 'int']],
  read: ['int64_t', ['int', 'void *', 'size_t']],
  write: ['int64_t', ['int', 'void *', 'size_t']],
  poll: ['int', ['void *', 'ulong', 'int']],
  ppoll: ['int', ['void *', 'ulong', 'void *', 'void *']],
  sched_setscheduler: ['int', ['int', 'int', 'void *']],
  setns: ['int', ['int', 'int']],
  unshare: ['int', ['int']],
  mount: ['int', ['str', 'str', 'str', 'ulong', 'str']],
  umount2: ['int', ['str', 'int']],
  statfs: ['int', ['str', 'void *']],
  pthread_sigmask: ['int', ['int', 'void *', 'void *']],
  fcntl: ['int', ['int', 'int', 'int']],
  fchdir: ['int', ['int']],
  flock: ['int', ['int', 'int']],
  prlimit: ['int', ['int', 'int', 'void *', 'void *']],
  sysconf: ['int64_t', ['int']],
  clock_gettime: ['int', ['int', 'void *']],
  if_nametoindex: ['uint32_t', ['str']],
  bpf: ['int64_t', ['int64_t', 'int', 'void *', 'uint32_t']],
  fsopen: ['int64_t', ['int64_t', 'str', 'int64_t']],
  fsconfig: ['int64_t', ['int64_t', 'int64_t', 'int64_t', 'void *', 'void *', 'int64_t']],
  fsmount: ['int64_t', ['int64_t', 'int64_t', 'int64_t', 'int64_t']],
};

/** Functions whose name in the library is not their name here. */
const SYMBOLS: Partial<Record<keyof Libc, string>> = {
  bpf: 'syscall',
  fsopen: 'syscall',
  fsconfig: 'syscall',
  fsmount: 'syscall',
  sendmmsgAt: 'sendmmsg',
};

let loadedKoffi: KoffiModule | undefined;
let loadedLibc: Libc | undefined;

/** The koffi module. Throws its own error where it has no binary for the machine. */
export function koffi(): KoffiModule {
  loadedKoffi ??= createRequire(import.meta.url)('koffi') as KoffiModule;
  return loadedKoffi;
}

/** The C library that Node itself runs on (glibc or musl). */
export function libc(): Libc {
  if (loadedLibc === undefined) {
    const library = koffi().load(null);
    const functions: Record<string, unknown> = {};
    for (const [name, [result, args]] of Object.entries(PROTOTYPES)) {
      functions[name] = library.func(SYMBOLS[name as keyof Libc] ?? name, result, [...args]);
    }
    loadedLibc = functions as unknown as Libc;
  }
  return loadedLibc;
}

/** errno of the call that just failed. */
export function lastErrno(): number {
  return koffi().errno();
}

/**
 * `result`, or a SystemError when it is negative. Nothing may be called between the system call and this, unless `errno` was
 * fetched before.
 */
export function check(result: number, call: string, target = '', errno?: number): number {
  if (result < 0) throw new SystemError(call, errno ?? lastErrno(), target);
  return result;
}

/** Where the bytes are in memory. The caller keeps `bytes` referenced as long as the kernel may use the address. */
export function addressOf(bytes: Bytes): bigint {
  return koffi().address(bytes);
}

/** Closes a file descriptor; one that is closed already is no error. */
export function closeFd(fd: number): void {
  libc().close(fd);
}

/** Opens a file with O_CLOEXEC; `flags` are O_*. */
export function openFd(path: string, flags: number): number {
  return check(libc().open(path, flags | 0x80000, 0), 'open', path);
}

/** Sets a socket option with an int value; false (not a throw) on failure. */
export function trySetSocketOption(fd: number, level: number, name: number, value: number): boolean {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return libc().setsockopt(fd, level, name, bytes, 4) === 0;
}

/** Sets a socket option with an int value. */
export function setSocketOption(
  fd: number,
  level: number,
  name: number,
  value: number,
  nameText: string,
): void {
  if (!trySetSocketOption(fd, level, name, value)) {
    throw new SystemError(`setsockopt(${nameText})`, lastErrno());
  }
}

const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;

/** Ties a socket to an interface: it sends and hears by that one alone. Throws SystemError (ENODEV: there is none of that name). */
export function bindToDevice(fd: number, device: string): void {
  const name = new TextEncoder().encode(`${device}\0`);
  check(
    libc().setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length),
    'setsockopt(SO_BINDTODEVICE)',
    device,
  );
}

const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;

/** Asks for a receive buffer of `bytes`, beyond net.core.rmem_max where CAP_NET_ADMIN allows it. */
export function setReceiveBuffer(fd: number, bytes: number): void {
  if (trySetSocketOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes)) return;
  trySetSocketOption(fd, SOL_SOCKET, SO_RCVBUF, bytes);
}

/** Asks for a send buffer of `bytes`, beyond net.core.wmem_max where CAP_NET_ADMIN allows it. */
export function setSendBuffer(fd: number, bytes: number): void {
  if (trySetSocketOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, bytes)) return;
  trySetSocketOption(fd, SOL_SOCKET, SO_SNDBUF, bytes);
}
