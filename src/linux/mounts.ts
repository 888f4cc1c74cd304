// Mounts: the BPF file system that keeps pinned objects, and doing something in the host's mount namespace.
import { fstatSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { ERRNO } from '../base/index.js';
import { SystemError } from './errors.js';
import { check, closeFd, lastErrno, libc, openFd } from './ffi.js';
import { comeBack } from './way-back.js';

const CLONE_FS = 0x200;
const CLONE_NEWNS = 0x20000;
const MNT_DETACH = 2;
const BPF_FS_MAGIC = 0xcafe4a11;
const O_PATH_DIRECTORY = 0x200000 | (process.arch === 'arm64' ? 0x4000 : 0x10000);
const O_RDONLY = 0;

/** What a bpffs that we mounted says that it comes from, in /proc/self/mountinfo. */
export const BPFFS_SOURCE = 'bondwire';

/** mount(2) for a file system that needs no device; `data` are its options, comma-separated. */
export function mountFileSystem(type: string, directory: string, data?: string, source: string = type): void {
  check(libc().mount(source, directory, type, 0, data ?? null), `mount(${type})`, directory);
}

/** umount2(2) with MNT_DETACH; false when nothing is mounted there. */
export function unmountFileSystem(directory: string): boolean {
  if (libc().umount2(directory, MNT_DETACH) === 0) return true;
  const errno = lastErrno();
  const { EINVAL, ENOENT, ENOTDIR } = ERRNO;
  if (errno === EINVAL || errno === ENOENT || errno === ENOTDIR) return false;
  throw new SystemError('umount2', errno, directory);
}

/** True when `path` is on a BPF file system; false also when it is not there. */
export function isBpffs(path: string): boolean {
  const buffer = new Uint8Array(256);
  if (libc().statfs(path, buffer) < 0) return false;
  return new DataView(buffer.buffer).getUint32(0, true) === BPF_FS_MAGIC;
}

/**
 * A directory that stays ours, however mounts change and whoever ends: its path through a descriptor. `device` is that of the file
 * system, as in /proc/PID/mountinfo.
 */
export interface HeldDirectory {
  readonly path: string;
  readonly device: string;
  close(): void;
}

/** Opens it (O_PATH: nothing is read). Throws SystemError. */
export function holdDirectory(directory: string): HeldDirectory {
  const fd = openFd(directory, O_PATH_DIRECTORY);
  const { dev } = fstatSync(fd);
  // new_encode_dev of the kernel.
  const device = `${(dev >>> 8) & 0xfff}:${(dev & 0xff) | ((dev >>> 12) & 0xfff00)}`;
  return { path: `/proc/self/fd/${fd}`, device, close: () => closeFd(fd) };
}

/** One line of /proc/PID/mountinfo: of which device, where, of what type, from what. Spaces are escaped there, `\040`. */
export interface Mount {
  readonly device: string;
  readonly at: string;
  readonly type: string;
  readonly source: string;
}

/** The lines of /proc/PID/mountinfo. */
export function parseMounts(mountInfo: string): Mount[] {
  return mountInfo.split('\n').flatMap(line => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , device, , at] = before.split(' ');
    const [type = '', source = ''] = after.split(' ');
    return device === undefined || at === undefined ? [] : [{ device, at, type, source }];
  });
}

/** Makes sure that `directory` is a BPF file system that only root may enter; false when it was one already. */
export function mountBpffs(directory: string): boolean {
  if (isBpffs(directory)) return false;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  mountFileSystem('bpf', directory, 'mode=0700', BPFFS_SOURCE);
  return true;
}

/** Parent of a process; 0 when it has none here. */
function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is the command in parentheses, which may hold anything.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

function ancestors(): number[] {
  const pids: number[] = [];
  try {
    for (let pid = process.ppid; pid > 1; pid = parentOf(pid)) pids.unshift(pid);
  } catch {
    // A parent ended while we looked; those found will do.
  }
  return pids;
}

/** True when paths of the process begin where ours do: it is not outside of a chroot(2) that we are in. Throws where it is not ours to see. */
function hasOurRoot(pid: number): boolean {
  const [ours, its] = [statSync('/'), statSync(`/proc/${pid}/root/`)];
  return ours.dev === its.dev && ours.ino === its.ino;
}

/** A descriptor of the host's mount namespace; null when it is our own, undefined before it was looked for. */
let host: number | null | undefined;

/**
 * The mount namespace that outlives us: that of process 1 or, where that may not be looked at, of our outermost
 * ancestor that may. Null when it is our own. Found once: the ancestor may end, and what was done there is to be found again.
 */
function hostMountNamespace(): number | null {
  if (host !== undefined) return host;
  const own = statSync('/proc/thread-self/ns/mnt').ino;
  host = null;
  for (const pid of [1, ...ancestors()]) {
    const path = `/proc/${pid}/ns/mnt`;
    try {
      // Outside of a chroot, paths lead elsewhere, and setns(2) leads out of it for good.
      if (!hasOurRoot(pid)) continue;
      if (statSync(path).ino !== own) host = openFd(path, O_RDONLY);
      break;
    } catch {
      // Not ours to look at.
    }
  }
  return host;
}

let fsUnshared = false;

/** The kernel moves a thread to another mount namespace only when it shares its working directory with no other thread. */
function unshareWorkingDirectory(): void {
  if (fsUnshared) return;
  check(libc().unshare(CLONE_FS), 'unshare(CLONE_FS)');
  fsUnshared = true;
}

/** Moves the thread there; undefined when it may not. The result moves it back. */
function enterMountNamespace(namespace: number): (() => void) | undefined {
  let own = -1;
  let directory = -1;
  const close = (): void => {
    for (const fd of [own, directory]) if (fd >= 0) closeFd(fd);
  };
  try {
    own = openFd('/proc/thread-self/ns/mnt', O_RDONLY);
    directory = openFd('.', O_PATH_DIRECTORY);
    unshareWorkingDirectory();
    check(libc().setns(namespace, CLONE_NEWNS), 'setns', 'the mounts of the host');
  } catch {
    close();
    return undefined;
  }
  return () => {
    try {
      comeBack(own, CLONE_NEWNS);
      check(libc().fchdir(directory), 'fchdir', 'the working directory');
    } finally {
      close();
    }
  };
}

/**
 * Runs `fn` (synchronous, absolute paths only) where the host's mounts are. `ip netns exec` gives every program a
 * private mount namespace that goes when the program ends, and BPF pins made there would go with it. Where we are
 * in the host's mount namespace, or may not enter it, `fn` simply runs. From the first use on, process.chdir() no
 * longer moves libuv's threads: asynchronous file operations keep to absolute paths.
 */
export function withHostMounts<T>(fn: () => T): T {
  const namespace = hostMountNamespace();
  const leave = namespace === null ? undefined : enterMountNamespace(namespace);
  try {
    const value = fn();
    if (value instanceof Promise) {
      throw new TypeError('The function ran on after the mounts were left: it must not be async');
    }
    return value;
  } finally {
    leave?.();
  }
}
