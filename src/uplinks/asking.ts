// When a line is asked what: the timers of its questions, and the questions. (uplinks)
import { nextTick, unreachable } from '../base/index.js';
import { APPS, type App, type Context, type Judged, type LineState } from './state.js';
import {
  appIntervalMs,
  appTargets,
  appTimeoutAt,
  givenUpAt,
  METERED_APP_MS,
  nextAppMs,
  noteAppFailed,
} from './apps.js';
import type { Probe, ProbeKind, TimeMs } from './contract.js';
import {
  BURST_MS,
  findMute,
  forgetAsked,
  isSuspicious,
  noteAsked,
  QUICK_MS,
  silenceOf,
  suspiciousAt,
  unanswered,
} from './life.js';
import { memoryMs, noteMinute } from './quality.js';
import { isInUse } from './viable.js';

const PING_TIMEOUT_MS = 2000;
const GATEWAY_TIMEOUT_MS = 200;
/** While a line is suspicious, and while it is dead. */
const GATEWAY_AGAIN_MS = 200;
const GATEWAY_SELDOM_MS = 10_000;
const MINUTE_MS = 60_000;
/** A metered line that is there anew is asked at this pace for a minute. */
const PROVING_MS = 1000;
/** A target that never answers is still asked each so many questions: it may begin to. */
const MUTE_EVERY = 10;

const ASKED_STATES: ReadonlySet<Judged['state']> = new Set([
  'unproven',
  'up',
  'dead',
  'bad',
  'returning',
  'spent',
]);

function isAsked(judged: Judged): boolean {
  return ASKED_STATES.has(judged.state);
}

/** It costs, and nothing goes by it: it is asked seldom, as long as another line is there. */
export function isSpared(context: Context, line: LineState, judged: Judged): boolean {
  const isCostly = line.settings.metered || judged.state === 'spent';
  const choice = context.state.choice[judged.family];
  const isNeeded = choice.noneSinceMs !== null || choice.selected === null;
  // Connections that get time to end still go by it: they are not to be left on a line that died meanwhile.
  const isDraining = judged.timers.tcpLeave !== null;
  return isCostly && !isNeeded && !isDraining && !isInUse(context, line, judged);
}

/** Time between two regular pings. */
function pingIntervalMs(context: Context, line: LineState, judged: Judged): TimeMs {
  const { timing } = context.settings;
  if (!isSpared(context, line, judged)) return timing.intervalMs;
  const isNew = judged.state === 'unproven' && context.now - judged.sinceMs < MINUTE_MS;
  return Math.max(
    timing.intervalMs,
    isNew ? Math.min(PROVING_MS, timing.meteredIntervalMs) : timing.meteredIntervalMs,
  );
}

function appIntervalOf(context: Context, line: LineState, judged: Judged, app: App): TimeMs {
  const interval = appIntervalMs(app, context.settings.timing);
  return isSpared(context, line, judged) ? Math.max(interval, METERED_APP_MS) : interval;
}

/** Sets every timer of a line's questions and of its silence, by what is known of it now. */
export function arm(context: Context, line: LineState, judged: Judged): void {
  const { timers } = judged;
  const { now, settings } = context;
  if (!isAsked(judged)) {
    for (const name of ['silence', 'ping', 'quick', 'burst', 'gateway', 'minute', 'check', ...APPS] as const)
      timers[name] = null;
    timers.appTimeout = appTimeoutAt(judged, settings.timing);
    return;
  }
  const latest = now + pingIntervalMs(context, line, judged);
  if (timers.ping === null || timers.ping > latest)
    timers.ping = judged.asked.length === 0 ? now + 1 : latest;
  if (judged.quickLeft === 0) timers.quick = null;
  else timers.quick ??= now + 1;
  timers.minute ??= now + MINUTE_MS;
  armSuspicion(context, judged);
  for (const app of APPS) armApp(context, line, judged, app);
  timers.appTimeout = appTimeoutAt(judged, settings.timing);
}

function armSuspicion(context: Context, judged: Judged): void {
  const { timers } = judged;
  const { now, settings } = context;
  const open = unanswered(judged);
  const at = suspiciousAt(judged, open);
  const isNow = isSuspicious(judged, now, at);
  const isAhead = at !== null && at > now;
  if (isNow) timers.burst ??= now + 1;
  else timers.burst = isAhead ? at : null;
  if (isNow)
    timers.gateway = timers.gateway === null ? now + 1 : Math.min(timers.gateway, now + GATEWAY_AGAIN_MS);
  else if (judged.state === 'dead' || judged.state === 'unproven') timers.gateway ??= now + GATEWAY_SELDOM_MS;
  else timers.gateway = isAhead ? at : null;
  const silentAt = silenceOf(judged, settings.timing, now, open).atMs;
  timers.silence = judged.state !== 'dead' && silentAt !== null && silentAt > now ? silentAt : null;
}

function armApp(context: Context, line: LineState, judged: Judged, app: App): void {
  const { timers } = judged;
  const isAskable = judged.state !== 'dead' && appTargets(line.settings, judged.family, app).length > 0;
  if (!isAskable || judged.apps[app].asked !== null) {
    timers[app] = null;
    return;
  }
  const latest = context.now + appIntervalOf(context, line, judged, app);
  if (timers[app] === null || timers[app] > latest) timers[app] = context.now + 1;
}

/** What a timer of questions is for. */
export function runAsking(
  context: Context,
  line: LineState,
  judged: Judged,
  name: 'ping' | 'quick' | 'burst' | 'gateway' | 'minute' | 'appTimeout' | App,
  dueMs: TimeMs,
): void {
  const { timers } = judged;
  const { now, settings } = context;
  switch (name) {
    case 'ping':
      timers.ping = nextTick(dueMs, pingIntervalMs(context, line, judged), now);
      ping(context, line, judged, false);
      forgetAsked(judged, memoryMs(judged, settings.timing), now);
      findMute(judged);
      break;
    case 'quick':
      judged.quickLeft--;
      timers.quick = judged.quickLeft > 0 ? now + QUICK_MS : null;
      ping(context, line, judged, true);
      break;
    case 'burst':
      if (!isSuspicious(judged, now)) break;
      timers.burst = now + BURST_MS;
      ping(context, line, judged, true);
      break;
    case 'gateway':
      timers.gateway = now + (isSuspicious(judged, now) ? GATEWAY_AGAIN_MS : GATEWAY_SELDOM_MS);
      askGateway(context, line, judged);
      break;
    case 'minute':
      timers.minute = nextTick(dueMs, MINUTE_MS, now);
      noteMinute(judged);
      break;
    case 'appTimeout':
      giveUpApps(context, line, judged);
      break;
    case 'dns':
    case 'http':
    case 'tcp':
      askApp(context, line, judged, name);
      break;
    default:
      unreachable(name);
  }
}

function put(
  { state, out }: Context,
  line: LineState,
  judged: Judged,
  kind: ProbeKind,
  target: string,
  timeoutMs: TimeMs,
): number {
  const id = state.nextProbe++;
  const probe: Probe = { id, line: line.number, family: judged.family, kind, target, timeoutMs };
  out.probes.push({ kind: 'probe', probe });
  return id;
}

function ping(context: Context, line: LineState, judged: Judged, extra: boolean): void {
  const target = nextTarget(line, judged);
  if (target === undefined) return;
  const id = put(context, line, judged, 'ping', target, PING_TIMEOUT_MS);
  noteAsked(judged, { id, atMs: context.now, target, rttMs: null, extra });
}

/** Targets take turns; one that never answers is passed over, most of the time. */
function nextTarget(line: LineState, judged: Judged): string | undefined {
  const targets = line.settings.targets[judged.family];
  const turn = judged.nextTarget++;
  if (turn % MUTE_EVERY === 0) return targets[(turn / MUTE_EVERY) % targets.length];
  const speaking = targets.filter(target => !judged.mute.includes(target));
  const of = speaking.length === 0 ? targets : speaking;
  return of[turn % of.length];
}

function askGateway(context: Context, line: LineState, judged: Judged): void {
  const gateway = judged.path?.gateway ?? null;
  if (gateway === null) return;
  judged.gateway.id = put(context, line, judged, 'gateway', gateway, GATEWAY_TIMEOUT_MS);
  judged.gateway.askedMs = context.now;
}

function askApp(context: Context, line: LineState, judged: Judged, app: App): void {
  const watch = judged.apps[app];
  const targets = appTargets(line.settings, judged.family, app);
  const target = targets[watch.next % Math.max(1, targets.length)];
  if (target === undefined) return;
  watch.next = (watch.next + 1) % targets.length;
  const id = put(context, line, judged, app, target, context.settings.timing.appTimeoutMs);
  watch.asked = { id, atMs: context.now, target };
}

/** When the next question of an application is due, after one was answered or failed. */
export function appSettled(
  context: Context,
  line: LineState,
  judged: Judged,
  app: App,
  askedMs: TimeMs,
): void {
  const interval = appIntervalOf(context, line, judged, app);
  judged.timers[app] = nextAppMs(judged.apps[app], interval, askedMs, context.now);
}

/** Whoever asked told nothing: a failure too. */
function giveUpApps(context: Context, line: LineState, judged: Judged): void {
  for (const app of APPS) {
    const watch = judged.apps[app];
    const { asked } = watch;
    if (asked === null || givenUpAt(watch, context.settings.timing) > context.now) continue;
    noteAppFailed(watch, 'timeout', '');
    appSettled(context, line, judged, app, asked.atMs);
  }
}
