// balance-tlb and balance-alb: every member has a MAC address of its own, the active one that of the bond. Who has which (bond_alb_init_slave,
// bond_alb_handle_active_change, alb_change_hw_addr_on_detach, bond_alb_set_mac_address), and learning packets that tell it.
//
// The driver programs the bond's address into all devices and only shows each its own, which a program outside the kernel
// cannot. Here a device has the address that it shows: seen from the network the same, as only the active one is heard.
import type { MacText } from '../../base/index.js';
import { giveForwardingPlan } from '../modes/forwarding.js';
import { setMemberAddress } from './mac-rules.js';
import { teachThrough } from './teaching.js';
import { isLoadBalancing, isReceiveBalancing } from '../modes/modes.js';
import { receiversReaddressed, receiversSwapped } from '../modes/receive-balancing.js';
import { activeMember, type BondState, type Context, type MemberState } from '../state.js';
import { tell } from '../tell.js';
import { canTransmit } from '../modes/usable.js';

function holderOf(state: BondState, address: MacText): MemberState | null {
  return state.members.find(member => member.address === address) ?? null;
}

/** The address of a member that is not in the list yet; null where there is none for it (EFAULT of the driver). */
export function addressForJoining({ members, address: bond }: BondState, permanent: MacText): MacText | null {
  const isShown = (address: MacText): boolean => members.some(member => member.address === address);
  if (members.length === 0 || (permanent !== bond && !isShown(permanent))) return permanent;
  const spare = members.find(member => !isShown(member.permanentAddress));
  if (spare !== undefined) return spare.permanentAddress;
  return isShown(bond) ? null : bond;
}

/** alb_handle_addr_collision_on_attach, for one that was not refused. */
export function balancedJoin(context: Context, member: MemberState): void {
  const { state } = context;
  const address = addressForJoining(state, member.permanentAddress);
  if (address === null) return;
  setMemberAddress(context, member, address);
  if (address === member.permanentAddress) return;
  const why = `its own one, ${member.permanentAddress}, is in use by ${state.name}`;
  const message = `${member.name} was given MAC address ${address}: ${why}`;
  tell(context, 'warning', 'address', message, { member: member.name });
}

/** The active member changed, the plan not yet: it takes the bond's address, and who had that gets its former one. */
export function balancedFailOver(context: Context, next: MemberState, old: MemberState | null): void {
  const { state } = context;
  const holder = old ?? holderOf(state, state.address);
  if (holder === null || holder === next) setMemberAddress(context, next, state.address);
  else {
    const [taken, given] = [holder.address, next.address];
    setMemberAddress(context, next, taken);
    setMemberAddress(context, holder, given);
  }
  // Learning packets leave the new way.
  giveForwardingPlan(context);
  if (isReceiveBalancing(state)) {
    if (holder === null) teachThrough(context, next);
    else receiversSwapped(context, holder, next);
    return;
  }
  if (holder !== null && holder !== next) teach(context, holder);
  teach(context, next);
}

/** A member left whose permanent address another one has: that one gets what the member had. */
export function balancedLeave(context: Context, left: MemberState, isGone: boolean): void {
  const { state } = context;
  if (left.permanentAddress === left.address || left.permanentAddress === state.address) return;
  const holder = holderOf(state, left.permanentAddress);
  if (holder === null) return;
  const given = left.address;
  // Both are heard in balance-alb, so they change it one after the other.
  if (isReceiveBalancing(state) && !isGone) setMemberAddress(context, left, left.permanentAddress);
  setMemberAddress(context, holder, given);
  if (!isReceiveBalancing(state)) teach(context, holder);
  else if (isGone) receiversReaddressed(context, holder);
  else receiversSwapped(context, left, holder);
}

/** The bond's address was set by hand: the active member follows; who had that address before gets the active one's. */
export function balancedBondAddress(context: Context): void {
  const { state } = context;
  const active = activeMember(state);
  if (active === null) return;
  const holder = holderOf(state, state.address);
  const former = active.address;
  setMemberAddress(context, active, state.address);
  if (holder !== null && holder !== active) {
    setMemberAddress(context, holder, former);
    if (isReceiveBalancing(state)) {
      receiversSwapped(context, holder, active);
      return;
    }
    teach(context, holder);
  }
  if (isReceiveBalancing(state)) receiversReaddressed(context, active);
  else teach(context, active);
}

/** Learning packets of one member, where it can send them. */
function teach(context: Context, member: MemberState): void {
  if (context.state.adminUp && canTransmit(member)) teachThrough(context, member);
}

/** The learning timer is due: all members, every lp_interval seconds (bond_alb_monitor). */
export function learningTick(context: Context): void {
  for (const member of context.state.members) teach(context, member);
}

/** True when balance-tlb sends learning packets: the driver's timer runs only with tlb_dynamic_lb. */
export function isLearning(state: BondState): boolean {
  return (
    state.adminUp &&
    isLoadBalancing(state) &&
    !isReceiveBalancing(state) &&
    state.numbers.tlb_dynamic_lb === 1
  );
}
