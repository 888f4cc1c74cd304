// One timer for all bonds of a daemon. Deadlines that are near each other come in one wake-up: with many bonds each of its own is what
// an idle daemon is busy with.
import type { Clock } from '../../keeper/index.js';
import { monotonicMs } from '../../linux/index.js';
import { runAlone } from '../keeping/passing-failures.js';

/** What setTimeout takes, and a little less. */
const LONGEST_TIMER_MS = 2_000_000_000;

/** The kernel's timers of the driver come up to an eighth of their time late, and so do these, but by no more than this. */
const MOST_LATE_MS = 8;
const PART_LATE = 10;

/** When a deadline is served: at the next multiple of a step that is small beside the time until then, so that others meet it there. */
export function servedAt(deadlineMs: number, nowMs: number): number {
  const wait = deadlineMs - nowMs;
  let step = MOST_LATE_MS;
  while (step > 1 && step * PART_LATE > wait) step /= 2;
  return Math.max(nowMs, Math.ceil(deadlineMs / step) * step);
}

export class SharedClock implements Clock {
  readonly now: () => number;
  /** What is to be run, by the time at which it is served. */
  readonly #due = new Map<number, Set<() => void>>();
  #timer: NodeJS.Timeout | undefined;
  /** What the timer is set to. */
  #nextMs = Number.POSITIVE_INFINITY;

  constructor(now: () => number) {
    this.now = now;
  }

  at(deadlineMs: number, run: () => void): () => void {
    const servedMs = servedAt(deadlineMs, this.now());
    const others = this.#due.get(servedMs) ?? new Set();
    this.#due.set(servedMs, others);
    // The same function may wait twice.
    const own = (): void => run();
    others.add(own);
    if (servedMs < this.#nextMs) this.#set(servedMs);
    return () => {
      others.delete(own);
      if (others.size === 0 && this.#due.get(servedMs) === others) this.#due.delete(servedMs);
      if (this.#due.size === 0) this.#set(Number.POSITIVE_INFINITY);
    };
  }

  #set(nextMs: number): void {
    clearTimeout(this.#timer);
    this.#nextMs = nextMs;
    if (nextMs === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(Math.max(0, Math.ceil(nextMs - this.now())), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.#serve(), wait);
  }

  #serve(): void {
    const nowMs = this.now();
    const times = [...this.#due.keys()].filter(servedMs => servedMs <= nowMs).toSorted((a, b) => a - b);
    // Until all has run: what is set meanwhile does not set the timer each time.
    this.#nextMs = Number.NEGATIVE_INFINITY;
    try {
      for (const servedMs of times) {
        const runs = this.#due.get(servedMs) ?? [];
        this.#due.delete(servedMs);
        for (const run of runs) runAlone(run);
      }
    } finally {
      this.#set(Math.min(Number.POSITIVE_INFINITY, ...this.#due.keys()));
    }
  }
}

/** That of the daemon. */
export const sharedClock: SharedClock = new SharedClock(monotonicMs);
