// What an uplink knows, as plain data: everything that is saved. Times are those of `handle`, null where there was none. (uplinks)
import type { Timers } from '../base/index.js';
import {
  type Cause,
  FAMILIES,
  type Family,
  type LineDevice,
  type LineNumber,
  type LinePath,
  type LineStateName,
  type Place,
  type ProbeFailure,
  type Steering,
  type TimeMs,
  type Transport,
  type UplinkEvent,
  type UplinkOutput,
} from './contract.js';
import type { LineSettings, UplinkSettings } from './settings.js';

/** A ping. */
export interface Asked {
  readonly id: number;
  /** Moved later by what we were late: it was no time to answer in. */
  atMs: TimeMs;
  readonly target: string;
  rttMs: number | null;
  /** Asked besides the regular ones: it says whether there is life, and counts in no percentage. */
  readonly extra: boolean;
}

/** What is asked of an application. */
export const APPS = ['dns', 'http', 'tcp'] as const;
export type App = (typeof APPS)[number];

export interface AppWatch {
  /** In a row. */
  fails: number;
  /** When the first of those was asked. */
  failingSinceMs: TimeMs | null;
  why: ProbeFailure | null;
  detail: string;
  /** The question that is out. */
  asked: { readonly id: number; readonly atMs: TimeMs; readonly target: string } | null;
  /** Which server is next. */
  next: number;
}

export interface QualityWatch {
  /** Since when loss and latency are below the lower thresholds. */
  goodSinceMs: TimeMs | null;
  /** Medians of the last hour, one a minute, of the time in which the line was not bad. */
  minutes: number[];
  medianMs: number | null;
  lossPercent: number | null;
  /** When the first question was asked that the verdict goes by. */
  badSinceMs: TimeMs | null;
}

/** Timers of a line in one family. */
export const LINE_TIMERS = [
  'silence',
  'tcpLeave',
  'shedEnd',
  'return',
  'ping',
  'quick',
  'burst',
  'gateway',
  'dns',
  'http',
  'tcp',
  'appTimeout',
  'minute',
  'check',
] as const;
export type LineTimer = (typeof LINE_TIMERS)[number];

/** Why and since when running flows leave a line. */
export interface Leaving {
  readonly cause: Cause;
  readonly sinceMs: TimeMs;
  /** How many rules still kept flows of TCP at the last flush; null: there was none yet. */
  kept: number | null;
}

/** A line in one family. */
export interface Judged {
  readonly family: Family;
  path: LinePath | null;
  state: LineStateName;
  sinceMs: TimeMs;
  cause: Cause | null;
  place: Place | null;
  /** When the fault began, as far as it can be told. */
  faultMs: TimeMs | null;
  /** It gave three signs in a row since it is there and has a carrier. */
  proven: boolean;
  /** It was given up, and is not yet to be gone back to. */
  fell: boolean;
  relapses: number;
  /** When it last came back from a fault. */
  recoveredMs: TimeMs | null;

  lastSignMs: TimeMs | null;
  /** That was heard by an earlier daemon, who knows how long ago. */
  isHearsay: boolean;
  inRow: number;
  asked: Asked[];
  /** Targets that never answer, while others do. */
  mute: string[];
  nextTarget: number;
  /** Questions at short distance that are still to be asked. */
  quickLeft: number;
  /** When a line that stands by was last asked whether it lives, as it may be needed. */
  checkedMs: TimeMs | null;
  trafficMs: TimeMs | null;
  /** Learned; 0: nothing was. */
  patienceMs: TimeMs;
  patienceAtMs: TimeMs;
  gateway: { askedMs: TimeMs | null; answeredMs: TimeMs | null; id: number | null };

  quality: QualityWatch;
  readonly apps: Record<App, AppWatch>;

  /** By which line flows of this one go; null: by this one itself. */
  readonly by: Record<Transport, string | null>;
  leaving: Leaving | null;
  /** Nothing is wrong with it, but flows are taken off it as it is metered and another line is back. */
  shedding: boolean;
  readonly timers: Timers<LineTimer>;
}

/** What a line has used up. Days are numbers of local days since 1970. */
export interface Usage {
  received: number | null;
  sent: number | null;
  today: number;
  day: number | null;
  used: number;
  /** First day of the period that `used` is of; null: not known, or the period has no end. */
  periodDay: number | null;
  warned: boolean;
}

export interface LineState {
  number: LineNumber;
  settings: LineSettings;
  device: LineDevice | null;
  /** The operator took it out of use; until when, null: until released. */
  drain: { readonly untilMs: TimeMs | null } | null;
  usage: Usage;
  readonly families: Record<Family, Judged>;
}

/** A flush that is done again: entries may have been on their way into the table. */
export interface FlushAgain {
  readonly line: string;
  readonly family: Family;
  transport: Transport | 'all';
  readonly keep: readonly number[];
  readonly firstMs: TimeMs;
  /** Repetitions that were done. */
  done: number;
}

/** A change of line that is told of once it is in the kernel and what became of the flows is known. */
export interface Tale {
  readonly family: Family;
  readonly from: string | null;
  readonly to: string;
  readonly cause: Cause | null;
  readonly place: Place | null;
  readonly kind: UplinkEvent['kind'];
  readonly why: string;
  readonly atMs: TimeMs;
  readonly faultMs: TimeMs | null;
  steeredMs: TimeMs | null;
  /** Flushes whose results are awaited. */
  others: number[];
  tcp: number[];
  moved: number | null;
  ended: number | null;
}

/** How the families of the uplink go. */
export interface Choice {
  selected: string | null;
  sinceMs: TimeMs;
  /** Since when no line is viable, after one was. */
  noneSinceMs: TimeMs | null;
  /** What was last steered by, in order. */
  order: readonly string[];
}

export const UPLINK_TIMERS = ['wish', 'flush', 'tell', 'midnight', 'home'] as const;
export type UplinkTimer = (typeof UPLINK_TIMERS)[number];

export interface UplinkState {
  settings: UplinkSettings | null;
  lines: LineState[];
  readonly choice: Record<Family, Choice>;
  use: { readonly line: string; readonly untilMs: TimeMs | null } | null;
  nextProbe: number;
  nextFlush: number;
  flushes: FlushAgain[];
  tales: Tale[];
  /** Wall-clock time at a moment of ours. */
  calendar: { readonly atMs: TimeMs; readonly wallMs: number; readonly offsetMs: number } | null;
  /** What was last put out. */
  steering: Steering;
  /** Settings, a device or a path changed: what stands in the kernel is to be made anew, also where the steering is the same. */
  isStale: boolean;
  readonly timers: Timers<UplinkTimer>;
}

/** The state, the moment, and what is put out: steering first, then flushes, probes and events. */
export interface Context {
  readonly state: UplinkState;
  readonly settings: UplinkSettings;
  readonly now: TimeMs;
  readonly out: Outbox;
  /** Lines of which something changed or is due: they are judged before the outputs are given. */
  readonly touched: Set<Judged>;
}

export interface Outbox {
  readonly steers: UplinkOutput[];
  readonly flushes: Extract<UplinkOutput, { kind: 'flush' }>[];
  readonly probes: UplinkOutput[];
  readonly events: UplinkOutput[];
}

export function emptyOutbox(): Outbox {
  return { steers: [], flushes: [], probes: [], events: [] };
}

function allNull<Name extends string>(names: readonly Name[]): Timers<Name> {
  return Object.fromEntries(names.map(name => [name, null])) as Timers<Name>;
}

export function newAppWatch(): AppWatch {
  return { fails: 0, failingSinceMs: null, why: null, detail: '', asked: null, next: 0 };
}

export function newQuality(): QualityWatch {
  return { goodSinceMs: null, minutes: [], medianMs: null, lossPercent: null, badSinceMs: null };
}

export function newJudged(family: Family, now: TimeMs): Judged {
  return {
    family,
    path: null,
    state: 'absent',
    sinceMs: now,
    cause: null,
    place: null,
    faultMs: null,
    proven: false,
    fell: false,
    relapses: 0,
    recoveredMs: null,
    lastSignMs: null,
    isHearsay: false,
    inRow: 0,
    asked: [],
    mute: [],
    nextTarget: 0,
    quickLeft: 0,
    checkedMs: null,
    trafficMs: null,
    patienceMs: 0,
    patienceAtMs: now,
    gateway: { askedMs: null, answeredMs: null, id: null },
    quality: newQuality(),
    apps: { dns: newAppWatch(), http: newAppWatch(), tcp: newAppWatch() },
    by: { tcp: null, others: null },
    leaving: null,
    shedding: false,
    timers: allNull(LINE_TIMERS),
  };
}

export function newUsage(): Usage {
  return { received: null, sent: null, today: 0, day: null, used: 0, periodDay: null, warned: false };
}

export function newLine(number: LineNumber, settings: LineSettings, now: TimeMs): LineState {
  return {
    number,
    settings,
    device: null,
    drain: null,
    usage: newUsage(),
    families: { ipv4: newJudged('ipv4', now), ipv6: newJudged('ipv6', now) },
  };
}

export function newChoice(now: TimeMs): Choice {
  return { selected: null, sinceMs: now, noneSinceMs: null, order: [] };
}

export const NO_STEERING: Steering = {
  selected: { ipv4: [], ipv6: [] },
  flows: [],
  policies: [],
  shares: { ipv4: [], ipv6: [] },
};

export function newState(): UplinkState {
  return {
    settings: null,
    lines: [],
    choice: { ipv4: newChoice(0), ipv6: newChoice(0) },
    use: null,
    nextProbe: 1,
    nextFlush: 1,
    flushes: [],
    tales: [],
    calendar: null,
    steering: NO_STEERING,
    isStale: false,
    timers: allNull(UPLINK_TIMERS),
  };
}

/** Every line in both families. */
export function eachJudged(state: UplinkState): { line: LineState; judged: Judged }[] {
  return state.lines.flatMap(line => FAMILIES.map(family => ({ line, judged: line.families[family] })));
}

export function lineNamed(state: UplinkState, name: string | null): LineState | undefined {
  return name === null ? undefined : state.lines.find(line => line.settings.name === name);
}

/** The line that is selected in a family. */
export function selectedLine(state: UplinkState, family: Family): LineState | undefined {
  return lineNamed(state, state.choice[family].selected);
}
