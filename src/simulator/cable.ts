// Cables: both ends have carrier while it is whole and both sides are switched on. (simulator)
import type { Clock } from './clock.js';
import type { Frame } from './frame.js';
import type { Random } from './random.js';

/** More hops than any network without loops has here. */
const LOOP_HOPS = 40;

/** Where a cable ends: an interface of a host or a port of a switch. */
export interface Port {
  /** `NODE:PORT`. */
  readonly end: string;
  cable: Cable | null;
  /** What autonegotiation gives to the other end; absent: what that one has by itself. */
  readonly speedMbps?: number;
  readonly duplex?: 'full' | 'half';
  /** The node has power and the interface is administratively up. */
  isOn(): boolean;
  receive(frame: Frame, hops: number): void;
  /** The carrier changed. */
  carrierChanged(): void;
}

export class Cable {
  readonly a: Port;
  readonly b: Port;
  readonly delayMs: number;
  /** Carrier on both ends. */
  isUp: boolean = false;
  #cut = false;
  /** Per cent of the frames lost that an end sends. */
  readonly #loss = new Map<Port, number>();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #looped: (end: string) => void;

  constructor(
    ends: readonly [Port, Port],
    delayMs: number,
    world: { clock: Clock; random: Random; looped: (end: string) => void },
  ) {
    [this.a, this.b] = ends;
    this.delayMs = delayMs;
    this.#clock = world.clock;
    this.#random = world.random;
    this.#looped = world.looped;
    this.a.cable = this;
    this.b.cable = this;
  }

  setCut(cut: boolean): void {
    this.#cut = cut;
    this.refresh();
  }

  setLoss(from: Port, percent: number): void {
    this.#loss.set(from, percent);
  }

  /** Looks at both sides again. */
  refresh(): void {
    const up = !this.#cut && this.a.isOn() && this.b.isOn();
    if (up === this.isUp) return;
    this.isUp = up;
    this.a.carrierChanged();
    this.b.carrierChanged();
  }

  /** What `from` sends. What is under way when the carrier goes is lost. */
  send(from: Port, frame: Frame, hops: number): void {
    if (!this.isUp) return;
    const percent = this.#loss.get(from) ?? 0;
    if (percent > 0 && this.#random.chance(percent)) return;
    if (hops > LOOP_HOPS) {
      this.#looped(from.end);
      return;
    }
    const to = from === this.a ? this.b : this.a;
    this.#clock.after(this.delayMs, () => {
      if (this.isUp) to.receive(frame, hops + 1);
    });
  }
}
