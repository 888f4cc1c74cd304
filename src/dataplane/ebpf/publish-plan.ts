// Makes a forwarding plan true in the state that programs read, in an order in which no frame is lost on the way.
import type { ForwardingPlan } from '../../policy/index.js';
import type { LiveState } from './live-state.js';
import { MEMBER_FLAGS, NO_SLOT, SHARED_FLAGS, TX_QUEUES } from './shared-state.js';

/**
 * Publishes it. Who may be heard or used is granted first and withdrawn last, and the order is there before who is current: a
 * program that runs in between does what was right before or is right after. `mayDivert`: the programs see carriers.
 */
export function publishPlan(state: LiveState, plan: ForwardingPlan, mayDivert: boolean): void {
  const slotsOf = (members: readonly number[]): number[] =>
    members.map(member => state.slotOf(member)).filter(slot => slot !== undefined);
  const accepting = new Set(
    slotsOf(plan.order.filter(member => member !== plan.active && !plan.inactive.includes(member))),
  );
  const usable = new Set(slotsOf(plan.usable));
  const flagsOf = (slot: number): number =>
    (accepting.has(slot) ? MEMBER_FLAGS.acceptAlways : 0) |
    (usable.has(slot) ? MEMBER_FLAGS.usable : 0) |
    (plan.timesReception ? MEMBER_FLAGS.timed : 0);
  const slots = slotsOf(state.members());
  state.packetsPerSlave = plan.packetsPerSlave;
  for (const [rank, { member, source, speedMbps }] of plan.balanced.entries()) {
    const slot = state.slotOf(member);
    if (slot !== undefined) state.setBalanced(slot, { rank, source, speedMbps });
  }
  for (const slot of slots) {
    const before = state.memberFlags(slot);
    const after = flagsOf(slot);
    if ((after & ~before & MEMBER_FLAGS.usable) !== 0) state.forgetNotice(slot);
    state.setMemberFlags(slot, before | after);
  }
  for (let queue = 1; queue <= TX_QUEUES; queue++) {
    const tied = plan.queues.find(each => each.queue === queue);
    state.tieQueue(queue, tied === undefined ? NO_SLOT : (state.slotOf(tied.member) ?? NO_SLOT));
  }
  const order = slotsOf(plan.order);
  state.setOrder(order, order.filter(slot => usable.has(slot)).length);
  state.flags = plan.inlineFailover && mayDivert ? SHARED_FLAGS.divert : 0;
  const [active = NO_SLOT] = plan.active === null ? [] : slotsOf([plan.active]);
  if (state.current !== active) state.current = active;
  for (const slot of slots) state.setMemberFlags(slot, flagsOf(slot));
  state.rebalance(plan.rebalance);
}
