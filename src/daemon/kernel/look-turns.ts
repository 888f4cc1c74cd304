// When bonds look at what stands on them. One look serves all bonds that wait for it, and with many bonds it takes a while; while a
// file of bonds is applied there is news at every moment. So looks have pauses between them, the longer the dearer they are.
import { runAlone } from '../keeping/passing-failures.js';

/** A pause is so many times what the looks before it took: a tenth of a processor at most goes into looks. */
const TIMES = 9;
/** Nobody waits longer than this, in milliseconds. */
const MOST_MS = 500;

export class LookTurns {
  readonly #now: () => number;
  #waiting: (() => void)[] = [];
  /** The pause after the last looks ends then. */
  #restUntilMs = Number.NEGATIVE_INFINITY;

  /** `now` in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
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
    const fromMs = this.#now();
    for (const look of looks) runAlone(look);
    const untilMs = this.#now();
    this.#restUntilMs = untilMs + pauseAfter(untilMs - fromMs);
  }
}

/** Milliseconds from looks that took so many until the next. */
export function pauseAfter(tookMs: number): number {
  return Math.min(MOST_MS, TIMES * tookMs);
}
