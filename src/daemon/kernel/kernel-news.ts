// What the kernel tells, or does not tell, of interfaces: each bond hears what concerns it.
import { getLink } from '../../linux/index.js';
import { type Link, type NetlinkMessage, parseNews } from '../../netlink/index.js';
import type { BondRunner } from '../bond-runner.js';
import type { Machine } from './machine.js';
import type { MemberWatch } from './member-watch.js';
import type { Operations } from '../operations.js';
import type { OriginalSettings } from '../../keeper/index.js';
import { restoreInNetns } from '../members/original-settings.js';
import type { Registry } from '../registry.js';
import { groupLook } from './group-look.js';
import { type Pace, PacedLook } from './paced-look.js';
import { lookElsewhere } from './stack-elsewhere.js';
import { changedGroups, type GroupTable, readGroups } from './stack-facts.js';

/** Looks into other namespaces, of which nothing is told. */
const ELSEWHERE: Pace = { leastMs: 2000, mostMs: 60_000, times: 1000 };

export interface NewsParts {
  readonly machine: Machine;
  readonly registry: Registry;
  readonly operations: Operations;
  readonly watch: MemberWatch;
  /** Something changed that people may be shown; of an interface, where it is that. */
  readonly touched: (link?: Link) => void;
}

export class KernelNews {
  readonly #machine: Machine;
  readonly #registry: Registry;
  readonly #operations: Operations;
  readonly #touched: (link?: Link) => void;
  readonly #watch: MemberWatch;
  #groups: GroupTable = new Map();
  /** Looks no more at which multicast groups are joined, which the kernel does not announce. */
  #unfollow: () => void = () => {};
  #elsewhere: PacedLook | undefined;
  #closed = false;

  constructor(parts: NewsParts) {
    this.#machine = parts.machine;
    this.#registry = parts.registry;
    this.#operations = parts.operations;
    this.#touched = parts.touched;
    this.#watch = parts.watch;
  }

  /** From here on the bonds hear what happens; what came since the connection was opened comes first. */
  listen(): void {
    this.#machine.netlink.onMessage(
      message => this.#told(message),
      () => {
        for (const runner of this.#registry.all()) {
          this.#guard('a bond could not be looked at afresh', () => {
            if (runner.resync()) runner.qdiscTold();
            else this.#bondGone(runner);
          });
        }
      },
    );
    const look = (): void => this.#lookAtGroups();
    // What is joined by a device is in its list of addresses too, which the look at all lists sees.
    this.#unfollow = groupLook.onChange(() => this.#guard('groups could not be looked at', look));
    this.#lookElsewhere();
    this.#elsewhere = new PacedLook(ELSEWHERE, () => this.#lookElsewhere());
  }

  /** Nobody hears anything any more; the connection is its owner's to close. */
  close(): void {
    this.#closed = true;
    this.#unfollow();
    this.#elsewhere?.close();
  }

  #told(raw: NetlinkMessage): void {
    if (this.#closed) return;
    const news = parseNews(raw);
    if (!news.ok) return;
    this.#guard('an event could not be handled', () => {
      if (news.value.kind === 'link') this.#linkTold(news.value.link, news.value.gone);
      this.#touched(news.value.kind === 'link' ? news.value.link : undefined);
      if (news.value.kind === 'qdisc') this.#registry.ofMember(news.value.qdisc.ifindex)?.qdiscTold();
      if (news.value.kind === 'address') this.#changedOn(news.value.address.ifindex);
    });
  }

  /** One failure keeps nobody else from hearing. */
  #guard(what: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#machine.log.error({ err: error }, what);
    }
  }

  #linkTold(link: Link, gone: boolean): void {
    // Bridge ports are told of again in their bridge's own words (AF_BRIDGE): not news of the interface.
    if (link.family !== 0) return;
    const ofBond = this.#registry.ofBond(link.ifindex);
    const ofMember = this.#registry.ofMember(link.ifindex);
    if (ofBond !== undefined) {
      if (gone) this.#bondGone(ofBond, link);
      else if (link.ifindex === ofBond.plane.bondIfindex) ofBond.bondTold();
    } else if (ofMember !== undefined) {
      if (gone) this.#memberGone(ofMember, link);
      else ofMember.memberTold(link.ifindex);
      return;
    } else if (!gone) this.#watchTold(link.ifindex);
    this.#changedOn(link.ifindex, link.link, gone && link.newNetnsId !== undefined);
  }

  /** A message may be older than what we did since: the kernel is asked how things are now. Keepers do so themselves. */
  #watchTold(ifindex: number): void {
    const fresh = getLink(this.#machine.netlink, ifindex);
    if (fresh !== undefined) this.#watch.linkTold(fresh);
  }

  /** The bonds on which the interface stands, or the one that it is made on, look again at what stands on them. */
  #changedOn(ifindex: number, below?: number, moved = false): void {
    for (const runner of this.#registry.all()) {
      const carries = runner.carries(ifindex) || (below !== undefined && runner.carries(below));
      const onMember = below !== undefined && runner.records.has(below);
      if (moved && (carries || onMember)) runner.host.vlans.moved();
      if (onMember) runner.host.vlans.changed();
      if (carries) runner.stackChanged();
    }
  }

  /** What stands on bonds in other namespaces. */
  #lookElsewhere(): void {
    this.#guard('other network namespaces could not be looked into', () => {
      if (this.#registry.all().length > 0 && lookElsewhere(this.#machine.netlink))
        for (const runner of this.#registry.all()) runner.stackChanged();
    });
  }

  /** Peers are told after a failover of groups that were joined since the last event, too. */
  #lookAtGroups(): void {
    if (this.#registry.all().length === 0) return;
    const groups = readGroups();
    const changed = changedGroups(this.#groups, groups);
    this.#groups = groups;
    for (const ifindex of changed) this.#changedOn(ifindex);
  }

  /** Somebody deleted the bond, or moved it to another namespace (which the driver does not allow): its members go free. */
  #bondGone(runner: BondRunner, link?: Link): void {
    const name = runner.name;
    const moved = link?.newNetnsId !== undefined;
    void this.#operations.destruction.dismantle(runner).catch((error: unknown) => {
      this.#machine.log.error({ err: error, bond: name }, 'a bond that is gone could not be taken apart');
    });
    const message = moved
      ? `${name} was moved to another network namespace, where it cannot work; it was destroyed and its members released`
      : `${name} was deleted by someone else; its members were released`;
    this.#machine.journal.add(name, { severity: 'warning', type: 'left', message });
  }

  #memberGone(runner: BondRunner, link: Link): void {
    const original = runner.records.get(link.ifindex)?.original;
    // One that was given to another namespace is used there.
    runner.memberGone(link.ifindex, link.newNetnsId !== undefined);
    if (original !== undefined && link.newNetnsId !== undefined) this.#restoreElsewhere(original, link);
  }

  /** A member that was moved to another namespace keeps what it was given there; its own MAC, MTU and flags go with it. */
  #restoreElsewhere(original: OriginalSettings, link: Link): void {
    const { netlink, log } = this.#machine;
    try {
      const problem = restoreInNetns(netlink, link.newNetnsId ?? -1, {
        ...original,
        ifindex: link.newIfindex ?? link.ifindex,
      });
      if (problem !== undefined) log.warn(problem);
    } catch (error) {
      log.warn({ err: error }, `${original.name} keeps its MAC address in its new namespace`);
    }
  }
}
