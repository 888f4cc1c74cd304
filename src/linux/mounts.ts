// Mounts: the BPF file system that keeps pinned objects, and doing something in the host's mount namespace.
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { ERRNO } from '../base/index.js';
import { SystemError } from './errors.js';
import { check, closeFd, lastErrno, libc, openFd } from './ffi.js';

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

/**
 * The mount namespace that outlives us: that of process 1 or, where that may not be looked at, of our outermost
 * ancestor that may. Undefined when it is our own.
 */
function hostMountNamespace(): string | undefined {
  const own = statSync('/proc/thread-self/ns/mnt').ino;
  for (const pid of [1, ...ancestors()]) {
    const path = `/proc/${pid}/ns/mnt`;
    try {
      return statSync(path).ino === own ? undefined : path;
    } catch {
      // Not ours to look at.
    }
  }
  return undefined;
}

let fsUnshared = false;

/** The kernel moves a thread to another mount namespace only when it shares its working directory with no other thread. */
function unshareWorkingDirectory(): void {
  if (fsUnshared) return;
  check(libc().unshare(CLONE_FS), 'unshare(CLONE_FS)');
  fsUnshared = true;
}

/** Moves the thread there; undefined when it may not. The result moves it back. */
function enterMountNamespace(path: string): (() => void) | undefined {
  let host = -1;
  let own = -1;
  let directory = -1;
  const close = (): void => {
    for (const fd of [host, own, directory]) if (fd >= 0) closeFd(fd);
  };
  try {
    host = openFd(path, O_RDONLY);
    own = openFd('/proc/thread-self/ns/mnt', O_RDONLY);
    directory = openFd('.', O_PATH_DIRECTORY);
    unshareWorkingDirectory();
    check(libc().setns(host, CLONE_NEWNS), 'setns', path);
  } catch {
    close();
    return undefined;
  }
  return () => {
    try {
      check(libc().setns(own, CLONE_NEWNS), 'setns', 'the way back');
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
  const path = hostMountNamespace();
  const leave = path === undefined ? undefined : enterMountNamespace(path);
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
