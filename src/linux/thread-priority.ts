// How soon a thread gets a processor that others want too.
import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { libc } from './ffi.js';

const LEAST_NICE = -20;
const SCHED_FIFO = 1;
/** What it starts gets no such right. */
const SCHED_RESET_ON_FORK = 0x40000000;

/** Nice value of the calling thread (on Linux it belongs to threads). */
export function threadNice(): number {
  return getPriority(0);
}

/**
 * Gives a thread, the calling one unless told otherwise, a nice value. Without the right to (CAP_SYS_NICE) it keeps the one it
 * has; false then.
 */
export function setThreadNice(nice: number, thread = 0): boolean {
  try {
    setPriority(thread, Math.max(nice, LEAST_NICE));
    return true;
  } catch {
    return false;
  }
}

/** The same for all threads of this process, those of the JavaScript engine too: others wait for them. */
export function setProcessNice(nice: number): void {
  for (const thread of readdirSync('/proc/self/task')) setThreadNice(nice, Number(thread));
}

/**
 * Puts the calling thread before all that are not in real time (sched_setscheduler(2)); 1 is the lowest such priority, 99 the
 * highest. It must sleep most of its time. Without the right to it gets the least nice value where it may; false then.
 */
export function setThreadRealTime(priority: number): boolean {
  const parameters = new Uint8Array(Int32Array.of(priority).buffer);
  if (libc().sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, parameters) === 0) return true;
  setThreadNice(LEAST_NICE);
  return false;
}
