// When all views are looked at afresh: what changed without news of any kind is found so.

/** Changes that are no news (a speed that was negotiated anew) are found after this. */
const SWEEP_MS = 5000;
/** Later with many bonds: sweeps take a four hundredth of a processor at most, or come once a minute. */
const TIMES = 400;
const MOST_MS = 60_000;

export class ViewSweep {
  readonly #begin: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;

  /** `begin` sees to it that `work` is called soon. */
  constructor(begin: () => void) {
    this.#begin = begin;
  }

  start(): void {
    this.#in(SWEEP_MS);
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
    const fromMs = performance.now();
    const from = process.cpuUsage();
    try {
      look(true);
    } finally {
      // Not what it waited for a processor.
      const { user, system } = process.cpuUsage(from);
      const tookMs = Math.min(performance.now() - fromMs, (user + system) / 1000);
      this.#in(pauseAfter(tookMs));
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

/** Milliseconds from a sweep that took so many until the next. */
export function pauseAfter(tookMs: number): number {
  return Math.min(MOST_MS, Math.max(SWEEP_MS, TIMES * tookMs));
}
