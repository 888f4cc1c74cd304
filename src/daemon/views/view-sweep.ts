// When all views are looked at afresh: what changed without news of any kind is found so.
import { threadCpuMs } from '../../linux/index.js';
import { type Pace, pauseAfter } from '../kernel/paced-look.js';

/**
 * Changes that are no news (a speed that was negotiated anew) are found after 5 s; later with many bonds: sweeps take a thousandth of a
 * processor at most, or come once a minute.
 */
const PACE: Pace = { leastMs: 5000, mostMs: 60_000, times: 1000 };

export class ViewSweep {
  readonly #begin: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;

  /** `begin` sees to it that `work` is called soon. */
  constructor(begin: () => void) {
    this.#begin = begin;
  }

  start(): void {
    this.#in(PACE.leastMs);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** Looks at what changed: at everything where a sweep is due, and then the next one comes the later the longer that took. */
  work(look: (isSweep: boolean) => void): void {
    if (!this.#isDue) {
      look(false);
      return;
    }
    this.#isDue = false;
    const beganMs = threadCpuMs();
    try {
      look(true);
    } finally {
      this.#in(pauseAfter(threadCpuMs() - beganMs, PACE));
    }
  }

  #in(waitMs: number): void {
    this.#timer = setTimeout(() => {
      this.#isDue = true;
      this.#begin();
    }, waitMs);
    this.#timer.unref();
  }
}
