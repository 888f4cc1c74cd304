// What the policy asks of the data plane: one record for each member, and what holds for the bond as a whole. Values only, and
// when two of them say the same.
import { equalValues, type MacText } from '../base/index.js';
import type { MemberIndex } from './contract.js';
import type { HashPolicy } from './modes/transmit-hash.js';
import type { ModeName } from './options/option-row.js';

/** balance-tlb, balance-alb: what the choice by load needs, and how the frames that leave by a member are to look. */
export interface MemberBalance {
  /** Place among the members as they joined: of equals, the one that joined first is taken. */
  readonly rank: number;
  /** Source address of the frames that leave by it, unless it is the active one: those keep theirs. */
  readonly source: MacText;
  /** Mbit/s; 0 when it is not known. */
  readonly speedMbps: number;
}

/** What the data plane is to do with one member. */
export interface PlannedMember {
  readonly member: MemberIndex;
  /** It may carry frames: its link is UP, and in 802.3ad its port distributes. */
  readonly usable: boolean;
  /**
   * What it receives is the bond's, whoever is active (a backup is not heard, unless all_slaves_active). False for the active
   * one: that is heard because it is active, and no longer than it is.
   */
  readonly heardBesides: boolean;
  /**
   * active-backup, balance-rr: what was put into this transmit queue of the bond leaves by this member while it can send
   * (queue_id, kernel bond_slave_override). 0: none, as in other modes, and while the member is not UP.
   */
  readonly queue: number;
  /** Null in other modes than balance-tlb and balance-alb. */
  readonly balance: MemberBalance | null;
  /** It has the bond's promiscuity, all-multicast flag and list of unicast addresses. */
  readonly carriesFilters: boolean;
  /** It has the bond's list of multicast groups. */
  readonly carriesGroups: boolean;
  /** It takes in `questionGroups`. */
  readonly hearsQuestions: boolean;
}

/** balance-alb: by which member each client is to send to us. IP addresses as dotted quads. */
export interface ReceiversPlan {
  /** What the host knows as its own MAC address. */
  readonly bondAddress: MacText;
  /** Who is given to a client that is not in the table; null: ARP goes by the active member as it is. */
  readonly next: MemberIndex | null;
  /** At most one a place, of 256. */
  readonly clients: readonly {
    readonly place: number;
    readonly ourIp: string;
    readonly ip: string;
    readonly member: MemberIndex | null;
  }[];
  /** The active member takes in everything: the address of one that was lost is taught there. */
  readonly hearsAll: boolean;
}

/** How the data plane is to move packets; always whole, never a difference. */
export interface ForwardingPlan {
  readonly mode: ModeName;
  /** The member that sends and receives now, or null. In balance-rr, balance-xor, broadcast and 802.3ad one in name only. */
  readonly active: MemberIndex | null;
  /**
   * Every member, in the order in which the data plane goes through them.
   * - active-backup, balance-tlb by load: as it may fall back on them by itself: UP members first, by preference, then the others (of use only
   *   when nothing that is UP can send, or when no policy is running).
   * - balance-rr, broadcast: as they joined.
   * - balance-xor, 802.3ad, balance-tlb by hash: the usable ones first, as they joined, then the others by preference.
   */
  readonly members: readonly PlannedMember[];
  /** balance-xor, 802.3ad, balance-tlb: which header fields choose among the usable members. */
  readonly hashPolicy: HashPolicy;
  /** balance-tlb: flows go by load (tlb_dynamic_lb=1), or by their hash alone. */
  readonly byLoad: boolean;
  /** balance-tlb by load: grows whenever all flows are to be given out anew. */
  readonly rebalance: number;
  /** balance-rr: frames on one member before the next has its turn; 0: each by chance. */
  readonly packetsPerSlave: number;
  /** True when the data plane may move traffic by itself when the active member cannot send. */
  readonly inlineFailover: boolean;
  /** True when the data plane is to note when each member last received a frame (ARP monitor, lacp_fast_silence). */
  readonly timesReception: boolean;
  /** Null in other modes than balance-alb. */
  readonly receivers: ReceiversPlan | null;
  readonly promiscuous: boolean;
  readonly allMulticast: boolean;
  /** Addresses from which members ask (link_watch): every member is to take in frames to them, as a trunk may give an answer to any. */
  readonly askingAddresses: readonly MacText[];
  /**
   * ns_ip6_target with arp_validate: groups that the active member's questions go to, which a switch floods; backups take them
   * in (kernel slave_set_ns_maddrs).
   */
  readonly questionGroups: readonly MacText[];
}

/** True when both ask for the same: every field counts, and so does the order of the members. */
export function equalPlan(a: ForwardingPlan, b: ForwardingPlan): boolean {
  return equalValues(a, b);
}

/** The members of which this is true, in the order of the plan. */
export function membersThat(
  plan: Pick<ForwardingPlan, 'members'>,
  test: (planned: PlannedMember) => boolean,
): readonly MemberIndex[] {
  return plan.members.filter(test).map(({ member }) => member);
}
