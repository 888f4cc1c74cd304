// What the ARP monitor of a bond is told: when each member last received, what may answer its questions, and how each target is
// reached. The ears are sockets on the members that see frames before the programs do; they are open while the monitor runs.
import { parseIpv4, parseIpv6 } from '../../base/index.js';
import type { BondDataPlane } from '../../dataplane/index.js';
import { parseProbeAnswer, type VlanTag } from '../../frames/index.js';
import { ETH_P_ALL, isErrno, knownLinks, PacketSocket, PROBE_ANSWERS, routeTo } from '../../linux/index.js';
import { type Link, routeInterface, routeSource, vlanSettingsOf } from '../../netlink/index.js';
import type { Heard, HeardAnswer, MemberIndex, ProbeRoute } from '../../policy/index.js';
import type { Machine } from './machine.js';

/** Frames of one member that are taken in at once. */
const MOST_WAITING = 256;

export class MonitorSenses {
  readonly #machine: Pick<Machine, 'netlink' | 'now'>;
  readonly #plane: BondDataPlane;
  readonly #answered: (answer: HeardAnswer) => void;
  readonly #ears = new Map<MemberIndex, PacketSocket>();
  /** When an ARP packet or a neighbour message last came in. */
  readonly #probeLikeMs = new Map<MemberIndex, number>();
  #lastRoutes = '';

  constructor(
    machine: Pick<Machine, 'netlink' | 'now'>,
    plane: BondDataPlane,
    answered: (answer: HeardAnswer) => void,
  ) {
    this.#machine = machine;
    this.#plane = plane;
    this.#answered = answered;
  }

  /** Listens on these members, and on no others. Throws SystemError. */
  follow(wanted: readonly MemberIndex[]): void {
    for (const member of this.#ears.keys()) if (!wanted.includes(member)) this.#close(member);
    for (const member of wanted) if (!this.#ears.has(member)) this.#open(member);
  }

  /** Takes in what waits first: after a busy moment timers run before sockets are looked at. */
  heard(): Heard[] {
    for (const [member, ear] of this.#ears) {
      for (let left = MOST_WAITING; left > 0; left--) {
        const frame = ear.receive();
        if (frame === undefined) break;
        this.#heard(member, frame.data);
      }
    }
    return Array.from(this.#ears.keys(), member => {
      const ns = this.#plane.lastReceivedNs(member);
      const anyMs = ns === null ? null : Number(ns / 1000n) / 1000;
      return { member, anyMs, probeLikeMs: this.#probeLikeMs.get(member) ?? null };
    });
  }

  /** How the targets are reached; undefined when that is as it was. */
  changedRoutes(targets: readonly string[]): ProbeRoute[] | undefined {
    let links: readonly Link[] | undefined;
    const routes = targets.map(target =>
      this.#routeTo(target, () => (links ??= knownLinks(this.#machine.netlink))),
    );
    const text = JSON.stringify(routes);
    if (text === this.#lastRoutes) return undefined;
    this.#lastRoutes = text;
    return routes;
  }

  close(): void {
    for (const member of Array.from(this.#ears.keys())) this.#close(member);
  }

  #open(member: MemberIndex): void {
    let ear: PacketSocket;
    try {
      ear = PacketSocket.open({ ifindex: member, protocol: ETH_P_ALL, filter: PROBE_ANSWERS });
    } catch (error) {
      // It is gone: the kernel's news say so next.
      if (isErrno(error, 'ENODEV', 'ENXIO')) return;
      throw error;
    }
    this.#ears.set(member, ear);
    ear.watch(({ data }) => this.#heard(member, data));
  }

  #heard(member: MemberIndex, frame: Uint8Array): void {
    const read = parseProbeAnswer(frame);
    if (!read.ok) return;
    const atMs = this.#machine.now();
    this.#probeLikeMs.set(member, atMs);
    this.#answered({ member, atMs, ...read.value });
  }

  #close(member: MemberIndex): void {
    this.#ears.get(member)?.close();
    this.#ears.delete(member);
    this.#probeLikeMs.delete(member);
  }

  #routeTo(target: string, links: () => readonly Link[]): ProbeRoute {
    const address = target.includes(':') ? parseIpv6(target) : parseIpv4(target);
    const route = address.ok ? routeTo(this.#machine.netlink, address.value) : undefined;
    const out = route === undefined ? undefined : routeInterface(route);
    if (route === undefined || out === undefined) return { target, path: 'none' };
    const vlans = out === this.#plane.bondIfindex ? [] : vlansBetween(links(), this.#plane.bondIfindex, out);
    if (vlans === null) return { target, path: 'elsewhere' };
    return { target, path: 'bond', sender: routeSource(route) ?? null, vlans };
  }
}

/**
 * VLAN tags on the way from a device to the bond that carries it, the outermost first; null when the bond does not carry it.
 * Bridges and macvlans are passed through (bond_verify_device_path).
 */
export function vlansBetween(links: readonly Link[], bond: number, device: number): VlanTag[] | null {
  const linkOf = (ifindex: number): Link | undefined => links.find(each => each.ifindex === ifindex);
  const search = (ifindex: number, passed: readonly number[]): VlanTag[] | null => {
    if (ifindex === bond) return [];
    const link = linkOf(ifindex);
    if (link === undefined || passed.includes(ifindex)) return null;
    const below =
      link.info?.kind === 'bridge'
        ? links.filter(each => each.master === ifindex).map(each => each.ifindex)
        : link.link === undefined || link.linkNetnsId !== undefined
          ? []
          : [link.link];
    for (const next of below) {
      const vlans = search(next, [...passed, ifindex]);
      const vlan = vlanSettingsOf(link);
      if (vlans !== null)
        return vlan === undefined ? vlans : [...vlans, { tpid: vlan.protocol, tci: vlan.id }];
    }
    return null;
  };
  return search(device, []);
}
