// How many frames of somebody else are looked at: so many at once, so many a second, and no more however many come.

export interface BudgetRate {
  readonly perSecond: number;
  readonly atOnce: number;
}

/** A token bucket. */
export class FrameBudget {
  readonly #rate: BudgetRate;
  #left: number;
  #atMs: number | undefined;
  #refused = 0;

  constructor(rate: BudgetRate) {
    this.#rate = rate;
    this.#left = rate.atOnce;
  }

  /** True when one more may be looked at now (milliseconds of any clock that does not go back). */
  take(nowMs: number): boolean {
    const { perSecond, atOnce } = this.#rate;
    const passedMs = Math.max(0, nowMs - (this.#atMs ?? nowMs));
    this.#atMs = nowMs;
    this.#left = Math.min(atOnce, this.#left + (passedMs * perSecond) / 1000);
    if (this.#left < 1) {
      this.#refused += 1;
      return false;
    }
    this.#left -= 1;
    return true;
  }

  /** How many were not looked at so far. */
  get refused(): number {
    return this.#refused;
  }
}
