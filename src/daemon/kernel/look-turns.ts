// When bonds look at what stands on them. One look serves all bonds that wait for it, and with many bonds it takes a while; while a
// file of bonds is applied there is news at every moment. So looks have pauses between them, the longer the dearer they are.
import { threadCpuMs } from '../../linux/index.js';
import { runAlone } from '../keeping/passing-failures.js';
import { type Pace, pauseAfter } from './paced-look.js';

/** A tenth of a processor at most goes into looks, and nobody waits longer than half a second. */
export const PACE: Pace = { leastMs: 0, mostMs: 500, times: 9 };

export class LookTurns {
  readonly #now: () => number;
  readonly #spentMs: () => number;
  #waiting: (() => void)[] = [];
  /** The pause after the last looks ends then. */
  #restUntilMs = Number.NEGATIVE_INFINITY;

  /** `now` in milliseconds; `spentMs`: how much processor time this thread has had, as a busy machine makes no look dearer. */
  constructor(now: () => number = () => performance.now(), spentMs: () => number = threadCpuMs) {
    this.#now = now;
    this.#spentMs = spentMs;
  }

  /** Calls `look` once: after this turn of the event loop, or after the pause. What it throws is thrown from the event loop. */
  take(look: () => void): void {
    this.#waiting.push(look);
    if (this.#waiting.length > 1) return;
    const wait = this.#restUntilMs - this.#now();
    if (wait <= 0) setImmediate(() => this.#serve());
    else setTimeout(() => this.#serve(), Math.ceil(wait));
  }

  #serve(): void {
    const looks = this.#waiting;
    this.#waiting = [];
    const beganMs = this.#spentMs();
    for (const look of looks) runAlone(look);
    this.#restUntilMs = this.#now() + pauseAfter(this.#spentMs() - beganMs, PACE);
  }
}
