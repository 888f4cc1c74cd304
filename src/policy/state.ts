// What a bond knows, as plain JSON, and the context in which the rules work on it. (policy)
import type { MacText, Timers } from '../base/index.js';
import type { AlbState } from './alb/clients.js';
import type { ArpTimes } from './monitors/arp-times.js';
import type { LinkState, MemberIndex, Output, ProbeRoute, StackedDevice, TimeMs } from './contract.js';
import type { ForwardingPlan } from './forwarding-plan.js';
import type { LacpState } from './lacp/port.js';
import type { SilenceState } from './lacp/silence-state.js';
import { isLoadBalancing, usesPrimary } from './modes/modes.js';
import type { NumberOption } from './options/options.js';
import type { WatchTimes } from './monitors/watch-times.js';
import { memberOf, type Watched, type Watching } from './monitors/watched.js';

/** An enrolled interface. */
export interface MemberState extends Watched {
  readonly member: MemberIndex;
  name: string;
  address: MacText;
  /** Addresses that it had a moment ago: late kernel messages may still tell them. */
  staleAddresses: MacText[];
  mtu: number;
  staleMtus: number[];
  readonly permanentAddress: MacText;
  readonly canSetAddress: boolean;
  adminUp: boolean;
  carrier: boolean;
  speedMbps: number | null;
  duplex: 'full' | 'half' | null;
  state: 'active' | 'backup';
  inactive: boolean;
  link: LinkState;
  /** Remaining ticks of updelay or downdelay. */
  delayTicks: number;
  linkFailureCount: number;
  prio: number;
  queueId: number;
  /** actor_port_prio: LACP priority of its port. */
  actorPortPrio: number;
  /** True until it was seen up for the first time: its initial link state is decided then. */
  settling: boolean;
  arp: ArpTimes;
  watch: WatchTimes;
  /** It was told that its link cannot count as up because its speed is not known. */
  speedless: boolean;
}

/** MII monitor, ARP monitor, LACP, silence of its partners, clients of balance-alb, learning packets of balance-tlb, multicast reports. */
export type BondTimer = 'mii' | 'arp' | 'lacp' | 'silence' | 'alb' | 'learning' | 'igmp';

/** A bond. Delay options are held in ticks of miimon, as the driver holds them. */
export interface BondState extends Watching<MemberState> {
  name: string;
  address: MacText;
  staleAddresses: MacText[];
  addressIsRandom: boolean;
  /** A random address was asked for and has not been told yet. */
  awaitsRandomAddress: boolean;
  mtu: number;
  adminUp: boolean;
  carrier: boolean;
  promiscuous: boolean;
  allMulticast: boolean;
  numbers: Record<NumberOption, number>;
  /** arp_ip_target and ns_ip6_target, as canonical text. */
  arpTargets: readonly string[];
  nsTargets: readonly string[];
  /** ad_actor_system; all zero stands for the bond's own address. */
  adActorSystem: MacText;
  primary: string | null;
  /** The next selection takes the primary whatever primary_reselect says (once). */
  forcePrimary: boolean;
  active: MemberIndex | null;
  /** The driver's usable_slaves: members that could send when the list was made; null where it never was. */
  usable: MemberIndex[] | null;
  /** current_arp_slave: without an active member, the one whose turn it is to ask. */
  probing: MemberIndex | null;
  routes: readonly ProbeRoute[];
  members: MemberState[];
  stack: StackedDevice[];
  /** send_peer_notif of the driver: counts down by one a tick. */
  peerNotifLeft: number;
  igmpLeft: number;
  /** The bond's own timers; see `timers.ts`. */
  timers: Timers<BondTimer>;
  /** balance-tlb, balance-alb: how often all flows were to be given out anew. */
  rebalance: number;
  /** 802.3ad: its ports and aggregators; null while there are none. */
  lacp: LacpState | null;
  /** balance-alb: its table of clients; null while there is none. */
  alb: AlbState | null;
  /** lacp_fast_silence: what is known of the silence of its ports; null while they are not watched. */
  silence: SilenceState | null;
  /** Names of the members that were said to send last, in modes that use several. */
  toldSenders: string;
}

/** One call of the rules: the state they change, the outputs they add, and the time. */
export interface Context {
  readonly state: BondState;
  readonly out: Output[];
  readonly now: TimeMs;
  /** The forwarding plan that was given out last, so that the same is not given twice; null: none yet. */
  readonly given: { plan: ForwardingPlan | null };
}

/** The member that sends and receives. */
export function activeMember(state: BondState): MemberState | null {
  return memberOf(state, state.active);
}

/** The member that is the primary: the one with the recorded name, in modes that have one. */
export function primaryMember(state: BondState): MemberState | null {
  if (!usesPrimary(state)) return null;
  return state.members.find(member => member.name === state.primary) ?? null;
}

/** True when the monitor's rules allow the data plane to leave a dead link by itself, and its word counts at once. */
export function isInline(state: BondState): boolean {
  return state.numbers.inline_failover === 1 && state.numbers.miimon > 0 && state.numbers.downdelay === 0;
}

/**
 * slave->inactive of a backup: frames received are dropped unless all_slaves_active (bond_set_slave_inactive_flags). The
 * state stays active in the modes that balance by address: backups send there too.
 */
export function makeBackup(state: BondState, member: MemberState): void {
  if (!isLoadBalancing(state)) member.state = 'backup';
  member.inactive = state.numbers.all_slaves_active === 0;
}

/** bond_set_slave_active_flags. */
export function makeActive(member: MemberState): void {
  member.state = 'active';
  member.inactive = false;
}
