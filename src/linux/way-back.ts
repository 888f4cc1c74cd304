// The way back of a thread out of a namespace that it visited.
import { writeSync } from 'node:fs';
import { SystemError } from './errors.js';
import { lastErrno, libc } from './ffi.js';

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
  const why = new SystemError('setns', lastErrno(), 'the way back').message;
  writeSync(
    2,
    `bondwire: it cannot come back from another namespace, and ends, as it would work on what is there: ${why}\n`,
  );
  process.abort();
}
