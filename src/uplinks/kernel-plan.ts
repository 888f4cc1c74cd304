// What of an uplink stands in the kernel of the gateway: routes, rules, one nftables table, settings of devices. (uplinks)
import type { Family, LineNumber } from './contract.js';

/** Routing protocol number of everything of ours (RTPROT, FRA_PROTOCOL), by which it is found and removed. */
export const PROTOCOL = 98;

/** A default route. Within a table the metric tells routes apart. */
export interface PlannedRoute {
  readonly family: Family;
  readonly table: number;
  readonly metric: number;
  /** Absent: nothing leaves (a blackhole). */
  readonly way?: {
    readonly ifindex: number;
    readonly gateway: string | null;
    readonly onLink: boolean;
    readonly source: string | null;
  };
}

/** A rule of the policy routing database (`ip rule`). */
export interface PlannedRule {
  readonly family: Family;
  readonly preference: number;
  readonly table: number;
  /** ADDRESS/LENGTH. */
  readonly from?: string;
  readonly to?: string;
  readonly mark?: { readonly value: number; readonly mask: number };
  readonly incoming?: string;
  readonly outgoing?: string;
  /** IP protocol number. */
  readonly protocol?: number;
  readonly sourcePorts?: readonly [number, number];
  readonly destinationPorts?: readonly [number, number];
  readonly uids?: readonly [number, number];
  /** FRA_DSCP where the kernel has it, else the TOS of IPv4. */
  readonly dscp?: number;
  /** Routes of the table with a shorter or equal prefix do not count. */
  readonly suppressPrefixLength?: number;
}

/** A setting of one device under /proc/sys/net/FAMILY/conf. */
export interface PlannedSysctl {
  readonly family: Family;
  readonly device: string;
  readonly setting: string;
  readonly value: string;
}

/** The table `inet bondwire`, as statements that `nft list table` would show. */
export interface PlannedTable {
  readonly chains: readonly PlannedChain[];
}

export interface PlannedChain {
  readonly name: string;
  readonly type: 'filter' | 'route' | 'nat';
  readonly hook: 'prerouting' | 'forward' | 'output' | 'postrouting';
  readonly priority: number;
  readonly rules: readonly (readonly Statement[])[];
}

/** One match or one act of a rule; a rule acts when all matches before it hold. */
export type Statement =
  | { readonly kind: 'incoming' | 'outgoing'; readonly is: boolean; readonly device: string }
  | { readonly kind: 'family'; readonly family: Family }
  | { readonly kind: 'transport'; readonly protocol: number }
  | { readonly kind: 'new-flow' }
  /** An answer to whoever began the flow. */
  | { readonly kind: 'reply' }
  /** Counts packets. */
  | { readonly kind: 'count' }
  /** `ct mark & mask == value`. */
  | { readonly kind: 'flow-mark'; readonly mask: number; readonly value: number }
  /** `meta mark & mask == value`. */
  | { readonly kind: 'packet-mark'; readonly mask: number; readonly value: number }
  /** Sets those bits, leaves the others. */
  | { readonly kind: 'set-flow-mark' | 'set-packet-mark'; readonly mask: number; readonly value: number }
  /** Holds for `below` of `of` source addresses (`jhash`, always the same ones) or packets (`numgen random`). */
  | {
      readonly kind: 'share';
      readonly by: 'client' | 'flow';
      readonly family: Family;
      readonly of: number;
      readonly below: number;
    }
  | { readonly kind: 'source-in' | 'destination-in'; readonly family: Family; readonly prefix: string }
  | { readonly kind: 'source-ports' | 'destination-ports'; readonly first: number; readonly last: number }
  /** 0 to 63. */
  | { readonly kind: 'dscp'; readonly family: Family; readonly value: number }
  /** Users of the sockets of this host. */
  | { readonly kind: 'uids'; readonly first: number; readonly last: number }
  | { readonly kind: 'masquerade' }
  | { readonly kind: 'map-prefix'; readonly inside: string; readonly outside: string }
  /** TCP's SYN does not offer longer segments than both ways can carry. */
  | { readonly kind: 'clamp-mss' }
  /** Nothing more of this chain. */
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' };

/** All of it. */
export interface KernelPlan {
  readonly routes: readonly PlannedRoute[];
  readonly rules: readonly PlannedRule[];
  readonly sysctls: readonly PlannedSysctl[];
  /** Null: the kernel has no nf_tables, or may not be asked; flows are then not kept apart. */
  readonly table: PlannedTable | null;
}

/** The metric of the first route of a table; those after it have one hundred more each. */
export const FIRST_METRIC = 100;
/** Behind all ways of a rule that is to drop, so that nothing leaves when the kernel alone takes them out. */
export const BLACKHOLE_METRIC = 10_000;
/** The table is `inet` and has this name. */
export const TABLE_NAME = 'bondwire';
/** Rules of the operator that name lines: preferences are left for so many. */
export const MOST_POLICIES = 100;

/** Numbers of tables and preferences; the line's number, or the rule's place in the settings (from 0), is added. Behind those that administrators and VPNs take. */
export const TABLES = { selected: 8700, line: 8700, flows: 8800, tcpFlows: 8900, policies: 9000 } as const;
export const PREFERENCES = {
  main: 32_000,
  outgoing: 32_010,
  tcpMark: 32_100,
  mark: 32_200,
  from: 32_300,
  policies: 32_400,
  selected: 32_500,
} as const;

/** The mark of a line's flows within `mask`. */
export function markOf(line: LineNumber, mask: number): number {
  return (line * (mask & -mask)) >>> 0;
}
