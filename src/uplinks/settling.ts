// What follows from an input: lines are judged, a line is selected, flows are moved, the kernel is steered, timers are set. (uplinks)
import { type Due, equalValues, type TimerSet } from '../base/index.js';
import { arm, runAsking } from './asking.js';
import { followCalendar, homeTime } from './budget.js';
import { FAMILIES, type Family } from './contract.js';
import { judge, lookAtQuality, returnDue } from './judging.js';
import { isSuspicious } from './life.js';
import { endShedding, flushAgain, moveFlows, nextFlushAt } from './moving.js';
import { askAhead, chooseMove } from './selection.js';
import {
  type Context,
  eachJudged,
  type Judged,
  LINE_TIMERS,
  type LineState,
  type LineTimer,
  selectedLine,
  UPLINK_TIMERS,
  type UplinkState,
  type UplinkTimer,
} from './state.js';
import { steeringOf } from './steering.js';
import { beginTale, nextTaleAt, tellNone, tellSome, tellTales } from './telling.js';
import { rankOf, viableLines } from './viable.js';
import { endWishes, nextWishEnd } from './wishes.js';

/** A line in a family, or nobody: a timer of the uplink itself. */
type Owner = { readonly line: LineState; readonly judged: Judged } | null;
type TimerName = LineTimer | UplinkTimer;

/** All timers. Of those that are due at the same moment the lines' run first, so that what they find is acted on at once. */
export function timersOf(state: UplinkState): TimerSet<TimerName, Owner>[] {
  const lines = eachJudged(state).map(owner => ({
    owner,
    timers: owner.judged.timers as TimerSet<TimerName, Owner>['timers'],
    order: LINE_TIMERS,
  }));
  const own = {
    owner: null,
    timers: state.timers as TimerSet<TimerName, Owner>['timers'],
    order: UPLINK_TIMERS,
  };
  return [...lines, own];
}

/** Does what a timer is for. */
export function runTimer(context: Context, { owner, name, dueMs }: Due<TimerName, Owner>): void {
  if (owner === null) runOwnTimer(context, name as UplinkTimer);
  else runLineTimer(context, owner.line, owner.judged, name as LineTimer, dueMs);
}

function runOwnTimer(context: Context, name: UplinkTimer): void {
  if (name === 'wish') endWishes(context);
  if (name === 'flush') flushAgain(context);
  if (name === 'midnight') followCalendar(context);
  if (name !== 'home') return;
  homeTime(context);
  followCalendar(context);
}

function runLineTimer(
  context: Context,
  line: LineState,
  judged: Judged,
  name: LineTimer,
  dueMs: number,
): void {
  context.touched.add(judged);
  // Everything that follows from the mere time is found by settling.
  if (name === 'silence' || name === 'tcpLeave' || name === 'check') return;
  if (name === 'shedEnd') endShedding(context, judged);
  else if (name === 'return') returnDue(context, line, judged);
  else runAsking(context, line, judged, name, dueMs);
  if (name === 'ping') lookAtQuality(context, line, judged);
}

/** After every input. */
export function settle(context: Context): void {
  const { state, touched } = context;
  for (const { line, judged } of eachJudged(state)) if (touched.has(judged)) judge(context, line, judged);
  for (const family of FAMILIES) select(context, family);
  moveFlows(context);
  steer(context);
  for (const { line, judged } of eachJudged(state)) if (touched.has(judged)) arm(context, line, judged);
  tellTales(context);
  state.timers.wish = nextWishEnd(context);
  state.timers.flush = nextFlushAt(state);
  state.timers.tell = nextTaleAt(state);
}

function select(context: Context, family: Family): void {
  const { state, now } = context;
  const choice = state.choice[family];
  const current = selectedLine(state, family);
  const isNone = choice.selected !== null && viableLines(state.lines, family).length === 0;
  const wasNoneMs = choice.noneSinceMs;
  if (isNone !== (wasNoneMs !== null)) {
    choice.noneSinceMs = isNone ? (current?.families[family].faultMs ?? now) : null;
    touchFamily(context, family);
  }
  if (isNone) {
    if (wasNoneMs === null && current !== undefined) tellNone(context, family, current);
    return;
  }
  const move = chooseMove(context, family);
  if (move !== null) {
    beginTale(context, family, current, move.to, move.cause);
    if (current !== undefined) leave(context, current, family);
    choice.selected = move.to.settings.name;
    choice.sinceMs = now;
    touchFamily(context, family);
    return;
  }
  if (wasNoneMs !== null && current !== undefined && rankOf(current.families[family]) !== null)
    tellSome(context, family, current, wasNoneMs);
  if (current !== undefined && isSuspicious(current.families[family], now)) askAhead(context, family);
}

/** A metered line that works is left: what goes by it costs. */
function leave({ settings }: Context, line: LineState, family: Family): void {
  const judged = line.families[family];
  const { state } = judged;
  const works = state === 'up' || state === 'returning';
  if (works && line.settings.metered && settings.mode === 'failover') judged.shedding = true;
}

function touchFamily({ state, touched }: Context, family: Family): void {
  for (const line of state.lines) touched.add(line.families[family]);
}

function steer(context: Context): void {
  const { state, out } = context;
  const steering = steeringOf(context);
  if (!state.isStale && equalValues(steering, state.steering)) return;
  state.steering = steering;
  state.isStale = false;
  out.steers.push({ kind: 'steer', steering });
}
