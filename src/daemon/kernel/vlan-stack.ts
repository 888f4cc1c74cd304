// Which VLAN tags the devices on a bond, and those on its members, use; and what follows for the hardware filters of members.
// Pure: links in, sets of tags out (numbers as `tagNumber` gives them).
import type { LinksElsewhere } from '../../linux/index.js';
import { IFF, type Link, tagNumber, vlanSettingsOf } from '../../netlink/index.js';

/** Devices that hand frames on with the tags that they have. */
const TRANSPARENT: ReadonlySet<string> = new Set(['macvlan', 'macvtap', 'ipvlan', 'ipvtap']);

/** Kinds of devices that may put tags on frames of the one that they stand on: no other matters here, and most are others. */
export const TAGGING: ReadonlySet<string> = new Set(['vlan', ...TRANSPARENT]);

/** Names of VLAN devices that are on members for their hardware filters alone. */
export const VLAN_FILTER_PREFIX = 'bwv-';

/** Most VLANs that a member's hardware is told of one by one; with more it receives everything. */
export const MOST_FILTERED = 128;

/** A device somewhere, and the one that it stands on. */
export interface SeenLink {
  readonly link: Link;
  /** True in the namespace of the bond. */
  readonly isHere: boolean;
  readonly key: string;
  readonly below: string | undefined;
}

const keyOf = (netns: number, ifindex: number): string => `${netns}/${ifindex}`;
const HERE = 0;

/** True for a device of such a kind that stands on one. */
export function mayTag(link: Link): boolean {
  return link.link !== undefined && TAGGING.has(link.info?.kind ?? '');
}

/** Those links of the bond's namespace and of the others that may tag, each with what it stands on. */
export function seeLinks(links: readonly Link[], elsewhere: readonly LinksElsewhere[]): SeenLink[] {
  const here = links.filter(mayTag).map(link => ({
    link,
    isHere: true,
    key: keyOf(HERE, link.ifindex),
    below: link.link === undefined || link.linkNetnsId !== undefined ? undefined : keyOf(HERE, link.link),
  }));
  const there = elsewhere.flatMap(({ netns, ourId, links: others }) =>
    others.filter(mayTag).map(link => {
      const lower = link.linkNetnsId === undefined ? netns : link.linkNetnsId === ourId ? HERE : undefined;
      const below = link.link === undefined || lower === undefined ? undefined : keyOf(lower, link.link);
      return { link, isHere: false, key: keyOf(netns, link.ifindex), below };
    }),
  );
  return [...here, ...there];
}

/** The outer tags with which frames of devices on the interface leave it. A bridge makes it promiscuous, and needs none. */
export function tagsOn(seen: readonly SeenLink[], ifindex: number): Set<number> {
  const tags = new Set<number>();
  const visited = new Set<string>();
  const visit = (key: string): void => {
    if (visited.has(key)) return;
    visited.add(key);
    for (const { link, key: upper, below } of seen) {
      if (below !== key) continue;
      const vlan = vlanSettingsOf(link);
      const tag = vlan === undefined ? undefined : tagNumber(vlan);
      if (tag !== undefined) tags.add(tag);
      else if (TRANSPARENT.has(link.info?.kind ?? '')) visit(upper);
    }
  };
  visit(keyOf(HERE, ifindex));
  return tags;
}

/** VLAN devices on a member itself. */
export interface MemberVlans {
  /** Tags of somebody's devices: the hardware lets them in already. */
  readonly theirs: ReadonlySet<number>;
  /** Those of them that take frames: ones that are up, or that cannot be watched as they are in another namespace. */
  readonly taking: readonly number[];
  /** Index of each of ours by its tag. */
  readonly ours: ReadonlyMap<number, number>;
}

/** The VLAN devices on a member. */
export function vlansOf(seen: readonly SeenLink[], member: number): MemberVlans {
  const theirs = new Set<number>();
  const taking = new Set<number>();
  const ours = new Map<number, number>();
  for (const { link, isHere, below } of seen) {
    const vlan = below === keyOf(HERE, member) ? vlanSettingsOf(link) : undefined;
    const tag = vlan === undefined ? undefined : tagNumber(vlan);
    if (tag === undefined) continue;
    if (isHere && link.name === filterName(member, tag)) ours.set(tag, link.ifindex);
    else {
      theirs.add(tag);
      if (!isHere || (link.flags & IFF.IFF_UP) !== 0) taking.add(tag);
    }
  }
  return { theirs, taking: [...taking].toSorted((a, b) => a - b), ours };
}

/** Name of the VLAN device that lets a tag into a member; it holds the member's index, so that a later daemon knows it by it. */
export function filterName(member: number, tag: number): string {
  return `${VLAN_FILTER_PREFIX}${member.toString(36)}-${tag.toString(36)}`;
}

/** What a member's hardware filters and VLAN devices need. */
export interface FilterWork {
  readonly make: readonly number[];
  /** Indexes of devices of ours. */
  readonly remove: readonly number[];
  /** Too many to be told one by one: the member is to receive everything. */
  readonly everything: boolean;
}

/** `tags`: those of the bond that the member's hardware would keep out. */
export function filterWork(tags: ReadonlySet<number>, vlans: MemberVlans): FilterWork {
  const everything = tags.size > MOST_FILTERED;
  const wanted = everything ? new Set<number>() : tags;
  return {
    make: [...wanted].filter(tag => !vlans.theirs.has(tag) && !vlans.ours.has(tag)),
    remove: [...vlans.ours].filter(([tag]) => !wanted.has(tag)).map(([, ifindex]) => ifindex),
    everything,
  };
}
