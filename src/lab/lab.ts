// A throw-away network in namespaces of its own: a host whose members are cabled to a learning switch, and a peer on the
// same switch. Nothing of it touches the machine's own namespace, and nothing of it stays.
import type { ChildProcess, SpawnOptions } from 'node:child_process';
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
import type { CommandResult } from './managed-bondwire.js';
import type { Place } from './place.js';
import { PlaceGroup } from './place-group.js';

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

const LABELS: readonly (readonly [PlaceName, string])[] = [
  ['host', 'h'],
  ['switch', 's'],
  ['peer', 'p'],
];

/** A lab; `create` builds one. */
export class Lab {
  readonly #places: PlaceGroup<PlaceName>;
  readonly #silenced = new Set<string>();
  readonly #timesSilenced = new Map<string, number>();
  #swallowed = 0;
  /** Members by name, with the switch's end of the cable. */
  readonly cables: Readonly<Record<string, string>>;
  /** For the bond: address and prefix length. */
  readonly hostAddress: string = HOST_ADDRESS;
  readonly peerAddress: string = PEER_ADDRESS;
  readonly hostIp: string = '10.9.0.2';
  readonly peerIp: string = '10.9.0.1';

  private constructor(places: PlaceGroup<PlaceName>, members: readonly string[]) {
    this.#places = places;
    this.cables = Object.fromEntries(members.map((name, at) => [name, `p${at}`]));
  }

  /** Builds a lab (about 50 ms) and waits until the switch forwards to the peer. */
  static async create(options: LabOptions = {}): Promise<Lab> {
    const places = PlaceGroup.create(LABELS, options.onSignal ?? 'close');
    try {
      const lab = new Lab(places, options.members ?? ['eth0', 'eth1']);
      lab.#build(options);
      await lab.#settle();
      return lab;
    } catch (error) {
      places.close();
      throw error;
    }
  }

  #build(options: LabOptions): void {
    const [host, peer, bridge] = [
      this.#places.at('host'),
      this.#places.at('peer'),
      this.#places.at('switch'),
    ];
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
    return this.#places.at('host').name;
  }
  get switch(): string {
    return this.#places.at('switch').name;
  }
  get peer(): string {
    return this.#places.at('peer').name;
  }
  get members(): readonly string[] {
    return Object.keys(this.cables);
  }

  /** rtnetlink in one of the namespaces; open as long as the lab is. */
  netlink(place: PlaceName): Place['netlink'] {
    return this.#places.at(place).netlink;
  }

  /** The interface as the kernel has it, or undefined. */
  link(place: PlaceName, name: string): Link | undefined {
    return getLink(this.#places.at(place).netlink, name);
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
      const { netlink } = this.#places.at('switch');
      const master = requireLink(netlink, 'sw0').ifindex;
      setLink(netlink, requireLink(netlink, end).ifindex, { master });
    }
    this.setUp('switch', end, true);
  }

  /** The member keeps its carrier, but its frames go nowhere and none come: as behind a switch that lost its uplink. */
  silence(member: string): void {
    const end = this.#end(member);
    const { netlink } = this.#places.at('switch');
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
    const { netlink } = this.#places.at(place);
    setLink(netlink, requireLink(netlink, name).ifindex, { up });
  }

  /** Gives an interface an address such as `10.9.0.2/24`. */
  addAddress(place: PlaceName, name: string, address: string): void {
    const { netlink } = this.#places.at(place);
    addAddress(netlink, addressFromText(requireLink(netlink, name).ifindex, address));
  }

  /** Calls `work`, which may not wait for anything, with the thread in the namespace. */
  inside<T>(place: PlaceName, work: () => T): T {
    return this.#places.at(place).inside(work);
  }

  /**
   * Starts a program in the namespace, out of reach of the terminal's Ctrl-C; it is killed when the lab is closed. Its
   * /sys is still the machine's: interfaces are to be asked for by rtnetlink.
   */
  spawn(place: PlaceName, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return this.#places.spawn(place, argv, options);
  }

  /** Runs a program in the namespace to its end. */
  exec(place: PlaceName, argv: readonly string[], options: SpawnOptions = {}): Promise<CommandResult> {
    return this.#places.exec(place, argv, options);
  }

  /** A new folder for a daemon of the lab; it goes with the lab, and so does what is mounted in it. */
  makeRunDir(): string {
    return this.#places.makeRunDir();
  }

  /** Kills what was started in the lab and removes it. Gives what could not be removed; a second call does nothing. */
  close(): string[] {
    return this.#places.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
