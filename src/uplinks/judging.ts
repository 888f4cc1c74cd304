// What is known of a line becomes events of its state table, and what follows from a new state for the line itself. (uplinks)
import { appCause, failing, isApp } from './apps.js';
import type { Cause, LineStateName, Place, TimeMs } from './contract.js';
import { forgetLife, SIGNS_TO_PROVE, silenceOf } from './life.js';
import { FAULTY, type LineEvent, nextState } from './line-states.js';
import { isQuality, judgeQuality, newQualityAfter, noteLatency } from './quality.js';
import { DEFAULT_RETURN_MS } from './settings.js';
import type { Context, Judged, LineState } from './state.js';
import { isSpared } from './asking.js';
import { isSpent } from './budget.js';
import { tellLine } from './telling.js';

/** `return_after` doubles with every relapse up to this. */
export const MOST_RETURN_MS = 1_800_000;
/** A fault within so many times `return_after` of the return is a relapse. */
const RELAPSE_FACTOR = 10;
/** More changes than this in a row cannot be. */
const MOST_STEPS = 8;

/** For how long a line has to be good before anything goes back to it. */
export function returnAfterMs({ settings }: Pick<Context, 'settings'>, judged: Judged): TimeMs {
  const after = settings.return?.afterMs ?? DEFAULT_RETURN_MS;
  return Math.max(after, Math.min(MOST_RETURN_MS, after * 2 ** judged.relapses));
}

/** Brings the state of a line in line with what is known of it. */
export function judge(context: Context, line: LineState, judged: Judged): void {
  if (judged.inRow >= SIGNS_TO_PROVE && judged.state !== 'drained') judged.proven = true;
  for (let step = 0; step < MOST_STEPS; step++) {
    const event = standingEvents(context, line, judged).find(
      each => nextState(judged.state, each, judged.fell) !== judged.state,
    );
    if (event === undefined) break;
    apply(context, line, judged, event, causeOf(judged, event));
  }
  followCause(context, line, judged);
  judged.place = placeNow(judged);
}

/** What is so now, the weightiest first. */
function standingEvents(context: Context, line: LineState, judged: Judged): LineEvent[] {
  const { device, drain } = line;
  const silentAt = silenceOf(judged, context.settings.timing, context.now).atMs;
  const isBroken = failing(judged).length > 0;
  const events: [LineEvent, boolean][] = [
    ['gone', device === null || judged.path === null],
    ['found', device !== null && judged.path !== null],
    ['drain', drain !== null],
    ['release', drain === null],
    ['carrier-lost', device?.carrier === false],
    ['carrier-back', device?.carrier === true],
    ['silent', silentAt !== null && silentAt <= context.now],
    ['budget-out', judged.proven && isSpent(line)],
    ['budget-new', !isSpent(line)],
    ['proven', judged.proven && judged.inRow >= SIGNS_TO_PROVE],
    ['app-bad', judged.proven && isBroken],
    ['app-good', !isBroken && isApp(judged.cause)],
  ];
  return events.flatMap(([event, holds]) => (holds ? [event] : []));
}

/** What a line is given up for by each event that says so by itself. */
const CAUSES: Partial<Readonly<Record<LineEvent, Cause>>> = {
  gone: 'gone',
  'carrier-lost': 'carrier',
  silent: 'silent',
  'budget-out': 'budget',
  drain: 'operator',
};

function causeOf(judged: Judged, event: LineEvent): Cause | null {
  return event === 'app-bad' ? appCause(judged) : (CAUSES[event] ?? null);
}

/** A line that is bad already may get another reason. With loss applications fail too: only what a portal says is more than that. */
function followCause(context: Context, line: LineState, judged: Judged): void {
  const cause = judged.state === 'bad' ? appCause(judged) : null;
  if (cause === null || cause === judged.cause) return;
  if (isQuality(judged.cause) && cause !== 'portal') return;
  judged.cause = cause;
  judged.place = placeNow(judged);
  tellLine(context, line, judged, judged.state);
}

/** A regular look at loss and latency, with every regular question. */
export function lookAtQuality(context: Context, line: LineState, judged: Judged): void {
  const isMeasured = judged.state === 'up' || judged.state === 'returning' || judged.state === 'bad';
  if (!isMeasured) return;
  if (isSpared(context, line, judged)) {
    noteLatency(judged);
    return;
  }
  const verdict = judgeQuality(judged, context.settings.timing, context.now);
  if (verdict === 'loss' || verdict === 'latency') apply(context, line, judged, 'quality-bad', verdict);
  else if (verdict === 'good' && isQuality(judged.cause)) apply(context, line, judged, 'quality-good', null);
}

/** The line was good for long enough. */
export function returnDue(context: Context, line: LineState, judged: Judged): void {
  apply(context, line, judged, 'return-due', null);
}

function apply(
  context: Context,
  line: LineState,
  judged: Judged,
  event: LineEvent,
  cause: Cause | null,
): void {
  const to = nextState(judged.state, event, judged.fell);
  if (to === judged.state) return;
  const from = judged.state;
  judged.cause = cause;
  judged.faultMs = faultSince(context, judged);
  enter(context, judged, from, to);
  judged.place = placeNow(judged);
  tellLine(context, line, judged, from);
}

/** When a fault that is found now began. */
function faultSince({ now, settings }: Context, judged: Judged): TimeMs | null {
  const { cause, lastSignMs, quality, apps } = judged;
  if (cause === null) return null;
  if (cause === 'silent') return now - silenceOf(judged, settings.timing, now).silentMs;
  if (cause === 'carrier' || cause === 'gone') return lastSignMs ?? now;
  if (isQuality(cause)) return quality.badSinceMs ?? now;
  const [worst] = failing(judged);
  return isApp(cause) && worst !== undefined ? (apps[worst].failingSinceMs ?? now) : now;
}

const WORKING: ReadonlySet<LineStateName> = new Set(['up', 'returning']);

function enter(context: Context, judged: Judged, from: LineStateName, to: LineStateName): void {
  const { now } = context;
  const isFault = FAULTY.has(to) || (to === 'absent' && from !== 'unproven' && from !== 'drained');
  if (isFault) {
    if (WORKING.has(from)) noteRelapse(context, judged);
    judged.fell = true;
  }
  if (to === 'returning' && (FAULTY.has(from) || from === 'unproven')) judged.recoveredMs = now;
  if (to === 'absent' || to === 'down' || to === 'drained' || to === 'unproven') {
    forgetLife(judged);
    judged.proven = false;
    judged.quality = newQualityAfter(judged.quality);
  }
  if (to === 'dead') {
    judged.proven = false;
    judged.inRow = 0;
  }
  // What was lost while it was dead is no loss of the line that is back.
  if (from === 'dead') judged.asked = judged.asked.filter(({ rttMs }) => rttMs !== null);
  if (to === 'unproven') judged.quickLeft = SIGNS_TO_PROVE;
  if (to === 'up') mayBeHome(context, judged);
  judged.timers.return = to === 'returning' ? now + returnAfterMs(context, judged) : null;
  judged.state = to;
  judged.sinceMs = now;
}

/** Where lines return by themselves, and at any time, the line may be gone back to. */
function mayBeHome({ settings }: Context, judged: Judged): void {
  if (settings.return !== null && settings.return.at === null) judged.fell = false;
}

function noteRelapse(context: Context, judged: Judged): void {
  const { recoveredMs } = judged;
  const isRelapse =
    recoveredMs !== null && context.now - recoveredMs <= RELAPSE_FACTOR * returnAfterMs(context, judged);
  judged.relapses = isRelapse ? judged.relapses + 1 : 0;
}

/** Where the fault of a line is, as far as it can be told. */
export function placeNow(judged: Judged): Place | null {
  const { state, cause, gateway, lastSignMs, path } = judged;
  if (state === 'down') return 'cable';
  if (state === 'dead') {
    if (path === null || path.gateway === null || gateway.askedMs === null) return 'unknown';
    const isHeard = gateway.answeredMs !== null && (lastSignMs === null || gateway.answeredMs > lastSignMs);
    return isHeard ? 'beyond' : 'router';
  }
  if (state !== 'bad') return null;
  if (cause === 'dns') return 'dns';
  if (cause === 'portal') return 'portal';
  return 'unknown';
}
