// Who has which MAC address: joining, failover and the fail_over_mac option (bond_enslave, bond_do_fail_over_mac).
import { formatMac, type MacText, parseMac } from '../../base/index.js';
import { failOverMacOf, isLoadBalancing } from '../modes/modes.js';
import type { MemberIndex } from '../contract.js';
import { activeMember, type BondState, type Context, type MemberState } from '../state.js';
import { tell } from '../tell.js';

/** Values of fail_over_mac. */
export const FAIL_OVER_MAC = { NONE: 0, ACTIVE: 1, FOLLOW: 2 } as const;

const STALE_KEPT = 8;

/** Adds what was true until now to what late kernel messages may still tell. */
export function remember<T>(stale: readonly T[], old: T): T[] {
  return [...stale.filter(each => each !== old), old].slice(-STALE_KEPT);
}

/** Gives a member an address, unless it has it. */
export function setMemberAddress(context: Context, member: MemberState, address: MacText): void {
  if (member.address === address) return;
  member.staleAddresses = remember(member.staleAddresses, member.address);
  member.address = address;
  context.out.push({ kind: 'set-member-address', member: member.member, address });
}

/** Records that the bond has another address now; devices stacked on it that shared it follow (vlan_sync_address). */
export function adoptBondAddress(state: BondState, address: MacText): void {
  const old = state.address;
  state.address = address;
  state.stack = state.stack.map(device => (device.address === old ? { ...device, address } : device));
}

/** Gives the bond an address, unless it has it. */
export function setBondAddress(context: Context, address: MacText): void {
  const { state } = context;
  state.addressIsRandom = false;
  state.awaitsRandomAddress = false;
  if (state.address === address) return;
  state.staleAddresses = remember(state.staleAddresses, state.address);
  adoptBondAddress(state, address);
  context.out.push({ kind: 'set-bond-address', address });
}

/** Addresses that must not be given to another member. */
function takenAddresses(state: BondState): Set<MacText> {
  const taken = new Set<MacText>([state.address]);
  for (const member of state.members) taken.add(member.address).add(member.permanentAddress);
  return taken;
}

/**
 * A locally administered address that nobody here has, made from `seed` (the driver takes a random one; the policy has
 * no randomness, and the same history must give the same address).
 */
export function spareAddress(state: BondState, seed: MacText): MacText {
  const taken = takenAddresses(state);
  const parsed = parseMac(seed);
  const base = parsed.ok ? parsed.value : new Uint8Array(6);
  for (let salt = 1; ; salt++) {
    let hash = 0x811c9dc5 ^ salt;
    const bytes = base.map(byte => {
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
      return (hash >>> 16) & 0xff;
    });
    bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 2;
    const address = formatMac(bytes);
    if (!taken.has(address)) return address;
  }
}

/** A member that cannot change its address, as the first one, forces fail_over_mac=active. */
export function forceFailOverMac(context: Context, member: MemberState): void {
  const { numbers } = context.state;
  if (member.canSetAddress || numbers.fail_over_mac === FAIL_OVER_MAC.ACTIVE) return;
  numbers.fail_over_mac = FAIL_OVER_MAC.ACTIVE;
  tell(
    context,
    'warning',
    'address',
    `${member.name} cannot change its MAC address, so fail_over_mac of ${context.state.name} is set to active`,
    { member: member.name },
  );
}

/** Address of a joining member, which is not in the list yet (H30, H33). */
export function addressAtJoin(context: Context, member: MemberState): void {
  const { state } = context;
  const isFirst = state.members.length === 0;
  if (isFirst && state.addressIsRandom) setBondAddress(context, member.address);
  if (isLoadBalancing(state)) return;
  if (failOverMacOf(state) === FAIL_OVER_MAC.NONE) {
    setMemberAddress(context, member, state.address);
    return;
  }
  if (failOverMacOf(state) !== FAIL_OVER_MAC.FOLLOW || isFirst) return;
  const isTaken =
    member.address === state.address || state.members.some(other => other.address === member.address);
  if (isTaken) setMemberAddress(context, member, spareAddress(state, member.permanentAddress));
}

/** Exchanges two members' addresses so that never both have the same one: the old one waits on a spare address. */
function swapAddresses(context: Context, next: MemberState, old: MemberState): void {
  const [oldAddress, nextAddress] = [old.address, next.address];
  if (oldAddress === nextAddress) return;
  setMemberAddress(context, old, spareAddress(context.state, old.permanentAddress));
  setMemberAddress(context, next, oldAddress);
  setMemberAddress(context, old, nextAddress);
}

/** The address work of a change of the active member (bond_do_fail_over_mac). */
export function failOverMac(context: Context, next: MemberState, old: MemberState | null): void {
  const { state } = context;
  if (failOverMacOf(state) === FAIL_OVER_MAC.ACTIVE) {
    setBondAddress(context, next.address);
    return;
  }
  if (failOverMacOf(state) !== FAIL_OVER_MAC.FOLLOW) return;
  const holder =
    old ?? state.members.find(other => other !== next && other.address === state.address) ?? null;
  if (holder === null) setMemberAddress(context, next, state.address);
  else swapAddresses(context, next, holder);
}

/** A member, and an address for it. */
export interface MemberAddress {
  readonly member: MemberIndex;
  readonly address: MacText;
}

/**
 * What members would be given if the bond had this address from now on; nothing when it has it already, or when it would be set
 * back. Whoever carries it out tries this first: where a member refuses, the bond keeps its address too (bond_set_mac_address).
 */
export function addressesFor(state: BondState, address: MacText): MemberAddress[] {
  if (address === state.address || state.awaitsRandomAddress) return [];
  if (state.staleAddresses.includes(address) || failOverMacOf(state) !== FAIL_OVER_MAC.NONE) return [];
  if (!isLoadBalancing(state)) return state.members.map(({ member }) => ({ member, address }));
  const active = activeMember(state);
  if (active === null) return [];
  const holder = state.members.find(other => other.address === address && other !== active);
  return [
    ...(holder === undefined ? [] : [{ member: holder.member, address: active.address }]),
    { member: active.member, address },
  ];
}

/** The bond's own address was changed by somebody else (bond_set_mac_address, H31). */
export function bondAddressChanged(context: Context, address: MacText): void {
  const { state } = context;
  if (address === state.address) {
    state.staleAddresses = [];
    return;
  }
  if (state.awaitsRandomAddress) {
    state.awaitsRandomAddress = false;
    state.staleAddresses = [];
    adoptBondAddress(state, address);
    return;
  }
  if (state.staleAddresses.includes(address)) return;
  if (failOverMacOf(state) !== FAIL_OVER_MAC.NONE) {
    const word = failOverMacOf(state) === FAIL_OVER_MAC.ACTIVE ? 'active' : 'follow';
    tell(
      context,
      'warning',
      'address',
      `MAC address ${address} of ${state.name} was set back to ${state.address}: with fail_over_mac=${word} it is not set by hand`,
    );
    context.out.push({ kind: 'set-bond-address', address: state.address });
    return;
  }
  const who = isLoadBalancing(state) ? 'so has its active member' : 'so have its members';
  tell(context, 'info', 'address', `${state.name} now has MAC address ${address}, and ${who}`);
  adoptBondAddress(state, address);
  state.addressIsRandom = false;
  if (isLoadBalancing(state)) return;
  for (const member of state.members) setMemberAddress(context, member, address);
}
