// A daemon that is killed after any step of a change, and the next one: nothing may be lost, and nothing left behind. The keeper is
// the one that ships; interfaces, their addresses and routes, and the data plane are those of the network.
import type { MacText } from '../base/index.js';
import { Bond, type BondEvent, createBond } from '../policy/index.js';
import type { BondWorld, KeeperPlant } from './bond-world.js';
import { Cable } from './cable.js';
import { Clock } from './clock.js';
import { LearningSwitch } from './learning-switch.js';
import { type InterfaceOwner, NetworkInterface } from './network-interface.js';
import { Random } from './random.js';
import type { BondSpec } from './scenario.js';
import { SimulatedBond } from './simulated-bond.js';
import type { Step } from './steps.js';

/** A change of a bond: what was there before, and what is done. */
export interface Deed {
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  /** Members before; the bond is there if this is. */
  readonly members?: readonly string[];
  /** Members that it does not touch: they are members all the time. */
  readonly stay: readonly string[];
  readonly run: (machine: CrashMachine) => void;
}

export interface Crashed {
  readonly steps: number;
  /** `DEED, killed after step N: what is wrong`. */
  readonly violations: readonly string[];
}

/** The daemon is dead. */
class Killed extends Error {}

/** What can be seen of an interface that is in nobody's use. */
interface Picture {
  readonly mac: MacText;
  readonly mtu: number;
  readonly up: boolean;
  readonly silent: boolean;
  readonly lent: boolean;
  readonly addresses: string;
  readonly routes: string;
}

const NAMES = ['eth0', 'eth1', 'eth2', 'eth3', 'eth4'] as const;
/** Its MAC address cannot be changed: most bonds refuse it once they have members. */
const FIXED = 'eth4';
const BOND_IFINDEX = 100;
/** Until news, ticks and delays are over. */
const SETTLE_MS = 1500;

/** One host with five interfaces, all up and with addresses and routes of their own, and room for a bond. */
export class CrashMachine implements InterfaceOwner {
  readonly name: string = 'host';
  readonly isPowered: boolean = true;
  readonly clock: Clock = new Clock(0);
  readonly interfaces: readonly NetworkInterface[];
  readonly told: BondEvent[] = [];
  bond: SimulatedBond | null = null;
  readonly #world: BondWorld;
  readonly #originals: ReadonlyMap<number, Picture>;
  /** Steps until the daemon dies; null: it does not. */
  #left: number | null = null;
  #isDead = false;
  steps: number = 0;

  constructor(plant: KeeperPlant) {
    const { clock } = this;
    this.interfaces = NAMES.map(
      (name, at) =>
        new NetworkInterface(this, { name, fixedMac: name === FIXED }, at + 2, `02:00:00:00:01:0${at}`),
    );
    const sw = new LearningSwitch('sw', 300_000, { clock, stepped: () => {} });
    const random = new Random(1);
    for (const [at, nic] of this.interfaces.entries()) {
      nic.carried.add({ addresses: [`192.0.2.${at}/24`, `2001:db8::${at}/64`], routes: [`default ${at}`] });
      nic.setMtu(1400 + at);
      nic.setUp(true);
      new Cable([nic, sw.port(String(at + 1))], 0.01, {
        clock,
        random,
        looped: () => {},
      }).refresh();
    }
    this.#originals = new Map(this.interfaces.map(nic => [nic.ifindex, pictureOf(nic)]));
    const find = (wanted: (nic: NetworkInterface) => boolean): NetworkInterface | undefined =>
      this.interfaces.find(wanted);
    this.#world = {
      clock,
      random,
      pace: { linkWatchMs: 0.5, newsMs: 0.2, timerLateMs: 0 },
      policies: { create: createBond, restore: (saved, now) => Bond.restore(saved, now) },
      keepState: true,
      hostName: this.name,
      findInterface: wanted => find(nic => nic.name === wanted),
      interfaceAt: ifindex => find(nic => nic.ifindex === ifindex),
      bonds: () => (this.bond === null ? [] : [this.bond]),
      bondOf: nic => (this.bond?.has(nic) === true ? this.bond : undefined),
      step: this.#step,
      plant,
      deliver: () => {},
      stepped: () => {},
      told: (_, event) => void this.told.push(event),
    };
  }

  readonly #step: Step = effect => {
    if (this.#isDead) throw new Killed();
    const given = effect();
    this.steps += 1;
    if (this.#left === null) return given;
    this.#left -= 1;
    if (this.#left > 0) return given;
    this.#isDead = true;
    throw new Killed();
  };

  /** The next daemon goes on, and all comes to rest. */
  restart(): void {
    this.#isDead = false;
    this.#left = null;
    this.bond?.kill();
    this.bond?.start();
    this.settle();
  }

  /** The next daemon dies as well, after so many steps, and the one after it goes on. */
  restartTwice(after: number): void {
    this.#isDead = false;
    this.bond?.kill();
    this.dies(after, () => this.bond?.start());
    this.restart();
  }

  settle(): void {
    this.clock.run(this.clock.now + SETTLE_MS, () => {});
  }

  /** Does it with a daemon that dies after so many steps; false when it did not come to that. */
  dies(after: number, deed: () => void): boolean {
    this.#left = after;
    try {
      deed();
      this.settle();
    } catch (error) {
      if (!this.#isDead) throw error;
    }
    return this.#isDead;
  }

  // What users ask for.

  create(options: Readonly<Record<string, string>>, members: readonly string[] = []): void {
    const spec: BondSpec = { name: 'bond0', options, members: [], addresses: [] };
    const made = SimulatedBond.create(this.#world, spec, BOND_IFINDEX);
    if (!made.ok) throw new Error(made.error.message);
    this.bond = made.value;
    made.value.begin(spec);
    for (const name of members) this.join(name);
  }

  join(name: string): void {
    const joined = this.bond?.enslave(name, { takeDown: true });
    if (joined?.ok === false && !this.#isDead) throw new Error(joined.error.message);
    if (this.#isDead) throw new Killed();
  }

  /** It may be refused. */
  tries(name: string): void {
    this.bond?.enslave(name, { takeDown: true });
    if (this.#isDead) throw new Killed();
  }

  leave(name: string): void {
    this.bond?.release(name);
  }

  set(option: string, value: string): void {
    const set = this.bond?.set(option, value);
    if (set?.ok === false) throw new Error(set.error.message);
  }

  destroy(): void {
    this.bond?.destroy();
  }

  /** What is lost or left behind, as clauses. */
  wrongs(stay: readonly string[]): readonly string[] {
    const { bond } = this;
    const isThere = bond?.exists === true;
    const keeper = isThere ? bond.keeper : null;
    const wrongs: string[] = [];
    if (isThere && keeper === null) wrongs.push('the bond has no keeper');
    const members = keeper?.policy.members().map(({ member }) => member) ?? [];
    const lists = {
      'the keeper': [...(keeper?.records.keys() ?? [])],
      'the data plane': bond?.plane.members() ?? [],
    };
    for (const [whose, list] of Object.entries(lists))
      if (list.length !== members.length || list.some(member => !members.includes(member)))
        wrongs.push(`members of ${whose} are ${list.join()}, of the policy ${members.join()}`);
    for (const [, { joining, leaving, original }] of keeper?.records ?? [])
      if (joining || leaving !== undefined) wrongs.push(`${original.name} is half-way in the book`);
    if (keeper?.taken.some(({ returning }) => returning === true) === true)
      wrongs.push('something is still going back');
    for (const nic of this.interfaces) wrongs.push(...this.#wrongsOf(nic, members.includes(nic.ifindex)));
    const left = isThere ? stay.filter(name => this.bond?.members.every(nic => nic.name !== name)) : [];
    wrongs.push(...left.map(name => `${name} is no member any more`));
    const bondUp = bond?.adminUp === true && members.length > 0;
    if (isThere && bondUp && bond.plane.current === null) wrongs.push('nobody sends, though members can');
    if (isThere && bondUp && !bond.carrier) wrongs.push('the bond has no carrier');
    return wrongs;
  }

  #wrongsOf(nic: NetworkInterface, isMember: boolean): readonly string[] {
    const original = this.#originals.get(nic.ifindex);
    const now = pictureOf(nic);
    const isTwin = this.bond?.keeper?.heldDown.has(nic.ifindex) === true;
    if (!isMember) {
      // Addresses that came with it are the bond's until its end.
      const isTaken = this.bond?.keeper?.taken.some(({ ifindex }) => ifindex === nic.ifindex) === true;
      const wish = {
        ...original,
        ...(isTwin && { up: false }),
        ...(isTaken && { addresses: '', routes: '' }),
      };
      const differs = Object.entries(now).filter(([key, value]) => Reflect.get(wish, key) !== value);
      const wrongs = differs.map(([key, value]) => `${nic.name} has ${key} ${value}`);
      return isTaken ? [...wrongs, ...this.#lackedBy(nic)] : [...wrongs, ...this.#keptOf(nic)];
    }
    const wrongs = now.up && now.silent && now.lent ? [] : [`member ${nic.name} is not set up`];
    return now.addresses === ''
      ? [...wrongs, ...this.#lackedBy(nic)]
      : [...wrongs, `member ${nic.name} has addresses`];
  }

  /** What came with it and the bond does not have. */
  #lackedBy(nic: NetworkInterface): readonly string[] {
    const { addresses = '', routes = '' } = this.#originals.get(nic.ifindex) ?? {};
    const lost = [...addresses.split(' '), ...routes.split(',')].filter(
      each => each !== '' && !this.#onBond().includes(each),
    );
    return lost.map(each => `${each} of ${nic.name} is lost`);
  }

  /** What the bond has though it went back. */
  #keptOf(nic: NetworkInterface): readonly string[] {
    if (this.bond?.exists !== true) return [];
    const { addresses = '' } = this.#originals.get(nic.ifindex) ?? {};
    const twice = addresses.split(' ').filter(each => this.#onBond().includes(each));
    return twice.map(each => `${each} of ${nic.name} is on the bond too`);
  }

  #onBond(): readonly string[] {
    const { addresses = [], routes = [] } = this.bond?.carried ?? {};
    return [...addresses, ...routes];
  }

  // As a host of the network.

  received(): void {}

  news(nic: NetworkInterface): void {
    if (this.bond?.has(nic) === true) this.bond.memberNews(nic, 0.2);
  }
}

function pictureOf({ mac, mtu, adminUp, isSilent, isLent, carried }: NetworkInterface): Picture {
  return {
    mac,
    mtu,
    up: adminUp,
    silent: isSilent,
    lent: isLent,
    addresses: carried.addresses.toSorted().join(' '),
    routes: carried.routes.toSorted().join(','),
  };
}

/** Kills the daemon after every step of a deed, once each, and looks at what the next one makes of it, or the one after that. */
export function crashEverywhere(deed: Deed, plant: KeeperPlant = {}): Crashed {
  const violations: string[] = [];
  const prepared = (): CrashMachine => {
    const machine = new CrashMachine(plant);
    if (deed.members !== undefined) machine.create(deed.options, deed.members);
    machine.settle();
    return machine;
  };
  const found = (machine: CrashMachine, when: string): void => {
    violations.push(...machine.wrongs(deed.stay).map(wrong => `${deed.name}, ${when}: ${wrong}`));
  };
  const whole = prepared();
  deed.run(whole);
  whole.settle();
  found(whole, 'not killed');
  for (let step = 1; ; step++) {
    const machine = prepared();
    if (!machine.dies(step, () => deed.run(machine))) return { steps: step - 1, violations };
    // Every second time its successor dies too, a little further on each time.
    if (step % 2 === 0) machine.restart();
    else machine.restartTwice(1 + (step % 17));
    found(machine, `killed after step ${step}`);
  }
}
