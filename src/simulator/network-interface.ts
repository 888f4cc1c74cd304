// A network interface of a simulated host: an end of a cable that may belong to a bond. (simulator)
import type { MacText } from '../base/index.js';
import { SLOW_PROTOCOLS_MAC } from '../frames/index.js';
import type { MemberLink } from '../policy/index.js';
import type { Cable, Port } from './cable.js';
import { Carried } from './carried.js';
import type { FlowRun } from './flow.js';
import { type Frame, isGroup } from './frame.js';
import { DEFAULT_SPEED_MBPS, type InterfaceSpec } from './scenario.js';

/** What an interface tells its host. */
export interface InterfaceOwner {
  readonly name: string;
  readonly isPowered: boolean;
  received(nic: NetworkInterface, frame: Frame): void;
  /** The kernel has news of it. `carrier`: held back by link-watch, else told at once. */
  news(nic: NetworkInterface, what: 'carrier' | 'settings'): void;
}

export const DEFAULT_MTU = 1500;

export class NetworkInterface implements Port {
  readonly end: string;
  readonly name: string;
  readonly ifindex: number;
  readonly permanentMac: MacText;
  readonly spec: InterfaceSpec;
  cable: Cable | null = null;
  mac: MacText;
  mtu: number = DEFAULT_MTU;
  adminUp: boolean = false;
  /** Addresses whose frames it takes besides its own. */
  alsoTakes: readonly MacText[] = [];
  /** Addresses and routes that people gave it. */
  readonly carried: Carried = new Carried();
  /** No IPv6 of its own. */
  isSilent: boolean = false;
  /** Something of a bond hangs on it: filters, lists. */
  isLent: boolean = false;
  /** Frames of the slow protocols that came in. */
  lacpdus: number = 0;
  readonly #owner: InterfaceOwner;

  constructor(owner: InterfaceOwner, spec: InterfaceSpec, ifindex: number, mac: MacText) {
    this.#owner = owner;
    this.spec = spec;
    this.name = spec.name;
    this.end = `${owner.name}:${spec.name}`;
    this.ifindex = ifindex;
    this.permanentMac = mac;
    this.mac = mac;
  }

  get speedMbps(): number {
    return this.spec.speedMbps ?? DEFAULT_SPEED_MBPS;
  }

  get duplex(): 'full' | 'half' {
    return this.spec.duplex ?? 'full';
  }

  get carrier(): boolean {
    return this.cable?.isUp === true;
  }

  /** What the programs of the data plane ask of a device on every packet. */
  get canSend(): boolean {
    return this.adminUp && this.carrier;
  }

  isOn(): boolean {
    return this.adminUp && this.#owner.isPowered;
  }

  setUp(up: boolean): void {
    if (this.adminUp === up) return;
    this.adminUp = up;
    this.cable?.refresh();
    this.#owner.news(this, 'settings');
  }

  setMac(mac: MacText): void {
    if (this.mac === mac) return;
    this.mac = mac;
    this.#owner.news(this, 'settings');
  }

  setMtu(mtu: number): void {
    if (this.mtu === mtu) return;
    this.mtu = mtu;
    this.#owner.news(this, 'settings');
  }

  /** As it came from the factory: after the power was off. */
  reset(): void {
    this.mac = this.permanentMac;
    this.mtu = DEFAULT_MTU;
    this.adminUp = false;
  }

  carrierChanged(): void {
    this.#owner.news(this, 'carrier');
  }

  transmit(frame: Frame): void {
    if (!this.canSend) return;
    if (frame.cargo.kind === 'packet') noteCarrier(frame.cargo.flow, this.name);
    this.cable?.send(this, frame, 0);
  }

  /** The hardware's filter: frames for others are not taken. */
  receive(frame: Frame): void {
    const { destination } = frame;
    const isOurs = destination === this.mac || isGroup(destination) || this.alsoTakes.includes(destination);
    if (!this.adminUp || !isOurs) return;
    if (frame.destination === SLOW_PROTOCOLS_MAC) this.lacpdus++;
    this.#owner.received(this, frame);
  }

  link(): MemberLink {
    return {
      name: this.name,
      address: this.mac,
      mtu: this.mtu,
      adminUp: this.adminUp,
      carrier: this.carrier,
      speedMbps: this.adminUp ? this.speedMbps : null,
      duplex: this.adminUp ? this.duplex : null,
    };
  }
}

function noteCarrier(flow: FlowRun, name: string): void {
  flow.carriers.add(name);
}
