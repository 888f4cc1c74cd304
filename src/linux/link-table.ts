// The links of a network namespace, kept by the kernel's news. To ask for all of them takes longer the more there are, and with many
// bonds each change asked for all: here a look costs what has changed since the last one.
import {
  isOneOfTwo,
  type Link,
  type NetlinkMessage,
  parseLink,
  RTM_DELLINK,
  RTM_NEWLINK,
  RTNLGRP,
} from '../netlink/index.js';
import { listLinks } from './links.js';
import { Rtnetlink } from './rtnetlink.js';

/**
 * All links of the namespace that the thread was in when it was opened. The kernel queues its news before it acknowledges a change, so
 * what was changed before a look is seen by it. Not so counters, which have no news, and carriers, whose news may be held back by a
 * second (link-watch): whoever needs those asks for the link itself.
 */
export class LinkTable {
  readonly #news: Rtnetlink;
  readonly #links = new Map<number, Link>();
  /** The same by kind, of those that have one. */
  readonly #kinds = new Map<string, Map<number, Link>>();
  #all: readonly Link[] = [];
  /** It is to be asked for anew. */
  #isStale = true;
  /** It is other than `#all`. */
  #isChanged = false;

  private constructor(news: Rtnetlink) {
    this.#news = news;
  }

  /** Throws SystemError. */
  static open(): LinkTable {
    return new LinkTable(Rtnetlink.open({ groups: [RTNLGRP.RTNLGRP_LINK] }));
  }

  /** As the kernel has them now, by index. Throws SystemError. */
  all(): readonly Link[] {
    this.#takeIn();
    if (this.#isChanged) this.#all = byIndex(this.#links.values());
    this.#isChanged = false;
    return this.#all;
  }

  /** Those of these kinds, as `all()`; what it costs does not grow with the others. */
  ofKinds(kinds: Iterable<string>): readonly Link[] {
    this.#takeIn();
    return byIndex(Array.from(kinds, kind => [...(this.#kinds.get(kind)?.values() ?? [])]).flat());
  }

  #takeIn(): void {
    const isWhole = this.#news.takeNews(message => this.#told(message));
    if (!isWhole || this.#isStale) this.#askForAll();
  }

  #put(link: Link): void {
    this.#remove(link.ifindex);
    this.#links.set(link.ifindex, link);
    const kind = link.info?.kind;
    if (kind === undefined) return;
    const others = this.#kinds.get(kind) ?? new Map<number, Link>();
    this.#kinds.set(kind, others.set(link.ifindex, link));
  }

  #remove(ifindex: number): void {
    const kind = this.#links.get(ifindex)?.info?.kind;
    this.#links.delete(ifindex);
    if (kind !== undefined) this.#kinds.get(kind)?.delete(ifindex);
  }

  close(): void {
    this.#news.close();
  }

  #told({ type, payload }: NetlinkMessage): void {
    if (type !== RTM_NEWLINK && type !== RTM_DELLINK) return;
    const parsed = parseLink(payload);
    // Bridges tell of their ports in their own words (AF_BRIDGE), also that one is no port any more.
    if (!parsed.ok || parsed.value.family !== 0) return;
    const link = parsed.value;
    this.#isChanged = true;
    if (type === RTM_DELLINK) {
      this.#remove(link.ifindex);
      // What stands on one that moved has it in another namespace now, and no news of its own.
      if (link.newNetnsId !== undefined) this.#isStale = true;
      return;
    }
    if (!this.#links.has(link.ifindex) && this.#standsElsewhere()) this.#isStale = true;
    this.#put(link);
  }

  /** True when something stands on an interface of another namespace: one that comes here may be that. */
  #standsElsewhere(): boolean {
    for (const link of this.#links.values())
      if (link.linkNetnsId !== undefined && !isOneOfTwo(link)) return true;
    return false;
  }

  /** Asks, and takes in what happened meanwhile. */
  #askForAll(): void {
    do {
      // Stale until it has been asked: what cannot be asked now is asked at the next look.
      this.#isStale = true;
      const all = listLinks(this.#news);
      this.#isStale = false;
      this.#isChanged = true;
      this.#links.clear();
      this.#kinds.clear();
      for (const link of all) this.#put(link);
      if (!this.#news.takeNews(message => this.#told(message))) this.#isStale = true;
    } while (this.#isStale);
  }
}

function byIndex(links: Iterable<Link>): readonly Link[] {
  return Array.from(links).toSorted((one, other) => one.ifindex - other.ifindex);
}

const tables = new WeakMap<Rtnetlink, LinkTable>();

/** From here on `knownLinks` of this connection goes by a table, until what this gives is called. Both are of the thread's namespace. */
export function followLinks(netlink: Rtnetlink): () => void {
  const table = LinkTable.open();
  tables.set(netlink, table);
  return () => {
    tables.delete(netlink);
    table.close();
  };
}

/** All links of the connection's namespace, without counters that are true (`LinkTable`): by a table where one is kept, else asked for. */
export function knownLinks(netlink: Rtnetlink): readonly Link[] {
  return tables.get(netlink)?.all() ?? listLinks(netlink);
}

/** Those of these kinds, as `knownLinks()`. */
export function knownLinksOfKinds(netlink: Rtnetlink, kinds: ReadonlySet<string>): readonly Link[] {
  const table = tables.get(netlink);
  if (table !== undefined) return table.ofKinds(kinds);
  return listLinks(netlink).filter(({ info }) => kinds.has(info?.kind ?? ''));
}
