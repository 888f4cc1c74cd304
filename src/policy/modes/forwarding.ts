// The forwarding plan: what the data plane is to do, derived from the state and given out when it changes. (policy)
import type { MacText } from '../../base/index.js';
import { solicitedNode } from '../../frames/index.js';
import type { BalancedMember, ForwardingPlan, LinkState, MemberIndex } from '../contract.js';
import { askingAddress } from '../monitors/asking-address.js';
import { isLoadBalancing, MODE, usesPrimary } from './modes.js';
import { MODE_NAMES } from '../options/options.js';
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
  const isHashed = mode === MODE.XOR || (mode === MODE.TLB && state.numbers.tlb_dynamic_lb === 0);
  if (!isHashed) return fallbackOrder(state);
  return [...usable, ...fallbackOrder(state).filter(member => !usable.includes(member))];
}

function indexes(members: readonly MemberState[]): MemberIndex[] {
  return members.map(each => each.member);
}

function balanced({ member, address, speedMbps }: MemberState): BalancedMember {
  return { member, source: address, speedMbps: speedMbps ?? 0 };
}

function askingAddresses(state: BondState): MacText[] {
  if (!isWatching(state)) return [];
  return state.members.map(member => askingAddress(state, member)).filter(address => address !== null);
}

function questionGroups({
  numbers,
  active,
  members,
  nsTargets,
}: BondState): ForwardingPlan['questionGroups'] {
  const isAsking = numbers.mode === MODE.ACTIVE_BACKUP && numbers.arp_validate !== 0 && nsTargets.length > 0;
  if (!isAsking) return { members: [], addresses: [] };
  const backups = members.filter(({ member }) => member !== active);
  const addresses = nsTargets.map(target => solicitedNode(target)?.mac).filter(mac => mac !== undefined);
  return { members: indexes(backups), addresses };
}

/** Values of the option multicast: the driver of 2003 let choose, today's has what the mode says (H29). */
const MULTICAST = { DISABLED: 0, ACTIVE: 1, ALL: 2 } as const;

function multicastMembers(state: BondState, byMode: readonly MemberIndex[]): readonly MemberIndex[] {
  const ofActive = state.active === null ? [] : [state.active];
  switch (state.numbers.multicast) {
    case MULTICAST.DISABLED:
      return [];
    case MULTICAST.ACTIVE:
      return ofActive;
    case MULTICAST.ALL:
      return indexes(state.members);
    default:
      return byMode;
  }
}

/** bond_should_override_tx_queue: two modes have it. Of members that are UP, active or not (bond_slave_override). */
function queues({ numbers, members }: BondState): ForwardingPlan['queues'] {
  if (numbers.mode !== MODE.ACTIVE_BACKUP && numbers.mode !== MODE.ROUND_ROBIN) return [];
  return members
    .filter(({ queueId, link }) => queueId !== 0 && link === 'up')
    .map(({ queueId, member }) => ({ queue: queueId, member }));
}

/** The plan for the state as it is. */
export function forwardingPlan(state: BondState): ForwardingPlan {
  const { numbers } = state;
  const usable = senders(state);
  const ofActive = state.active === null ? [] : [state.active];
  const filterMembers = usesPrimary(state) ? ofActive : indexes(state.members);
  return {
    mode: MODE_NAMES[numbers.mode] ?? 'balance-rr',
    active: state.active,
    order: indexes(orderOf(state, usable)),
    usable: indexes(usable),
    hashPolicy: HASH_POLICIES[numbers.xmit_hash_policy] ?? 'layer2',
    byLoad: numbers.tlb_dynamic_lb === 1,
    balanced: isLoadBalancing(state) ? state.members.map(balanced) : [],
    rebalance: state.rebalance,
    packetsPerSlave: numbers.packets_per_slave,
    queues: queues(state),
    inlineFailover: isInline(state),
    timesReception: numbers.arp_interval > 0,
    inactive: indexes(state.members.filter(member => member.inactive)),
    filterMembers,
    multicastMembers: multicastMembers(state, filterMembers),
    promiscuous: state.promiscuous,
    allMulticast: state.allMulticast,
    askingAddresses: askingAddresses(state),
    questionGroups: questionGroups(state),
  };
}

/** Gives the plan out if it differs from the last one, or in any case when `always`. */
export function giveForwardingPlan(context: Context, always = false): void {
  const plan = forwardingPlan(context.state);
  const text = JSON.stringify(plan);
  if (text === context.state.lastPlan && !always) return;
  context.state.lastPlan = text;
  context.out.push({ kind: 'forward', plan });
}
