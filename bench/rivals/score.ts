// How mwan3 decides that a line is off or on, as a pure function. Its tracker keeps one number for each line.

/** The tracker's settings, by their names in its configuration. */
export interface Mwan3Settings {
  /** Seconds that one ping waits. */
  readonly timeout: number;
  /** Seconds that are slept after all targets were asked. */
  readonly interval: number;
  /** Rounds in a row after which a line is off, and on again. */
  readonly down: number;
  readonly up: number;
  /** Targets that are to answer; once they have, the rest is not asked. */
  readonly reliability: number;
}

/** What it does where its configuration says nothing. */
export const MWAN3_DEFAULTS: Mwan3Settings = { timeout: 4, interval: 10, down: 5, up: 5, reliability: 1 };
/** As quick as people set it. */
export const MWAN3_TUNED: Mwan3Settings = { timeout: 1, interval: 1, down: 3, up: 3, reliability: 1 };

/** The number at the start, of a line that is on. */
export function firstScore({ down, up }: Mwan3Settings): number {
  return down + up;
}

/** The number after a round, and whether the line goes off or on by it. */
export function afterRound(
  score: number,
  isHealthy: boolean,
  { down, up }: Mwan3Settings,
): { readonly score: number; readonly change: 'off' | 'on' | null } {
  if (isHealthy) {
    const next = score + 1;
    return { score: next > up ? down + up : next, change: next === up ? 'on' : null };
  }
  const next = score - 1;
  if (next === up) return { score: 0, change: 'off' };
  return { score: next < up ? 0 : next, change: null };
}
