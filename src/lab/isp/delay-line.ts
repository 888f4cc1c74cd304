// One direction of a wire: frames go in, and come out later, or never. No clock and no chance of its own.
import type { WireState } from './faults.js';

/** What a wire does besides. */
export interface DelayLineLimits {
  /** Frames that can be on the way at once; more are lost. */
  readonly frames: number;
  /** Longest frame; longer ones are lost. */
  readonly frameBytes: number;
  /** Bytes a second; Infinity for no limit. */
  readonly bytesPerSecond: number;
  /** Frames that would have to wait longer than this for their turn are lost. */
  readonly queueMs: number;
}

/** What became of a frame that was offered. */
export type Offered = 'taken' | 'lost' | 'full';

/** xorshift32 (Marsaglia, 2003): the same losses for the same seed. */
function nextRandom(state: number): number {
  let next = state;
  next ^= next << 13;
  next ^= next >>> 17;
  next ^= next << 5;
  return next >>> 0;
}

/** Frames leave in the order in which they came: one that is quick waits for a slow one before it. Times are in milliseconds. */
export class DelayLine {
  readonly #limits: DelayLineLimits;
  readonly #bytes: Uint8Array;
  readonly #lengths: Uint16Array;
  readonly #dueMs: Float64Array;
  #head = 0;
  #count = 0;
  /** When the sender may begin with the next frame. */
  #freeAtMs = 0;
  #random: number;

  constructor(limits: DelayLineLimits, seed: number) {
    this.#limits = limits;
    this.#bytes = new Uint8Array(limits.frames * limits.frameBytes);
    this.#lengths = new Uint16Array(limits.frames);
    this.#dueMs = new Float64Array(limits.frames);
    // Seeds next to each other begin far from each other; zero would stay zero.
    this.#random = nextRandom(Math.imul(seed + 1, 0x9e37_79b1) || 1);
  }

  /** Takes a frame, copying it, or loses it. */
  offer(frame: Uint8Array, nowMs: number, state: WireState): Offered {
    if (state.silent || this.#isUnlucky(state.loss)) return 'lost';
    const { frames, frameBytes, bytesPerSecond, queueMs } = this.#limits;
    const startMs = Math.max(nowMs, this.#freeAtMs);
    if (this.#count === frames || frame.length > frameBytes || startMs - nowMs > queueMs) return 'full';
    this.#freeAtMs = startMs + (1000 * frame.length) / bytesPerSecond;
    const slot = (this.#head + this.#count) % frames;
    this.#bytes.set(frame, slot * frameBytes);
    this.#lengths[slot] = frame.length;
    this.#dueMs[slot] = this.#freeAtMs + state.delayMs;
    this.#count++;
    return 'taken';
  }

  /** When the next frame is to leave; Infinity when none is on the way. */
  get nextMs(): number {
    return this.#count === 0 ? Infinity : (this.#dueMs[this.#head] ?? Infinity);
  }

  /** The next frame whose time has come; valid until the next `offer()`. */
  take(nowMs: number): Uint8Array | undefined {
    if (this.nextMs > nowMs) return undefined;
    const at = this.#head * this.#limits.frameBytes;
    const frame = this.#bytes.subarray(at, at + (this.#lengths[this.#head] ?? 0));
    this.#head = (this.#head + 1) % this.#limits.frames;
    this.#count--;
    return frame;
  }

  #isUnlucky(loss: number): boolean {
    if (loss <= 0) return false;
    this.#random = nextRandom(this.#random);
    return this.#random < loss * 2 ** 32;
  }
}
