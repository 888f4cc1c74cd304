// The forwarding plan: what the data plane is to do, derived from the state and given out when it changes. (policy)
import type { ForwardingPlan, LinkState, MemberIndex } from './contract.js';
import { MODE, usesPrimary } from './modes.js';
import { MODE_NAMES } from './options.js';
import { HASH_POLICIES } from './transmit-hash.js';
import { type BondState, type Context, isInline, type MemberState } from './state.js';
import { senders } from './usable.js';

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
  if (mode !== MODE.XOR) return fallbackOrder(state);
  return [...usable, ...fallbackOrder(state).filter(member => !usable.includes(member))];
}

function indexes(members: readonly MemberState[]): MemberIndex[] {
  return members.map(each => each.member);
}

/** The plan for the state as it is. */
export function forwardingPlan(state: BondState): ForwardingPlan {
  const { numbers } = state;
  const usable = senders(state);
  const ofActive = state.active === null ? [] : [state.active];
  return {
    mode: MODE_NAMES[numbers.mode] ?? 'balance-rr',
    active: state.active,
    order: indexes(orderOf(state, usable)),
    usable: indexes(usable),
    hashPolicy: HASH_POLICIES[numbers.xmit_hash_policy] ?? 'layer2',
    packetsPerSlave: numbers.packets_per_slave,
    inlineFailover: isInline(state),
    timesReception: numbers.arp_interval > 0,
    inactive: indexes(state.members.filter(member => member.inactive)),
    filterMembers: usesPrimary(state) ? ofActive : indexes(state.members),
    promiscuous: state.promiscuous,
    allMulticast: state.allMulticast,
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
