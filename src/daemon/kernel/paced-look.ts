// Looks that come again and again, for all bonds at once. What one costs grows with the bonds; so the more it takes the less often it
// comes, and an idle daemon stays idle however many bonds it has.
import { threadCpuMs } from '../../linux/index.js';

/** How often a look comes. */
export interface Pace {
  /** Milliseconds from the end of a look to the next, while looks cost next to nothing. */
  readonly leastMs: number;
  /** However much looks cost. */
  readonly mostMs: number;
  /** At the least so many times the processor time of the last look. */
  readonly times: number;
  /** However much looks cost, each follower but the first may make them so much later: on a slow machine few bonds need not wait. */
  readonly laterMs?: number;
}

/** Milliseconds from a look that took so many until the next. */
export function pauseAfter(tookMs: number, { leastMs, mostMs, times }: Pace): number {
  return Math.min(mostMs, Math.max(leastMs, times * tookMs));
}

/** The pace for so many followers. */
function paceFor(pace: Pace, followers: number): Pace {
  const { leastMs, mostMs, laterMs } = pace;
  if (laterMs === undefined) return pace;
  return { ...pace, mostMs: Math.min(mostMs, leastMs + laterMs * (followers - 1)) };
}

/** Looks until it is closed. */
export class PacedLook {
  readonly #pace: () => Pace;
  readonly #look: () => void;
  readonly #spentMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** `pace` may change from look to look; `spentMs`: how much processor time this thread has had. */
  constructor(pace: Pace | (() => Pace), look: () => void, spentMs: () => number = threadCpuMs) {
    this.#pace = typeof pace === 'function' ? pace : () => pace;
    this.#look = look;
    this.#spentMs = spentMs;
    this.#wait(this.#pace().leastMs);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #wait(pauseMs: number): void {
    this.#timer = setTimeout(() => this.#run(), pauseMs).unref();
  }

  /** The next one comes though this one throws. */
  #run(): void {
    const beganMs = this.#spentMs();
    try {
      this.#look();
    } finally {
      if (!this.#isClosed) this.#wait(pauseAfter(this.#spentMs() - beganMs, this.#pace()));
    }
  }
}

/** Looks as long as anybody follows. */
export class FollowedLook<F> {
  readonly followers: Set<F> = new Set();
  readonly #begin: () => PacedLook;
  #look: PacedLook | undefined;

  /** As `PacedLook`. */
  constructor(pace: Pace, look: () => void, spentMs?: () => number) {
    this.#begin = () => new PacedLook(() => paceFor(pace, this.followers.size), look, spentMs);
  }

  /** From here on, until what this gives is called. */
  follow(follower: F): () => void {
    this.followers.add(follower);
    this.#look ??= this.#begin();
    return () => {
      this.followers.delete(follower);
      if (this.followers.size > 0) return;
      this.#look?.close();
      this.#look = undefined;
    };
  }
}
