// The keeper's interfaces by Linux: what rtnetlink and ethtool say of them, and what they are told.
import type { MacText } from '../../base/index.js';
import type {
  BondLink,
  Counters,
  Homecoming,
  LinkChange,
  Links,
  OriginalSettings,
  SavedBelongings,
} from '../../keeper/index.js';
import { getLink, setLink } from '../../linux/index.js';
import { AF_INET, type Link, withInterface } from '../../netlink/index.js';
import type {
  BondFacts,
  MemberIndex,
  MemberLink,
  MemberSnapshot,
  StackedDevice,
  TimeMs,
} from '../../policy/index.js';
import { setLargeReceive } from '../kernel/large-receive.js';
import { bondLinkOf, memberLinkOf } from '../kernel/link-facts.js';
import { LinkReader } from '../kernel/link-reader.js';
import type { Machine } from '../kernel/machine.js';
import { countersOf } from '../kernel/member-counters.js';
import { randomMac } from '../kernel/random-mac.js';
import { collectStack, collectStackInTurn, whenToLook } from '../kernel/stack.js';
import {
  belongingsOf,
  giveAddresses,
  loadBelongings,
  removeAddresses,
  takeBack,
} from '../members/address-transfer.js';
import { BelongingsReturn, carriedBy, planReturn, returnBelongings } from '../members/belongings-return.js';
import { giveMacAddress, takesAddress } from '../members/fixed-address.js';
import { restoreSettings, silenceIpv6 } from '../members/original-settings.js';
import { notGivenText, putRoutes, routeOrder } from '../members/route-transfer.js';

export interface LinkParts {
  readonly machine: Pick<Machine, 'netlink' | 'ethtool' | 'now'>;
  readonly bondIfindex: number;
  readonly bondName: () => string;
  readonly warn: (member: string, message: string) => void;
}

export class LinuxLinks implements Links {
  readonly #parts: LinkParts;
  readonly #reader: LinkReader;
  /** What was read last, by interface: followers want more of it than a keeper. */
  readonly #raw = new Map<number, Link>();

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#reader = new LinkReader(parts.machine, parts.warn);
  }

  /** An interface as it was read last. */
  lastRead(ifindex: number): Link | undefined {
    return this.#raw.get(ifindex);
  }

  forget(ifindex: number): void {
    this.#raw.delete(ifindex);
  }

  bond(): BondLink | undefined {
    const link = this.#read(this.#parts.bondIfindex);
    return link === undefined ? undefined : bondLinkOf(link);
  }

  read(ifindex: number): MemberLink | undefined {
    const link = getLink(this.#parts.machine.netlink, ifindex);
    return link === undefined ? undefined : memberLinkOf(this.#parts.machine.ethtool, link);
  }

  member(member: MemberIndex): MemberLink | undefined {
    const link = this.#read(member);
    return link === undefined ? undefined : this.#reader.linkOf(link);
  }

  opened(member: MemberIndex): MemberLink | undefined {
    const { netlink, ethtool } = this.#parts.machine;
    const link = getLink(netlink, member);
    // Asking makes the kernel finish a carrier change that it holds back.
    if (link !== undefined) ethtool.linkDetected(link.name ?? '');
    return this.member(member);
  }

  news(member: MemberSnapshot): MemberLink | undefined {
    const link = this.#reader.news(member);
    if (link === undefined) return undefined;
    this.#raw.set(member.member, link);
    return this.#reader.linkOf(link);
  }

  restUntil(members: readonly MemberSnapshot[]): TimeMs | null {
    return this.#reader.restUntil(members);
  }

  follow(facts: BondFacts): void {
    this.#reader.follow(facts);
  }

  set(ifindex: number, change: LinkChange): void {
    setLink(this.#parts.machine.netlink, ifindex, change);
  }

  giveAddress(member: MemberIndex, address: MacText): void {
    giveMacAddress(this.#parts.machine.netlink, member, address);
  }

  randomAddress(): MacText {
    return randomMac();
  }

  takesAddress(ifindex: number): boolean {
    return takesAddress(this.#parts.machine.netlink, ifindex);
  }

  stack(shared: boolean): readonly StackedDevice[] {
    const collect = shared ? collectStackInTurn : collectStack;
    return collect(this.#parts.machine.netlink, this.#parts.bondIfindex);
  }

  whenToLook(look: () => void): void {
    whenToLook(this.#parts.machine.netlink, look);
  }

  counters(ifindex: number): Counters {
    return countersOf(getLink(this.#parts.machine.netlink, ifindex));
  }

  silence(original: OriginalSettings): void {
    const { netlink, ethtool } = this.#parts.machine;
    silenceIpv6(netlink, original);
    if (original.largeReceive === true) setLargeReceive(ethtool, original.name, false);
  }

  restore(original: OriginalSettings, wish: { readonly address: boolean }): readonly string[] {
    return restoreSettings(this.#parts.machine.netlink, original, wish);
  }

  /**
   * IPv4 addresses are on one interface or the other all the time. Those of IPv6 wait until the bond is up: one with a lifetime
   * would never get its prefix route (addrconf_permanent_addr makes them for permanent ones alone).
   */
  takeOver(belongings: SavedBelongings): void {
    const { netlink } = this.#parts.machine;
    const { addresses } = loadBelongings(belongings);
    removeAddresses(netlink, addresses);
    const early = addresses.filter(({ family }) => family === AF_INET);
    giveAddresses(netlink, early, belongings.name, this.#bond());
  }

  bring(belongings: SavedBelongings): () => void {
    const { netlink } = this.#parts.machine;
    const to = this.#bond();
    const { addresses, routes } = loadBelongings(belongings);
    setLink(netlink, to.ifindex, { up: true });
    giveAddresses(netlink, addresses, belongings.name, to);
    const { first, rest } = routeOrder(
      routes.map(route => withInterface(route, belongings.ifindex, to.ifindex)),
    );
    const early = putRoutes(netlink, first);
    return () => {
      // The way to a gateway may be among the rest.
      const [failed] = putRoutes(netlink, [...early.map(({ route }) => route), ...rest]);
      if (failed !== undefined) throw failed.error;
    };
  }

  takeBack(belongings: SavedBelongings): void {
    const { machine, bondIfindex } = this.#parts;
    takeBack(machine.netlink, loadBelongings(belongings), belongings.ifindex, bondIfindex);
  }

  giveBack(saved: SavedBelongings): readonly string[] {
    const { netlink } = this.#parts.machine;
    const { addresses, routes } = loadBelongings(saved);
    const { ifindex } = saved;
    const home = { ifindex, name: getLink(netlink, ifindex)?.name ?? saved.name };
    const problems: string[] = [];
    try {
      giveAddresses(netlink, addresses, saved.name, home);
    } catch (error) {
      problems.push((error as Error).message);
    }
    problems.push(...putRoutes(netlink, routes).map(notGivenText));
    return problems.map(problem => `${home.name} did not get back all that it had: ${problem}`);
  }

  planReturn(
    taken: readonly SavedBelongings[],
    willBeUp: (ifindex: number) => boolean,
  ): readonly SavedBelongings[] {
    const { machine, bondIfindex } = this.#parts;
    const link = getLink(machine.netlink, bondIfindex);
    if (link === undefined) return taken;
    return planReturn(taken, carriedBy(machine.netlink, link), bondIfindex, willBeUp);
  }

  homecoming(taken: readonly SavedBelongings[]): Homecoming {
    const { machine, bondIfindex } = this.#parts;
    const homes = new BelongingsReturn(machine.netlink, taken, bondIfindex);
    return {
      first: () => homes.first(),
      rest: (isFree, done) =>
        void homes.rest(isFree).then(done, (error: unknown) => done([(error as Error).message])),
    };
  }

  returnAtOnce(taken: readonly SavedBelongings[]): readonly string[] {
    return returnBelongings(this.#parts.machine.netlink, taken, this.#parts.bondIfindex);
  }

  isUsedOtherwise(ifindex: number): boolean {
    const { netlink } = this.#parts.machine;
    const link = getLink(netlink, ifindex);
    if (link === undefined) return false;
    const { addresses, routes } = belongingsOf(netlink, link);
    return addresses.length + routes.length > 0 || (link.master ?? 0) !== 0;
  }

  putSourced(saved: SavedBelongings): readonly string[] {
    return putRoutes(this.#parts.machine.netlink, loadBelongings(saved).sourced).map(notGivenText);
  }

  #bond(): { readonly ifindex: number; readonly name: string } {
    return { ifindex: this.#parts.bondIfindex, name: this.#parts.bondName() };
  }

  #read(ifindex: number): Link | undefined {
    const link = getLink(this.#parts.machine.netlink, ifindex);
    if (link !== undefined) this.#raw.set(ifindex, link);
    return link;
  }
}
