// The timer table: when each timer is due, and which is the next. A bond has one set of timers, and each of its ports may have
// one of its own; all of them are plain data in the state that they belong to. (base)

/** A moment in milliseconds; only differences mean something. */
export type TimeMs = number;

/** When each timer of a set is due; null: it does not run. */
export type Timers<Name extends string> = Record<Name, TimeMs | null>;

/** The timers of one owner. `order`: of those that are due at the same moment, the first runs first. */
export interface TimerSet<Name extends string, Owner> {
  readonly owner: Owner;
  readonly timers: Timers<Name>;
  readonly order: readonly Name[];
}

/** A timer that runs. */
export interface Due<Name extends string, Owner> {
  readonly owner: Owner;
  readonly timers: Timers<Name>;
  readonly name: Name;
  readonly dueMs: TimeMs;
}

/** The next timer that is due; of several at the same moment that of the first set. Null: none runs. */
export function earliest<Name extends string, Owner>(
  sets: readonly TimerSet<Name, Owner>[],
): Due<Name, Owner> | null {
  let first: Due<Name, Owner> | null = null;
  for (const { owner, timers, order } of sets) {
    for (const name of order) {
      const dueMs = timers[name];
      if (dueMs !== null && (first === null || dueMs < first.dueMs)) first = { owner, timers, name, dueMs };
    }
  }
  return first;
}

/**
 * Runs what is due at `now`, earliest first. A timer is stopped before it runs, once however late it is; `run` starts it again where
 * it goes on, later than `now`. `sets` are asked for anew each time, as what runs may add owners and take them away.
 */
export function runDue<Name extends string, Owner>(
  sets: () => readonly TimerSet<Name, Owner>[],
  now: TimeMs,
  run: (due: Due<Name, Owner>) => void,
): void {
  for (;;) {
    const due = earliest(sets());
    if (due === null || due.dueMs > now) return;
    due.timers[due.name] = null;
    run(due);
  }
}

/** When a timer that was due at `dueMs` is due again: the grid of its ticks is kept where it can be. */
export function nextTick(dueMs: TimeMs, periodMs: number, now: TimeMs): TimeMs {
  return dueMs + periodMs > now ? dueMs + periodMs : now + periodMs;
}

/** Moves every timer that runs. Saved timers are relative to the moment of saving, so they are moved by that. */
export function shiftTimers<Name extends string>(timers: Timers<Name>, by: TimeMs): void {
  for (const name of Object.keys(timers) as Name[]) {
    const dueMs = timers[name];
    if (dueMs !== null) timers[name] = dueMs + by;
  }
}
