// What the lab tells the process that carries its wires, and what that tells back: memory that both have mapped.
import { DIRECTIONS, type Direction, type WireState } from './faults.js';

/*
 * Words of 32 bits, eight for each direction of each wire:
 *
 *      0 delay, µs   1 loss, in 2^-31   2 silent   3 delivered   4 lost   5 full   6, 7 nothing
 */
const WORDS = 8;
const DELAY_US = 0;
const LOSS = 1;
const SILENT = 2;
const DELIVERED = 3;
const LOST = 4;
const FULL = 5;
const LOSS_UNIT = 2 ** 31;

/** Frames of one direction since the lab was made. */
export interface WireCounts {
  readonly delivered: number;
  /** By a fault. */
  readonly lost: number;
  /** For want of room on the wire, or because the far end was down. */
  readonly full: number;
}

/** Bytes for so many wires. */
export function controlBytes(wires: number): number {
  return wires * DIRECTIONS.length * WORDS * 4;
}

/** The memory as numbers; what one side stores, the other one sees at its next frame. */
export class WireControl {
  readonly #words: Int32Array;

  constructor(buffer: ArrayBuffer) {
    this.#words = new Int32Array(buffer);
  }

  #at(wire: number, direction: Direction): number {
    return (wire * DIRECTIONS.length + DIRECTIONS.indexOf(direction)) * WORDS;
  }

  set(wire: number, direction: Direction, state: WireState): void {
    const at = this.#at(wire, direction);
    Atomics.store(this.#words, at + DELAY_US, Math.round(state.delayMs * 1000));
    Atomics.store(this.#words, at + LOSS, Math.min(LOSS_UNIT - 1, Math.round(state.loss * LOSS_UNIT)));
    Atomics.store(this.#words, at + SILENT, state.silent ? 1 : 0);
  }

  get(wire: number, direction: Direction): WireState {
    const at = this.#at(wire, direction);
    return {
      delayMs: Atomics.load(this.#words, at + DELAY_US) / 1000,
      loss: Atomics.load(this.#words, at + LOSS) / LOSS_UNIT,
      silent: Atomics.load(this.#words, at + SILENT) !== 0,
    };
  }

  count(wire: number, direction: Direction, what: keyof WireCounts): void {
    const word = what === 'delivered' ? DELIVERED : what === 'lost' ? LOST : FULL;
    Atomics.add(this.#words, this.#at(wire, direction) + word, 1);
  }

  counts(wire: number, direction: Direction): WireCounts {
    const at = this.#at(wire, direction);
    const word = (place: number): number => Atomics.load(this.#words, at + place) >>> 0;
    return { delivered: word(DELIVERED), lost: word(LOST), full: word(FULL) };
  }
}
