// Events: what is told of lines, of changes of the selected line, and of budgets. A change is told once it is known what it cost. (uplinks)
import type { Cause, Family, LineStateName, TimeMs, UplinkEvent } from './contract.js';
import {
  budgetText,
  familyName,
  plural,
  span,
  STATE_WORDS,
  whatIsMissing,
  whatIsWrong,
} from './sentences.js';
import type { Context, Judged, LineState, Tale } from './state.js';

/** For so long results of flushes are waited for. */
const TELL_AFTER_MS = 1000;

export function tell({ out }: Context, event: UplinkEvent): void {
  out.events.push({ kind: 'event', event });
}

/** A line came to another state, or is bad for another reason. */
export function tellLine(context: Context, line: LineState, judged: Judged, from: LineStateName): void {
  const { state, cause } = judged;
  if (state === 'unproven' || (state === 'absent' && from === 'unproven')) return;
  const isFault = state === 'down' || state === 'dead' || state === 'bad' || state === 'absent';
  const why = reason(context, line, judged);
  const head = `${context.settings.name}: ${line.settings.name} (${familyName(judged.family)}) ${STATE_WORDS[state]}`;
  tell(context, {
    kind: cause === 'portal' ? 'portal' : 'line',
    level: isFault ? 'warning' : 'info',
    message: why === '' ? head : `${head}: ${why}`,
    line: line.settings.name,
    family: judged.family,
    state,
    ...(cause === null ? {} : { cause }),
    ...(judged.place === null ? {} : { place: judged.place }),
    ...(isFault && judged.faultMs !== null ? { noticedMs: context.now - judged.faultMs } : {}),
  });
}

function reason(context: Context, line: LineState, judged: Judged): string {
  const { cause, quality, state } = judged;
  if (state === 'absent') return whatIsMissing(line, judged);
  if (cause !== null) return whatIsWrong(line, judged, context.settings.timing, context.now);
  return state === 'up' && quality.medianMs !== null ? `it answers in ${span(quality.medianMs)}` : '';
}

export function tellBudget(context: Context, line: LineState, share: number): void {
  tell(context, {
    kind: 'budget',
    level: 'warning',
    message: `${context.settings.name}: ${line.settings.name}: ${budgetText(line)}${
      share >= 1 ? '; it is used only where no other line is left' : ''
    }`,
    line: line.settings.name,
    cause: 'budget',
  });
}

/** Another line was selected; told when it is in the kernel. */
export function beginTale(
  context: Context,
  family: Family,
  from: LineState | undefined,
  to: LineState,
  cause: Cause | null,
): Tale {
  const judged = from?.families[family];
  const isBack = from === undefined || cause === 'better';
  const tale: Tale = {
    family,
    from: from?.settings.name ?? null,
    to: to.settings.name,
    cause,
    place: judged?.place ?? null,
    kind: isBack ? 'uplink-return' : 'uplink-failover',
    why: whyMoved(context, from, judged, to, cause),
    atMs: context.now,
    faultMs: isBack || cause === 'operator' ? null : (judged?.faultMs ?? null),
    steeredMs: null,
    others: [],
    tcp: [],
    moved: null,
    ended: null,
  };
  context.state.tales.push(tale);
  return tale;
}

function whyMoved(
  context: Context,
  from: LineState | undefined,
  judged: Judged | undefined,
  to: LineState,
  cause: Cause | null,
): string {
  if (from === undefined || judged === undefined)
    return `${to.settings.name} is the first that proved itself`;
  if (cause === 'operator') return 'the operator wants it so';
  if (cause === 'better')
    return `${to.settings.name} comes first${to.families[judged.family].recoveredMs === null ? '' : ' and is good again'}`;
  const wrong = whatIsWrong(from, judged, context.settings.timing, context.now);
  return wrong === '' ? `${from.settings.name} was away, and has to prove itself again` : wrong;
}

/** The steering is in the kernel. */
export function noteSteered({ state, now }: Context): void {
  for (const tale of state.tales) tale.steeredMs ??= now;
}

/** What became of a flush. */
export function noteFlushed({ state }: Context, flush: number, ended: number | null): void {
  for (const tale of state.tales) {
    if (tale.others.includes(flush)) {
      tale.others = tale.others.filter(id => id !== flush);
      if (ended !== null) tale.moved = (tale.moved ?? 0) + ended;
    }
    if (tale.tcp.includes(flush)) {
      tale.tcp = tale.tcp.filter(id => id !== flush);
      if (ended !== null) tale.ended = (tale.ended ?? 0) + ended;
    }
  }
}

function isWhole({ steeredMs, others, tcp }: Tale): boolean {
  return steeredMs !== null && others.length === 0 && tcp.length === 0;
}

/** When the next change is told of at the latest; null: there is none to tell of. */
export function nextTaleAt({ tales }: Context['state']): TimeMs | null {
  return tales.length === 0 ? null : Math.min(...tales.map(({ atMs }) => atMs + TELL_AFTER_MS));
}

/** Tells of the changes of which all is known, or was waited for long enough. */
export function tellTales(context: Context): void {
  const { state, now } = context;
  const due = state.tales.filter(tale => isWhole(tale) || now >= tale.atMs + TELL_AFTER_MS);
  if (due.length === 0) return;
  state.tales = state.tales.filter(tale => !due.includes(tale));
  for (const tale of due) tell(context, eventOf(context, tale));
}

function eventOf({ settings, now }: Context, tale: Tale): UplinkEvent {
  const { family, from, to, cause, place, kind, why, atMs, faultMs, steeredMs, moved, ended } = tale;
  const outageMs = faultMs === null ? null : (steeredMs ?? now) - faultMs;
  const flows = [
    ...(moved === null ? [] : [`${plural(moved, 'flow')} moved`]),
    ...(ended === null ? [] : [`${plural(ended, 'connection')} ended`]),
  ];
  const cost = [
    ...(flows.length === 0 ? [] : [flows.join(', ')]),
    ...(outageMs === null ? [] : [`outage ${span(outageMs)}`]),
    ...(steeredMs === null ? ['it is not in the kernel yet'] : []),
  ];
  const change = from === null ? `${to} is used` : `${from} → ${to}`;
  return {
    kind,
    level: kind === 'uplink-return' || cause === 'operator' ? 'info' : 'warning',
    message: [`${settings.name} (${familyName(family)}): ${change}: ${why}`, ...cost].join('; '),
    family,
    line: to,
    from,
    to,
    ...(cause === null ? {} : { cause }),
    ...(place === null ? {} : { place }),
    ...(faultMs === null ? {} : { noticedMs: atMs - faultMs }),
    ...(outageMs === null ? {} : { outageMs }),
    ...(moved === null ? {} : { flowsMoved: moved }),
    ...(ended === null ? {} : { flowsEnded: ended }),
  };
}

/** No line is viable any more: everything stays as it is. */
export function tellNone(context: Context, family: Family, selected: LineState): void {
  const judged = selected.families[family];
  const why = whatIsWrong(selected, judged, context.settings.timing, context.now);
  tell(context, {
    kind: 'uplink-none',
    level: 'error',
    message: `${context.settings.name} (${familyName(family)}): no line can be used; nothing is changed until one can. ${selected.settings.name}: ${why || STATE_WORDS[judged.state]}`,
    family,
    from: selected.settings.name,
    to: null,
    ...(judged.cause === null ? {} : { cause: judged.cause }),
    ...(judged.place === null ? {} : { place: judged.place }),
    ...(judged.faultMs === null ? {} : { noticedMs: context.now - judged.faultMs }),
  });
}

/** A line is viable again after none was. `selected` did not change. */
export function tellSome(context: Context, family: Family, selected: LineState, sinceMs: TimeMs): void {
  const outageMs = context.now - sinceMs;
  tell(context, {
    kind: 'uplink-return',
    level: 'info',
    message: `${context.settings.name} (${familyName(family)}): ${selected.settings.name} answers again; outage ${span(outageMs)}`,
    family,
    line: selected.settings.name,
    from: null,
    to: selected.settings.name,
    outageMs,
  });
}
