// A directory that one process at a time works in; the kernel gives it free when the process ends, however it ends.
import { isErrno } from './errors.js';
import { check, closeFd, libc, openFd } from './ffi.js';

const O_DIRECTORY = 0x10000;
const LOCK_EX_NB = 2 | 4;

/** Locks a directory (flock) and returns how to give it free; undefined when another process has it. */
export function lockDirectory(path: string): (() => void) | undefined {
  const fd = openFd(path, O_DIRECTORY);
  try {
    check(libc().flock(fd, LOCK_EX_NB), 'flock', path);
  } catch (error) {
    closeFd(fd);
    if (isErrno(error, 'EWOULDBLOCK', 'EAGAIN')) return undefined;
    throw error;
  }
  return () => closeFd(fd);
}
