// When the clock is to wake a keeper: one deadline, which is the next of the policy.
import type { TimeMs } from '../policy/index.js';
import type { Clock } from './ports.js';

export class Alarm {
  readonly #clock: Clock;
  readonly #rings: () => void;
  #at: TimeMs | null = null;
  #cancel: () => void = () => {};

  constructor(clock: Clock, rings: () => void) {
    this.#clock = clock;
    this.#rings = rings;
  }

  /** Rings at this time instead, once; null: never. */
  set(at: TimeMs | null): void {
    if (at === this.#at) return;
    this.#cancel();
    this.#cancel = () => {};
    this.#at = at;
    if (at === null) return;
    this.#cancel = this.#clock.at(at, () => {
      this.#at = null;
      this.#rings();
    });
  }
}
