// The forwarding plan: what the data plane is to do, derived from the state and given out when it changes. (policy)
import type { ForwardingPlan, LinkState } from './contract.js';
import { MODE_NAMES } from './options.js';
import { type BondState, type Context, isInline, type MemberState } from './state.js';

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

/** The plan for the state as it is. */
export function forwardingPlan(state: BondState): ForwardingPlan {
  return {
    mode: MODE_NAMES[state.numbers.mode] ?? 'active-backup',
    active: state.active,
    order: fallbackOrder(state).map(member => member.member),
    inlineFailover: isInline(state),
    inactive: state.members.filter(member => member.inactive).map(member => member.member),
    filterMembers: state.active === null ? [] : [state.active],
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
