// The way back of a thread out of a namespace that it visited.
import { libc } from './ffi.js';

/** What a moment refused (no memory) is asked for so often. */
const TRIES = 100;

/**
 * Back to where the thread was: `own` is a descriptor of that namespace, `kind` its CLONE_NEW… flag. A thread that could not would
 * change interfaces and files of others, by numbers and names of ours: then the process ends.
 */
export function comeBack(own: number, kind: number): void {
  for (let tries = 0; tries < TRIES; tries++) {
    if (libc().setns(own, kind) === 0) return;
  }
  process.abort();
}
