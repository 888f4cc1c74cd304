// balance-alb in the worker: the table of clients by slots, and which frames of a member are the bond's. The rules are those of the eBPF
// programs (../ebpf/receivers-code.ts).
import { parseMac } from '../../base/index.js';
import type { MemberIndex, ReceiversPlan } from '../../policy/index.js';
import type { SlotPlan } from './shared-state.js';

/** The plan's table with slots in place of interfaces. */
export interface ReceiverSlots {
  readonly bondAddress: Uint8Array;
  readonly table: ReceiversPlan;
}

const NO_ADDRESS = new Uint8Array(6);

/** Null in other modes; `slotOf` gives undefined for who has none. */
export function receiverSlots(
  receivers: ReceiversPlan | null,
  slotOf: (member: MemberIndex) => number | undefined,
): ReceiverSlots | null {
  if (receivers === null) return null;
  const inSlot = (member: MemberIndex | null): number | null =>
    member === null ? null : (slotOf(member) ?? null);
  const address = parseMac(receivers.bondAddress);
  const clients = receivers.clients.map(each => ({ ...each, member: inSlot(each.member) }));
  return {
    bondAddress: address.ok ? address.value : NO_ADDRESS,
    table: { ...receivers, next: inSlot(receivers.next), clients },
  };
}

function isTo(frame: Uint8Array, address: Uint8Array | undefined): boolean {
  if (address === undefined) return false;
  for (let at = 0; at < 6; at++) if (frame[at] !== address[at]) return false;
  return true;
}

/** What becomes of a frame that a member received. */
export type ReceivedAs = 'dropped' | 'as it is' | 'to bond';

/**
 * Unicast to the member's own address is the bond's, which knows another one as its own; on the active member so is what is for the address of
 * one that is not usable. Of the rest what is `heard` goes on as it is.
 */
export function receivedAs(
  { sources, isUsable }: Pick<SlotPlan, 'sources' | 'isUsable'>,
  frame: Uint8Array,
  slot: number,
  what: { readonly isHeard: boolean; readonly isCurrent: boolean },
): ReceivedAs {
  if (isTo(frame, sources[slot])) return 'to bond';
  if (!what.isHeard) return 'dropped';
  if (!what.isCurrent) return 'as it is';
  const isLost = sources.some((source, other) => isUsable[other] !== true && isTo(frame, source));
  return isLost ? 'to bond' : 'as it is';
}
