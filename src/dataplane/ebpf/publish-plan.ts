// Makes a forwarding plan true in the state that programs read, in an order in which no frame is lost on the way.
import type { ForwardingPlan, PlannedMember } from '../../policy/index.js';
import type { LiveState } from './live-state.js';
import { MEMBER_FLAGS, NO_SLOT, SHARED_FLAGS, TX_QUEUES } from './shared-state.js';

/** What it needs of the state. */
export type PlannedState = Pick<
  LiveState,
  | 'slotOf'
  | 'members'
  | 'memberFlags'
  | 'setMemberFlags'
  | 'forgetNotice'
  | 'tieQueue'
  | 'setBalanced'
  | 'setReceivers'
  | 'setOrder'
  | 'rebalance'
  | 'packetsPerSlave'
  | 'flags'
  | 'current'
>;

/**
 * Publishes it. Who may be heard or used is granted first and withdrawn last, and the order is there before who is current: a
 * program that runs in between does what was right before or is right after. `mayDivert`: the programs see carriers.
 */
export function publishPlan(state: PlannedState, plan: ForwardingPlan, mayDivert: boolean): void {
  const planned = new Map<number, PlannedMember>();
  for (const each of plan.members) {
    const slot = state.slotOf(each.member);
    if (slot !== undefined) planned.set(slot, each);
  }
  const flagsOf = (slot: number): number =>
    (planned.get(slot)?.heardBesides === true ? MEMBER_FLAGS.acceptAlways : 0) |
    (planned.get(slot)?.usable === true ? MEMBER_FLAGS.usable : 0) |
    (plan.timesReception ? MEMBER_FLAGS.timed : 0);
  const slots = state
    .members()
    .map(member => state.slotOf(member))
    .filter(slot => slot !== undefined);
  state.packetsPerSlave = plan.packetsPerSlave;
  for (const [slot, { balance }] of planned) if (balance !== null) state.setBalanced(slot, balance);
  if (plan.receivers !== null) state.setReceivers(plan.receivers);
  for (const slot of slots) {
    const before = state.memberFlags(slot);
    const after = flagsOf(slot);
    if ((after & ~before & MEMBER_FLAGS.usable) !== 0) state.forgetNotice(slot);
    state.setMemberFlags(slot, before | after);
  }
  for (let queue = 1; queue <= TX_QUEUES; queue++) {
    const tied = [...planned].find(([, each]) => each.queue === queue);
    state.tieQueue(queue, tied?.[0] ?? NO_SLOT);
  }
  state.setOrder([...planned.keys()], [...planned.values()].filter(({ usable }) => usable).length);
  const isAggregate = plan.mode === '802.3ad';
  const mayLeave = isAggregate ? SHARED_FLAGS.pass : SHARED_FLAGS.divert;
  state.flags =
    (plan.inlineFailover && mayDivert ? mayLeave : 0) |
    (isAggregate ? SHARED_FLAGS.keepSlow : 0) |
    (plan.receivers === null ? 0 : SHARED_FLAGS.ownAddresses);
  const active = (plan.active === null ? undefined : state.slotOf(plan.active)) ?? NO_SLOT;
  if (state.current !== active) state.current = active;
  for (const slot of slots) state.setMemberFlags(slot, flagsOf(slot));
  state.rebalance(plan.rebalance);
}
