// Chance from a seed: the only source of it in the simulator, so that every run can be repeated. (mulberry32)
import { formatMac, type MacText } from '../base/index.js';

/** A stream of numbers that its seed decides. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `min` to `max`. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** True so many times in a hundred. */
  chance(percent: number): boolean {
    return this.next() * 100 < percent;
  }

  pick<T>(from: readonly [T, ...T[]] | readonly T[]): T {
    const chosen = from[Math.floor(this.next() * from.length)];
    if (chosen === undefined) throw new RangeError('There is nothing to pick from');
    return chosen;
  }

  /** A unicast address of local administration. */
  mac(): MacText {
    const bytes = Uint8Array.from({ length: 6 }, () => this.integer(0, 255));
    bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 2;
    return formatMac(bytes);
  }
}
