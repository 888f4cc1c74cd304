// Gives the packets what LACP is to go on with when this keeper is gone, again and again: a keeper that tells nothing is held for gone.
import type { BondEvent, Lease, TimeMs } from '../policy/index.js';
import { Alarm } from './alarm.js';
import type { KeptPolicy } from './keeper-parts.js';
import type { Clock, Leases } from './ports.js';

/** The packets wait a little more than three times as long before they speak by themselves. */
export const LEASE_BEAT_MS: TimeMs = 250;

/** One that ends in order, to be followed by another: an upgrade may take its time. */
export const PLANNED_LEASE_MS: TimeMs = 600_000;

export class Leasing {
  readonly #leases: Leases | undefined;
  readonly #policy: Pick<KeptPolicy, 'lease' | 'revision' | 'facts'>;
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  readonly #tell: (event: BondEvent) => void;
  #toldProblem: string | undefined;
  #revision: number | null = null;
  #nextMs: TimeMs | null = null;
  /** Undefined: nothing was told yet. */
  #lease: Lease | null | undefined;

  /** `guarded` does one thing, whatever becomes of it. */
  constructor(
    leases: Leases | undefined,
    policy: Pick<KeptPolicy, 'lease' | 'revision' | 'facts'>,
    clock: Clock,
    guarded: (action: () => void) => void,
    tell: (event: BondEvent) => void,
  ) {
    this.#leases = leases;
    this.#policy = policy;
    this.#clock = clock;
    this.#tell = tell;
    this.#alarm = new Alarm(clock, () => guarded(() => this.#beat()));
  }

  /** The policy may have found something: what follows from it is told before anybody hears of it otherwise. */
  follow(): void {
    if (this.#leases === undefined) return;
    const revision = this.#policy.revision();
    if (revision === this.#revision) return;
    this.#revision = revision;
    if (this.#policy.facts().mode !== '802.3ad') return;
    const had = this.#lease;
    this.#lease = this.#policy.lease();
    if (this.#lease === null && had === null) return;
    this.#wind();
    this.#keep();
  }

  /** This keeper ends and another one follows. */
  handOver(): void {
    const lease = this.#lease ?? null;
    if (lease === null) return;
    this.#leases?.keep({ ...lease, forMs: Math.max(lease.forMs, PLANNED_LEASE_MS) });
  }

  stop(): void {
    this.#alarm.set(null);
  }

  /**
   * By the clock alone: a keeper that is busy and serves no clock does not say anything to partners either, and the packets are to do it
   * for it.
   */
  #beat(): void {
    this.#nextMs = null;
    try {
      this.#leases?.beat();
      this.#keep();
    } finally {
      this.#wind();
    }
  }

  #keep(): void {
    this.#leases?.keep(this.#lease ?? null);
    const problem = this.#leases?.problem;
    if (problem === undefined || problem === this.#toldProblem) return;
    this.#toldProblem = problem;
    const { name } = this.#policy.facts();
    const message = `While no daemon is there, partners of ${name} are answered, but nothing is said to them unasked: ${problem}`;
    this.#tell({ severity: 'warning', type: 'data-plane', message });
  }

  #wind(): void {
    if ((this.#lease ?? null) === null) this.#nextMs = null;
    else this.#nextMs ??= this.#clock.now() + LEASE_BEAT_MS;
    this.#alarm.set(this.#nextMs);
  }
}
