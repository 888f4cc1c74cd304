// Network namespaces: doing something inside one, making named ones as `ip netns` does, starting programs in one.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readlinkSync, statSync, unlinkSync } from 'node:fs';
import { emitNetnsIdQuestion, IFF, parseNetnsId, RTM_GETNSID, RTM_NEWNSID } from '../netlink/index.js';
import { isErrno } from './errors.js';
import { check, closeFd, libc, openFd } from './ffi.js';
import { getLink, setLink } from './links.js';
import { Rtnetlink } from './rtnetlink.js';
import { comeBack } from './way-back.js';

const CLONE_NEWNET = 0x40000000;
const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MS_SHARED = 0x100000;
const MNT_DETACH = 2;
const O_RDONLY = 0;
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_NETNS_COOKIE = 71;
/** The thread's own: in a worker thread, /proc/self would be the main thread's. */
export const OWN_NETNS = '/proc/thread-self/ns/net';
/** Where ip-netns(8) keeps names. */
const NETNS_DIRECTORY = '/run/netns';

function refusePromise(value: unknown): void {
  if (value instanceof Promise) {
    throw new TypeError('The function ran on after its namespace was left: it must not be async');
  }
}

/**
 * Runs `fn` with the calling thread in another network namespace, given as file descriptor or path, and comes back
 * whatever happens. Sockets that `fn` opens stay in that namespace. `fn` is synchronous.
 */
export function withNetns<T>(netns: number | string, fn: () => T): T {
  const target = typeof netns === 'string' ? openFd(netns, O_RDONLY) : netns;
  let own = -1;
  try {
    own = openFd(OWN_NETNS, O_RDONLY);
    check(libc().setns(target, CLONE_NEWNET), 'setns', String(netns));
    try {
      const value = fn();
      refusePromise(value);
      return value;
    } finally {
      comeBack(own, CLONE_NEWNET);
    }
  } finally {
    if (own >= 0) closeFd(own);
    if (typeof netns === 'string') closeFd(target);
  }
}

/** Path of a namespace that `ip netns` knows by this name. */
export function netnsPath(name: string): string {
  if (!/^[^/\0]{1,255}$/.test(name) || name === '.' || name === '..') {
    throw new TypeError(`"${name}" is not a namespace name`);
  }
  return `${NETNS_DIRECTORY}/${name}`;
}

/** A file descriptor of the namespace with this name or path (one with a slash). The caller closes it. */
export function openNetns(nameOrPath: string): number {
  return openFd(nameOrPath.includes('/') ? nameOrPath : netnsPath(nameOrPath), O_RDONLY);
}

/** Makes /run/netns a mount point that shares its mounts with other mount namespaces, as ip-netns(8) does. */
function prepareDirectory(): void {
  mkdirSync(NETNS_DIRECTORY, { recursive: true, mode: 0o755 });
  if (libc().mount('', NETNS_DIRECTORY, 'none', MS_SHARED | MS_REC, null) === 0) return;
  check(
    libc().mount(NETNS_DIRECTORY, NETNS_DIRECTORY, 'none', MS_BIND | MS_REC, null),
    'mount',
    NETNS_DIRECTORY,
  );
  check(libc().mount('', NETNS_DIRECTORY, 'none', MS_SHARED | MS_REC, null), 'mount', NETNS_DIRECTORY);
}

/** Makes a namespace that `ip netns` knows by `name`, with its loopback up; EEXIST when there is one. Gives its path. */
export function createNamedNetns(name: string): string {
  const path = netnsPath(name);
  prepareDirectory();
  closeSync(openSync(path, 'wx', 0));
  const own = openFd(OWN_NETNS, O_RDONLY);
  try {
    check(libc().unshare(CLONE_NEWNET), 'unshare', path);
    try {
      check(libc().mount(OWN_NETNS, path, 'none', MS_BIND, null), 'mount', path);
      raiseLoopback();
    } finally {
      comeBack(own, CLONE_NEWNET);
    }
    return path;
  } catch (error) {
    deleteNamedNetns(name);
    throw error;
  } finally {
    closeFd(own);
  }
}

function raiseLoopback(): void {
  const netlink = Rtnetlink.open();
  try {
    const loopback = getLink(netlink, 'lo');
    if (loopback !== undefined && (loopback.flags & IFF.IFF_UP) === 0) {
      setLink(netlink, loopback.ifindex, { up: true });
    }
  } finally {
    netlink.close();
  }
}

/** Takes the name away; the namespace itself goes with its last process and socket. False when there was none. */
export function deleteNamedNetns(name: string): boolean {
  const path = netnsPath(name);
  libc().umount2(path, MNT_DETACH);
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Names that `ip netns` knows. */
export function listNamedNetns(): string[] {
  try {
    return readdirSync(NETNS_DIRECTORY).sort();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** A process has a link that says it; following that takes longer, and there are many processes. */
function inodeOf(path: string): number {
  const [, inode] = /^\/proc\/\d/.test(path) ? (/^net:\[(\d+)\]$/.exec(readlinkSync(path)) ?? []) : [];
  return inode === undefined ? statSync(path).ino : Number(inode);
}

/**
 * Each namespace that is shown to us, our own too: the named ones and those of processes. `visit` is given a file descriptor and the
 * inode number; when it gives true, that is the end, and the descriptor is the caller's.
 */
export function visitNetns(visit: (netns: number, inode: number) => boolean): void {
  const seen = new Set<number>();
  const processes = readdirSync('/proc').filter(name => /^\d+$/.test(name));
  const paths = [...listNamedNetns().map(netnsPath), ...processes.map(pid => `/proc/${pid}/ns/net`)];
  for (const path of paths) {
    let fd = -1;
    let isCallers = false;
    try {
      const ino = inodeOf(path);
      if (seen.has(ino)) continue;
      seen.add(ino);
      fd = openFd(path, O_RDONLY);
      isCallers = visit(fd, ino);
      if (isCallers) return;
    } catch (error) {
      // Ended while we looked, not ours to look at, or a name without a namespace.
      if (!isErrno(error, 'ENOENT', 'EACCES', 'EPERM', 'ESRCH', 'EINVAL')) throw error;
    } finally {
      if (fd >= 0 && !isCallers) closeFd(fd);
    }
  }
}

/**
 * A file descriptor of the namespace that the kernel calls `id` where `netlink` is (IFLA_NEW_NETNSID); undefined when nobody shows it
 * to us. The caller closes it.
 */
export function findNetns(netlink: Rtnetlink, id: number): number | undefined {
  let found: number | undefined;
  visitNetns(netns => {
    if (netnsIdOf(netlink, netns) !== id) return false;
    found = netns;
    return true;
  });
  return found;
}

/** The number by which the namespace of `netlink` knows the one behind a file descriptor; -1: none. */
export function netnsIdOf(netlink: Rtnetlink, netnsFd: number): number {
  const request = { type: RTM_GETNSID, flags: 0, payload: emitNetnsIdQuestion(netnsFd) };
  for (const { type, payload } of netlink.request(request, 'namespace')) {
    const id = type === RTM_NEWNSID ? parseNetnsId(payload) : undefined;
    if (id?.ok === true) return id.value;
  }
  return -1;
}

/** A file descriptor of the calling thread's namespace. The caller closes it. */
export function openOwnNetns(): number {
  return openFd(OWN_NETNS, O_RDONLY);
}

/** What tells the calling thread's namespace from others while both live: its inode number. */
export function currentNetnsId(): number {
  return statSync(OWN_NETNS).ino;
}

/**
 * What tells the calling thread's namespace from all others of this boot, those that are gone too, as text: inode numbers are given
 * again (SO_NETNS_COOKIE). Undefined before Linux 5.14.
 */
export function currentNetnsCookie(): string | undefined {
  const fd = check(libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'socket');
  try {
    const value = new Uint8Array(8);
    const length = new Uint8Array(Uint32Array.of(value.length).buffer);
    if (libc().getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, value, length) !== 0) return undefined;
    return String(new DataView(value.buffer).getBigUint64(0, true));
  } finally {
    closeFd(fd);
  }
}

/**
 * Starts a program in another network namespace. Unlike `ip netns exec` it keeps our mounts, so /sys shows the
 * devices of the namespace that it was mounted in.
 */
export function spawnInNetns(
  netns: number | string,
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  return withNetns(netns, () => spawn(command, args, options));
}
