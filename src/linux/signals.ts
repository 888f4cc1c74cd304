// Signals that are to wait for the end of a system call.
import { libc } from './ffi.js';

const SIG_BLOCK = 0;
const SIG_SETMASK = 2;
/** sigset_t of glibc and musl. */
const SET_BYTES = 128;
const ALL = new Uint8Array(SET_BYTES).fill(0xff);

/** Does something while no signal comes to this thread; those that were sent meanwhile come afterwards. */
export function withoutSignals<T>(action: () => T): T {
  const before = new Uint8Array(SET_BYTES);
  const blocked = libc().pthread_sigmask(SIG_BLOCK, ALL, before) === 0;
  try {
    return action();
  } finally {
    if (blocked) libc().pthread_sigmask(SIG_SETMASK, before, new Uint8Array(SET_BYTES));
  }
}
