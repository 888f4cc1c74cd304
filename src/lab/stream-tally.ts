// What arrived of a numbered stream: distinct, doubled and late packets, and the gaps between arrivals. Pure counting;
// the meter's receiver feeds it.

/** A time in which nothing arrived. */
export interface Gap {
  /** Start, in milliseconds after the first arrival. */
  readonly atMs: number;
  readonly lengthMs: number;
}

/** Numbers that never arrived: `count` of them from `first` on. */
export interface MissingRun {
  readonly first: number;
  readonly count: number;
}

export interface TallyReport {
  /** Distinct packets. */
  readonly received: number;
  /** Arrivals of a packet that was there already. */
  readonly doubled: number;
  /** First arrivals of a packet after one with a higher number. */
  readonly reordered: number;
  /** Highest number seen, -1 for none. */
  readonly highest: number;
  /** Numbers up to the highest that did not arrive. */
  readonly missing: number;
  readonly longestGapMs: number;
  /** When the longest gap began, in milliseconds after the first arrival. */
  readonly longestGapAtMs: number;
  /** Gaps of at least `gapMs`, the first thousand. */
  readonly gaps: readonly Gap[];
  readonly firstMs: number | null;
  readonly lastMs: number | null;
}

const GAPS_KEPT = 1000;
const RUNS_KEPT = 100;

/** Numbers above this are taken for nonsense (it would be 24 days at 1000 packets a second). */
export const HIGHEST_NUMBER: number = 2 ** 31 - 1;

/** Counts arrivals; `arrive` allocates nothing except when its table of seen numbers grows. */
export class StreamTally {
  readonly #gapMs: number;
  #seen = new Uint8Array(1 << 16);
  #received = 0;
  #doubled = 0;
  #reordered = 0;
  #highest = -1;
  #firstMs: number | null = null;
  #lastMs = 0;
  #longestGapMs = 0;
  #longestGapAtMs = 0;
  readonly #gaps: Gap[] = [];

  /** Gaps of at least `gapMs` milliseconds are listed one by one. */
  constructor(gapMs = 5) {
    this.#gapMs = gapMs;
  }

  /** A packet with this number arrived at `nowMs` (any clock, same for all). */
  arrive(number: number, nowMs: number): void {
    if (this.#firstMs === null) {
      this.#firstMs = nowMs;
    } else {
      const gap = nowMs - this.#lastMs;
      if (gap >= this.#gapMs && this.#gaps.length < GAPS_KEPT) {
        this.#gaps.push({ atMs: this.#lastMs - this.#firstMs, lengthMs: gap });
      }
      if (gap > this.#longestGapMs) {
        this.#longestGapMs = gap;
        this.#longestGapAtMs = this.#lastMs - this.#firstMs;
      }
    }
    this.#lastMs = nowMs;
    const at = number >>> 3;
    const bit = 1 << (number & 7);
    if (at >= this.#seen.length) this.#grow(at + 1);
    const byte = this.#seen[at] ?? 0;
    if ((byte & bit) !== 0) {
      this.#doubled++;
      return;
    }
    this.#seen[at] = byte | bit;
    this.#received++;
    if (number > this.#highest) this.#highest = number;
    else this.#reordered++;
  }

  #grow(least: number): void {
    let length = this.#seen.length;
    while (length < least) length *= 2;
    const seen = new Uint8Array(length);
    seen.set(this.#seen);
    this.#seen = seen;
  }

  /** Runs of numbers below `total` that did not arrive, the first hundred. */
  missingRuns(total: number): MissingRun[] {
    const runs: MissingRun[] = [];
    let first = -1;
    for (let number = 0; number <= total && runs.length < RUNS_KEPT; number++) {
      const here = number === total || ((this.#seen[number >>> 3] ?? 0) & (1 << (number & 7))) !== 0;
      if (!here && first < 0) first = number;
      if (here && first >= 0) {
        runs.push({ first, count: number - first });
        first = -1;
      }
    }
    return runs;
  }

  /** The report without the list of gaps, cheap enough to ask for all the time. */
  counts(): Omit<TallyReport, 'gaps'> {
    return {
      received: this.#received,
      doubled: this.#doubled,
      reordered: this.#reordered,
      highest: this.#highest,
      missing: this.#highest + 1 - this.#received,
      longestGapMs: this.#longestGapMs,
      longestGapAtMs: this.#longestGapAtMs,
      firstMs: this.#firstMs,
      lastMs: this.#firstMs === null ? null : this.#lastMs,
    };
  }

  report(): TallyReport {
    return { ...this.counts(), gaps: [...this.#gaps] };
  }
}
