// The policy's plan as the worker uses it: slots in place of interfaces, and whether frames of a member go through its qdisc.
import { parseMac } from '../../base/index.js';
import { getLink, type Rtnetlink } from '../../linux/index.js';
import { IFF } from '../../netlink/index.js';
import type { ForwardingPlan, MemberBalance, MemberIndex, PlannedMember } from '../../policy/index.js';
import { MAX_MEMBERS } from '../limits.js';
import { receiverSlots } from './receiver-slots.js';
import { NO_MEMBER, type SharedState, type SlotPlan } from './shared-state.js';

/** Qdiscs that the kernel gives by itself: nobody minds that the worker sends past them. Others are somebody's wish. */
const KERNELS_OWN: ReadonlySet<string> = new Set(['noqueue', 'noop', 'mq', 'pfifo_fast', 'fq_codel', 'fq']);

/** True when somebody gave the interface a qdisc, which frames are to go through. */
export function hasQdiscOfPeople(netlink: Rtnetlink, member: MemberIndex): boolean {
  const link = getLink(netlink, member);
  if (link === undefined || (link.flags & IFF.IFF_UP) === 0) return false;
  return !KERNELS_OWN.has(link.qdisc ?? 'noqueue');
}

/** `active` is a slot, or NO_MEMBER. */
export function slotPlanOf(
  plan: ForwardingPlan,
  state: Pick<SharedState, 'slotOf' | 'memberAt'>,
  throughQdisc: (member: MemberIndex) => boolean,
): { readonly slots: Omit<SlotPlan, 'usable'>; readonly active: number } {
  const planned: (PlannedMember & { readonly slot: number })[] = [];
  for (const each of plan.members) {
    const slot = state.slotOf(each.member);
    if (slot !== undefined) planned.push({ ...each, slot });
  }
  const perSlot = (test: (member: MemberIndex) => boolean): boolean[] =>
    Array.from({ length: MAX_MEMBERS }, (_, slot) => {
      const member = state.memberAt(slot);
      return member !== 0 && test(member);
    });
  const isPlanned = (test: (each: PlannedMember) => boolean): boolean[] =>
    perSlot(member => planned.some(each => each.member === member && test(each)));
  const balanced: (MemberBalance & { readonly slot: number })[] = [];
  for (const { slot, balance } of planned) if (balance !== null) balanced.push({ slot, ...balance });
  balanced.sort((a, b) => a.rank - b.rank);
  const sources: Uint8Array[] = [];
  for (const { slot, source } of balanced) {
    const bytes = parseMac(source);
    if (bytes.ok) sources[slot] = bytes.value;
  }
  const slots = {
    mode: plan.mode,
    hashPolicy: plan.hashPolicy,
    packetsPerSlave: plan.packetsPerSlave,
    order: planned.map(({ slot }) => slot),
    isUsable: isPlanned(({ usable }) => usable),
    byLoad: plan.byLoad,
    rebalance: plan.rebalance,
    balanced: balanced.map(({ slot, speedMbps }) => ({ member: slot, speedMbps })),
    sources,
    receivers: receiverSlots(plan.receivers, member => state.slotOf(member)),
    divert: plan.inlineFailover,
    acceptAlways: isPlanned(({ heardBesides }) => heardBesides),
    throughQdisc: perSlot(throughQdisc),
  };
  return { slots, active: (plan.active === null ? undefined : state.slotOf(plan.active)) ?? NO_MEMBER };
}
