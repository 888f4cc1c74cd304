// A user namespace of one's own, made without any program of the system: in it a plain user is root over networks and mounts
// of the namespace. unshare(2) refuses CLONE_NEWUSER to a process with threads, which Node always is; so a child is forked,
// which has one thread, makes the namespaces, and becomes another program at once.
import { readFileSync } from 'node:fs';
import { SystemError } from './errors.js';
import { addressOf, check, closeFd, lastErrno, libc } from './ffi.js';

const CLONE_NEWNS = 0x20000;
const CLONE_NEWUSER = 0x10000000;
const CLONE_NEWNET = 0x40000000;
const O_WRONLY = 1;
const O_CLOEXEC = 0x80000;
const F_SETFD = 2;
const WNOHANG = 1;
const MADV_DOFORK = 11;
/** User space ends below. */
const ADDRESSES_END = 2 ** 47;
const EINTR = 4;
const POLLIN = 1;
const MS_REC = 0x4000;
const MS_PRIVATE = 0x40000;
/** A child that does not get to its program within this time is stuck: forked at a bad moment of another thread. */
const FORK_MS = 3000;
const TRIES = 3;
/** Less than any program of ours runs. */
const SETTLE_MS = 5;
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** Strings for exec, as the kernel wants them: pointers to text, then null. */
class StringVector {
  readonly pointers: Uint8Array;
  readonly #texts: Uint8Array[];

  constructor(texts: readonly string[]) {
    this.#texts = texts.map(text => Buffer.from(`${text}\0`));
    this.pointers = new Uint8Array(Math.max(128, 8 * (texts.length + 1)));
    const view = new DataView(this.pointers.buffer);
    for (const [i, text] of this.#texts.entries()) view.setBigUint64(8 * i, addressOf(text), true);
  }
}

/** Node lets nobody inherit standard input and output but those whom it starts itself. */
function keepStandardStreams(calls: ReturnType<typeof libc>): void {
  for (const fd of [0, 1, 2]) calls.fcntl(fd, F_SETFD, 0);
}

export interface Program {
  /** Absolute path. */
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

function environment(env: Program['env']): string[] {
  return Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
}

/** Becomes another program; returns only by throwing SystemError. */
export function becomeProgram(program: Program): never {
  const args = new StringVector([program.file, ...program.args]);
  const env = new StringVector(environment(program.env));
  keepStandardStreams(libc());
  check(libc().execve(program.file, args.pointers, env.pointers), 'execve', program.file);
  throw new Error('execve returned');
}

/** What the child writes to the files of its own maps, laid out before it is forked. */
function mapFiles(uid: number, gid: number): readonly (readonly [path: string, text: Uint8Array])[] {
  return [
    ['/proc/self/setgroups', Buffer.from('deny')],
    ['/proc/self/uid_map', Buffer.from(`0 ${uid} 1`)],
    ['/proc/self/gid_map', Buffer.from(`0 ${gid} 1`)],
  ];
}

/** V8 keeps its heap from being seen by forked children (MADV_DONTFORK); this one is to run a few lines of it. */
function letHeapBeForked(calls: ReturnType<typeof libc>): void {
  for (const line of readFileSync('/proc/self/maps', 'latin1').split('\n')) {
    const [, start = '', end = ''] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line) ?? [];
    const from = Number.parseInt(start, 16);
    if (from < ADDRESSES_END) calls.madvise(from, Number.parseInt(end, 16) - from, MADV_DOFORK);
  }
}

/** In the child: nothing here may wait for another thread of the parent, as there is none. Gives what failed, or does not return. */
function inChild(
  calls: ReturnType<typeof libc>,
  files: ReturnType<typeof mapFiles>,
  file: string,
  args: Uint8Array,
  env: Uint8Array,
): readonly [step: string, errno: number] {
  if (calls.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) < 0) {
    return ['unshare(CLONE_NEWUSER)', lastErrno()];
  }
  for (const [path, text] of files) {
    const fd = calls.open(path, O_WRONLY, 0);
    if (fd < 0) return [path, lastErrno()];
    const written = calls.write(fd, text, text.length);
    const errno = written < 0 ? lastErrno() : 0;
    calls.close(fd);
    if (errno !== 0) return [path, errno];
  }
  keepStandardStreams(calls);
  calls.execve(file, args, env);
  return ['execve', lastErrno()];
}

/**
 * Starts a program as root of new user, network and mount namespaces, with our standard input and output; gives its process
 * id. Throws SystemError where the kernel, or whoever set it up, does not allow that. It is not a child that Node knows of.
 */
export function startInUserNamespace(program: Program): number {
  for (let attempt = 1; ; attempt++) {
    const pid = tryToStart(program);
    if (pid !== undefined) return pid;
    if (attempt === TRIES) throw new Error('A child that makes a user namespace did not get to its program.');
  }
}

function tryToStart(program: Program): number | undefined {
  const calls = libc();
  const args = new StringVector([program.file, ...program.args]);
  const env = new StringVector(environment(program.env));
  const files = mapFiles(process.geteuid?.() ?? 0, process.getegid?.() ?? 0);
  const ends = new Uint8Array(8);
  const endView = new DataView(ends.buffer);
  check(calls.pipe2(ends, O_CLOEXEC), 'pipe2');
  const [reading, writing] = [endView.getInt32(0, true), endView.getInt32(4, true)];
  // What failed in the child: errno, length of the step's name, the name.
  const report = new Uint8Array(128);
  const poll = new Uint8Array(8);
  const pollView = new DataView(poll.buffer);
  letHeapBeForked(calls);
  const pid = calls.fork();
  if (pid === 0) {
    const [step, errno] = inChild(calls, files, program.file, args.pointers, env.pointers);
    report[0] = errno;
    report[1] = step.length;
    for (let i = 0; i < step.length; i++) report[2 + i] = step.charCodeAt(i);
    calls.write(writing, report, 2 + step.length);
    calls._exit(126);
  }
  closeFd(writing);
  try {
    check(pid, 'fork');
    pollView.setInt32(0, reading, true);
    pollView.setUint16(4, POLLIN, true);
    // The pipe closes when the child becomes its program.
    if (calls.poll(poll, 1, FORK_MS) === 0) {
      process.kill(pid, 'SIGKILL');
      waitFor(pid, 0);
      return undefined;
    }
    // The pipe also closes when the child dies on the way, of a lock or a page that another thread had in hands at the fork.
    if (calls.read(reading, report, report.length) <= 0) {
      Atomics.wait(NEVER, 0, 0, SETTLE_MS);
      return waitFor(pid, WNOHANG) === undefined ? pid : undefined;
    }
    waitFor(pid, 0);
    const step = Buffer.from(report.subarray(2, 2 + (report[1] ?? 0))).toString('latin1');
    throw new SystemError(step, report[0] ?? 0);
  } finally {
    closeFd(reading);
  }
}

/** Status of an ended child as wait(2) gives it; undefined when it has not ended. */
function waitFor(pid: number, flags: number): number | undefined {
  const status = new Uint8Array(4);
  const view = new DataView(status.buffer);
  for (;;) {
    const result = libc().waitpid(pid, status, flags);
    if (result === pid) return view.getInt32(0, true);
    if (result === 0) return undefined;
    const errno = lastErrno();
    if (errno !== EINTR) check(-1, 'waitpid', String(pid), errno);
  }
}

/** Exit status of a child that `startInUserNamespace` gave, 128 and the signal's number as shells have it; null while it runs. */
export function exitStatusOf(pid: number): number | null {
  const status = waitFor(pid, WNOHANG);
  if (status === undefined) return null;
  return (status & 0x7f) === 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);
}

/** Keeps mounts of this (new) mount namespace to itself. */
export function keepMountsPrivate(): void {
  check(libc().mount('none', '/', null, MS_REC | MS_PRIVATE, null), 'mount', '/');
}
