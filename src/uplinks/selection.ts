// Which line carries new flows in a family: never one that did not prove itself, never a move without need, and home in its time. (uplinks)
import type { Cause, Family, TimeMs } from './contract.js';
import { isFresh, QUICK_MS, SIGNS_TO_PROVE } from './life.js';
import { isBetterByHalf, isQuality } from './quality.js';
import { type Context, type Judged, lineNamed, type LineState, selectedLine } from './state.js';
import { rankOf, viableLines } from './viable.js';

/** For how long a line that was asked whether it lives is waited for, before another one is taken. */
const CHECK_MS = 400;
/** Ranks of lines without a fault. */
const WORSE_THAN_WORKING = 2;

/** A line to select instead, and why. */
export interface Move {
  readonly to: LineState;
  readonly cause: Cause | null;
}

/** What is to be selected instead of what is; null: nothing else. */
export function chooseMove(context: Context, family: Family): Move | null {
  const { state } = context;
  const current = selectedLine(state, family);
  const viable = viableLines(state.lines, family);
  const wished = lineNamed(state, state.use?.line ?? null);
  if (wished !== undefined && viable.includes(wished)) {
    if (wished === current) return null;
    return firstAlive(context, family, [wished], 'operator');
  }
  const judged = current?.families[family];
  const rank = judged === undefined ? null : rankOf(judged);
  if (current === undefined || judged === undefined) return firstAlive(context, family, viable, null);
  if (rank === null) return firstAlive(context, family, viable, judged.cause ?? 'silent');
  if (rank >= WORSE_THAN_WORKING) return awayFromBad(context, family, judged, rank, viable);
  const home = viable.find(line => line.number < current.number && isHome(line.families[family]));
  return home === undefined ? null : firstAlive(context, family, [home], 'better');
}

/** It is as good as it can be, and may be gone back to. */
function isHome(judged: Judged): boolean {
  return rankOf(judged) === 0 && !judged.fell;
}

/** A line that is bad is left for one that is less so; for loss and latency only if that gains much. */
function awayFromBad(
  context: Context,
  family: Family,
  current: Judged,
  rank: number,
  viable: readonly LineState[],
): Move | null {
  const ofQuality = isQuality(current.cause);
  const better = viable.filter(line => {
    const judged = line.families[family];
    const other = rankOf(judged) ?? rank;
    if (judged === current || other > rank) return false;
    if (!ofQuality) return other < rank;
    return isBetterByHalf(judged, current, context.settings.timing);
  });
  return firstAlive(context, family, better, current.cause);
}

/**
 * The first of these that gave a sign lately. One that did not is asked first, and waited for: the rest comes when it has answered,
 * or is overdue.
 */
function firstAlive(
  context: Context,
  family: Family,
  lines: readonly LineState[],
  cause: Cause | null,
): Move | null {
  for (const line of lines) {
    const judged = line.families[family];
    if (isFresh(judged, context.now)) return { to: line, cause };
    if (isAwaited(context, judged)) return null;
  }
  return null;
}

/** Asks a line that gave no sign lately whether it lives; true while its answer is waited for. */
export function isAwaited(context: Context, judged: Judged): boolean {
  const { now } = context;
  const since = judged.checkedMs;
  const wasAsked = since !== null && since > (judged.lastSignMs ?? Number.NEGATIVE_INFINITY);
  if (!wasAsked) {
    judged.checkedMs = now;
    judged.quickLeft = SIGNS_TO_PROVE;
  }
  const until = (wasAsked ? since : now) + checkMs(judged);
  if (until <= now) return false;
  judged.timers.check = until;
  context.touched.add(judged);
  return true;
}

function checkMs(judged: Judged): TimeMs {
  return Math.max(CHECK_MS, SIGNS_TO_PROVE * QUICK_MS + 2 * (judged.quality.medianMs ?? 0));
}

/** While the line that is selected may be dead, the others are asked ahead, so that no time is lost. */
export function askAhead(context: Context, family: Family): void {
  const current = selectedLine(context.state, family);
  for (const line of viableLines(context.state.lines, family)) {
    const judged = line.families[family];
    if (line !== current && !isFresh(judged, context.now)) isAwaited(context, judged);
  }
}
