// What nobody asks about and everybody wants to know: that a bond has one usable member only, that a member sends and hears nothing,
// that something was put on a member which then hears nothing. Looks once a second, seldomer with many bonds, and tells each thing once.
import { advice } from '../../base/index.js';
import { getLink, listNeighbours, listRoutes, type Rtnetlink } from '../../linux/index.js';
import type { Link } from '../../netlink/index.js';
import { AF_INET, routeDestination, routeGateway, routeInterface } from '../../netlink/index.js';
import type { BondRunner } from '../bond-runner.js';
import type { Machine } from './machine.js';
import { type Pace, PacedLook } from './paced-look.js';
import { packetCounts } from './packet-counts.js';
import { type Deafness, Reception, type Silence } from './reception.js';
import type { Registry } from '../registry.js';

const PACE: Pace = { leastMs: 1000, mostMs: 5000, times: 1000 };

/** Kinds of devices that take the frames of the one below; ours takes them first. */
const TAKERS: ReadonlySet<string> = new Set(['macvlan', 'macvtap', 'ipvlan', 'ipvtap']);

/** What is told of a member beside its state. */
export interface MemberHearing {
  readonly lastReceivedMs: number | null;
  readonly silence: Silence | null;
  readonly deafness?: Deafness;
}

interface Watched {
  readonly reception: Reception;
  /** How many usable members there were at the last look. */
  usable: number;
  /** True once it had several. */
  hadSeveral: boolean;
  /** Of the silence that was told. */
  toldSilent: number | null;
}

/** True for what would have to hear frames of an interface that a bond takes. */
export function takesFramesOf(link: Link, ifindex: number): boolean {
  return link.link === ifindex && link.linkNetnsId === undefined && TAKERS.has(link.info?.kind ?? '');
}

/** `sent 41 frames through eth0 and received nothing for 23 s, while the others received 12`. */
export function silenceText(member: string, { sent, forMs, othersReceived }: Silence): string {
  const others = othersReceived > 0 ? `, while the other members received ${othersReceived}` : '';
  return `sent ${sent} frames through ${member} and received nothing for ${Math.round(forMs / 1000)} s${others}`;
}

/** The command that has members watched by answers; the target is a neighbour on the bond, where one is known. */
export function watchAdvice(netlink: Rtnetlink, bond: string, bondIfindex: number): string {
  const way = listRoutes(netlink, { ifindex: bondIfindex }).find(
    route =>
      route.family === AF_INET &&
      routeDestination(route) === 'default' &&
      routeInterface(route) === bondIfindex,
  );
  const gateway = way === undefined ? undefined : routeGateway(way);
  const neighbour = listNeighbours(netlink, { ifindex: bondIfindex }).find(
    each => each.family === AF_INET && each.destination !== undefined,
  );
  const target = gateway ?? neighbour?.destination ?? 'ADDRESS';
  return advice('bondwire set {bond} link_watch=any miimon=100 arp_interval=100 arp_ip_target={target}', {
    bond,
    target,
  });
}

export class MemberWatch {
  readonly #machine: Machine;
  readonly #registry: Registry;
  readonly #watched = new Map<BondRunner, Watched>();
  /** Interface indexes of those on members that were told of. */
  readonly #stacked = new Set<number>();
  #looks: PacedLook | undefined;
  #lastMs = 0;
  /** Milliseconds between the last two looks. */
  #pauseMs: number = PACE.leastMs;

  constructor(machine: Machine, registry: Registry) {
    this.#machine = machine;
    this.#registry = registry;
  }

  start(): void {
    this.#looks = new PacedLook(PACE, () => this.#look());
  }

  close(): void {
    this.#looks?.close();
  }

  /** What is known of a member's reception. */
  hearing(runner: BondRunner, member: number): MemberHearing {
    const reception = this.#watched.get(runner)?.reception;
    const now = this.#machine.now();
    const deafness = reception?.deafness(member, now) ?? null;
    return {
      ...(deafness !== null && { deafness }),
      lastReceivedMs: reception?.sinceReceivedMs(member, now) ?? null,
      silence: reception?.silence(member, now) ?? null,
    };
  }

  /** What was heard at one of the last two looks is heard. */
  #isHeard(reception: Reception, member: number, atMs: number): boolean {
    const sinceMs = reception.sinceReceivedMs(member, atMs);
    return sinceMs !== null && sinceMs < 2 * this.#pauseMs;
  }

  /** An interface that is no bond's own: one that was put on a member is told of. */
  linkTold(link: Link): void {
    const below = link.link === undefined ? undefined : this.#registry.ofMember(link.link);
    if (below === undefined || link.link === undefined || !takesFramesOf(link, link.link)) return;
    if (this.#stacked.has(link.ifindex)) return;
    this.#stacked.add(link.ifindex);
    const member = below.records.get(link.link)?.original.name ?? '';
    const upper = link.name ?? '';
    const kind = link.info?.kind ?? '';
    const again = advice('ip link del dev {upper}; ip link add link {bond} name {upper} type {kind}', {
      upper,
      bond: below.name,
      kind,
    });
    const message = `${upper} (${kind}) was put on member ${member} of ${below.name}, which takes in all frames there: it hears nothing; put one on ${below.name} instead ('${again}')`;
    this.#machine.journal.add(below.name, { severity: 'warning', type: 'link', message, member });
  }

  #look(): void {
    const nowMs = this.#machine.now();
    this.#pauseMs = Math.max(PACE.leastMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    const counts = packetCounts();
    const runners = this.#registry.all();
    for (const runner of this.#watched.keys()) if (!runners.includes(runner)) this.#watched.delete(runner);
    for (const runner of runners) {
      const watched = this.#watched.get(runner) ?? {
        reception: new Reception(),
        usable: 0,
        hadSeveral: false,
        toldSilent: null,
      };
      this.#watched.set(runner, watched);
      try {
        this.#lookAtMembers(runner, watched);
        this.#lookAtReception(runner, watched, counts);
      } catch (error) {
        this.#machine.log.error({ err: error, bond: runner.name }, 'a bond could not be looked at');
      }
    }
  }

  #lookAtMembers(runner: BondRunner, watched: Watched): void {
    const members = runner.policy.members();
    const usable = members.filter(({ link }) => link === 'up').map(({ name }) => name);
    const before = watched.usable;
    watched.usable = usable.length;
    if (usable.length === before) return;
    const say = (severity: 'info' | 'warning', message: string): void => {
      this.#machine.journal.add(runner.name, { severity, type: 'redundancy', message });
    };
    if (usable.length === 1 && watched.hadSeveral)
      say(
        'warning',
        `${runner.name} has one usable member only, ${usable[0]}: nothing takes over when it fails`,
      );
    if (usable.length > 1 && before < 2 && watched.hadSeveral)
      say('info', `${runner.name} has ${usable.length} usable members again: ${usable.join(', ')}`);
    if (usable.length > 1) watched.hadSeveral = true;
  }

  #lookAtReception(runner: BondRunner, watched: Watched, counts: ReturnType<typeof packetCounts>): void {
    const { netlink, journal, now } = this.#machine;
    const atMs = now();
    const { mode, active, arpIntervalMs } = runner.policy.facts();
    const members = runner.policy.members();
    // In the other modes the switch decides by which port answers come back.
    const answersComeBack = ['active-backup', 'balance-tlb'].includes(mode);
    watched.reception.look(
      members.map(({ member, name: own, link }) => {
        // One with another name by now is asked itself.
        const { rxPackets = 0, txPackets = 0 } =
          counts.get(own) ?? getLink(netlink, member)?.statistics ?? {};
        const isUsable = answersComeBack && link === 'up' && active !== null;
        const carries = isUsable && member === active;
        return { member, carries, waits: isUsable && !carries, rxPackets, txPackets };
      }),
      atMs,
    );
    const name = (member: number): string => members.find(each => each.member === member)?.name ?? '';
    const silence = active === null ? null : watched.reception.silence(active, atMs);
    const told = watched.toldSilent;
    if (told !== null && active !== told) watched.toldSilent = null;
    else if (told !== null && this.#isHeard(watched.reception, told, atMs)) {
      watched.toldSilent = null;
      const message = `${name(told)} receives again`;
      journal.add(runner.name, { severity: 'info', type: 'link', message, member: name(told) });
    }
    // The ARP monitor does something about it.
    if (active === null || silence === null || arpIntervalMs > 0) return;
    if (watched.toldSilent === active) return;
    watched.toldSilent = active;
    const way = watchAdvice(netlink, runner.name, runner.plane.bondIfindex);
    const message = `${silenceText(name(active), silence)}: its link is up, but what is behind it may be dead, which miimon does not see; link_watch does ('${way}')`;
    journal.add(runner.name, { severity: 'warning', type: 'link', message, member: name(active) });
  }
}
