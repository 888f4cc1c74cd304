// How soon a thread gets a processor that others want too.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

/**
 * Where the kernel shares processors out by session first (autogroup), nice values count within a session only. Gives the session
 * a nice value, if this process leads it: then nobody else's programs are in it. False when that may not be, or is not so here.
 */
export function setOwnSessionNice(nice: number): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    // After the name, which may hold anything: state, parent, group, session.
    const session = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
    if (session !== process.pid) return false;
    writeFileSync('/proc/self/autogroup', String(nice));
    return true;
  } catch {
    return false;
  }
}
