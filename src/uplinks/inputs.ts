// What each input changes; what follows from it is found afterwards, for all inputs alike (`settling.ts`). (uplinks)
import { err, equalValues, ok, type Refusal, refusal, type Result, unreachable } from '../base/index.js';
import { appSettled } from './asking.js';
import { noteAppFailed, noteAppGood, noteAppUnsent } from './apps.js';
import { followCalendar, noteBytes, warn } from './budget.js';
import { checkSettings } from './check-settings.js';
import { FAMILIES, type Family, type LineNumber, type ProbeFailure, type UplinkInput } from './contract.js';
import { forgive, noteSign, resume, SIGNS_TO_PROVE } from './life.js';
import type { LineSettings, UplinkSettings } from './settings.js';
import {
  APPS,
  type App,
  type Asked,
  type Context,
  eachJudged,
  type Judged,
  type LineState,
  newLine,
  newUsage,
  selectedLine,
  type UplinkState,
} from './state.js';
import { noteFlushed, noteSteered, tell } from './telling.js';
import { flush } from './moving.js';
import { changePath } from './paths.js';
import { rankOf } from './viable.js';
import { wish } from './wishes.js';

const DONE: Result<void, Refusal> = ok(undefined);

/** Takes in one input. A refused one changes nothing. */
export function take(
  context: Context,
  input: Exclude<UplinkInput, { kind: 'settings' | 'time' }>,
): Result<void, Refusal> {
  switch (input.kind) {
    case 'device':
      return onLine(context, input.line, line => {
        const isOther = line.device?.ifindex !== input.device?.ifindex;
        line.device = input.device;
        if (isOther) {
          line.usage = { ...line.usage, received: null, sent: null };
          context.state.isStale = true;
        }
        touchLine(context, line);
      });
    case 'path':
      return onLine(context, input.line, line => changePath(context, line, input.family, input.path));
    case 'answered':
      answered(context, input.probe, input.rttMs);
      return DONE;
    case 'failed':
      failed(context, input.probe, input.why, input.detail ?? '');
      return DONE;
    case 'traffic':
      return onLine(context, input.line, line => {
        const judged = line.families[input.family];
        judged.trafficMs = context.now;
        context.touched.add(judged);
      });
    case 'bytes':
      return onLine(context, input.line, line => noteBytes(context, line, input.received, input.sent));
    case 'late':
      for (const { judged } of eachJudged(context.state)) {
        forgive(judged, Math.max(0, input.byMs), context.now);
        context.touched.add(judged);
      }
      return DONE;
    case 'resumed':
      for (const { judged } of eachJudged(context.state)) {
        resume(judged);
        context.touched.add(judged);
      }
      return DONE;
    case 'flushed':
      noteFlushed(context, input.flush, input.ended);
      return DONE;
    case 'steered':
      noteSteered(context);
      return DONE;
    case 'interference':
      tell(context, {
        kind: 'interference',
        level: 'warning',
        message: `${context.settings.name}: ${input.what}`,
      });
      return DONE;
    case 'operator':
      return wish(context, input.wish);
    case 'calendar':
      context.state.calendar = { atMs: context.now, wallMs: input.wallMs, offsetMs: input.offsetMs };
      followCalendar(context);
      return DONE;
    default:
      return unreachable(input);
  }
}

function onLine(context: Context, number: LineNumber, act: (line: LineState) => void): Result<void, Refusal> {
  const line = context.state.lines.find(each => each.number === number);
  if (line === undefined) {
    const message = `uplink ${context.settings.name} has no line ${number}; it has ${context.state.lines.length}`;
    return err(refusal('invalid-request', 'ENODEV', message));
  }
  act(line);
  return DONE;
}

export function touchLine(context: Context, line: LineState): void {
  for (const family of FAMILIES) context.touched.add(line.families[family]);
}

/** Whose question this was; undefined where nobody waits for it any more. */
type Question =
  | { readonly kind: 'ping'; readonly judged: Judged; readonly asked: Asked }
  | { readonly kind: 'gateway'; readonly judged: Judged }
  | { readonly kind: 'app'; readonly line: LineState; readonly judged: Judged; readonly app: App };

function questionOf(state: UplinkState, id: number): Question | undefined {
  for (const { line, judged } of eachJudged(state)) {
    const asked = judged.asked.findLast(each => each.id === id);
    if (asked !== undefined) return { kind: 'ping', judged, asked };
    if (judged.gateway.id === id) return { kind: 'gateway', judged };
    const app = APPS.find(each => judged.apps[each].asked?.id === id);
    if (app !== undefined) return { kind: 'app', line, judged, app };
  }
  return undefined;
}

function answered(context: Context, id: number, rttMs: number): void {
  const { settings, now } = context;
  const question = questionOf(context.state, id);
  if (question === undefined) return;
  const { judged } = question;
  context.touched.add(judged);
  switch (question.kind) {
    case 'ping':
      if (question.asked.rttMs !== null) break;
      noteSign(judged, question.asked, Math.max(0, rttMs), settings.timing, now);
      // Signs in a row have to come fast, and this line may be asked seldom.
      if (!judged.proven && judged.quickLeft === 0) judged.quickLeft = SIGNS_TO_PROVE;
      break;
    case 'gateway':
      judged.gateway.answeredMs = now;
      judged.gateway.id = null;
      break;
    case 'app': {
      const watch = judged.apps[question.app];
      const askedMs = watch.asked?.atMs ?? now;
      noteAppGood(watch);
      appSettled(context, question.line, judged, question.app, askedMs);
      break;
    }
    default:
      unreachable(question);
  }
}

/** A ping that failed stays unanswered: it counts by its age, as one that was lost does. */
function failed(context: Context, id: number, why: ProbeFailure, detail: string): void {
  const question = questionOf(context.state, id);
  if (question === undefined || question.kind === 'ping') return;
  const { judged } = question;
  context.touched.add(judged);
  if (question.kind === 'gateway') {
    judged.gateway.id = null;
    return;
  }
  const watch = judged.apps[question.app];
  const askedMs = watch.asked?.atMs ?? context.now;
  if (why === 'unsent') noteAppUnsent(watch);
  else noteAppFailed(watch, why, detail);
  appSettled(context, question.line, judged, question.app, askedMs);
}

/** Other settings. Lines keep what was learned of them by their names. Gives the numbers that mean another line now. */
export function changeSettings(
  state: UplinkState,
  settings: UplinkSettings,
  now: number,
): Result<readonly LineNumber[], Refusal> {
  const checked = checkSettings(settings);
  if (!checked.ok) return checked;
  const before = new Map(state.lines.map(line => [line.settings.name, line]));
  const numbered = state.lines.map(line => line.settings.name);
  state.settings = settings;
  state.isStale = true;
  state.lines = settings.lines.map((line, at) => keptLine(before.get(line.name), at + 1, line, now));
  const names = new Set(settings.lines.map(({ name }) => name));
  for (const family of FAMILIES) {
    const choice = state.choice[family];
    if (choice.selected !== null && !names.has(choice.selected)) choice.selected = null;
    choice.order = choice.order.filter(name => names.has(name));
  }
  if (state.use !== null && !names.has(state.use.line)) state.use = null;
  state.flushes = state.flushes.filter(({ line }) => names.has(line));
  return ok(
    state.lines.flatMap(({ number, settings: { name } }) => {
      const was = numbered[number - 1];
      // A number that is used anew may still be on flows of whoever had it.
      return numbered.length === 0 || was === name ? [] : [number];
    }),
  );
}

function keptLine(
  known: LineState | undefined,
  number: LineNumber,
  settings: LineSettings,
  now: number,
): LineState {
  if (known === undefined) return newLine(number, settings, now);
  const isSameDevice = known.settings.device === settings.device;
  const budgetIsOther = !equalValues(known.settings.budget, settings.budget);
  known.number = number;
  known.settings = settings;
  if (!isSameDevice) {
    known.device = null;
    for (const family of FAMILIES) known.families[family].path = null;
    known.usage = newUsage();
  }
  if (budgetIsOther) known.usage.warned = false;
  return known;
}

/** After the settings changed: what they say of budgets and of the calendar. Flows with the mark of another line cannot live on. */
export function followSettings(context: Context, renumbered: readonly LineNumber[]): void {
  followCalendar(context);
  for (const line of context.state.lines) {
    touchLine(context, line);
    warn(context, line);
    if (renumbered.includes(line.number))
      for (const family of FAMILIES) flushStrangers(context, line, family);
  }
}

function flushStrangers(context: Context, line: LineState, family: Family): void {
  const selected = selectedLine(context.state, family);
  if (selected === undefined || rankOf(selected.families[family]) === null) return;
  flush(context, line, line.families[family], 'all', []);
}
