// The uplink: the sans-IO object that the daemon, the simulator and the tests drive. It gets no time from the operating system and has no
// networking code and no chance in it; the rules are in the files beside it. (uplinks)
import { earliest, err, ok, type Refusal, refusal, type Result, runDue } from '../base/index.js';
import type { Steering, TimeMs, UplinkInput, UplinkOutput } from './contract.js';
import { changeSettings, followSettings, take } from './inputs.js';
import { restoreState, type SavedUplink, saveState } from './saving.js';
import type { UplinkSettings } from './settings.js';
import { explain } from './explain.js';
import { snapshotOf, type UplinkSnapshot } from './snapshot.js';
import { runTimer, settle, timersOf } from './settling.js';
import { type Context, emptyOutbox, newState, type UplinkState } from './state.js';
import { type LinePlace, linePlaces } from './steering.js';

/** Several lines to the internet as a deterministic object: inputs and time in, outputs out. */
export class Uplink {
  readonly #state: UplinkState;
  #outputs: UplinkOutput[] = [];

  constructor(state: UplinkState = newState()) {
    this.#state = state;
  }

  /** One that goes on where another was saved, as plain JSON. Whatever cannot be read of it is as in a new one. */
  static restore(saved: unknown, now: TimeMs): Uplink {
    return new Uplink(restoreState(saved, now));
  }

  /** Everything that it knows, as plain JSON. Times are relative to the moment of saving. */
  save(now: TimeMs): SavedUplink {
    return saveState(this.#state, now);
  }

  /** One input. A refused one changes nothing; only operators, settings and numbers of lines can be refused. */
  handle(input: UplinkInput, now: TimeMs): Result<void, Refusal> {
    if (input.kind === 'settings') return this.#change(input.settings, now);
    const { settings } = this.#state;
    if (settings === null) {
      const message = 'the uplink has no settings yet; give it some first';
      return err(refusal('invalid-request', 'EINVAL', message));
    }
    const context = this.#begin(settings, now);
    if (input.kind === 'time') {
      runDue(
        () => timersOf(this.#state),
        now,
        due => runTimer(context, due),
      );
    } else {
      const taken = take(context, input);
      if (!taken.ok) return taken;
    }
    this.#end(context);
    return ok(undefined);
  }

  #change(settings: UplinkSettings, now: TimeMs): Result<void, Refusal> {
    const changed = changeSettings(this.#state, settings, now);
    if (!changed.ok) return changed;
    const context = this.#begin(settings, now);
    followSettings(context, changed.value);
    this.#end(context);
    return ok(undefined);
  }

  #begin(settings: UplinkSettings, now: TimeMs): Context {
    return { state: this.#state, settings, now, out: emptyOutbox(), touched: new Set() };
  }

  #end(context: Context): void {
    settle(context);
    const { steers, flushes, probes, events } = context.out;
    this.#outputs.push(...steers, ...flushes, ...probes, ...events);
  }

  /** What is to be done, in order; drained. */
  outputs(): UplinkOutput[] {
    const drained = this.#outputs;
    this.#outputs = [];
    return drained;
  }

  /** When it wants `time` next; null: nothing is ahead. */
  deadline(): TimeMs | null {
    return earliest(timersOf(this.#state))?.dueMs ?? null;
  }

  /** Null: none were accepted yet. */
  settings(): UplinkSettings | null {
    return this.#state.settings;
  }

  /** What is to stand in the kernel now, for whoever sets it up anew. */
  steering(): Steering {
    return this.#state.steering;
  }

  /** Devices, addresses and gateways of the lines, as they were told. */
  places(): LinePlace[] {
    return linePlaces(this.#state.lines);
  }

  /** What others may see; ages are relative to `now`. Null: there are no settings yet. */
  snapshot(now: TimeMs): UplinkSnapshot | null {
    const { settings } = this.#state;
    return settings === null ? null : snapshotOf(this.#state, settings, now);
  }

  /** Sentences: of each line and family its state, what says so, and what it needs to be used. */
  explain(now: TimeMs): string[] {
    const { settings } = this.#state;
    return settings === null ? ['The uplink has no settings yet.'] : explain(this.#state, settings, now);
  }
}
