// How soon a thread gets a processor that others want too.
import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

const LEAST_NICE = -20;

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
