// A file that one process at a time holds; the kernel gives it free when the process ends, however it ends.
import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { isErrno } from './errors.js';
import { check, libc } from './ffi.js';

const LOCK_EX_NB = 2 | 4;

/**
 * Locks a file (flock), which is made where there is none, for its owner alone: whoever can open a file can lock it. Returns how to
 * give it free; undefined when another process has it.
 */
export function lockFile(path: string): (() => void) | undefined {
  const fd = openSync(
    path,
    constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    0o600,
  );
  try {
    check(libc().flock(fd, LOCK_EX_NB), 'flock', path);
    // Somebody may have taken it away before it was locked: the next one would lock another.
    if (statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return () => closeSync(fd);
    closeSync(fd);
    return undefined;
  } catch (error) {
    closeSync(fd);
    if (isErrno(error, 'EWOULDBLOCK', 'EAGAIN')) return undefined;
    throw error;
  }
}
