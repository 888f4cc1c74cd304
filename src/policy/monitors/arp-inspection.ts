// What the ARP monitor makes of questions and answers: the link that one member should have, and why it is given up. Active-backup
// (bond_ab_arp_inspect) has one member ask; in the other modes all do (bond_loadbalance_arp_mon).
import type { LinkState, TimeMs } from '../contract.js';
import { isWithin, lastHeard } from './arp-times.js';
import type { Watched, Watching } from './watched.js';
import { targetsOf } from './watched-link.js';

/** Whose members, and when. */
export interface Inspection {
  readonly state: Watching;
  readonly now: TimeMs;
}

/** When the member was last answered, by arp_all_targets. */
function answeredMs({ state }: Inspection, { arp }: Watched): TimeMs {
  return lastHeard(arp, state.numbers.arp_all_targets, state.arpTargets.length);
}

/** The state that one that asks for all should have, or one that listens; null: as it is. `isProbing`: nothing is active, candidates ask. */
export function inspectAskerOrListener(
  inspection: Inspection,
  member: Watched,
  isProbing: boolean,
): LinkState | null {
  const { arp_interval: interval, arp_missed_max: missed } = inspection.state.numbers;
  const within = (last: TimeMs, count: number): boolean => isWithin(inspection.now, last, count, interval);
  const answered = answeredMs(inspection, member);
  if (member.link !== 'up') {
    if (within(answered, 1)) return 'up';
    return member.link === 'back' ? 'fail' : null;
  }
  // Fresh in its role: it has had no time to be answered.
  if (within(member.arp.linkUpMs, 2)) return null;
  if (member.state === 'backup') return !isProbing && !within(answered, missed + 1) ? 'down' : null;
  return within(member.arp.txMs, missed) && within(answered, missed) ? null : 'down';
}

/** The state that one of many should have, each of which asks for itself: by what it sent and heard; null: as it is. */
export function inspectAsker({ state, now }: Inspection, { link, arp }: Watched): 'up' | 'down' | null {
  const { arp_interval: interval, arp_missed_max: missed } = state.numbers;
  const isLively = (count: number): boolean =>
    isWithin(now, arp.txMs, count, interval) && isWithin(now, arp.rxMs, count, interval);
  if (link !== 'up') return isLively(1) ? 'up' : null;
  return isLively(missed) ? null : 'down';
}

/** Nobody could be asked, as a clause; null where somebody was. */
function unasked({ state, now }: Inspection, member: Watched): string | null {
  const targets = targetsOf(state);
  if (targets.length === 0) return `${member.name} has no target to ask; set arp_ip_target`;
  const { arp_missed_max: missed, arp_interval: interval } = state.numbers;
  return isWithin(now, member.arp.txMs, missed, interval)
    ? null
    : `nothing could be asked through ${member.name}; see the routes to ${targets.join(', ')}`;
}

/** Why one that asks for all, or listens, is given up, as a clause. */
export function askerOrListenerLoss(inspection: Inspection, member: Watched): string {
  const targets = targetsOf(inspection.state);
  const problem = targets.length === 0 || member.state === 'active' ? unasked(inspection, member) : null;
  if (problem !== null) return problem;
  const silentMs = Math.round(inspection.now - answeredMs(inspection, member));
  return `no answer from ${targets.join(', ')} for ${silentMs} ms through ${member.name}`;
}

/** Why one of many is given up, as a clause. */
export function askerLoss(inspection: Inspection, member: Watched): string {
  const problem = unasked(inspection, member);
  if (problem !== null) return problem;
  const silentMs = Math.round(inspection.now - member.arp.rxMs);
  return `nothing came in on ${member.name} for ${silentMs} ms although ${targetsOf(inspection.state).join(', ')} was asked`;
}
