// One line to the internet in virtual time: its device at the gateway, the cable, the ISP's router and what lies beyond. (simulator)
import type { Family, LineDevice, LineNumber, LinePath } from '../../uplinks/index.js';
import type { Random } from '../random.js';
import type { Direction, LineSpec } from './scenario.js';

export type Way = 'up' | 'down';

interface Blackouts {
  readonly sinceMs: number;
  readonly everyMs: number;
  readonly forMs: number;
}

const DEFAULT_ROUND_TRIP_MS = 20;
const JITTER = 0.1;

/** What is wrong with a line; nothing at the start. */
export class SimulatedLine {
  readonly number: LineNumber;
  readonly spec: LineSpec;
  /** Null: there is no such device. */
  ifindex: number | null;
  isWhole: boolean = true;
  isRouterAlive: boolean = true;
  isPortal: boolean = false;
  isDnsDead: boolean = false;
  readonly lossPercent: Record<Way, number> = { up: 0, down: 0 };
  readonly extraMs: Record<Way, number> = { up: 0, down: 0 };
  readonly silent: Record<Family, Record<Way, boolean>> = {
    ipv4: { up: false, down: false },
    ipv6: { up: false, down: false },
  };
  blackouts: Blackouts | null = null;
  received: number = 0;
  sent: number = 0;
  /** How often the ISP gave an address. */
  readonly #leases: Record<Family, number> = { ipv4: 1, ipv6: 1 };
  #devices = 1;

  constructor(number: LineNumber, spec: LineSpec) {
    this.number = number;
    this.spec = spec;
    this.ifindex = 100 * number;
  }

  has(family: Family): boolean {
    return this.spec.families?.includes(family) ?? true;
  }

  address(family: Family): string {
    const lease = this.#leases[family];
    return family === 'ipv4' ? `203.0.${this.number}.${lease}` : `2001:db8:${this.number}:${lease}::2`;
  }

  gateway(family: Family): string {
    return family === 'ipv4'
      ? `203.0.${this.number}.${255 - this.#leases.ipv4}`
      : `fe80::${this.number}:${this.#leases.ipv6}`;
  }

  device(): LineDevice | null {
    return this.ifindex === null ? null : { ifindex: this.ifindex, carrier: this.isWhole };
  }

  path(family: Family): LinePath | null {
    if (this.ifindex === null || !this.has(family)) return null;
    const address = this.address(family);
    const prefixLength = family === 'ipv4' ? 24 : 64;
    return {
      address,
      addresses: [{ address, prefixLength }],
      gateway: this.gateway(family),
      onLink: false,
    };
  }

  renew(family: Family): void {
    this.#leases[family]++;
  }

  goneDevice(): void {
    this.ifindex = null;
  }

  newDevice(): void {
    this.ifindex = 100 * this.number + this.#devices++;
  }

  set(values: Record<Way, number>, direction: Direction, value: number): void {
    for (const way of ['up', 'down'] as const)
      if (direction === 'both' || direction === way) values[way] = value;
  }

  /** Whether the first router answers when it is asked for its address. */
  hearsRouter(): boolean {
    return this.carries() && this.isRouterAlive;
  }

  carries(): boolean {
    return this.ifindex !== null && this.isWhole;
  }

  /** How long a packet takes one way; null: it is lost. */
  carry(family: Family, way: Way, random: Random, now: number): number | null {
    if (!this.hearsRouter() || this.silent[family][way] || this.#isBlackout(now)) return null;
    if (this.lossPercent[way] > 0 && random.chance(this.lossPercent[way])) return null;
    const half = (this.spec.roundTripMs ?? DEFAULT_ROUND_TRIP_MS) / 2;
    return Math.max(0.1, half * (1 + JITTER * random.next()) + this.extraMs[way]);
  }

  #isBlackout(now: number): boolean {
    const { blackouts } = this;
    if (blackouts === null) return false;
    return (now - blackouts.sinceMs) % blackouts.everyMs < blackouts.forMs;
  }

  /** Nothing comes back by it, until somebody mends it. */
  isDead(family: Family): boolean {
    const { up, down } = this.silent[family];
    const isLost = this.lossPercent.up >= 100 || this.lossPercent.down >= 100;
    return !this.has(family) || !this.hearsRouter() || up || down || isLost;
  }

  /** Nothing at all is wrong with it. */
  isSound(family: Family): boolean {
    const { lossPercent, extraMs } = this;
    const isPlain = lossPercent.up + lossPercent.down + extraMs.up + extraMs.down === 0;
    return !this.isDead(family) && isPlain && this.blackouts === null && !this.isPortal && !this.isDnsDead;
  }
}
