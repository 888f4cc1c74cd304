// The stage of the LACP demo: two hosts in namespaces of their own with two cables between them, a daemon and an 802.3ad bond in each.
import { type ChildProcess, spawn } from 'node:child_process';
import type { ShowBond } from '../daemon/api/api.js';
import { addAddress, addressFromText, getLink, requireLink, setLink, writeSysctl } from '../linux/index.js';
import { createCable } from './cable.js';
import { guard, release } from './lab-guard.js';
import { ManagedBondwire } from './managed-bondwire.js';
import { LAB_MARK, namespaceName } from './names.js';
import { Place } from './place.js';
import { makeRunDir, removeRunDir } from './running-labs.js';

export const LACP_BOND = 'bond0';
export const CABLES: readonly [string, string] = ['eth0', 'eth1'];
/** coupled_control=off: a port that comes back sends only once its partner takes in; else what is sent up to a tick before is lost. */
const LACP_OPTIONS: readonly string[] = [
  'mode=802.3ad',
  'miimon=100',
  'lacp_rate=fast',
  'coupled_control=off',
  'xmit_hash_policy=layer3+4',
];
const NO_SYSTEM = '00:00:00:00:00:00';
const FIRST_INDEX = 100;

/** A host of the stage. */
export class LacpHost {
  readonly place: Place;
  readonly address: string;
  readonly bondwire: ManagedBondwire;
  readonly #runDir: string;
  readonly #children = new Set<ChildProcess>();

  constructor(place: Place, address: string, bin: string, daemonArgs: readonly string[]) {
    this.place = place;
    this.address = address;
    this.#runDir = makeRunDir();
    const runDir = this.#runDir;
    this.bondwire = new ManagedBondwire({ spawn: argv => this.spawn(argv), bin, runDir, daemonArgs });
  }

  /** Starts a program here, out of reach of the terminal's Ctrl-C; it is killed when the stage is closed. */
  spawn(argv: readonly string[]): ChildProcess {
    const [file = '', ...args] = argv;
    const env = { ...process.env, [LAB_MARK]: this.place.name };
    const child = this.place.inside(() => spawn(file, args, { stdio: 'pipe', detached: true, env }));
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return child;
  }

  /** The bond, up, with the host's address. */
  async bond(): Promise<void> {
    await this.bondwire.run('create', LACP_BOND, ...LACP_OPTIONS);
    await this.bondwire.run('enslave', LACP_BOND, ...CABLES);
    const { ifindex } = requireLink(this.place.netlink, LACP_BOND);
    setLink(this.place.netlink, ifindex, { up: true });
    addAddress(this.place.netlink, addressFromText(ifindex, `${this.address}/24`));
  }

  show(): Promise<ShowBond> {
    return this.bondwire.show(LACP_BOND);
  }

  /** Cables that carry by what LACP agreed on. */
  async carrying(): Promise<string[]> {
    const { lacp, members } = await this.show();
    if ((lacp?.active?.partnerSystem ?? NO_SYSTEM) === NO_SYSTEM) return [];
    return members.filter(each => each.lacp?.carries === true).map(({ name }) => name);
  }

  /** Frames that left by a cable, and those that the kernel could not deliver there. */
  counters(cable: string): { readonly sent: number; readonly undelivered: number } {
    const { txPackets = 0, txDropped = 0 } = getLink(this.place.netlink, cable)?.statistics ?? {};
    return { sent: txPackets, undelivered: txDropped };
  }

  setCable(cable: string, up: boolean): void {
    setLink(this.place.netlink, requireLink(this.place.netlink, cable).ifindex, { up });
  }

  /** What can be done at once. Gives what could not be removed. */
  remove(): string[] {
    for (const child of this.#children) child.kill('SIGKILL');
    const left: string[] = [];
    for (const [what, step] of [
      [`namespace ${this.place.name}`, () => this.place.remove()],
      [this.#runDir, () => removeRunDir(this.#runDir)],
    ] as const) {
      try {
        step();
      } catch (error) {
        left.push(`${what} (${error instanceof Error ? error.message : String(error)})`);
      }
    }
    return left;
  }
}

/** Both hosts; `build` makes them. The cables' far ends are the partner's members. */
export class LacpStage {
  readonly host: LacpHost;
  readonly partner: LacpHost;
  #left: string[] | null = null;

  private constructor(host: LacpHost, partner: LacpHost) {
    this.host = host;
    this.partner = partner;
  }

  /** Two daemons, and bonds that have agreed. `hostArgs` are given to the first daemon. Removes everything again when it fails. */
  static async build(
    bin: string,
    hostArgs: readonly string[],
    interrupted: AbortSignal,
    tell: (text: string) => void,
  ): Promise<LacpStage> {
    const places: Place[] = [];
    let stage: LacpStage;
    try {
      for (const label of ['h', 'p']) places.push(Place.create(namespaceName(process.pid, 0, label)));
      const [one, other] = places as [Place, Place];
      stage = new LacpStage(
        new LacpHost(one, '10.9.1.1', bin, hostArgs),
        new LacpHost(other, '10.9.1.2', bin, []),
      );
    } catch (error) {
      for (const place of places) place.remove();
      throw error;
    }
    guard(stage, 'leave');
    try {
      await stage.#set(interrupted, tell);
      return stage;
    } catch (error) {
      await stage.end();
      throw error;
    }
  }

  async #set(interrupted: AbortSignal, tell: (text: string) => void): Promise<void> {
    const hosts = [this.host, this.partner];
    for (const { place } of hosts) place.inside(() => writeSysctl('ipv6', 'default', 'disable_ipv6', '1'));
    for (const [at, name] of CABLES.entries())
      createCable(
        this.host.place.end(name, FIRST_INDEX + at),
        this.partner.place.end(name, 2 * FIRST_INDEX + at),
      );
    tell(
      `Two hosts in namespaces ${this.host.place.name} and ${this.partner.place.name}, two cables between them.`,
    );
    await Promise.all(hosts.map(({ bondwire }) => bondwire.start()));
    interrupted.throwIfAborted();
    await Promise.all(hosts.map(each => each.bond()));
    await this.agreed(CABLES, interrupted);
    tell(`A daemon and ${LACP_BOND} in each, ${LACP_OPTIONS.join(' ')}; both cables are in one aggregate.`);
  }

  /** Waits until these cables, and no others, carry at both ends. */
  async agreed(
    cables: readonly string[],
    interrupted: AbortSignal,
    withinMs: number = 60_000,
  ): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      interrupted.throwIfAborted();
      const carrying = await Promise.all([this.host, this.partner].map(each => each.carrying()));
      if (carrying.every(each => each.join() === cables.join())) return;
      if (performance.now() > deadline)
        throw new Error(
          `${cables.join(' and ')} do not carry: ${carrying.map(each => each.join(' ') || 'nothing').join(' here, there ')}`,
        );
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  /** Pulls a cable at the partner's end. Gives how many frames were in it: sent while the host's end still had its carrier. */
  cut(cable: string): number {
    const before = this.host.counters(cable).undelivered;
    this.partner.setCable(cable, false);
    return this.host.counters(cable).undelivered - before;
  }

  restore(cable: string): void {
    this.partner.setCable(cable, true);
  }

  /** What can be done at once, when the process ends. */
  close(): string[] {
    release(this);
    this.#left ??= [this.host, this.partner].flatMap(each => each.remove());
    return this.#left;
  }

  /** Ends the daemons in order and removes everything; gives what could not be removed. */
  async end(): Promise<string[]> {
    if (this.#left !== null) return this.#left;
    const left: string[] = [];
    for (const { bondwire } of [this.host, this.partner]) {
      if (bondwire.pid === null) continue;
      const { status, stderr } = await bondwire.command(['destroy', LACP_BOND]);
      if (status !== 0 && !/no bond|not found|unknown/i.test(stderr))
        left.push(`${LACP_BOND} (${stderr.trim()})`);
      await bondwire.stop();
    }
    return [...left, ...this.close()];
  }
}
