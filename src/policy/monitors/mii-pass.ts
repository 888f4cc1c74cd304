// One tick of the MII monitor over all members: inspect, commit, notifications, in the driver's order (bond_mii_monitor).
import { selectActive } from '../modes/active-change.js';
import { aggregationLink, aggregationStays } from '../modes/aggregation.js';
import { evaluateCarrier } from '../carrier.js';
import { inspectLinks, lossReason, type Proposal } from './mii-inspection.js';
import { isActiveBackup, isAggregating, isLoadBalancing } from '../modes/modes.js';
import { hasNeededSpeed } from '../modes/needed-speed.js';
import { mayNotifyPeers, notifyPeers } from '../addresses/notifications.js';
import { activeMember, type Context, makeBackup, type MemberState, primaryMember } from '../state.js';
import { tell } from '../tell.js';
import { hasLink } from './watched-link.js';
import { receiversLess, receiversMore } from '../modes/receive-balancing.js';
import { isAllLost, linkDecided, tellSenders } from '../modes/usable.js';

const MAX_COUNT = 0xffffffff;

function speedText(member: MemberState): string {
  const speed = member.speedMbps === null ? 'speed unknown' : `${member.speedMbps} Mbit/s`;
  return member.duplex === null ? speed : `${speed}, ${member.duplex} duplex`;
}

/** The step to DOWN: counted, out of use. True when the member was the active one. */
function commitDown(context: Context, member: MemberState): boolean {
  member.link = 'down';
  member.delayTicks = 0;
  member.linkFailureCount = Math.min(MAX_COUNT, member.linkFailureCount + 1);
  if (isActiveBackup(context.state) || isAggregating(context.state)) makeBackup(context.state, member);
  aggregationLink(context, member);
  receiversLess(context, member);
  linkDecided(context.state);
  const message = `${member.name} is down and out of use (failure ${member.linkFailureCount}): ${lossReason(context, member)}`;
  tell(context, 'warning', 'link', message, { member: member.name });
  return member.member === context.state.active;
}

/** The step to UP. The reason for a selection when one is due, else null. */
function commitUp(context: Context, member: MemberState): string | null {
  const { state } = context;
  if (!hasNeededSpeed(context, member)) {
    member.link = 'down';
    return null;
  }
  member.link = 'up';
  state.rebalance += Number(isLoadBalancing(state));
  // Not yet in active-backup and 802.3ad: the selection makes one active, and LACP (bond_miimon_commit).
  if (isAggregating(state)) member.state = 'backup';
  else if (!isActiveBackup(state)) member.state = 'active';
  aggregationLink(context, member);
  receiversMore(context);
  linkDecided(state);
  tell(context, 'info', 'recovered', `${member.name} is up (${speedText(member)})`, { member: member.name });
  const active = activeMember(state);
  if (active === null) return `${member.name} is up and nothing else was in use`;
  if (member === primaryMember(state)) return `primary ${member.name} is back`;
  if (member.prio > active.prio) return `${member.name} is back and has a higher prio than ${active.name}`;
  return null;
}

/** bond_miimon_commit: states become true, then at most one selection, then the carrier. */
function commitAll(context: Context, proposals: readonly Proposal<MemberState>[]): void {
  let reason: string | null = null;
  let change: string | null = null;
  const changed = new Set(proposals.map(({ member }) => member));
  for (const { member, link } of proposals) {
    if (link === 'up') {
      reason = commitUp(context, member) ?? reason;
      change ??= `${member.name} is up`;
    } else if (link === 'down') {
      reason = commitDown(context, member) ? lossReason(context, member) : reason;
      change = lossReason(context, member);
    } else member.link = link;
  }
  aggregationStays(
    context,
    context.state.members.filter(each => !changed.has(each)),
  );
  if (reason !== null) selectActive(context, reason);
  if (change !== null) tellSenders(context, change);
  evaluateCarrier(context);
}

/**
 * One tick. Whether to notify is decided before the commit, the counter drops after it: so a failover found here
 * drops it twice in its own tick, and with a delay of at most one tick one notification fewer goes out, as in the driver.
 */
export function monitorTick(context: Context): void {
  const { state } = context;
  if (state.members.length === 0) return;
  const notify = mayNotifyPeers(context);
  const proposals = inspectLinks(context, isAllLost(state));
  if (proposals.length > 0) commitAll(context, proposals);
  if (state.peerNotifLeft === 0) return;
  state.peerNotifLeft--;
  if (notify) notifyPeers(context);
}

/**
 * Members whose link came back since the last tick, when nothing else is left: what the monitor's pass would do with
 * them in the very tick that finds the loss, so that the bond is not without a member until then (H23).
 */
function takeReturned(context: Context): void {
  const { state } = context;
  if (state.members.some(member => member.link === 'up')) return;
  const { updelay } = state.numbers;
  for (const member of state.members) {
    if (member.link !== 'down' || !hasLink(state, member) || member.settling) continue;
    if (updelay === 0) {
      commitUp(context, member);
    } else {
      member.link = 'back';
      member.delayTicks = updelay - 1;
    }
  }
}

/** A loss that need not wait for the tick: UP → FAIL → DOWN in this moment (inline failover; our own, not the driver's). */
export function confirmLoss(context: Context, member: MemberState): void {
  if (member.link !== 'up' && member.link !== 'fail') return;
  const wasActive = commitDown(context, member);
  if (wasActive) {
    takeReturned(context);
    selectActive(context, lossReason(context, member));
  }
  tellSenders(context, lossReason(context, member));
  evaluateCarrier(context);
}
