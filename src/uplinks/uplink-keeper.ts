// Keeps one uplink: gives the policy what the world says, carries out what it answers, in order, and wakes it in time. The world comes by
// ports: Linux in a daemon, virtual time in the simulator. (uplinks)
import { ok, type Refusal, type Result, unreachable } from '../base/index.js';
import type { Probe, Steering, TimeMs, UplinkEvent, UplinkInput, UplinkOutput } from './contract.js';
import type { UplinkSettings } from './settings.js';
import type { LinePlace } from './steering.js';
import type { Uplink } from './uplink.js';

export type Flush = Extract<UplinkOutput, { readonly kind: 'flush' }>;

/** What a keeper needs of the world. Each of these may throw: then it is told, and what can be tried again is. */
export interface UplinkPorts {
  /** Milliseconds of a clock that never goes back. `at` runs something at a time, once, and never at once; what it gives takes that back. */
  readonly clock: { now(): TimeMs; at(atMs: TimeMs, run: () => void): () => void };
  /** Asks; what becomes of it is fed as `answered` or `failed`. */
  readonly probes: { ask(probe: Probe): void };
  /** Puts all of it into the kernel; when it comes back, packets go so. */
  readonly kernel: {
    steer(steering: Steering, settings: UplinkSettings, places: readonly LinePlace[]): void;
  };
  /** Ends flows, in its own time; the result is fed as `flushed`. */
  readonly flows: { flush(flush: Flush): void };
  tell(event: UplinkEvent): void;
  /** Writes down what the next keeper is to know. */
  readonly book: { save(text: string): void };
}

/** Later than this it was not the world that was silent, but we. */
export const LATE_MS = 150;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5000;
/** What is learned without anything happening is written down so often. */
const SAVE_MS = 60_000;

export class UplinkKeeper {
  readonly uplink: Uplink;
  readonly #ports: UplinkPorts;
  readonly #waiting: UplinkInput[] = [];
  #isBusy = false;
  #isClosed = false;
  #cancelAlarm: () => void = () => {};
  #alarmAt: TimeMs | null = null;
  #rangAt: TimeMs = Number.NEGATIVE_INFINITY;
  /** Steering that is not in the kernel yet, and flushes that have to wait for it. */
  #unsteered: Steering | null = null;
  #held: Flush[] = [];
  #retryMs = FIRST_RETRY_MS;
  #retryAt: TimeMs | null = null;
  #saveAt: TimeMs;
  readonly #told = new Set<string>();

  constructor(ports: UplinkPorts, uplink: Uplink) {
    this.#ports = ports;
    this.uplink = uplink;
    this.#saveAt = ports.clock.now() + SAVE_MS;
    if (uplink.settings() !== null) uplink.handle({ kind: 'resumed' }, ports.clock.now());
  }

  /** Puts what an uplink that was restored knows into the kernel, and wakes it from now on. */
  start(): void {
    if (this.uplink.settings() !== null) this.#steer(this.uplink.steering());
    this.feed({ kind: 'time' });
  }

  /** One input. One that comes while another is carried out waits its turn; then a refusal is told as an event. */
  feed(input: UplinkInput): Result<void, Refusal> {
    if (this.#isClosed) return ok(undefined);
    if (this.#isBusy) {
      this.#waiting.push(input);
      return ok(undefined);
    }
    this.#isBusy = true;
    try {
      const handled = this.#handle(input);
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        const later = this.#handle(next);
        if (!later.ok) this.#tellFailure(later.error.message);
      }
      return handled;
    } finally {
      // Whatever was thrown, the next input is heard.
      this.#isBusy = false;
      this.#setAlarm();
    }
  }

  /** Nothing is done any more; everything stays as it is. */
  close(): void {
    this.#save();
    this.#isClosed = true;
    this.#cancelAlarm();
  }

  #handle(input: UplinkInput): Result<void, Refusal> {
    if (input.kind === 'time' && this.uplink.settings() === null) return ok(undefined);
    const handled = this.uplink.handle(input, this.#ports.clock.now());
    const outputs = this.uplink.outputs();
    for (const output of outputs) this.#carryOut(output);
    // A flush is done again a few times: the next keeper is to know which of them were.
    if (outputs.some(({ kind }) => kind !== 'probe')) this.#save();
    return handled;
  }

  #carryOut(output: UplinkOutput): void {
    switch (output.kind) {
      case 'steer':
        this.#steer(output.steering);
        break;
      case 'flush':
        if (this.#unsteered === null) this.#flush(output);
        else this.#held.push(output);
        break;
      case 'probe': {
        const { probe } = output;
        const isAsked = this.#try('a question could not be asked', () => this.#ports.probes.ask(probe));
        if (!isAsked) this.#waiting.push({ kind: 'failed', probe: probe.id, why: 'unsent' });
        break;
      }
      case 'event': {
        const { event } = output;
        this.#try('an event could not be told', () => this.#ports.tell(event));
        break;
      }
      default:
        unreachable(output);
    }
  }

  /** A newer steering is whole, so an older one that failed need not be tried any more. */
  #steer(steering: Steering): void {
    const settings = this.uplink.settings();
    if (settings === null) return;
    const places = this.uplink.places();
    const isDone = this.#try('the kernel could not be steered, which is tried again', () =>
      this.#ports.kernel.steer(steering, settings, places),
    );
    if (!isDone) {
      this.#unsteered = steering;
      this.#retryAt = this.#ports.clock.now() + this.#retryMs;
      this.#retryMs = Math.min(LONGEST_RETRY_MS, this.#retryMs * 2);
      return;
    }
    this.#unsteered = null;
    this.#retryAt = null;
    this.#retryMs = FIRST_RETRY_MS;
    this.#waiting.push({ kind: 'steered' });
    const held = this.#held;
    this.#held = [];
    for (const flush of held) this.#flush(flush);
  }

  #flush(flush: Flush): void {
    const isBegun = this.#try('flows could not be ended', () => this.#ports.flows.flush(flush));
    if (!isBegun) this.#waiting.push({ kind: 'flushed', flush: flush.flush, ended: null });
  }

  #save(): void {
    this.#saveAt = this.#ports.clock.now() + SAVE_MS;
    const text = JSON.stringify(this.uplink.save(this.#ports.clock.now()));
    this.#try('the state could not be written down', () => this.#ports.book.save(text));
  }

  /** Does it; a failure is told, once as long as it goes on. */
  #try(what: string, act: () => void): boolean {
    try {
      act();
      this.#told.delete(what);
      return true;
    } catch (error) {
      if (this.#told.has(what)) return false;
      this.#told.add(what);
      this.#tellFailure(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  }

  #tellFailure(message: string): void {
    try {
      this.#ports.tell({ kind: 'failure', level: 'error', message });
    } catch {
      // Whoever cannot be told of an event cannot be told of that either.
    }
  }

  /** One timer: for the policy's deadline, for what is tried again, and for what is to be written down. */
  #setAlarm(): void {
    if (this.#isClosed) return;
    const times = [this.uplink.deadline(), this.#retryAt, this.#saveAt].filter(time => time !== null);
    const at = Math.min(...times);
    if (at === this.#alarmAt) return;
    this.#cancelAlarm();
    this.#alarmAt = at;
    this.#cancelAlarm = this.#ports.clock.at(at, () => this.#ring(at));
  }

  #ring(dueMs: TimeMs): void {
    this.#alarmAt = null;
    if (this.#isClosed) return;
    const now = this.#ports.clock.now();
    // A time that was ahead when we last ran and is past by now: what was late before that is forgiven already.
    const lateMs = now - Math.max(dueMs, this.#rangAt);
    this.#rangAt = now;
    if (lateMs > LATE_MS) this.feed({ kind: 'late', byMs: lateMs });
    if (this.#retryAt !== null && this.#retryAt <= now && this.#unsteered !== null)
      this.#steer(this.#unsteered);
    if (this.#saveAt <= now) this.#save();
    this.feed({ kind: 'time' });
  }
}
