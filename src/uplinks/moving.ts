// What becomes of running flows when their line is given up or left: who moves, who stays, whose entries are flushed, and when. (uplinks)
import type { Cause, Family, TimeMs, Transport, UplinkOutput } from './contract.js';
import { isFresh } from './life.js';
import { isBetterByHalf, isQuality } from './quality.js';
import {
  type Context,
  eachJudged,
  type FlushAgain,
  type Judged,
  lineNamed,
  type LineState,
  selectedLine,
} from './state.js';
import { rankOf } from './viable.js';

/** Flows of TCP get so long to come to their end where their line still works. */
export const DRAIN_MS = 60_000;
/** With loss a connection may still get through. */
export const LOSSY_TCP_MS = 10_000;
/** After the first flush; entries that were between routing and confirmation then are in the table. */
export const FLUSH_AGAIN_MS: readonly TimeMs[] = [100, 400, 700];
/** When the last of those has been, a line that was only left is itself again. */
const SHED_END_MS = 1000;

interface FlowPlan {
  /** Flows without connections go at once. */
  readonly others: boolean;
  /** After how long connections are ended; null: they stay. */
  readonly tcpMs: TimeMs | null;
  /** Rules may keep connections for longer. */
  readonly keeps: boolean;
}

const DEAD: FlowPlan = { others: true, tcpMs: 0, keeps: true };
const LEFT: FlowPlan = { others: true, tcpMs: DRAIN_MS, keeps: false };

/** Who leaves a line, by what it is left for. `better`: of a metered line only, others stay as they are. */
export const FLOW_PLANS: Readonly<Record<Cause, FlowPlan>> = {
  carrier: DEAD,
  silent: DEAD,
  gone: DEAD,
  portal: DEAD,
  http: DEAD,
  tcp: DEAD,
  loss: { others: true, tcpMs: LOSSY_TCP_MS, keeps: false },
  latency: { others: true, tcpMs: null, keeps: false },
  // Flows that run need no name any more.
  dns: { others: false, tcpMs: null, keeps: false },
  budget: LEFT,
  operator: LEFT,
  better: LEFT,
};

/** Brings the flows of all lines to where they belong now. */
export function moveFlows(context: Context): void {
  for (const { line, judged } of eachJudged(context.state)) moveFlowsOf(context, line, judged);
}

function moveFlowsOf(context: Context, line: LineState, judged: Judged): void {
  const isSelected = context.state.choice[judged.family].selected === line.settings.name;
  if (isSelected) judged.shedding = false;
  const cause = isSelected ? null : leavingCause(judged);
  if (cause === null) {
    comeHome(context, line, judged);
    return;
  }
  const target = targetOf(context, line, judged, cause);
  if (target === undefined) return;
  if (judged.leaving?.cause !== cause) judged.leaving = { cause, sinceMs: context.now, kept: null };
  const plan = FLOW_PLANS[cause];
  if (plan.others) takeAway(context, line, judged, 'others', target);
  moveTcp(context, line, judged, target, plan);
}

/** Why flows are to leave a line that is not selected; null: they may stay. */
function leavingCause({ state, cause, shedding, leaving }: Judged): Cause | null {
  if (state === 'up' || state === 'returning') return shedding ? 'better' : null;
  // It is there again, and may be as dead as before.
  return state === 'unproven' ? (leaving?.cause ?? null) : cause;
}

/** Where they may go: only to a line that lives, and for loss and latency only if they gain by it. */
function targetOf(context: Context, line: LineState, judged: Judged, cause: Cause): LineState | undefined {
  const target = selectedLine(context.state, judged.family);
  if (target === undefined || target === line) return undefined;
  const other = target.families[judged.family];
  if (rankOf(other) === null) return undefined;
  const isNew = judged.leaving === null;
  // It may be dying too, or nobody asked it since a new daemon began: flows wait until it is heard.
  if (other.isHearsay || (isNew && !isFresh(other, context.now))) return undefined;
  if (isNew && isQuality(cause) && !isBetterByHalf(other, judged, context.settings.timing)) return undefined;
  return target;
}

function comeHome({ state }: Context, line: LineState, judged: Judged): void {
  if (judged.leaving === null && judged.by.tcp === null && judged.by.others === null) return;
  judged.leaving = null;
  judged.by.tcp = null;
  judged.by.others = null;
  judged.timers.tcpLeave = null;
  judged.timers.shedEnd = null;
  state.flushes = state.flushes.filter(flush => !isOf(flush, line, judged.family));
}

function isOf(flush: FlushAgain, line: LineState, family: Family): boolean {
  return flush.line === line.settings.name && flush.family === family;
}

function takeAway(
  context: Context,
  line: LineState,
  judged: Judged,
  transport: Transport,
  target: LineState,
): void {
  if (judged.by[transport] === target.settings.name) return;
  judged.by[transport] = target.settings.name;
  flush(context, line, judged, transport, []);
}

function moveTcp(context: Context, line: LineState, judged: Judged, target: LineState, plan: FlowPlan): void {
  const { timers, leaving } = judged;
  timers.tcpLeave = null;
  if (leaving === null || plan.tcpMs === null) return;
  const dueMs = leaving.sinceMs + plan.tcpMs;
  if (context.now < dueMs) {
    timers.tcpLeave = dueMs;
    return;
  }
  const kept = plan.keeps ? keptRules(context, context.now - dueMs) : [];
  if (kept.length === 0) {
    takeAway(context, line, judged, 'tcp', target);
    if (judged.shedding) timers.shedEnd ??= context.now + SHED_END_MS;
    return;
  }
  // Those that are kept stay on the line, so its table stays; the others are flushed off it.
  timers.tcpLeave = dueMs + Math.min(...kept.map(({ keepMs }) => keepMs));
  if (leaving.kept === kept.length) return;
  leaving.kept = kept.length;
  flush(
    context,
    line,
    judged,
    'tcp',
    kept.map(({ rule }) => rule),
  );
}

/** Rules whose connections are still kept, so long after their line was given up. */
function keptRules({ settings }: Context, afterMs: TimeMs): { rule: number; keepMs: TimeMs }[] {
  return settings.rules.flatMap(({ keepTcpMs }, rule) =>
    keepTcpMs !== undefined && keepTcpMs > afterMs ? [{ rule, keepMs: keepTcpMs }] : [],
  );
}

/** The line was only left, and nothing of it is in the table any more. */
export function endShedding(context: Context, judged: Judged): void {
  judged.shedding = false;
  context.touched.add(judged);
}

/** Ends flows now, and what appears of them later. */
export function flush(
  context: Context,
  line: LineState,
  judged: Judged,
  transport: Transport | 'all',
  keep: readonly number[],
): void {
  const { state, now } = context;
  const id = putFlush(context, line, judged.family, transport, keep);
  const tale = state.tales.find(
    ({ from, family, atMs }) => from === line.settings.name && family === judged.family && atMs === now,
  );
  if (tale !== undefined) (transport === 'others' ? tale.others : tale.tcp).push(id);
  const twin = state.flushes.find(
    each => isOf(each, line, judged.family) && each.firstMs === now && each.keep.length === 0,
  );
  if (twin !== undefined && keep.length === 0) twin.transport = 'all';
  else state.flushes.push(newFlushAgain(line, judged.family, transport, keep, now));
}

function newFlushAgain(
  line: LineState,
  family: Family,
  transport: Transport | 'all',
  keep: readonly number[],
  now: TimeMs,
): FlushAgain {
  return { line: line.settings.name, family, transport, keep, firstMs: now, done: 0 };
}

function putFlush(
  { state, out }: Context,
  line: LineState,
  family: Family,
  transport: Transport | 'all',
  keep: readonly number[],
): number {
  const id = state.nextFlush++;
  const output: Extract<UplinkOutput, { kind: 'flush' }> = {
    kind: 'flush',
    flush: id,
    line: line.number,
    family,
    transport,
  };
  out.flushes.push(keep.length === 0 ? output : { ...output, keep });
  return id;
}

/** When the next repetition is due; null: there is none. */
export function nextFlushAt({ flushes }: Context['state']): TimeMs | null {
  if (flushes.length === 0) return null;
  return Math.min(...flushes.map(({ firstMs, done }) => firstMs + (FLUSH_AGAIN_MS[done] ?? 0)));
}

/** Does again what is due: only while the flows have another line to go to. */
export function flushAgain(context: Context): void {
  const { state, now } = context;
  for (const each of state.flushes) {
    // Those that we are late for are one.
    const due = FLUSH_AGAIN_MS.filter(ms => each.firstMs + ms <= now).length;
    if (due <= each.done) continue;
    each.done = due;
    const line = lineNamed(state, each.line);
    const target = selectedLine(state, each.family);
    if (line === undefined || target === undefined) continue;
    if (rankOf(target.families[each.family]) === null) continue;
    // The line got another address and is used on: what appeared since is right, and ending it would reset connections.
    if (line === target) continue;
    putFlush(context, line, each.family, each.transport, each.keep);
  }
  state.flushes = state.flushes.filter(({ done }) => done < FLUSH_AGAIN_MS.length);
}
