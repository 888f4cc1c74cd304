// Is there life on a line: questions, signs, silence, and the patience that is learned of silences which ended by themselves. (uplinks)
import type { TimeMs } from './contract.js';
import type { UplinkTiming } from './settings.js';
import type { Asked, Judged } from './state.js';

/** After this a line is asked at short distance, if the time that answers usually take has passed twice. */
export const SUSPICIOUS_MS = 250;
export const BURST_MS = 40;
export const QUICK_MS = 50;
/** A line that is silent for longer is not asked at short distance any more: it costs, and gains nothing. */
const LONGEST_BURST_MS = 5000;
/** Silence is never declared on fewer questions. */
export const FEWEST_UNANSWERED = 4;
/** A question that is younger than this (and than the usual answer) may still be answered. */
const FRESH_MS = 50;
/** The longest patience; a longer silence teaches nothing, as no patience would have bridged it. */
export const MOST_PATIENCE_MS = 3000;
const PATIENCE_FACTOR = 1.5;
const DAY_MS = 86_400_000;
/** Signs that a line has to give one after the other. */
export const SIGNS_TO_PROVE = 3;
/** Questions that are remembered; at the fastest pace more than ten seconds. */
const MOST_ASKED = 400;
/** A target that gave no answer to so many questions while others answered is one that never does. */
const MUTE_AFTER = 5;

/**
 * Finds targets that do not answer at all while others do (they drop pings): nothing follows from their silence. Looked for with every
 * regular question.
 */
export function findMute(judged: Judged): void {
  const seen = new Map<string, number>();
  for (const { target, rttMs } of judged.asked) {
    const count = seen.get(target) ?? 0;
    seen.set(target, rttMs === null ? count + 1 : Number.NEGATIVE_INFINITY);
  }
  const silent = Array.from(seen).flatMap(([target, count]) => (count >= MUTE_AFTER ? [target] : []));
  const othersAnswer = Array.from(seen.values()).includes(Number.NEGATIVE_INFINITY);
  judged.mute = othersAnswer ? silent : [];
}

/** The patience that is left of what was learned: it halves every day. */
export function learnedPatience(judged: Judged, now: TimeMs): TimeMs {
  return judged.patienceMs / 2 ** Math.max(0, Math.floor((now - judged.patienceAtMs) / DAY_MS));
}

/** For how long a line may be silent. */
export function silenceLimit(judged: Judged, timing: UplinkTiming, now: TimeMs): TimeMs {
  return Math.max(timing.silenceMs, Math.min(MOST_PATIENCE_MS, learnedPatience(judged, now)));
}

/** Questions since the last sign, which were not answered, of targets that do answer. */
export function unanswered(judged: Judged): readonly Asked[] {
  const { asked, mute, lastSignMs } = judged;
  const since = lastSignMs ?? Number.NEGATIVE_INFINITY;
  let from = asked.length;
  while (from > 0 && (asked[from - 1]?.atMs ?? since) > since) from--;
  return asked.slice(from).filter(({ rttMs, target }) => rttMs === null && !mute.includes(target));
}

export interface Silence {
  /** Where nothing else happens, the moment at which the line is silent for too long; null: it cannot be said yet. */
  readonly atMs: TimeMs | null;
  readonly silentMs: TimeMs;
  readonly questions: number;
}

/** How the silence of a line stands. A line that never gave a sign cannot fall silent. */
export function silenceOf(
  judged: Judged,
  timing: UplinkTiming,
  now: TimeMs,
  open: readonly Asked[] = unanswered(judged),
): Silence {
  const none: Silence = { atMs: null, silentMs: 0, questions: 0 };
  const { lastSignMs, trafficMs } = judged;
  const first = open[0];
  if (lastSignMs === null || first === undefined) return none;
  // A line that is asked seldom was not silent before it was asked.
  const fromMs = Math.max(lastSignMs, first.atMs - timing.intervalMs);
  const limit = silenceLimit(judged, timing, now);
  const found = { silentMs: now - fromMs, questions: open.length };
  const last = open[FEWEST_UNANSWERED - 1];
  if (last === undefined) return { ...found, atMs: null };
  const byTraffic =
    trafficMs === null
      ? 0
      : Math.min(trafficMs + limit, fromMs + Math.max(limit, timing.silenceWithTrafficMs));
  return { ...found, atMs: Math.max(fromMs + limit, last.atMs + answerTime(judged), byTraffic) };
}

function answerTime(judged: Judged): TimeMs {
  return Math.max(FRESH_MS, judged.quality.medianMs ?? 0);
}

/** When questions begin to be asked at short distance, while the line stays silent; null: there is nothing to wonder at. */
export function suspiciousAt(judged: Judged, open: readonly Asked[] = unanswered(judged)): TimeMs | null {
  const [first] = open;
  if (first === undefined || judged.lastSignMs === null) return null;
  return first.atMs + Math.max(SUSPICIOUS_MS, 2 * (judged.quality.medianMs ?? 0));
}

/** True while a line that lived is silent for longer than answers take, and not yet for so long that haste is of no use. */
export function isSuspicious(judged: Judged, now: TimeMs, at: TimeMs | null = suspiciousAt(judged)): boolean {
  return at !== null && now >= at && now - at <= LONGEST_BURST_MS;
}

/** After this a line that stands by is asked before anything is moved to it. */
const STALE_MS = 2000;

/** Whether a line may be moved to without asking first: it answered lately, and nothing is overdue. Both lines may have died at once. */
export function isFresh(judged: Judged, now: TimeMs): boolean {
  const { lastSignMs, isHearsay } = judged;
  return !isHearsay && lastSignMs !== null && now - lastSignMs <= STALE_MS && !isSuspicious(judged, now);
}

/** A question went out. */
export function noteAsked(judged: Judged, asked: Asked): void {
  judged.asked.push(asked);
  if (judged.asked.length > MOST_ASKED) judged.asked.splice(0, judged.asked.length - MOST_ASKED);
}

/** Forgets questions that nothing goes by any more; `olderThanMs` is an age. */
export function forgetAsked(judged: Judged, olderThanMs: TimeMs, now: TimeMs): void {
  const keepFrom = Math.min(now - olderThanMs, judged.lastSignMs ?? now);
  const at = judged.asked.findIndex(asked => asked.atMs >= keepFrom);
  if (at > 0) judged.asked.splice(0, at);
}

/** An answer came: gives true when with it the line has proven that it lives. Late answers are signs too. */
export function noteSign(
  judged: Judged,
  asked: Asked,
  rttMs: number,
  timing: UplinkTiming,
  now: TimeMs,
): boolean {
  const last = judged.lastSignMs;
  if (last !== null) learn(judged, timing, now);
  asked.rttMs = rttMs;
  const gap = last === null ? Number.POSITIVE_INFINITY : now - last;
  const most = Math.max(silenceLimit(judged, timing, now), 2 * rttMs);
  judged.inRow = gap <= most ? judged.inRow + 1 : 1;
  judged.lastSignMs = now;
  judged.isHearsay = false;
  return judged.inRow >= SIGNS_TO_PROVE;
}

/** What a silence that ends now teaches. */
function learn(judged: Judged, timing: UplinkTiming, now: TimeMs): void {
  const { silentMs } = silenceOf(judged, timing, now);
  if (silentMs <= SUSPICIOUS_MS || silentMs > MOST_PATIENCE_MS) return;
  const wanted = Math.min(MOST_PATIENCE_MS, PATIENCE_FACTOR * silentMs);
  if (wanted < Math.max(timing.silenceMs, learnedPatience(judged, now))) return;
  judged.patienceMs = wanted;
  judged.patienceAtMs = now;
}

/** An earlier daemon asked and heard; this one has to ask for itself before it moves anything. */
export function resume(judged: Judged): void {
  judged.isHearsay = judged.lastSignMs !== null;
  judged.checkedMs = null;
  judged.asked = judged.asked.filter(({ rttMs }) => rttMs !== null);
  judged.gateway.id = null;
  for (const app of Object.values(judged.apps)) app.asked = null;
}

/** We did not run for so long: nobody could have answered in that time, as far as we can tell. */
export function forgive(judged: Judged, byMs: TimeMs, now: TimeMs): void {
  const later = (at: TimeMs): TimeMs => Math.min(now, at + byMs);
  if (judged.lastSignMs !== null) judged.lastSignMs = later(judged.lastSignMs);
  if (judged.trafficMs !== null) judged.trafficMs = later(judged.trafficMs);
  judged.asked = judged.asked.map(asked =>
    asked.rttMs === null ? { ...asked, atMs: later(asked.atMs) } : asked,
  );
  if (judged.gateway.askedMs !== null) judged.gateway.askedMs = later(judged.gateway.askedMs);
  for (const app of Object.values(judged.apps))
    if (app.asked !== null) app.asked = { ...app.asked, atMs: later(app.asked.atMs) };
}

/** The line begins anew: it was away, or had no carrier. */
export function forgetLife(judged: Judged): void {
  judged.lastSignMs = null;
  judged.isHearsay = false;
  judged.inRow = 0;
  judged.asked = [];
  judged.mute = [];
  judged.trafficMs = null;
  judged.checkedMs = null;
  judged.quickLeft = 0;
  judged.gateway = { askedMs: null, answeredMs: null, id: null };
}
