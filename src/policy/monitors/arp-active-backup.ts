// One tick of the ARP monitor in active-backup: inspect, commit, probe, notifications (bond_activebackup_arp_mon).
import { selectActive } from '../modes/active-change.js';
import { sendProbes } from './arp-probes.js';
import { askerOrListenerLoss, inspectAskerOrListener } from './arp-inspection.js';
import { evaluateCarrier } from '../carrier.js';
import type { LinkState } from '../contract.js';
import { mayNotifyPeers, notifyPeers } from '../addresses/notifications.js';
import {
  activeMember,
  type Context,
  makeActive,
  makeBackup,
  type MemberState,
  primaryMember,
} from '../state.js';
import { tell } from '../tell.js';
import { isUp, memberOf } from './watched.js';

const MAX_COUNT = 0xffffffff;

/** A member goes DOWN: counted, out of use. */
function setDown(context: Context, member: MemberState, reason: string): void {
  member.link = 'down';
  member.linkFailureCount = Math.min(MAX_COUNT, member.linkFailureCount + 1);
  makeBackup(context.state, member);
  const message = `${member.name} is down and out of use (failure ${member.linkFailureCount}): ${reason}`;
  tell(context, 'warning', 'link', message, { member: member.name });
}

function stopProbing(context: Context): void {
  const { state } = context;
  const prober = memberOf(state, state.probing);
  if (prober !== null) makeBackup(state, prober);
  state.probing = null;
}

/** A member answers. The reason for a selection when one is due, else null. */
function commitUp(context: Context, member: MemberState): string | null {
  const { state } = context;
  const active = activeMember(state);
  if (active === member) return null;
  member.link = 'up';
  stopProbing(context);
  tell(context, 'info', 'recovered', `${member.name} is up: it hears the network again`, {
    member: member.name,
  });
  if (active === null) return `${member.name} is up and nothing else was in use`;
  if (member === primaryMember(state)) return `primary ${member.name} is back`;
  if (member.prio > active.prio) return `${member.name} is back and has a higher prio than ${active.name}`;
  return null;
}

/** bond_ab_arp_commit. */
function commit(context: Context, proposals: readonly (readonly [MemberState, LinkState])[]): void {
  const { state } = context;
  let reason: string | null = null;
  for (const [member, link] of proposals) {
    if (link === 'up') reason = commitUp(context, member) ?? reason;
    else if (link === 'down') {
      const why = askerOrListenerLoss(context, member);
      setDown(context, member, why);
      if (member.member === state.active) {
        state.probing = null;
        reason = why;
      }
    } else {
      // A candidate that got no answer in its interval.
      member.link = 'fail';
      makeBackup(state, member);
      if (state.active !== null) state.probing = null;
    }
  }
  if (reason !== null) selectActive(context, reason);
  evaluateCarrier(context);
}

/** The next candidate after the one that probes now, in order of joining, wrapping; those that turn out dead are put DOWN. */
function nextProber(context: Context): MemberState | null {
  const { state } = context;
  const current = memberOf(state, state.probing) ?? state.members[0] ?? null;
  let before: MemberState | null = null;
  let after: MemberState | null = null;
  let isPast = false;
  for (const member of state.members) {
    if (isUp(member)) {
      if (isPast) after ??= member;
      else before ??= member;
    } else if (member.link === 'up') {
      setDown(
        context,
        member,
        member.adminUp ? `${member.name} lost its carrier` : `${member.name} was set down`,
      );
    }
    if (member === current) isPast = true;
  }
  return after ?? before;
}

/** bond_ab_arp_probe: through the active member; without one, through one candidate an interval. */
function probe(context: Context): void {
  const { state } = context;
  const active = activeMember(state);
  if (active !== null) {
    sendProbes(context, active);
    return;
  }
  const next = nextProber(context);
  if (next === null) return;
  next.link = 'back';
  makeActive(next);
  sendProbes(context, next);
  next.arp.linkUpMs = context.now;
  state.probing = next.member;
}

/** One tick. Unlike the MII monitor it counts peer notifications down only when it sends them. */
export function activeBackupArpTick(context: Context): void {
  const { state } = context;
  if (state.members.length === 0) return;
  const notify = mayNotifyPeers(context);
  const proposals: (readonly [MemberState, LinkState])[] = [];
  for (const member of state.members) {
    const link = inspectAskerOrListener(context, member, state.probing !== null);
    if (link !== null) proposals.push([member, link]);
  }
  if (proposals.length > 0) commit(context, proposals);
  probe(context);
  if (!notify || state.peerNotifLeft === 0) return;
  state.peerNotifLeft--;
  notifyPeers(context);
}
