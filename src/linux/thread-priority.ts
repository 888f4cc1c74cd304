// How soon the calling thread gets a processor that others want too.
import { getPriority, setPriority } from 'node:os';

const LEAST_NICE = -20;

/**
 * Puts the calling thread, not its process, so many steps before where it was (on Linux nice values belong to threads). Without
 * the right to do so (CAP_SYS_NICE) it stays there; false then.
 */
export function raiseThreadPriority(steps: number): boolean {
  try {
    setPriority(0, Math.max(getPriority(0) - steps, LEAST_NICE));
    return true;
  } catch {
    return false;
  }
}
