// Learning packets: a member tells the switch behind which port an address is (alb_send_learning_packets).
import type { MacText } from '../../base/index.js';
import { learningPacket, type VlanTag } from '../../frames/index.js';
import type { Context, MemberState } from '../state.js';

/** What learning packets teach. */
export interface Lesson {
  /** Another address than the member's own. */
  readonly address?: MacText;
  /** Not those of macvlans (strict_match). */
  readonly isStrict?: boolean;
}

/**
 * Learning packets through one member: its address, and again with the tag of each VLAN device directly on the bond that has the
 * bond's address. Through the active member also the addresses of VLAN devices and macvlans that have their own; the driver
 * sends those of VLAN devices through all members, and the switch believes the last.
 */
export function teachThrough(context: Context, member: MemberState, lesson: Lesson = {}): void {
  const { state } = context;
  const own = lesson.address ?? member.address;
  const isActive = member.member === state.active;
  const send = (address: MacText, tag: VlanTag | null): void => {
    const frame = learningPacket(address, tag);
    if (!frame.ok) return;
    context.out.push({ kind: 'send-through', member: member.member, frame: frame.value, what: 'learning' });
  };
  send(own, null);
  for (const { address, taught } of state.stack) {
    if (taught === undefined || (taught.kind === 'macvlan' && lesson.isStrict === true)) continue;
    const isShared = taught.kind === 'vlan' && address === state.address;
    if (isShared || isActive) send(isShared ? own : address, taught.tag);
  }
}
