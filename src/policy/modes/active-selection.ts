// Which member is to be the active one (bond_find_best_slave, bond_choose_primary_or_current). Pure choice, no change.
import { activeMember, type BondState, type MemberState, primaryMember } from '../state.js';
import { isUp } from '../monitors/watched.js';

/** Values of primary_reselect. */
const RESELECT = { ALWAYS: 0, BETTER: 1, FAILURE: 2 } as const;

/** The driver holds an unknown speed as the largest number and an unknown duplex as 0xff, and compares them so. */
function speedOf(member: MemberState): number {
  return member.speedMbps ?? 0xffffffff;
}
function duplexOf(member: MemberState): number {
  return member.duplex === null ? 0xff : Number(member.duplex === 'full');
}

function isBetter(candidate: MemberState, current: MemberState): boolean {
  const [a, b] = [speedOf(candidate), speedOf(current)];
  return a > b || (a === b && duplexOf(candidate) > duplexOf(current));
}

/** The UP member with the highest prio, the first of equals. */
function highestPrio(state: BondState): MemberState | null {
  let best: MemberState | null = null;
  for (const member of state.members) {
    if (member.link === 'up' && (best === null || member.prio > best.prio)) best = member;
  }
  return best;
}

/** Candidate against current, by primary_reselect (H15). */
function reselect(state: BondState, candidate: MemberState, current: MemberState | null): MemberState {
  if (current === null || current.link !== 'up') return candidate;
  if (state.numbers.primary_reselect === RESELECT.ALWAYS) return candidate;
  if (state.numbers.primary_reselect === RESELECT.BETTER && isBetter(candidate, current)) return candidate;
  return current;
}

/** Who is to be active. */
export interface Choice {
  readonly member: MemberState | null;
  /** The primary was taken because it had to be (`forcePrimary`), whatever primary_reselect says. */
  readonly usedForce: boolean;
}

function unforced(member: MemberState | null): Choice {
  return { member, usedForce: false };
}

function primaryOrCurrent(state: BondState): Choice {
  const primary = primaryMember(state);
  const current = activeMember(state);
  if (primary === null || primary.link !== 'up') {
    const best = highestPrio(state);
    if (best !== null && best !== current) return unforced(reselect(state, best, current));
    return unforced(current !== null && current.link === 'up' ? current : null);
  }
  if (state.forcePrimary) return { member: primary, usedForce: true };
  return unforced(reselect(state, primary, current));
}

/**
 * The member that should be active, or null. When nothing is UP, a member that waits in updelay
 * and will be done first is taken early (H23).
 */
export function findBest(state: BondState): Choice {
  const chosen = primaryOrCurrent(state);
  if (chosen.member !== null) return chosen;
  let best: MemberState | null = null;
  let least = state.numbers.updelay;
  for (const member of state.members) {
    if (member.link === 'up') return unforced(member);
    if (member.link === 'back' && isUp(member) && member.delayTicks < least) {
      least = member.delayTicks;
      best = member;
    }
  }
  return unforced(best);
}
