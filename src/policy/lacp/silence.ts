// lacp_fast_silence: a partner that says nothing any more although its link is up is found in a fraction of a second. LACP needs three,
// and its state does not change by this: the port is only passed over by what the bond sends, as long as others carry.
//
// That nothing comes in raises a suspicion. Then markers ask, which every partner is to answer at once (IEEE 802.1AX-2008 §5.5). That they
// are not answered counts against a port only where its partner answered all markers of a trial before, and where another port
// that is asked at the same time is answered: a partner that is busy, or answers so many and no more, leaves out answers on all.
// Between two Bondwires hellos come in on every port, and that they come on another one alone counts without a question.
import {
  HELLO,
  MARKER_TLV,
  markerFrame,
  parseHello,
  readMarker,
  type SlowFrame,
} from '../../frames/index.js';
import type { Heard, TimeMs } from '../contract.js';
import { hello, isExpected } from './hello.js';
import { aggregatorOf, type LacpPort, memberOfPort, portOf } from './port.js';
import {
  ASK_AGAIN_MS,
  beginAnew,
  distrust,
  EARLY_TRIAL_MS,
  EARLY_TRIALS,
  followPorts,
  HELLOS_KEPT,
  LEADERS,
  LED_MS,
  lookMs,
  MARKERS,
  MOST_MARKERS,
  type PortWatch,
  SECOND_MS,
  type SilenceRun,
  type SilentBy,
  TOLD_MS,
  TRIAL_EACH_MS,
  watchOf,
} from './silence-state.js';

/** It carries, and its partner speaks: otherwise LACP has found out itself. */
function carries(run: SilenceRun, port: LacpPort): boolean {
  const { mux, receive } = port;
  const isIn = mux === 'distributing' || mux === 'collecting-distributing';
  const { state, link } = memberOfPort(run, port);
  const isUsed = state === 'active' && link === 'up' && aggregatorOf(run.lacp, port)?.active === true;
  return isIn && receive === 'current' && isUsed;
}

/** One look. `lateMs`: how much too late it comes; nothing was looked at in that time, so that its silence is no evidence. */
export function silenceTick(run: SilenceRun, lateMs: TimeMs): void {
  const { silence, lacp, now } = run;
  followPorts(silence, lacp.ports, now);
  const watches = silence.ports.filter(watch => {
    const port = portOf(lacp, watch.member);
    if (port !== undefined && carries(run, port)) return true;
    beginAnew(watch, now);
    return false;
  });
  for (const watch of silence.ports) {
    if (lateMs > lookMs(run.bond) / 2) watch.heardMs = Math.min(now, watch.heardMs + lateMs);
    if (watch.silent === 'told' && now - watch.toldMs > TOLD_MS) watch.silent = null;
  }
  for (const watch of watches) judge(run, watches, watch, lateMs);
  for (const watch of watches) suspect(run, watches, watch);
  ask(run, watches);
  for (const { member } of silence.ports) hello(run, member);
}

/** What a suspicion, or the silence of hellos, comes to. */
function judge(run: SilenceRun, watches: readonly PortWatch[], watch: PortWatch, lateMs: TimeMs): void {
  const { now, bond } = run;
  const others = watches.filter(other => other !== watch);
  if (watch.silent !== null) return;
  if (watch.trial > 0) tried(watch, now);
  const { suspicion } = watch;
  if (suspicion === null) {
    const isLong = now - watch.heardMs >= bond.numbers.lacp_fast_silence;
    if (isLong && isExpected(watch) && others.some(other => isGreetedSince(run, other, watch.heardMs)))
      watch.silent = 'hellos';
    return;
  }
  const isHeard = watch.heardMs >= suspicion.sinceMs;
  if (isHeard || lateMs > lookMs(bond) / 2) {
    watch.suspicion = null;
    // It had a whole look for the answer to the one before.
    if (suspicion.asked > 1 && isHeard) distrust(watch, now);
    return;
  }
  const askedMs = watch.sent.at(-1)?.atMs ?? now;
  const leaders = others.filter(({ ledMs, sent }) => isLeader(ledMs, now) && sent.at(-1)?.atMs === askedMs);
  if (leaders.length > 0) suspicion.compared++;
  if (leaders.some(({ answeredMs }) => answeredMs === askedMs)) suspicion.seconded++;
  if (suspicion.asked < MARKERS) return;
  watch.suspicion = null;
  if (suspicion.seconded >= MARKERS - 1) watch.silent = 'markers';
  // Nobody answers: the partner is busy, or answers no more than it did.
  else if (suspicion.compared >= MARKERS - 1) distrust(watch, now);
}

function isLeader(ledMs: TimeMs | null, now: TimeMs): boolean {
  return ledMs !== null && now - ledMs >= LED_MS;
}

/** Another port was greeted twice since, and not just now, when this one may be about to be. */
function isGreetedSince(run: SilenceRun, { hellos }: PortWatch, sinceMs: TimeMs): boolean {
  const { now, bond } = run;
  return hellos.filter(atMs => atMs > sinceMs && now - atMs >= lookMs(bond) / 2).length >= 2;
}

/** A look after each marker of a trial: the first that was not answered ends it. */
function tried(watch: PortWatch, now: TimeMs): void {
  const askedMs = watch.sent.at(-1)?.atMs ?? now;
  const isAnswered = watch.answeredMs !== null && watch.answeredMs >= askedMs;
  if (isAnswered) {
    if (--watch.trial > 0) return;
    if (watch.answers) watch.misses = Math.max(0, watch.misses - 1);
    watch.answers = true;
    return;
  }
  watch.trial = 0;
  if (!watch.answers) {
    if (watch.failed < EARLY_TRIALS) watch.trialMs = now + EARLY_TRIAL_MS;
    watch.failed++;
    return;
  }
  if (watch.heardMs >= askedMs) distrust(watch, now);
  // It may have fallen silent just now.
  else watch.suspicion = { sinceMs: askedMs, asked: 1, compared: 0, seconded: 0 };
}

/** Nothing came in for half of the time, although something does on others, or did on this one. */
function suspect(run: SilenceRun, watches: readonly PortWatch[], watch: PortWatch): void {
  const { now, bond, silence } = run;
  const half = bond.numbers.lacp_fast_silence / 2;
  if (watch.silent !== null || watch.suspicion !== null || watch.trial > 0) return;
  if (now >= watch.trialMs) {
    watch.trial = watch.answers ? 1 : MARKERS;
    watch.trialMs = now + TRIAL_EACH_MS;
    return;
  }
  if (!watch.answers || now - watch.heardMs < half || now - watch.suspectMs < ASK_AGAIN_MS) return;
  const hadTraffic = watch.trafficMs > watch.suspectMs;
  if (!hadTraffic) {
    const othersHear = watches.some(other => other !== watch && now - other.heardMs < half);
    if (!othersHear || (now !== silence.roundMs && now - silence.roundMs < ASK_AGAIN_MS)) return;
    silence.roundMs = now;
  }
  watch.suspectMs = now;
  watch.suspicion = { sinceMs: now, asked: 0, compared: 0, seconded: 0 };
}

/** Those in doubt first: where the partner answers so many and no more, their answers are not those that are left out. */
function ask(run: SilenceRun, watches: readonly PortWatch[]): void {
  const { now } = run;
  const well = watches.filter(({ silent }) => silent === null);
  const leaders = well.filter(({ answers }) => answers).slice(0, LEADERS);
  for (const watch of watches) watch.ledMs = leaders.includes(watch) ? (watch.ledMs ?? now) : null;
  const asked = new Set<PortWatch>();
  for (const watch of well) {
    if (watch.suspicion === null) continue;
    asked.add(watch);
    if (mark(run, watch)) watch.suspicion.asked++;
    else watch.suspicion = null;
  }
  for (const watch of well) {
    if (watch.trial === 0) continue;
    asked.add(watch);
    if (mark(run, watch)) continue;
    watch.trial = 0;
    watch.trialMs = now + SECOND_MS;
  }
  if (asked.size > 0) for (const watch of leaders) if (!asked.has(watch)) mark(run, watch);
  for (const watch of watches)
    if (watch.silent !== null && now - (watch.sent.at(-1)?.atMs ?? -Infinity) >= SECOND_MS) mark(run, watch);
}

/** Asks a port by a marker; false where it was asked too often of late. */
function mark(run: SilenceRun, watch: PortWatch): boolean {
  const { lacp, now, out, silence } = run;
  watch.sent = watch.sent.filter(({ atMs }) => now - atMs < SECOND_MS);
  const port = portOf(lacp, watch.member);
  if (port === undefined || watch.sent.length >= MOST_MARKERS) return false;
  const { member, permanentAddress } = memberOfPort(run, port);
  silence.transaction = (silence.transaction + 1) % 2 ** 32;
  const { system, port: number } = port.actor;
  const frame = markerFrame(permanentAddress, { system, port: number, transaction: silence.transaction });
  if (!frame.ok) throw new Error(frame.error);
  out.push({ kind: 'send-through', member, frame: frame.value, what: 'lacp' });
  port.counts.markerOut++;
  watch.sent.push({ id: silence.transaction, atMs: now });
  return true;
}

/** When members last received anything, as the data plane saw it. */
export function silenceHeard({ silence }: Pick<SilenceRun, 'silence'>, heard: readonly Heard[]): void {
  for (const { member, anyMs } of heard) {
    const watch = watchOf({ silence }, member);
    if (watch === undefined || anyMs === null) continue;
    watch.heardMs = Math.max(watch.heardMs, anyMs);
    // A slow frame was in the data plane before it was taken in.
    if (anyMs > watch.slowMs) watch.trafficMs = Math.max(watch.trafficMs, anyMs);
  }
}

/** Its partner was heard: it is not silent. */
function isBack(watch: PortWatch, of: readonly SilentBy[], now: TimeMs): void {
  watch.heardMs = watch.slowMs = now;
  if (watch.silent === null || !of.includes(watch.silent)) return;
  // Hellos that were missed may have ended for another reason.
  if (watch.silent === 'hellos') watch.hellos = [];
  beginAnew(watch, now);
}

/** A frame of the slow protocols came in on a port, which its partner said. */
export function silenceSlowFrame(run: SilenceRun, port: LacpPort, frame: SlowFrame): void {
  const { silence, now, lacp } = run;
  followPorts(silence, lacp.ports, now);
  const watch = watchOf({ silence }, port.member);
  if (watch === undefined) return;
  switch (frame.kind) {
    case 'lacpdu':
      isBack(watch, ['markers', 'hellos'], now);
      return;
    case 'marker': {
      const { system, port: number, transaction } = readMarker(frame.body);
      if (frame.tlv !== MARKER_TLV.RESPONSE || system !== port.actor.system || number !== port.actor.port)
        return;
      const sent = watch.sent.find(({ id }) => id === transaction);
      isBack(watch, ['markers', 'hellos'], now);
      if (sent !== undefined) watch.answeredMs = Math.max(watch.answeredMs ?? sent.atMs, sent.atMs);
      return;
    }
    case 'other': {
      const read = parseHello(frame.body);
      if (!read.ok || read.value.system === port.actor.system) return;
      heardHello(watch, read.value.flags, now);
      return;
    }
    case 'illegal':
      return;
    default:
      frame satisfies never;
  }
}

function heardHello(watch: PortWatch, flags: number, now: TimeMs): void {
  const isDeaf = (flags & HELLO.DEAF) !== 0;
  const { hellos } = watch;
  isBack(watch, isDeaf ? ['markers', 'hellos'] : ['markers', 'hellos', 'told'], now);
  if ((flags & HELLO.ENDS) !== 0) {
    watch.hellos = [];
    return;
  }
  // It is answered at once, in the pace of those that hear each other.
  if (hellos.length === 0) watch.helloMs = Math.min(watch.helloMs, now);
  watch.hellos = [...hellos, now].slice(-HELLOS_KEPT);
  if (!isDeaf) return;
  watch.toldMs = now;
  if (watch.silent === null) watch.silent = 'told';
}
