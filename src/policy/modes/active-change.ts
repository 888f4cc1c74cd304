// Making another member the active one, with all that follows (bond_select_active_slave, bond_change_active_slave).
import { findBest } from './active-selection.js';
import { balancedFailOver } from '../addresses/balanced-addresses.js';
import { evaluateCarrier } from '../carrier.js';
import { giveForwardingPlan } from './forwarding.js';
import { failOverMac } from '../addresses/mac-rules.js';
import { isActiveBackup, isAggregating, isLoadBalancing, MODE, usesPrimary } from './modes.js';
import { startNotifications, startReports } from '../addresses/notifications.js';
import {
  activeMember,
  type BondState,
  type Context,
  makeActive,
  makeBackup,
  type MemberState,
} from '../state.js';
import { tell } from '../tell.js';
import { receiversActiveChanges } from './receive-balancing.js';
import { linkDecided } from './usable.js';

function tellChange(context: Context, from: string | null, to: string | null, reason: string): void {
  const { name, members } = context.state;
  // Elsewhere the active member is one in name only.
  if (!usesPrimary(context.state)) return;
  if (to === null) {
    const message = `${name} has no usable member left: ${reason}`;
    // Nobody need be alarmed by a bond that was emptied.
    tell(context, members.length === 0 ? 'info' : 'error', 'lost', message, { from, to, reason });
  } else if (from === null) {
    tell(context, 'info', 'failover', `${name} now uses ${to}: ${reason}`, { from, to, reason });
  } else {
    const message = `${name} moved from ${from} to ${to}: ${reason}`;
    tell(context, 'warning', 'failover', message, { from, to, reason });
  }
}

/** A member that waited in updelay is used at once, in balance-xor too (the driver's list is without it until the next word of a link). */
function promote(context: Context, member: MemberState): void {
  const early = member.delayTicks * context.state.numbers.miimon;
  member.delayTicks = 0;
  member.link = 'up';
  linkDecided(context.state);
  tell(
    context,
    'info',
    'recovered',
    `${member.name} is used ${early} ms before its updelay ends, as nothing else is up`,
    {
      member: member.name,
    },
  );
}

/** Modes in which the change is announced by the members' multicast reports (bond_change_active_slave). */
function reports(state: BondState, next: MemberState | null): boolean {
  return (usesPrimary(state) && next !== null) || state.numbers.mode === MODE.ROUND_ROBIN;
}

/**
 * Makes `next` the active member: flags, MAC addresses, forwarding plan, notifications, multicast reports, in this order.
 * `left` is the former active member when it is no longer one (for the event only).
 */
export function changeActive(
  context: Context,
  next: MemberState | null,
  reason: string,
  left: MemberState | null = null,
): void {
  const { state } = context;
  const old = activeMember(state);
  if (old === next) return;
  if (next !== null) next.arp.linkUpMs = context.now;
  if (next !== null && next.link === 'back') promote(context, next);
  receiversActiveChanges(context, old);
  state.active = next?.member ?? null;
  tellChange(context, (old ?? left)?.name ?? null, next?.name ?? null, reason);
  if (usesPrimary(state)) {
    if (old !== null) makeBackup(state, old);
    if (next !== null) makeActive(next);
  }
  if (next !== null && isLoadBalancing(state)) balancedFailOver(context, next, old);
  if (next !== null && isActiveBackup(state)) {
    failOverMac(context, next, old);
    // The frames that follow must leave through the new member.
    giveForwardingPlan(context);
    startNotifications(context);
  }
  if (reports(state, next)) startReports(context);
}

/** Chooses again and changes if the choice is another one. In 802.3ad LACP chooses. */
export function selectActive(context: Context, reason: string, left: MemberState | null = null): void {
  const { state } = context;
  if (isAggregating(state)) return;
  const { member: best, usedForce } = findBest(state);
  if (usedForce) state.forcePrimary = false;
  const { active } = state;
  if ((best?.member ?? null) === active) {
    if (left !== null && best === null) tellChange(context, left.name, null, reason);
    return;
  }
  changeActive(context, best, reason, left);
  evaluateCarrier(context);
}
