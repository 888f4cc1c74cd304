// link_watch=any|all, our own: the MII and the ARP monitor together, in every mode. Carrier and answers make one link, which goes
// through the states and delays of the MII monitor.
//
// Every member asks, also one that does not carry the bond's traffic now. Such a one asks with an address of its own and without
// the bond's IP address (an ARP probe, RFC 5227 §2.1.1), so that neither switches nor neighbours think that the bond moved.
// Only answers to these questions count (as with arp_validate=all), and silence only when another member was answered since: when
// nobody is, it is the targets that are silent, and no other member would be better.
//
// passive_evidence: a member on which nothing comes in although something should is asked at once, and again every quarter of
// the interval, instead of at the next tick. It only asks sooner; what counts is the same.
import type { Heard, HeardAnswer, TimeMs } from '../contract.js';
import { tell } from '../tell.js';
import {
  isUp,
  memberOf,
  type WatchContext,
  type Watched,
  type Watching,
  type WatchRoles,
} from './watched.js';
import { newWatch } from './watch-times.js';
import { hasLink, isWatching, silenceReason, targetsOf } from './watched-link.js';

/** With passive evidence, looks in an interval, and how many of them in a row must pass without an answer. */
const LOOKS = 4;
const UNANSWERED_LOOKS = 3;

/** Milliseconds between two ticks. */
export function watchPeriod({ numbers }: Pick<Watching, 'numbers'>): number {
  const { arp_interval: interval, passive_evidence: passive } = numbers;
  return passive === 1 ? Math.max(1, interval / LOOKS) : interval;
}

/** Watching begins, or begins anew. */
export function restartWatch({ state, now }: Pick<WatchContext, 'state' | 'now'>): void {
  for (const member of state.members) member.watch = newWatch(now);
}

/** When frames last came in. */
export function watchHeard(state: Pick<Watching, 'members'>, heard: readonly Heard[]): void {
  for (const { member: index, anyMs } of heard) {
    const watch = memberOf(state, index)?.watch;
    if (watch !== undefined && anyMs !== null) watch.heardMs = Math.max(watch.heardMs, anyMs);
  }
}

/** An answer of a target, for the member that asked: a trunk may give it to another one. */
export function watchAnswer<M extends Watched>(
  state: Watching<M>,
  answer: HeardAnswer,
  askingAddress: WatchRoles<M>['askingAddress'],
): void {
  const { sender, isReply, atMs, destination } = answer;
  if (!isWatching(state) || !isReply || !targetsOf(state).includes(sender)) return;
  const asked = state.members.find(member => askingAddress(member) === destination);
  const watch = (asked ?? memberOf(state, answer.member))?.watch;
  if (watch === undefined) return;
  watch.answeredMs = Math.max(watch.answeredMs, atMs);
  watch.suspectMs = null;
}

/** Questions to all targets through one member. `source`: the address that it asks from; null: as the one that carries. */
function ask(context: WatchContext, member: Watched, source: string | null): void {
  const { state } = context;
  // A neighbour solicitation without a sender would be one for a duplicate address.
  const targets = source === null ? targetsOf(state) : state.arpTargets;
  for (const target of targets) {
    const route = state.routes.find(each => each.target === target);
    if (route?.path === 'elsewhere') continue;
    const { sender, vlans } = route?.path === 'bond' ? route : { sender: null, vlans: [] };
    // Also for the ARP monitor, which may be the one that is left when link_watch is taken away.
    member.watch.askedMs = member.arp.txMs = context.now;
    const from = source === null ? { sender } : { sender: null, source };
    context.out.push({ kind: 'probe', member: member.member, target, vlans, ...from });
  }
}

/** A member whose silence can be known: it is up and there are targets that it can ask. */
function canBeAsked(state: Watching, member: Watched, source: string | null): boolean {
  if (!isUp(member)) return false;
  return source === null ? targetsOf(state).length > 0 : state.arpTargets.length > 0;
}

/** Nothing came in for half an interval although a question went out, or others hear something. */
function looksSilent(state: Watching, { member, watch }: Watched, now: TimeMs): boolean {
  const half = state.numbers.arp_interval / 2;
  if (now - watch.heardMs <= half) return false;
  const isUnanswered = watch.askedMs > watch.heardMs && now - watch.askedMs >= half;
  const othersHear = state.members.some(
    other => other.member !== member && now - other.watch.heardMs <= half,
  );
  return isUnanswered || othersHear;
}

/**
 * Whether a member that asks is to be held for silent: it has had no answer for so long, and another member had one since, so
 * that it is neither the targets nor a machine that is too busy to answer or to listen.
 */
function isSilent(state: Watching, { member, watch }: Watched, now: TimeMs): boolean {
  const { arp_interval: interval, arp_missed_max: missed } = state.numbers;
  const othersAnswered = Math.max(
    ...state.members.map(other => (other.member === member ? -Infinity : other.watch.answeredMs)),
  );
  const period = watchPeriod(state);
  const { suspectMs, answeredMs } = watch;
  if (suspectMs !== null && now - suspectMs >= UNANSWERED_LOOKS * period)
    return othersAnswered > suspectMs + period;
  // One that is silent stays so until it is answered.
  if (now - answeredMs <= missed * interval + interval / 2) return false;
  return watch.silent || othersAnswered > answeredMs + interval;
}

/** One tick: who is silent is found, then those are asked whose turn it is. */
export function watchTick<M extends Watched>(context: WatchContext<M>, roles: WatchRoles<M>): void {
  const { state, now } = context;
  const { arp_interval: interval, passive_evidence: passive } = state.numbers;
  const asked = state.members.filter(member => canBeAsked(state, member, roles.askingAddress(member)));
  const silent = new Set(asked.filter(member => isSilent(state, member, now)));
  for (const member of state.members) {
    // What cannot be known is no evidence, and begins anew when it can be.
    if (!asked.includes(member)) member.watch = newWatch(now, member.watch.silent);
    else if (silent.has(member) !== member.watch.silent) turnSilence(context, roles, member);
  }
  if (passive === 1) {
    for (const member of asked) {
      const { watch } = member;
      if (watch.suspectMs === null && !watch.silent && looksSilent(state, member, now)) watch.suspectMs = now;
    }
  }
  // With one that is suspected all are asked: what is heard by the others counts against it.
  const isHurried = asked.some(({ watch }) => watch.suspectMs !== null && !watch.silent);
  for (const member of asked) {
    const isDue = now - member.watch.askedMs >= interval - watchPeriod(state) / 2;
    if (isDue || isHurried) ask(context, member, roles.askingAddress(member));
  }
}

function turnSilence<M extends Watched>(context: WatchContext<M>, roles: WatchRoles<M>, member: M): void {
  const { state, now } = context;
  const silent = !member.watch.silent;
  member.watch.silent = silent;
  if (!silent) {
    const message = `${member.name} is answered again by ${targetsOf(state).join(', ')}`;
    tell(context, 'info', 'link', message, { member: member.name });
    return;
  }
  const reason = silenceReason(state, member, now);
  if (reason !== null) tell(context, 'warning', 'link', `There is ${reason}`, { member: member.name });
  // Without a delay it counts at once, as the news of a lost carrier do with inline_failover.
  if (state.numbers.downdelay === 0 && !hasLink(state, member)) roles.lost(member);
}

/** A tick came so much too late: nothing was asked in that time, so its silence is no evidence. */
export function forgiveWatch({ state, now }: Pick<WatchContext, 'state' | 'now'>, lateMs: TimeMs): void {
  if (lateMs <= watchPeriod(state) / 2) return;
  const later = (at: TimeMs): TimeMs => Math.min(now, at + lateMs);
  for (const { watch } of state.members) {
    watch.answeredMs = later(watch.answeredMs);
    watch.heardMs = later(watch.heardMs);
    watch.suspectMs = watch.suspectMs === null ? null : later(watch.suspectMs);
  }
}
