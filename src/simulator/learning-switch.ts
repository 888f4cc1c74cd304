// A learning Ethernet switch: table with ageing, flooding of what it does not know, a port's addresses forgotten when its
// link goes (as Linux bridges and most switches do). No spanning tree. (simulator)
import type { MacText } from '../base/index.js';
import type { Cable, Port } from './cable.js';
import type { Clock } from './clock.js';
import { type Frame, isGroup, isLinkLocal } from './frame.js';

class SwitchPort implements Port {
  readonly end: string;
  readonly name: string;
  cable: Cable | null = null;
  silent: boolean = false;
  readonly #owner: LearningSwitch;

  constructor(owner: LearningSwitch, name: string) {
    this.#owner = owner;
    this.name = name;
    this.end = `${owner.name}:${name}`;
  }

  isOn(): boolean {
    return this.#owner.isPowered;
  }

  receive(frame: Frame, hops: number): void {
    if (!this.silent) this.#owner.forward(this, frame, hops);
  }

  carrierChanged(): void {
    if (this.cable?.isUp === false) this.#owner.forget(this);
  }
}

interface Learned {
  port: SwitchPort;
  heardMs: number;
}

export class LearningSwitch {
  readonly name: string;
  isPowered: boolean = true;
  silent: boolean = false;
  readonly #ageingMs: number;
  readonly #clock: Clock;
  readonly #ports: SwitchPort[] = [];
  readonly #table = new Map<MacText, Learned>();

  constructor(name: string, ageingMs: number, clock: Clock) {
    this.name = name;
    this.#ageingMs = ageingMs;
    this.#clock = clock;
  }

  /** The port of a name, made when it is first asked for. */
  port(name: string): Port {
    const found = this.#ports.find(port => port.name === name);
    if (found !== undefined) return found;
    const made = new SwitchPort(this, name);
    this.#ports.push(made);
    return made;
  }

  /** Without a port: all of it. */
  setSilent(silent: boolean, port?: string): void {
    if (port === undefined) this.silent = silent;
    for (const each of this.#ports) if (each.name === port) each.silent = silent;
  }

  /** Off: everything learned is forgotten. */
  setPowered(powered: boolean): void {
    this.isPowered = powered;
    this.#table.clear();
    for (const port of this.#ports) port.cable?.refresh();
  }

  forget(port: SwitchPort): void {
    for (const [mac, learned] of this.#table) if (learned.port === port) this.#table.delete(mac);
  }

  forward(from: SwitchPort, frame: Frame, hops: number): void {
    if (this.silent || !this.isPowered) return;
    const { now } = this.#clock;
    const known = this.#table.get(frame.source);
    if (known === undefined) {
      if (!isGroup(frame.source)) this.#table.set(frame.source, { port: from, heardMs: now });
    } else {
      known.port = from;
      known.heardMs = now;
    }
    if (isLinkLocal(frame.destination)) return;
    const learned = isGroup(frame.destination) ? undefined : this.#table.get(frame.destination);
    if (learned !== undefined && now - learned.heardMs <= this.#ageingMs) {
      if (learned.port !== from && !learned.port.silent) learned.port.cable?.send(learned.port, frame, hops);
      return;
    }
    for (const port of this.#ports) {
      if (port !== from && !port.silent) port.cable?.send(port, frame, hops);
    }
  }
}
