// What a keeper knows of its bond besides the policy, as plain JSON: it is in the book from before the first change to an interface
// until that has back what it had.
import type { MacText } from '../base/index.js';
import type { MemberIndex, SavedBond } from '../policy/index.js';

/** What an interface was like before it joined. */
export interface OriginalSettings {
  readonly ifindex: number;
  readonly name: string;
  readonly address: MacText;
  readonly mtu: number;
  readonly up: boolean;
  readonly promiscuous: boolean;
  readonly allMulticast: boolean;
  /** net.ipv6.conf.IF.disable_ipv6; null on a kernel without IPv6. */
  readonly disableIpv6: string | null;
  /** How it makes its link-local IPv6 address (IN6_ADDR_GEN_MODE_*). */
  readonly addrGenMode: 'eui64' | 'none' | 'stable-privacy' | 'random' | null;
  /** True when large receive offload was on. */
  readonly largeReceive?: boolean;
}

/** How a member is being given back. */
export interface Leaving {
  readonly restoreAddress: boolean;
}

/** Counters of an interface, by name. */
export type Counters = Readonly<Record<string, number>>;

export interface SavedMember {
  readonly original: OriginalSettings;
  /** True from before the first change to the interface until it has joined: a keeper that finds it so undoes it. */
  readonly joining: boolean;
  /** Set while it leaves: a keeper that finds it finishes that. */
  readonly leaving?: Leaving;
  /** Whether addresses or routes came with it when it joined. */
  readonly took?: boolean;
  /** True for one that is not awaited when it vanishes. */
  readonly forget?: boolean;
  /** What it had counted before it joined. */
  readonly counted?: Counters;
  /** True while it is promiscuous because it did not take the MAC address that the bond's frames come with. */
  readonly refusesAddress?: boolean;
}

/** A member as the keeper has it in hand. */
export interface MemberRecord
  extends Omit<SavedMember, 'original' | 'joining' | 'leaving' | 'refusesAddress' | 'forget'> {
  original: OriginalSettings;
  forget?: boolean;
  joining: boolean;
  /** Set from before the first step of leaving to after the last. */
  leaving?: Leaving;
  refusesAddress?: boolean;
}

/** Addresses and routes that came to the bond with an interface: the kernel's own messages in hexadecimal. */
export interface SavedBelongings {
  readonly ifindex: number;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  /** Routes over other interfaces that have one of the addresses as their source. */
  readonly sourced?: readonly string[];
  /** True while they are given back: a keeper that finds it so goes on with that. */
  readonly returning?: boolean;
}

/** An interface that is to be a member whenever it is there. */
export interface WantedMember {
  readonly name: string;
  /** The interface that was it last: it may have been renamed since, or be known by an alternative name. */
  readonly ifindex?: number;
  readonly takeDown: boolean;
  readonly takeAddresses: boolean;
  /** Options of a member as text, given when it joins. */
  readonly options: Readonly<Record<string, string>>;
}

/** What the book has of a bond, but for what its host notes besides. */
export interface SavedKeeping {
  readonly name: string;
  readonly policy: SavedBond;
  /** True while it is destroyed: a keeper that finds it so finishes that. */
  readonly ending: boolean;
  readonly members: readonly SavedMember[];
  readonly taken: readonly SavedBelongings[];
  /** What members that left had counted while they were here. */
  readonly departed?: Counters;
  /** Interfaces that are to be members whenever they are there. */
  readonly wanted?: readonly WantedMember[];
  /** Indexes of interfaces that left, and come up when the bond has another MAC address than theirs. */
  readonly heldDown?: readonly MemberIndex[];
}

/** The sum, and how far each counter has grown besides; one that was set back counts as not grown (bond_fold_stats). */
export function withGrowth(sum: Counters, now: Counters, before: Counters): Counters {
  return Object.fromEntries(
    Object.entries(now).map(([name, count]) => [
      name,
      (sum[name] ?? 0) + Math.max(0, count - (before[name] ?? 0)),
    ]),
  );
}
