// VLANs of a bond and of its members: the hardware of members lets in what devices on the bond use, and frames of VLAN devices on
// a member itself are left to those.
import type { BondDataPlane } from '../../dataplane/index.js';
import {
  createVlanFilter,
  deleteLink,
  type Ethtool,
  getLink,
  isErrno,
  knownLinksOfKinds,
  type LinksElsewhere,
  type Rtnetlink,
  setLink,
} from '../../linux/index.js';
import { type Link, TAG_8021AD, tagSettings } from '../../netlink/index.js';
import type { BondEvent, MemberIndex } from '../../policy/index.js';
import { elsewhereSince, recentElsewhere } from './recent-elsewhere.js';
import {
  filterName,
  filterWork,
  type SeenLink,
  seeLinks,
  TAGGING,
  tagsOn,
  VLAN_FILTER_PREFIX,
  vlansOf,
} from './vlan-stack.js';

/** Features of devices that filter by VLAN (netdev_features_strings). */
const FILTER_8021Q = 'rx-vlan-filter';
const FILTER_8021AD = 'rx-vlan-stag-filter';

export interface VlanParts {
  readonly netlink: Rtnetlink;
  readonly ethtool: Ethtool;
  readonly plane: BondDataPlane;
  readonly records: ReadonlyMap<MemberIndex, { readonly joining?: boolean; readonly leaving?: object }>;
  readonly bondName: () => string;
  /** Does one thing, whatever becomes of it. */
  readonly guard: (action: () => void) => void;
  readonly receiveAll: (member: MemberIndex, isOpen: boolean) => void;
  readonly tell: (event: BondEvent) => void;
}

export class VlanFollower {
  readonly #parts: VlanParts;
  /** What was told of interfaces last, as text. */
  readonly #told = new Map<number, string>();
  /** Members whose hardware did not take a VLAN: they receive everything for as long as the bond has VLANs. */
  readonly #unwilling = new Set<MemberIndex>();
  #elsewhere: readonly LinksElsewhere[] = [];
  /** Since when a look into other namespaces is due (performance.now). */
  #lookSinceMs: number | undefined = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #later: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: VlanParts) {
    this.#parts = parts;
  }

  /** Does nothing any more; what members have they keep. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#later);
  }

  /**
   * The kernel told something of the bond or of a member. News that say nothing new are those of a device that somebody put on
   * it or took away (NETDEV_CHANGEUPPER), maybe in another namespace, of which nothing else is heard here.
   */
  told(link: Link): void {
    const { ifindex, flags, name, alias, address, mtu, operationalState, carrier, qdisc, promiscuity } = link;
    const shown = JSON.stringify([
      flags,
      name,
      alias,
      address,
      mtu,
      operationalState,
      carrier,
      qdisc,
      promiscuity,
    ]);
    if (this.#told.get(ifindex) === shown) this.#lookSinceMs = performance.now();
    this.#told.set(ifindex, shown);
    this.changed();
  }

  /** A device that stood on the bond or on a member is in another namespace now. */
  moved(): void {
    this.#lookSinceMs = performance.now();
    this.changed();
  }

  /** Something may have changed: looks soon. */
  changed(): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.sync();
    }, 0);
  }

  /** Brings members in line with the VLANs that there are. */
  sync(): void {
    if (this.#closed) return;
    const { netlink, plane, records, guard } = this.#parts;
    guard(() => {
      this.#seeElsewhere();
      const seen = seeLinks(knownLinksOfKinds(netlink, TAGGING), this.#elsewhere);
      const tags = tagsOn(seen, plane.bondIfindex);
      for (const [member, { joining, leaving }] of records) {
        if (leaving !== undefined) continue;
        guard(() => plane.leaveTagged(member, vlansOf(seen, member).taking));
        if (joining !== true) guard(() => this.#letIn(member, seen, tags));
      }
    });
  }

  /** Looks into other namespaces where that is due, but not all the time. */
  #seeElsewhere(): void {
    if (this.#lookSinceMs === undefined) return;
    const found = elsewhereSince(this.#parts.netlink, this.#lookSinceMs);
    if ('links' in found) {
      this.#elsewhere = found.links;
      this.#lookSinceMs = undefined;
      return;
    }
    this.#later ??= setTimeout(() => {
      this.#later = undefined;
      this.changed();
    }, found.waitMs);
  }

  /** Before a joining member is up: VLAN devices on it keep their frames. */
  joins(member: MemberIndex): void {
    this.#elsewhere = recentElsewhere(this.#parts.netlink);
    // A device that was made since is found soon.
    this.#lookSinceMs = performance.now();
    const seen = seeLinks(knownLinksOfKinds(this.#parts.netlink, TAGGING), this.#elsewhere);
    this.#parts.plane.leaveTagged(member, vlansOf(seen, member).taking);
  }

  /** Takes everything off a member again. */
  release(member: MemberIndex): void {
    this.#told.delete(member);
    this.#unwilling.delete(member);
    removeVlanFilters(this.#parts.netlink, member);
  }

  /** Sees to it that the hardware of a member lets these tags in. */
  #letIn(member: MemberIndex, seen: readonly SeenLink[], tags: ReadonlySet<number>): void {
    const { netlink, receiveAll } = this.#parts;
    const vlans = vlansOf(seen, member);
    const filtered = tags.size === 0 ? tags : this.#filteredBy(member, tags);
    const { make, remove, everything } = filterWork(filtered, vlans);
    if (filtered.size === 0) this.#unwilling.delete(member);
    receiveAll(member, everything || this.#unwilling.has(member));
    for (const tag of make) this.#make(member, tag);
    for (const ifindex of remove) deleteLink(netlink, ifindex);
  }

  /** Those of the tags that the member's hardware keeps out unless it is told. */
  #filteredBy(member: MemberIndex, tags: ReadonlySet<number>): ReadonlySet<number> {
    const { netlink, ethtool } = this.#parts;
    const name = getLink(netlink, member)?.name;
    const features = name === undefined ? undefined : ethtool.features(name);
    const on = (feature: string): boolean => features?.get(feature)?.active === true;
    const [ofQ, ofAd] = [on(FILTER_8021Q), on(FILTER_8021AD)];
    return new Set([...tags].filter(tag => ((tag & TAG_8021AD) === 0 ? ofQ : ofAd)));
  }

  #make(member: MemberIndex, tag: number): void {
    const { netlink, bondName, receiveAll, tell } = this.#parts;
    const name = filterName(member, tag);
    const settings = tagSettings(tag);
    const memberName = getLink(netlink, member)?.name ?? String(member);
    const alias = `Bondwire: lets VLAN ${settings.id} of ${bondName()} into ${memberName}`;
    try {
      createVlanFilter(netlink, { name, alias }, member, settings);
    } catch (error) {
      // Somebody has a device of this VLAN there, so that it is let in; or the member is gone.
      if (isErrno(error, 'EEXIST', 'ENODEV') || this.#unwilling.has(member)) return;
      this.#unwilling.add(member);
      receiveAll(member, true);
      const why = error instanceof Error ? error.message : String(error);
      const message = `${memberName} does not take VLAN ${settings.id} of ${bondName()} into its filter (${why}); it receives everything instead (promiscuous mode)`;
      tell({ severity: 'warning', type: 'data-plane', message, member: memberName });
      return;
    }
    keepQuiet(netlink, name);
  }
}

/** It is never up; should somebody raise it, it takes no address by itself. */
function keepQuiet(netlink: Rtnetlink, name: string): void {
  const link = getLink(netlink, name);
  if (link === undefined) return;
  try {
    setLink(netlink, link.ifindex, { addrGenMode: 'none' });
  } catch (error) {
    // A kernel without IPv6.
    if (!isErrno(error, 'EAFNOSUPPORT', 'EOPNOTSUPP', 'EINVAL', 'ENODEV')) throw error;
  }
}

const VLAN: ReadonlySet<string> = new Set(['vlan']);

/** Removes the VLAN devices that were made for the hardware filter of a member, by whichever daemon. */
export function removeVlanFilters(netlink: Rtnetlink, member: number): void {
  for (const { name, ifindex } of knownLinksOfKinds(netlink, VLAN)) {
    const isOurs = name?.startsWith(`${VLAN_FILTER_PREFIX}${member.toString(36)}-`);
    if (isOurs === true) deleteLink(netlink, ifindex);
  }
}
