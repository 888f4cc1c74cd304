// What the kernel and the data plane tell of interfaces: the members', the bond's own, and diverted traffic.
import { changeActive, selectActive } from '../modes/active-change.js';
import { aggregationAddress, aggregationOpened, aggregationTold } from '../modes/aggregation.js';
import type { Input, MemberIndex, MemberLink } from '../contract.js';
import { giveForwardingPlan } from '../modes/forwarding.js';
import { balancedBondAddress, isLearning } from '../addresses/balanced-addresses.js';
import { beginAsking } from './arp-times.js';
import { restartWatch } from './link-watch.js';
import { bondAddressChanged } from '../addresses/mac-rules.js';
import { setMemberMtu, settle } from '../members.js';
import { lossReason } from './mii-inspection.js';
import { confirmLoss } from './mii-pass.js';
import { isAggregating, isLoadBalancing, usesPrimary } from '../modes/modes.js';
import { activeMember, type Context, isInline, makeActive, makeBackup, type MemberState } from '../state.js';
import { tell } from '../tell.js';
import { isUp, memberOf } from './watched.js';
import { receiversActiveChanges, receiversOpened } from '../modes/receive-balancing.js';
import { linkTold, tellSenders } from '../modes/usable.js';
import { hasLink } from './watched-link.js';

type BondLink = Extract<Input, { kind: 'bond-link' }>;

/** NETDEV_CHANGENAME: the primary goes by name. */
function renamed(context: Context, member: MemberState, name: string): void {
  const { state } = context;
  const [old, primary] = [member.name, state.primary];
  member.name = name;
  tell(context, 'info', 'renamed', `${old} is now called ${name}`, { member: name });
  if (primary === null || (primary !== old && primary !== name)) return;
  if (primary === old) selectActive(context, `${old} was renamed, so ${state.name} has no primary`);
  else selectActive(context, `${name} has the name of the primary now`);
}

function addressTold(context: Context, member: MemberState, address: string): void {
  if (address === member.address) {
    member.staleAddresses = [];
    return;
  }
  if (member.staleAddresses.includes(address)) return;
  const message = `MAC address of ${member.name} was changed by someone else from ${member.address} to ${address}`;
  tell(context, 'warning', 'address', message, { member: member.name });
  member.address = address;
}

function mtuTold(context: Context, member: MemberState, mtu: number): void {
  if (mtu === member.mtu) {
    member.staleMtus = [];
    return;
  }
  if (member.staleMtus.includes(mtu)) return;
  const { state } = context;
  const message = `MTU of ${member.name} was changed by someone else to ${mtu}; ${state.name} has ${state.mtu}`;
  tell(context, 'warning', 'mtu', message, { member: member.name });
  member.mtu = mtu;
}

/** The kernel told something of a member. A loss counts at once with inline failover, else at the next tick (H20). */
export function memberLink(context: Context, index: MemberIndex, link: MemberLink): void {
  const { state } = context;
  const member = memberOf(state, index);
  // A late message of an interface that left is no error.
  if (member === null) return;
  if (link.name !== member.name) renamed(context, member, link.name);
  addressTold(context, member, link.address);
  mtuTold(context, member, link.mtu);
  const wasUp = isUp(member);
  member.adminUp = link.adminUp;
  member.carrier = link.carrier;
  if (isUp(member) !== wasUp) linkTold(state);
  // As the driver, which asks when a device comes up or changes while up, and keeps what it knew while it is down.
  if (link.adminUp) {
    member.speedMbps = link.speedMbps;
    member.duplex = link.duplex;
  }
  aggregationTold(context, member);
  if (member.settling && member.adminUp) settle(context, member);
  const isWatched = state.timers.mii !== null && isInline(state);
  if (isWatched && !hasLink(state, member) && !member.settling) confirmLoss(context, member);
  if (isUp(member) !== wasUp)
    tellSenders(context, isUp(member) ? `${member.name} has its link` : lossReason(context, member));
}

/**
 * The data plane left `from` by itself. Its word counts as a lost carrier until the kernel tells the link again; the
 * policy then decides, and the plan goes out in any case, as the data plane may use another member than the policy.
 */
export function diverted(context: Context, from: MemberIndex, to: MemberIndex): void {
  const { state } = context;
  const member = memberOf(state, from);
  const target = memberOf(state, to);
  // Of a member that is not the active one any more, or is down already, it is old news, which was counted.
  const isSpread = !usesPrimary(state) || (isLoadBalancing(state) && from !== state.active);
  const isNews = isSpread ? member?.link === 'up' || member?.link === 'fail' : from === state.active;
  if (member !== null && isNews && state.timers.mii !== null && isInline(state)) {
    const message = `Traffic left ${member.name} for ${target?.name ?? `interface ${to}`} at once: ${member.name} could not send`;
    tell(context, 'warning', 'data-plane', message, { member: member.name });
    member.carrier = false;
    // The data plane saw that the target can send, maybe before the kernel's own word of it. Where several send, none is
    // chosen by this, and the word may be old.
    if (!isSpread && target !== null && target !== member && !target.settling) {
      target.adminUp = true;
      target.carrier = true;
    }
    linkTold(state);
    confirmLoss(context, member);
  }
  giveForwardingPlan(context, true);
}

/** bond_open and bond_close: flags are set anew, the monitor starts at once or stops. */
function adminChanged(context: Context, up: boolean): void {
  const { state } = context;
  state.adminUp = up;
  if (up) {
    for (const member of state.members) {
      if (usesPrimary(state) && member.member !== state.active) makeBackup(state, member);
      else if (!isAggregating(state)) makeActive(member);
    }
    linkTold(state);
    tellSenders(context, `${state.name} was set up`);
    if (state.numbers.miimon > 0) state.timers.mii = context.now;
    if (state.numbers.arp_interval > 0) {
      beginAsking(state.members, context.now, state.numbers.arp_interval);
      state.timers.arp = context.now;
    }
    restartWatch(context);
    aggregationOpened(context, true);
    receiversOpened(context, true);
    if (isLearning(state)) state.timers.learning = context.now + state.numbers.lp_interval * 1000;
    return;
  }
  aggregationOpened(context, false);
  receiversOpened(context, false);
  state.timers.mii = null;
  state.timers.arp = null;
  state.timers.igmp = null;
  state.timers.learning = null;
  state.igmpLeft = 0;
  state.peerNotifLeft = 0;
}

/** The kernel told something of the bond's own interface. */
export function bondLink(context: Context, input: BondLink): void {
  const { state } = context;
  const { name, adminUp, address } = input;
  // What stands on it is looked at now and then: of the bond itself this is newer, and who tells peers of a move goes by it.
  state.stack = state.stack.map(device =>
    device.name === state.name ? { ...device, name, adminUp, address } : device,
  );
  if (input.name !== state.name) {
    tell(context, 'info', 'renamed', `${state.name} is now called ${input.name}`);
    state.name = input.name;
  }
  state.promiscuous = input.promiscuous;
  state.allMulticast = input.allMulticast;
  if (input.mtu !== state.mtu) {
    state.mtu = input.mtu;
    tell(context, 'info', 'mtu', `${state.name} now has MTU ${input.mtu}, and so have its members`);
    for (const member of state.members) setMemberMtu(context, member, input.mtu);
  }
  const before = state.address;
  bondAddressChanged(context, input.address);
  if (isLoadBalancing(state) && state.address !== before) balancedBondAddress(context);
  aggregationAddress(context);
  if (input.adminUp !== state.adminUp) adminChanged(context, input.adminUp);
}

/** active_slave set to a member: it must be up, and there must be one to move from. Null when it was done. */
export function activateByHand(context: Context, member: MemberState): string | null {
  const old = activeMember(context.state);
  if (old === member) return null;
  if (old === null) return `${context.state.name} has no active member to move from`;
  if (member.link !== 'up' || !isUp(member))
    return `its link is ${isUp(member) ? 'not confirmed as up' : 'down'}`;
  changeActive(context, member, 'asked for');
  return null;
}

/** active_slave cleared: nothing is active, then the best is chosen again. */
export function reselectByHand(context: Context): void {
  const { state } = context;
  const old = activeMember(state);
  if (old !== null) makeBackup(state, old);
  receiversActiveChanges(context, old);
  state.active = null;
  selectActive(context, 'asked to choose again', old);
}
