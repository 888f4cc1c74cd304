// link_watch: a member that does not carry the bond's address asks from one of its own.
import type { MacText } from '../../base/index.js';
import { spareAddress } from '../addresses/mac-rules.js';
import { usesPrimary } from '../modes/modes.js';
import type { BondState, MemberState } from '../state.js';

/** The address that a member asks from while it must not be taken for the bond; null where it may. */
export function askingAddress(state: BondState, member: MemberState): MacText | null {
  if (usesPrimary(state) && member.member === state.active) return null;
  const own = [member.address, member.permanentAddress].find(address => address !== state.address);
  return own ?? spareAddress(state, member.permanentAddress);
}
