// The daemon of the simulated gateway: the keeper that ships over ports of virtual time. It can be killed and started anew from its
// book, and may be kept from running for a while. (simulator)
import {
  FAMILIES,
  type Family,
  type Flush,
  type LinePlace,
  type LineNumber,
  type Probe,
  type Steering,
  Uplink,
  type UplinkEvent,
  UplinkKeeper,
  type UplinkInput,
  type UplinkPorts,
  type UplinkSettings,
} from '../../uplinks/index.js';
import type { Clock } from '../clock.js';
import type { SimulatedLine } from './line.js';

/** Who makes the policy; broken ones are planted by tests. */
export interface UplinkMaker {
  create(): Uplink;
  restore(saved: unknown, now: number): Uplink;
}

export const REAL_UPLINK: UplinkMaker = {
  create: () => new Uplink(),
  restore: (saved, now) => Uplink.restore(saved, now),
};

/** What the daemon has of the world. */
export interface DaemonWorld {
  readonly clock: Clock;
  readonly maker: UplinkMaker;
  readonly settings: UplinkSettings;
  readonly lines: readonly SimulatedLine[];
  ask(probe: Probe): void;
  /** Throws where the kernel refuses. */
  steer(steering: Steering, places: readonly LinePlace[]): void;
  /** Gives how many flows it ended. */
  flush(flush: Flush): number;
  tell(event: UplinkEvent): void;
  /** A daemon is about to begin. */
  starting(): void;
  /** The keeper is given this now. */
  fed(input: UplinkInput): void;
  /** An alarm of the keeper rings. */
  rang(): void;
}

const MINUTE_MS = 60_000;
const SECOND_MS = 1000;
/** A worker does it. */
const FLUSH_MS = 2;
/** The wall clock at time 0: 2026-03-02, 09:00. */
const WALL_MS = 1_772_442_000_000;

export class SimulatedDaemon {
  readonly #world: DaemonWorld;
  #keeper: UplinkKeeper | null = null;
  /** Counts starts: what an earlier one left to be done is not done any more. */
  #life = 0;
  #book: string | null = null;
  #busyUntilMs = Number.NEGATIVE_INFINITY;
  #lateAlarms: (() => void)[] = [];
  #lateInputs: (() => void)[] = [];

  constructor(world: DaemonWorld) {
    this.#world = world;
  }

  /** Another number for every daemon that was there. */
  get life(): number {
    return this.#life;
  }

  get isAlive(): boolean {
    return this.#keeper !== null;
  }

  get isBusy(): boolean {
    return this.#world.clock.now < this.#busyUntilMs;
  }

  /** The policy as it stands; null: there is no daemon. */
  get uplink(): Uplink | null {
    return this.#keeper?.uplink ?? null;
  }

  /** Starts anew, or from what the last one wrote down. */
  start(): void {
    if (this.isAlive) return;
    const { clock, maker, settings } = this.#world;
    this.#life++;
    this.#world.starting();
    const saved = this.#book === null ? null : (JSON.parse(this.#book) as unknown);
    const uplink = saved === null ? maker.create() : maker.restore(saved, clock.now);
    const keeper = new UplinkKeeper(this.#ports(), uplink);
    this.#keeper = keeper;
    if (uplink.settings() === null) {
      const accepted = keeper.feed({ kind: 'settings', settings });
      if (!accepted.ok) throw new Error(accepted.error.message);
    }
    this.#everyMinute();
    for (const line of this.#world.lines) this.look(line.number);
    this.#everySecond();
    keeper.start();
  }

  /** kill -9: nothing is written down, nothing is taken back. */
  kill(): void {
    this.#keeper = null;
    this.#life++;
    this.#busyUntilMs = Number.NEGATIVE_INFINITY;
    this.#lateAlarms = [];
    this.#lateInputs = [];
  }

  /** Nothing of it runs for so long; timers come first then, and what was heard after them, as in Node. */
  busy(forMs: number): void {
    const { clock } = this.#world;
    if (!this.isAlive) return;
    this.#busyUntilMs = Math.max(this.#busyUntilMs, clock.now + forMs);
    clock.at(this.#busyUntilMs, () => {
      if (this.isBusy) return;
      const late = [...this.#lateAlarms, ...this.#lateInputs];
      this.#lateAlarms = [];
      this.#lateInputs = [];
      for (const run of late) run();
    });
  }

  feed(input: UplinkInput): void {
    const life = this.#life;
    const feed = (): void => {
      if (life !== this.#life || this.#keeper === null) return;
      this.#world.fed(input);
      this.#keeper.feed(input);
    };
    if (this.isBusy) this.#lateInputs.push(feed);
    else feed();
  }

  /** Device, addresses and gateways of a line as they are now. */
  look(number: LineNumber): void {
    const line = this.#world.lines[number - 1];
    if (line === undefined) return;
    this.feed({ kind: 'device', line: number, device: line.device() });
    for (const family of FAMILIES) this.lookAtPath(number, family);
  }

  lookAtPath(number: LineNumber, family: Family): void {
    const line = this.#world.lines[number - 1];
    if (line !== undefined) this.feed({ kind: 'path', line: number, family, path: line.path(family) });
  }

  #everyMinute(): void {
    const { now } = this.#world.clock;
    this.feed({ kind: 'calendar', wallMs: WALL_MS + now, offsetMs: 3_600_000 });
    this.#again(MINUTE_MS, () => this.#everyMinute());
  }

  #everySecond(): void {
    for (const line of this.#world.lines) {
      if (line.ifindex !== null)
        this.feed({ kind: 'bytes', line: line.number, received: line.received, sent: line.sent });
    }
    this.#again(SECOND_MS, () => this.#everySecond());
  }

  #again(afterMs: number, run: () => void): void {
    const life = this.#life;
    this.#world.clock.after(afterMs, () => {
      if (life === this.#life) run();
    });
  }

  #ports(): UplinkPorts {
    const life = this.#life;
    const world = this.#world;
    const { clock } = world;
    return {
      clock: { now: () => clock.now, at: (atMs, run) => this.#alarm(atMs, run, life) },
      probes: { ask: probe => world.ask(probe) },
      kernel: { steer: (steering, _, places) => world.steer(steering, places) },
      flows: {
        flush: wanted => {
          const ended = world.flush(wanted);
          clock.after(FLUSH_MS, () => {
            if (life === this.#life) this.feed({ kind: 'flushed', flush: wanted.flush, ended });
          });
        },
      },
      tell: event => world.tell(event),
      book: {
        save: text => {
          this.#book = text;
        },
      },
    };
  }

  #alarm(atMs: number, run: () => void, life: number): () => void {
    let isWanted = true;
    const ring = (): void => {
      if (!isWanted || life !== this.#life) return;
      isWanted = false;
      this.#world.rang();
      run();
    };
    this.#world.clock.at(atMs, () => {
      if (this.isBusy) this.#lateAlarms.push(ring);
      else ring();
    });
    return () => {
      isWanted = false;
    };
  }
}
