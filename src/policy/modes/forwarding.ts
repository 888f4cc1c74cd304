// The forwarding plan: what the data plane is to do, derived from the state and given out when it changes. (policy)
import type { MacText } from '../../base/index.js';
import { solicitedNode } from '../../frames/index.js';
import type { LinkState } from '../contract.js';
import {
  equalPlan,
  type ForwardingPlan,
  type MemberBalance,
  type PlannedMember,
} from '../forwarding-plan.js';
import { askingAddress } from '../monitors/asking-address.js';
import { receiversPlan } from './receivers.js';
import { isAggregating, isLoadBalancing, MODE, usesPrimary } from './modes.js';
import { MODE_NAMES } from '../options/option-row.js';
import { HASH_POLICIES } from './transmit-hash.js';
import { type BondState, type Context, isInline, type MemberState } from '../state.js';
import { senders } from './usable.js';
import { isWatching } from '../monitors/watched-link.js';

const RANK: Readonly<Record<LinkState, number>> = { up: 0, back: 1, fail: 2, down: 3 };

/** Order of fallback: the active one, then as the policy itself would choose without it. */
function fallbackOrder(state: BondState): MemberState[] {
  const compare = (a: MemberState, b: MemberState): number =>
    Number(b.member === state.active) - Number(a.member === state.active) ||
    RANK[a.link] - RANK[b.link] ||
    (a.link === 'back' ? a.delayTicks - b.delayTicks : 0) ||
    Number(b.name === state.primary) - Number(a.name === state.primary) ||
    b.prio - a.prio;
  return state.members.toSorted(compare);
}

/** Every member in the order that the mode's transmit rule wants: see ForwardingPlan. */
function orderOf(state: BondState, usable: readonly MemberState[]): readonly MemberState[] {
  const { mode } = state.numbers;
  if (mode === MODE.ROUND_ROBIN || mode === MODE.BROADCAST) return state.members;
  const isHashed =
    mode === MODE.XOR || mode === MODE.AD || (isLoadBalancing(state) && state.numbers.tlb_dynamic_lb === 0);
  if (!isHashed) return fallbackOrder(state);
  return [...usable, ...fallbackOrder(state).filter(member => !usable.includes(member))];
}

/** Values of the option multicast: the driver of 2003 let choose, today's has what the mode says (H29). */
const MULTICAST = { DISABLED: 0, ACTIVE: 1, ALL: 2 } as const;

function carriesGroups(state: BondState, { member }: MemberState, byMode: boolean): boolean {
  switch (state.numbers.multicast) {
    case MULTICAST.DISABLED:
      return false;
    case MULTICAST.ACTIVE:
      return member === state.active;
    case MULTICAST.ALL:
      return true;
    default:
      return byMode;
  }
}

/** bond_should_override_tx_queue: two modes have it. Of members that are UP, active or not (bond_slave_override). */
function queueOf({ numbers }: BondState, { queueId, link }: MemberState): number {
  const hasQueues = numbers.mode === MODE.ACTIVE_BACKUP || numbers.mode === MODE.ROUND_ROBIN;
  return hasQueues && link === 'up' ? queueId : 0;
}

function balanceOf(state: BondState, member: MemberState): MemberBalance | null {
  if (!isLoadBalancing(state)) return null;
  const { address, speedMbps } = member;
  return { rank: state.members.indexOf(member), source: address, speedMbps: speedMbps ?? 0 };
}

function askingAddresses(state: BondState): MacText[] {
  if (!isWatching(state)) return [];
  return state.members.map(member => askingAddress(state, member)).filter(address => address !== null);
}

function questionGroups({ numbers, nsTargets }: BondState): MacText[] {
  if (numbers.mode !== MODE.ACTIVE_BACKUP || numbers.arp_validate === 0) return [];
  return nsTargets.map(target => solicitedNode(target)?.mac).filter(mac => mac !== undefined);
}

/** The plan for the state as it is. */
export function forwardingPlan(state: BondState): ForwardingPlan {
  const { numbers } = state;
  const usable = senders(state);
  // LACP has no active port: one of those that send and are heard stands for it.
  const active = isAggregating(state) ? (usable[0]?.member ?? null) : state.active;
  const groups = questionGroups(state);
  const planned = (each: MemberState): PlannedMember => {
    const isActive = each.member === active;
    const carriesFilters = isActive || !usesPrimary(state);
    return {
      member: each.member,
      usable: usable.includes(each),
      heardBesides: !isActive && !each.inactive,
      queue: queueOf(state, each),
      balance: balanceOf(state, each),
      carriesFilters,
      carriesGroups: carriesGroups(state, each, carriesFilters),
      hearsQuestions: groups.length > 0 && !isActive,
    };
  };
  return {
    mode: MODE_NAMES[numbers.mode] ?? 'balance-rr',
    active,
    members: orderOf(state, usable).map(planned),
    hashPolicy: HASH_POLICIES[numbers.xmit_hash_policy] ?? 'layer2',
    byLoad: numbers.tlb_dynamic_lb === 1,
    rebalance: state.rebalance,
    packetsPerSlave: numbers.packets_per_slave,
    inlineFailover: isInline(state),
    timesReception: numbers.arp_interval > 0 || (isAggregating(state) && numbers.lacp_fast_silence > 0),
    receivers: receiversPlan(state),
    promiscuous: state.promiscuous,
    allMulticast: state.allMulticast,
    askingAddresses: askingAddresses(state),
    questionGroups: groups,
  };
}

/** Gives the plan out if it differs from the last one, or in any case when `always`. */
export function giveForwardingPlan({ state, given, out }: Context, always = false): void {
  const plan = forwardingPlan(state);
  if (!always && given.plan !== null && equalPlan(given.plan, plan)) return;
  given.plan = plan;
  out.push({ kind: 'forward', plan });
}
