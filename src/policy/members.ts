// Joining and leaving: initial link state, addresses, MTU, and what the bond does about it (bond_enslave, __bond_release_one).
import { ok, refusal, type Result, type Refusal, err } from '../base/index.js';
import { selectActive } from './modes/active-change.js';
import { aggregationJoin, aggregationLeave } from './modes/aggregation.js';
import { addressForJoining, balancedJoin, balancedLeave } from './addresses/balanced-addresses.js';
import { evaluateCarrier } from './carrier.js';
import type { Input, MemberIndex } from './contract.js';
import { giveForwardingPlan } from './modes/forwarding.js';
import { newArpTimes } from './monitors/arp-times.js';
import { addressAtJoin, FAIL_OVER_MAC, forceFailOverMac, remember } from './addresses/mac-rules.js';
import { failOverMacOf, isActiveBackup, isAggregating, isLoadBalancing, usesPrimary } from './modes/modes.js';
import {
  activeMember,
  type Context,
  makeActive,
  makeBackup,
  type MemberState,
  primaryMember,
} from './state.js';
import { tell } from './tell.js';
import { isUp, memberOf } from './monitors/watched.js';
import { hasNeededSpeed } from './modes/needed-speed.js';
import { newWatch } from './monitors/watch-times.js';
import { receiversActiveChanges, receiversLess, receiversMore } from './modes/receive-balancing.js';
import { membersChanged, tellSenders } from './modes/usable.js';

type Join = Extract<Input, { kind: 'join' }>;
type Leave = Extract<Input, { kind: 'leave' }>;

/** BOND_MAX_ARP_TARGETS. */
const MAX_TARGETS = 16;

function newMember({ state, now }: Context, input: Join): MemberState {
  const { link } = input;
  return {
    member: input.member,
    name: link.name,
    address: link.address,
    staleAddresses: [],
    mtu: link.mtu,
    staleMtus: [],
    permanentAddress: input.permanentAddress,
    canSetAddress: input.canSetAddress,
    adminUp: link.adminUp,
    carrier: link.carrier,
    speedMbps: link.speedMbps,
    duplex: link.duplex,
    state: 'backup',
    inactive: true,
    link: 'down',
    delayTicks: 0,
    linkFailureCount: 0,
    prio: 0,
    queueId: 0,
    actorPortPrio: 255,
    settling: true,
    arp: newArpTimes(now, state.numbers.arp_interval, MAX_TARGETS),
    watch: newWatch(now),
    speedless: false,
  };
}

function refuseJoin(context: Context, input: Join): Refusal | null {
  const { state } = context;
  const what = `${input.link.name} cannot join ${state.name}`;
  if (memberOf(state, input.member) !== null) {
    return refusal('in-use', 'EBUSY', `${what}: it is a member of it already.`);
  }
  if (input.link.name === state.name) {
    return refusal('invalid-request', 'EPERM', `${what}: a bond cannot be its own member.`);
  }
  if (isLoadBalancing(state) && addressForJoining(state, input.permanentAddress) === null) {
    const why = `its MAC address ${input.permanentAddress} is in use by the bond, and no member has one to spare`;
    return refusal('in-use', 'EFAULT', `${what}: ${why}; give it another one first.`);
  }
  if (input.canSetAddress) return null;
  if (!isActiveBackup(state)) {
    const why = 'it cannot change its MAC address, and all members have the one of the bond in this mode';
    return refusal('unsupported', 'EOPNOTSUPP', `${what}: ${why}; use mode=active-backup for it.`);
  }
  if (state.members.length === 0 || state.numbers.fail_over_mac === FAIL_OVER_MAC.ACTIVE) return null;
  return refusal(
    'unsupported',
    'EOPNOTSUPP',
    `${what}: it cannot change its MAC address; release all members and set fail_over_mac=active first.`,
  );
}

/** Gives a member the bond's MTU. */
export function setMemberMtu(context: Context, member: MemberState, mtu: number): void {
  if (member.mtu === mtu) return;
  member.staleMtus = remember(member.staleMtus, member.mtu);
  member.mtu = mtu;
  context.out.push({ kind: 'set-member-mtu', member: member.member, mtu });
}

/** The link state that a member starts with, once it is up; without a monitor it is UP whatever its carrier (H56). */
function initialLink(context: Context, member: MemberState): void {
  const { arp_interval: arpInterval, miimon, updelay } = context.state.numbers;
  if (miimon === 0 && arpInterval === 0) member.link = 'up';
  else if (!isUp(member)) member.link = 'down';
  else if (miimon > 0 && updelay > 0) {
    member.link = 'back';
    member.delayTicks = updelay;
  } else member.link = 'up';
  if (member.link !== 'down' && !hasNeededSpeed(context, member)) member.link = 'down';
}

/** The end of joining; also when the member is seen up for the first time, as the driver opens it before it looks. */
export function settle(context: Context, member: MemberState): void {
  if (!member.settling || !member.adminUp) return;
  member.settling = false;
  member.arp.linkUpMs = context.now;
  member.watch = newWatch(context.now);
  initialLink(context, member);
  const { state } = context;
  aggregationJoin(context, member);
  evaluateCarrier(context);
  if (usesPrimary(state)) {
    const isPrimary = member === primaryMember(state);
    selectActive(context, isPrimary ? `primary ${member.name} joined` : `${member.name} joined`);
  } else if (state.active === null && member.link === 'up' && !isAggregating(state)) {
    state.active = member.member;
  }
  membersChanged(state);
  state.rebalance += Number(isLoadBalancing(state));
  receiversMore(context);
  tellSenders(context, `${member.name} joined`);
}

/** An interface joins. Outputs: addresses, MTU, open, and whatever follows from its link. */
export function join(context: Context, input: Join): Result<undefined, Refusal> {
  const refused = refuseJoin(context, input);
  if (refused !== null) return err(refused);
  const { state } = context;
  const member = newMember(context, input);
  if (state.members.length === 0 && isActiveBackup(state)) forceFailOverMac(context, member);
  setMemberMtu(context, member, state.mtu);
  addressAtJoin(context, member);
  if (isLoadBalancing(state)) balancedJoin(context, member);
  context.out.push({ kind: 'open-member', member: member.member });
  state.members.push(member);
  if (isLoadBalancing(state)) member.state = 'active';
  if (usesPrimary(state) || isAggregating(state)) makeBackup(state, member);
  else makeActive(member);
  if (member === primaryMember(state)) state.forcePrimary = true;
  tell(context, 'info', 'joined', `${member.name} joined ${state.name}`, { member: member.name });
  settle(context, member);
  return ok(undefined);
}

function warnOfAddress(context: Context, member: MemberState): void {
  const { state } = context;
  const stays = failOverMacOf(state) === FAIL_OVER_MAC.NONE && state.members.length > 0;
  if (!stays || state.address !== member.permanentAddress) return;
  tell(
    context,
    'warning',
    'address',
    `The MAC address ${state.address} of ${member.name} is still in use by ${state.name}; do not put both on one network before one of them is changed`,
    { member: member.name },
  );
}

/** The last member left: no carrier, and the bond forgets its address (H33). */
function emptied(context: Context, member: MemberState, cause: Leave['cause']): void {
  const { state } = context;
  // A joining that failed half-way takes back only an address that it gave.
  if (cause === 'undo' && state.address !== member.permanentAddress) return;
  state.addressIsRandom = true;
  state.awaitsRandomAddress = true;
  context.out.push({ kind: 'random-bond-address' });
}

const CAUSE_TEXT = {
  released: 'was released',
  gone: 'is gone',
  undo: 'could not join completely',
} as const;

/** A member leaves. The plan without it is given out before it is detached. */
export function leave(context: Context, input: Leave): Result<undefined, Refusal> {
  const { state } = context;
  const member = memberOf(state, input.member);
  if (member === null) return err(notMember(state.name, input.member));
  const wasActive = activeMember(state) === member;
  const reason = `${member.name} ${CAUSE_TEXT[input.cause]}`;
  aggregationLeave(context, member, input.cause !== 'gone');
  state.members = state.members.filter(other => other !== member);
  membersChanged(state);
  warnOfAddress(context, member);
  tell(context, input.cause === 'undo' ? 'warning' : 'info', 'left', `${reason} and left ${state.name}`, {
    member: member.name,
  });
  if (state.probing === member.member) state.probing = null;
  if (wasActive) state.active = null;
  if (wasActive) receiversActiveChanges(context, member);
  if (isLoadBalancing(state)) balancedLeave(context, member, input.cause === 'gone');
  receiversLess(context, member, true);
  if (wasActive) {
    selectActive(context, reason, member);
  }
  tellSenders(context, reason);
  evaluateCarrier(context);
  giveForwardingPlan(context);
  const restoreAddress = failOverMacOf(state) !== FAIL_OVER_MAC.ACTIVE && input.cause !== 'gone';
  context.out.push({ kind: 'detach-member', member: member.member, restoreAddress });
  if (state.members.length === 0) emptied(context, member, input.cause);
  return ok(undefined);
}

/** The refusal for an interface index that is no member. */
export function notMember(bond: string, index: MemberIndex): Refusal {
  return refusal('unknown-interface', 'ENODEV', `Interface ${index} is not a member of ${bond}.`);
}
