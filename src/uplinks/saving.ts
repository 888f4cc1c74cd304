// An uplink on paper: plain JSON, every time relative to the moment of saving, so that a restored one goes on as if nothing had been
// between. Fields that are not there, or are of another kind, are those of a new uplink. (uplinks)
import { FAMILIES, type TimeMs } from './contract.js';
import {
  type AppWatch,
  APPS,
  type Judged,
  type LineState,
  newLine,
  newState,
  type UplinkState,
} from './state.js';

/** Whoever changes what a field means counts up; other fields may come and go. */
const VERSION = 1;

export interface SavedUplink {
  readonly version: number;
  readonly state: UplinkState;
}

export function saveState(state: UplinkState, now: TimeMs): SavedUplink {
  const copy = JSON.parse(JSON.stringify(state)) as UplinkState;
  shift(copy, -now);
  return { version: VERSION, state: copy };
}

/** What was saved, or a new uplink where nothing of it can be read. */
export function restoreState(saved: unknown, now: TimeMs): UplinkState {
  const read = isRecord(saved) && saved['version'] === VERSION ? saved['state'] : undefined;
  const state = merged(newState(), read) as UplinkState;
  state.lines = state.lines.flatMap((line, at) => restoredLine(line, at));
  shift(state, now);
  return state;
}

function restoredLine(line: unknown, at: number): LineState[] {
  if (!isRecord(line) || !isRecord(line['settings']) || typeof line['settings']['name'] !== 'string')
    return [];
  const settings = line['settings'] as unknown as LineState['settings'];
  return [merged(newLine(at + 1, settings, 0), line) as LineState];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * `read` over `pattern`: fields that the pattern has and that are of the same kind; where the pattern has null, whatever was read. Fields
 * that nobody knows are left out.
 */
function merged(pattern: unknown, read: unknown): unknown {
  if (read === undefined) return pattern;
  if (pattern === null) return read;
  if (Array.isArray(pattern)) return Array.isArray(read) ? read : pattern;
  if (isRecord(pattern)) {
    if (!isRecord(read)) return pattern;
    return Object.fromEntries(Object.entries(pattern).map(([key, value]) => [key, merged(value, read[key])]));
  }
  return typeof read === typeof pattern ? read : pattern;
}

type Shift = (at: TimeMs) => TimeMs;

/** Moves every time that is held. */
function shift(state: UplinkState, by: TimeMs): void {
  const move: Shift = at => at + by;
  shiftTimers(state.timers, move);
  for (const family of FAMILIES) {
    const choice = state.choice[family];
    choice.sinceMs = move(choice.sinceMs);
    choice.noneSinceMs = moved(choice.noneSinceMs, move);
  }
  if (state.use !== null) state.use = { ...state.use, untilMs: moved(state.use.untilMs, move) };
  if (state.calendar !== null) state.calendar = { ...state.calendar, atMs: move(state.calendar.atMs) };
  state.flushes = state.flushes.map(each => ({ ...each, firstMs: move(each.firstMs) }));
  state.tales = state.tales.map(tale => ({
    ...tale,
    atMs: move(tale.atMs),
    faultMs: moved(tale.faultMs, move),
    steeredMs: moved(tale.steeredMs, move),
  }));
  for (const line of state.lines) {
    if (line.drain !== null) line.drain = { untilMs: moved(line.drain.untilMs, move) };
    for (const family of FAMILIES) shiftJudged(line.families[family], move);
  }
}

function shiftTimers(timers: Record<string, TimeMs | null>, move: Shift): void {
  for (const [name, at] of Object.entries(timers)) timers[name] = moved(at, move);
}

function moved(at: TimeMs | null, move: Shift): TimeMs | null {
  return at === null ? null : move(at);
}

const MOMENTS = ['faultMs', 'recoveredMs', 'lastSignMs', 'checkedMs', 'trafficMs'] as const;

function shiftJudged(judged: Judged, move: Shift): void {
  judged.sinceMs = move(judged.sinceMs);
  judged.patienceAtMs = move(judged.patienceAtMs);
  for (const name of MOMENTS) judged[name] = moved(judged[name], move);
  judged.asked = judged.asked.map(asked => ({ ...asked, atMs: move(asked.atMs) }));
  judged.gateway = {
    ...judged.gateway,
    askedMs: moved(judged.gateway.askedMs, move),
    answeredMs: moved(judged.gateway.answeredMs, move),
  };
  judged.quality.goodSinceMs = moved(judged.quality.goodSinceMs, move);
  judged.quality.badSinceMs = moved(judged.quality.badSinceMs, move);
  for (const app of APPS) shiftApp(judged.apps[app], move);
  if (judged.leaving !== null) judged.leaving = { ...judged.leaving, sinceMs: move(judged.leaving.sinceMs) };
  shiftTimers(judged.timers, move);
}

function shiftApp(watch: AppWatch, move: Shift): void {
  watch.failingSinceMs = moved(watch.failingSinceMs, move);
  if (watch.asked !== null) watch.asked = { ...watch.asked, atMs: move(watch.asked.atMs) };
}
