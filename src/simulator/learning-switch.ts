// A learning Ethernet switch: table with ageing, flooding of what it does not know, a port's addresses forgotten when its
// link goes (as Linux bridges and most switches do). Ports of a channel group are one way for it. No spanning tree. (simulator)
import type { MacText } from '../base/index.js';
import { SLOW_PROTOCOLS_MAC } from '../frames/index.js';
import { ChannelGroup, type GroupIdentity } from './channel-group.js';
import type { Clock } from './clock.js';
import { type Frame, isGroup, isLinkLocal } from './frame.js';
import type { GroupSpec } from './scenario.js';
import { type PortOwner, SwitchPort } from './switch-port.js';
import type { SwitchPair } from './switch-pair.js';

/** By the peer link of a pair. */
export const PEER = 'peer';
/** Where frames come from and go to. */
export type Way = SwitchPort | ChannelGroup | typeof PEER;

interface Learned {
  way: Way;
  heardMs: number;
}

export interface SwitchWorld {
  readonly clock: Clock;
  /** The LACP of a group of it did something. */
  stepped(owner: LearningSwitch, group: ChannelGroup): void;
}

/** What of a switch is about its groups. */
export interface SwitchGroups {
  readonly specs: readonly GroupSpec[];
  /** By the group's place. */
  readonly identity: (spec: GroupSpec) => GroupIdentity;
}

export class LearningSwitch implements PortOwner {
  readonly name: string;
  isPowered: boolean = true;
  silent: boolean = false;
  /** The other one of its pair, and the way to it. */
  pair: SwitchPair | null = null;
  readonly #nth: number;
  readonly #ageingMs: number;
  readonly #world: SwitchWorld;
  readonly #groupOf: SwitchGroups['identity'];
  readonly #ports: SwitchPort[] = [];
  #groups: readonly ChannelGroup[] = [];
  #specs: readonly GroupSpec[];
  readonly #table = new Map<MacText, Learned>();
  /** It has power, and is not ready yet. */
  #isBooting = false;
  #boots = 0;

  /** `nth`: its place in the scenario; addresses of its ports follow from it. */
  constructor(
    name: string,
    ageingMs: number,
    world: SwitchWorld,
    nth: number = 0,
    groups: SwitchGroups | null = null,
  ) {
    this.name = name;
    this.#nth = nth;
    this.#ageingMs = ageingMs;
    this.#world = world;
    this.#specs = groups?.specs ?? [];
    this.#groupOf = groups?.identity ?? (() => NOBODY);
  }

  get groups(): readonly ChannelGroup[] {
    return this.#groups;
  }

  get ports(): readonly SwitchPort[] {
    return this.#ports;
  }

  get isDead(): boolean {
    return this.silent || !this.isPowered || this.#isBooting;
  }

  /** The port of a name, made when it is first asked for. */
  port(name: string): SwitchPort {
    const found = this.#ports.find(port => port.name === name);
    if (found !== undefined) return found;
    const number = this.#ports.length + 1;
    const made = new SwitchPort(this, name, number, switchMac(this.#nth, number));
    this.#ports.push(made);
    return made;
  }

  /** All cables are there: its groups get their ports. */
  boot(): void {
    const specs = this.#specs;
    this.#specs = [];
    for (const spec of specs) {
      const group = this.#newGroup(spec);
      for (const name of spec.ports) group.add(this.port(name));
    }
  }

  // What happens to it.

  /** Without a port: all of it. */
  setSilent(silent: boolean, port?: string): void {
    if (port === undefined) this.silent = silent;
    for (const each of this.#ports) if (each.name === port) each.silent = silent;
  }

  /** Off: everything learned is forgotten. */
  setPowered(powered: boolean, readyMs = 0): void {
    this.isPowered = powered;
    this.#table.clear();
    const boot = ++this.#boots;
    this.#isBooting = powered && readyMs > 0;
    for (const group of this.#groups) group.restart();
    for (const port of this.#ports) port.cable?.refresh();
    this.pair?.check();
    if (!this.#isBooting) return;
    this.#world.clock.after(readyMs, () => {
      if (boot !== this.#boots) return;
      this.#isBooting = false;
      for (const group of this.#groups) group.restart();
    });
  }

  reboot(downMs: number, readyMs: number): void {
    this.setPowered(false);
    const boot = this.#boots;
    this.#world.clock.after(downMs, () => {
      if (boot === this.#boots) this.setPowered(true, readyMs);
    });
  }

  /** A port goes to a group, or to none. */
  moveToGroup(name: string, groupName: string | undefined): void {
    const port = this.port(name);
    const before = port.group;
    const group = this.group(groupName);
    if (before === (group ?? null)) return;
    this.forget(port);
    before?.remove(port);
    group?.add(port);
    this.pair?.check();
    port.cable?.refresh();
  }

  setGroup(name: string, to: Omit<GroupSpec, 'name' | 'ports'>): void {
    this.group(name)?.set(to);
  }

  removeGroup(name: string): void {
    const group = this.group(name);
    if (group === undefined) return;
    for (const port of group.ports) group.remove(port);
    this.#groups = this.#groups.filter(each => each !== group);
    this.forget(group);
    this.pair?.check();
  }

  group(name: string | undefined): ChannelGroup | undefined {
    return this.#groups.find(each => each.name === name);
  }

  #newGroup(spec: GroupSpec): ChannelGroup {
    const group: ChannelGroup = new ChannelGroup(spec, this.#groupOf(spec), {
      clock: this.#world.clock,
      stepped: each => this.#world.stepped(this, each),
      carriesOtherwise: each => this.#carriesOtherwise(each),
    });
    this.#groups = [...this.#groups, group];
    return group;
  }

  // As the owner of its ports.

  hasPower(port: SwitchPort): boolean {
    return this.isPowered && this.pair?.shuts(this, port) !== true;
  }

  carrierChanged(port: SwitchPort): void {
    port.group?.linkChanged(port);
    if (!port.isUp) this.forget(port);
    if (this.pair?.isPeerPort(port) === true) this.pair.linkChanged();
  }

  received(port: SwitchPort, frame: Frame, hops: number): void {
    if (this.isDead) return;
    if (port.group !== null && frame.destination === SLOW_PROTOCOLS_MAC) {
      port.group.hear(port, frame);
      return;
    }
    const from = this.wayOf(port);
    if (from === null) return;
    this.#learn(frame.source, from);
    if (isLinkLocal(frame.destination)) return;
    const learned = isGroup(frame.destination) ? undefined : this.#table.get(frame.destination);
    if (learned !== undefined && this.#world.clock.now - learned.heardMs <= this.#ageingMs)
      this.#forward(from, learned.way, frame, hops);
    else this.#flood(from, frame, hops);
  }

  /** What a port's frames count as coming from; null: it takes none in. */
  wayOf(port: SwitchPort): Way | null {
    if (this.pair?.isPeerPort(port) === true) return PEER;
    const { group } = port;
    if (group === null || group.isOnItsOwn(port)) return port;
    return group.carries(port) ? group : null;
  }

  #forward(from: Way, to: Way, frame: Frame, hops: number): void {
    if (to === from) return;
    if (to === PEER) this.pair?.cross(this, from, frame, hops);
    else if (to instanceof SwitchPort) to.send(frame, hops);
    else if (from === PEER && this.pair?.isServed(frame, to) === true) return;
    else if (!to.send(frame, hops) && from !== PEER) this.pair?.cross(this, from, frame, hops);
  }

  #flood(from: Way, frame: Frame, hops: number): void {
    for (const port of this.#ports) if (port !== from && this.wayOf(port) === port) port.send(frame, hops);
    for (const group of this.#groups)
      if (group !== from && !(from === PEER && this.pair?.isServed(frame, group) === true))
        group.send(frame, hops);
    if (from !== PEER) this.pair?.cross(this, from, frame, hops);
  }

  // The table.

  #learn(mac: MacText, way: Way): void {
    // What the other switch of a pair learned it tells itself.
    if (isGroup(mac) || way === PEER) return;
    this.#put(mac, way);
    this.pair?.tell(this, mac, way);
  }

  #put(mac: MacText, way: Way): void {
    const { now } = this.#world.clock;
    const known = this.#table.get(mac);
    if (known === undefined) this.#table.set(mac, { way, heardMs: now });
    else Object.assign(known, { way, heardMs: now });
  }

  /** The other switch of its pair learned an address: at the group of that name, or at a port of its own. */
  adopt(mac: MacText, groupName: string | undefined): void {
    this.#put(mac, this.group(groupName) ?? PEER);
  }

  /** All addresses that were learned, and where. */
  learned(): readonly (readonly [MacText, Way])[] {
    return [...this.#table].map(([mac, { way }]) => [mac, way] as const);
  }

  forget(way: Way): void {
    for (const [mac, learned] of this.#table) {
      if (learned.way !== way) continue;
      this.#table.delete(mac);
      if (way instanceof SwitchPort) this.pair?.forgotten(this, mac);
    }
  }

  /** An address at a port of the other switch is not known there any more. */
  forgetOf(mac: MacText): void {
    if (this.#table.get(mac)?.way === PEER) this.#table.delete(mac);
  }

  #carriesOtherwise(group: ChannelGroup): void {
    for (const port of group.ports) if (this.wayOf(port) !== port) this.forget(port);
    if (group.carrying().length > 0 || this.pair?.carriesElsewhere(this, group) === true) return;
    this.forget(group);
    this.pair?.forgetGroup(this, group);
  }
}

const NOBODY: GroupIdentity = { system: '00:00:00:00:00:00', systemPriority: 0, key: 0, firstPort: 0 };

function switchMac(nth: number, port: number): MacText {
  return `02:b2:${byte(nth >> 8)}:${byte(nth)}:${byte(port >> 8)}:${byte(port)}`;
}

function byte(number: number): string {
  return (number & 0xff).toString(16).padStart(2, '0');
}

/** The system of a switch by its place. */
export function switchSystem(nth: number): MacText {
  return switchMac(nth, 0);
}
