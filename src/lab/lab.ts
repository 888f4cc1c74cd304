// A throw-away network in namespaces of its own: a host whose members are cabled to a learning switch, and a peer on the
// same switch. Nothing of it touches the machine's own namespace, and nothing of it stays.
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import {
  addAddress,
  addressFromText,
  createBridge,
  getLink,
  requireLink,
  setLink,
  writeSysctl,
} from '../linux/index.js';
import type { Link } from '../netlink/index.js';
import { createCable } from './cable.js';
import { guard, release } from './lab-guard.js';
import { LAB_MARK, namespaceName } from './names.js';
import { Place } from './place.js';
import { makeRunDir, removeRunDir } from './running-labs.js';
import { type CommandResult, collect } from './managed-bondwire.js';

/** The places of a lab. */
export type PlaceName = 'host' | 'switch' | 'peer';

export interface LabOptions {
  /** Interfaces of the host, each cabled to the switch; left down, as a bond wants them. */
  readonly members?: readonly string[];
  /**
   * Both ends of each member's cable have the same interface index. The kernel then holds back carrier news up to a
   * second, as it does for physical devices; otherwise they come at once.
   */
  readonly sameIndex?: boolean;
  /** IPv6 in the host and the peer (off by default: its own packets disturb exact counts). */
  readonly ipv6?: boolean;
  /** On SIGINT, SIGTERM and SIGHUP: take the lab down and let the signal have its effect, or leave both to the caller. */
  readonly onSignal?: 'close' | 'leave';
}

const HOST_ADDRESS = '10.9.0.2/24';
const PEER_ADDRESS = '10.9.0.1/24';
/** Interface indexes start here; far from those that the kernel gives by itself. */
const FIRST_INDEX = 100;
const SETTLE_MS = 3000;

let made = 0;

/** A lab; `create` builds one. */
export class Lab {
  readonly #places: Readonly<Record<PlaceName, Place>>;
  readonly #children = new Set<ChildProcess>();
  readonly #silenced = new Set<string>();
  readonly #timesSilenced = new Map<string, number>();
  readonly #runDirs: string[] = [];
  #swallowed = 0;
  #open = true;
  /** Members by name, with the switch's end of the cable. */
  readonly cables: Readonly<Record<string, string>>;
  /** For the bond: address and prefix length. */
  readonly hostAddress: string = HOST_ADDRESS;
  readonly peerAddress: string = PEER_ADDRESS;
  readonly hostIp: string = '10.9.0.2';
  readonly peerIp: string = '10.9.0.1';

  private constructor(places: Readonly<Record<PlaceName, Place>>, members: readonly string[]) {
    this.#places = places;
    this.cables = Object.fromEntries(members.map((name, at) => [name, `p${at}`]));
  }

  /** Builds a lab (about 50 ms) and waits until the switch forwards to the peer. */
  static async create(options: LabOptions = {}): Promise<Lab> {
    const number = made++;
    const places: Partial<Record<PlaceName, Place>> = {};
    const labels: readonly [PlaceName, string][] = [
      ['host', 'h'],
      ['switch', 's'],
      ['peer', 'p'],
    ];
    let lab: Lab | null = null;
    try {
      for (const [place, label] of labels) {
        places[place] = Place.create(namespaceName(process.pid, number, label));
      }
      lab = new Lab(places as Record<PlaceName, Place>, options.members ?? ['eth0', 'eth1']);
      guard(lab, options.onSignal ?? 'close');
      lab.#build(options);
      await lab.#settle();
      return lab;
    } catch (error) {
      if (lab === null) for (const place of Object.values(places)) place.remove();
      else lab.close();
      throw error;
    }
  }

  #build(options: LabOptions): void {
    const { host, peer } = this.#places;
    const bridge = this.#places.switch;
    bridge.inside(() => {
      writeSysctl('ipv6', 'default', 'disable_ipv6', '1');
      writeSysctl('ipv6', 'all', 'disable_ipv6', '1');
      // A snooping bridge would report groups of its own.
      writeFileSync('/proc/sys/net/ipv4/igmp_link_local_mcast_reports', '0');
    });
    for (const place of [host, peer]) {
      place.inside(() => {
        if (options.ipv6 === true) {
          writeSysctl('ipv6', 'default', 'accept_dad', '0');
          writeSysctl('ipv6', 'all', 'accept_dad', '0');
        } else {
          writeSysctl('ipv6', 'default', 'disable_ipv6', '1');
        }
      });
    }
    const sw0 = createBridge(
      bridge.netlink,
      { name: 'sw0', up: true },
      { stp: false, forwardDelaySeconds: 0 },
    );
    const master = sw0.ifindex;
    let index = FIRST_INDEX;
    for (const [member, end] of Object.entries(this.cables)) {
      const ifindex = index++;
      const far = options.sameIndex === true ? ifindex : ifindex + 100;
      createCable(host.end(member, ifindex), bridge.end(end, far));
      setLink(bridge.netlink, far, { master, up: true });
    }
    const up = index + 200;
    createCable(peer.end('eth0', index), bridge.end('up0', up));
    setLink(bridge.netlink, up, { master, up: true });
    setLink(peer.netlink, index, { up: true });
    addAddress(peer.netlink, addressFromText(index, PEER_ADDRESS));
  }

  /** The kernel lets a bridge's port forward when its operational state is known to be up, a moment after. */
  async #settle(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    for (;;) {
      const ready =
        this.link('switch', 'up0')?.operationalState === 'up' &&
        this.link('peer', 'eth0')?.operationalState === 'up';
      if (ready || performance.now() > deadline) return;
      await new Promise(resolve => setTimeout(resolve, 2));
    }
  }

  /** Names of the namespaces, for `ip netns exec`. */
  get host(): string {
    return this.#places.host.name;
  }
  get switch(): string {
    return this.#places.switch.name;
  }
  get peer(): string {
    return this.#places.peer.name;
  }
  get members(): readonly string[] {
    return Object.keys(this.cables);
  }

  /** rtnetlink in one of the namespaces; open as long as the lab is. */
  netlink(place: PlaceName): Place['netlink'] {
    return this.#places[place].netlink;
  }

  /** The interface as the kernel has it, or undefined. */
  link(place: PlaceName, name: string): Link | undefined {
    return getLink(this.#places[place].netlink, name);
  }

  #end(member: string): string {
    const end = this.cables[member];
    if (end === undefined)
      throw new Error(`The lab has no interface ${member}; it has ${this.members.join(', ')}`);
    return end;
  }

  /**
   * Pulls the cable at the switch's end: the member loses its carrier. The kernel closes the switch's end first and takes
   * the carrier away when all processors have seen that: below 1 ms here, tens of ms on an emulated machine that is
   * starved. Frames sent in between vanish while there is still a carrier, as those do that are in a real cable when it is
   * cut; no bond can save them. `swallowed` counts them.
   */
  cut(member: string): void {
    const undelivered = (): number => this.link('host', member)?.statistics?.txDropped ?? 0;
    const before = undelivered();
    this.setUp('switch', this.#end(member), false);
    this.#swallowed += undelivered() - before;
  }

  /**
   * Frames that were in cables while `cut` cut them: the switch's end was closed and the member still had its carrier. Its
   * device counted them (tx_dropped); what it counts after the cut is not among them.
   */
  get swallowed(): number {
    return this.#swallowed;
  }

  /** Undoes `cut` and `silence`. */
  restore(member: string): void {
    const end = this.#end(member);
    if (this.#silenced.delete(end)) {
      const { netlink } = this.#places.switch;
      const master = requireLink(netlink, 'sw0').ifindex;
      setLink(netlink, requireLink(netlink, end).ifindex, { master });
    }
    this.setUp('switch', end, true);
  }

  /** The member keeps its carrier, but its frames go nowhere and none come: as behind a switch that lost its uplink. */
  silence(member: string): void {
    const end = this.#end(member);
    const { netlink } = this.#places.switch;
    setLink(netlink, requireLink(netlink, end).ifindex, { master: 0 });
    this.#silenced.add(end);
    this.#timesSilenced.set(member, this.timesSilenced(member) + 1);
  }

  /** How often `silence` was called for the member. */
  timesSilenced(member: string): number {
    return this.#timesSilenced.get(member) ?? 0;
  }

  /** True when the member's cable is cut, by whomever. */
  isCut(member: string): boolean {
    return ((this.link('switch', this.#end(member))?.flags ?? 0) & 1) === 0;
  }

  /** Sets an interface up or down, as its owner would. */
  setUp(place: PlaceName, name: string, up: boolean): void {
    const { netlink } = this.#places[place];
    setLink(netlink, requireLink(netlink, name).ifindex, { up });
  }

  /** Gives an interface an address such as `10.9.0.2/24`. */
  addAddress(place: PlaceName, name: string, address: string): void {
    const { netlink } = this.#places[place];
    addAddress(netlink, addressFromText(requireLink(netlink, name).ifindex, address));
  }

  /** Calls `work`, which may not wait for anything, with the thread in the namespace. */
  inside<T>(place: PlaceName, work: () => T): T {
    return this.#places[place].inside(work);
  }

  /**
   * Starts a program in the namespace, out of reach of the terminal's Ctrl-C; it is killed when the lab is closed. Its
   * /sys is still the machine's: interfaces are to be asked for by rtnetlink.
   */
  spawn(place: PlaceName, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [file, ...args] = argv;
    if (file === undefined) throw new Error('spawn() needs a program');
    const child = this.#places[place].inside(() =>
      spawn(file, args, {
        stdio: 'pipe',
        detached: true,
        ...options,
        env: { ...(options.env ?? process.env), [LAB_MARK]: this.host },
      }),
    );
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return child;
  }

  /** Runs a program in the namespace to its end. */
  exec(place: PlaceName, argv: readonly string[], options: SpawnOptions = {}): Promise<CommandResult> {
    return collect(this.spawn(place, argv, options));
  }

  /** A new folder for a daemon of the lab; it goes with the lab, and so does what is mounted in it. */
  makeRunDir(): string {
    const directory = makeRunDir();
    this.#runDirs.push(directory);
    return directory;
  }

  /** Kills what was started in the lab and removes it. Gives what could not be removed; a second call does nothing. */
  close(): string[] {
    if (!this.#open) return [];
    this.#open = false;
    release(this);
    for (const child of this.#children) child.kill('SIGKILL');
    const left: string[] = [];
    for (const place of Object.values(this.#places)) {
      try {
        place.remove();
      } catch (error) {
        left.push(`namespace ${place.name} (${error instanceof Error ? error.message : String(error)})`);
      }
    }
    for (const directory of this.#runDirs) {
      try {
        removeRunDir(directory);
      } catch (error) {
        left.push(`${directory} (${error instanceof Error ? error.message : String(error)})`);
      }
    }
    return left;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
