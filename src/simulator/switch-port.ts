// A port of a switch: where a cable ends, in a channel group or on its own. (simulator)
import type { MacText } from '../base/index.js';
import type { Cable, Port } from './cable.js';
import type { ChannelGroup } from './channel-group.js';
import type { Frame } from './frame.js';
import { DEFAULT_SPEED_MBPS } from './scenario.js';

/** What a port asks of its switch. */
export interface PortOwner {
  readonly name: string;
  /** It forwards nothing, and says nothing. */
  readonly isDead: boolean;
  hasPower(port: SwitchPort): boolean;
  received(port: SwitchPort, frame: Frame, hops: number): void;
  carrierChanged(port: SwitchPort): void;
}

export class SwitchPort implements Port {
  readonly end: string;
  readonly name: string;
  /** From 1. */
  readonly number: number;
  readonly mac: MacText;
  cable: Cable | null = null;
  silent: boolean = false;
  group: ChannelGroup | null = null;
  readonly #owner: PortOwner;

  constructor(owner: PortOwner, name: string, number: number, mac: MacText) {
    this.#owner = owner;
    this.name = name;
    this.number = number;
    this.mac = mac;
    this.end = `${owner.name}:${name}`;
  }

  get isUp(): boolean {
    return this.cable?.isUp === true;
  }

  get #far(): Port | undefined {
    return this.cable?.a === this ? this.cable.b : this.cable?.a;
  }

  /** What the other end has: autonegotiation finds it. */
  get farSpeedMbps(): number {
    return this.#far?.speedMbps ?? DEFAULT_SPEED_MBPS;
  }

  get farDuplex(): 'full' | 'half' {
    return this.#far?.duplex ?? 'full';
  }

  isOn(): boolean {
    return this.#owner.hasPower(this);
  }

  receive(frame: Frame, hops: number): void {
    if (!this.silent) this.#owner.received(this, frame, hops);
  }

  send(frame: Frame, hops: number): void {
    if (!this.silent && !this.#owner.isDead) this.cable?.send(this, frame, hops);
  }

  carrierChanged(): void {
    this.#owner.carrierChanged(this);
  }
}
