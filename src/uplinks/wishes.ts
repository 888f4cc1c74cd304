// What an operator wants: use this line, take that one out of use, let them be, begin a budget anew. (uplinks)
import { err, ok, type Refusal, refusal, type Result, unreachable } from '../base/index.js';
import { refill } from './budget.js';
import { FAMILIES, type TimeMs, type Wish } from './contract.js';
import { span } from './sentences.js';
import { type Context, eachJudged, type LineState } from './state.js';
import { tell } from './telling.js';
import { rankOf } from './viable.js';

/** A wish for longer than this is one without an end. */
const LONGEST_WISH_MS = 366 * 86_400_000;

export function wish(context: Context, wished: Wish): Result<void, Refusal> {
  switch (wished.kind) {
    case 'release':
      return release(context, wished.line);
    case 'refill':
      return withLine(context, wished.line, line => refillWish(context, line));
    case 'use':
    case 'drain':
      return withLine(context, wished.line, line => useOrDrain(context, line, wished));
    default:
      return unreachable(wished);
  }
}

function withLine(
  { state, settings }: Context,
  number: number,
  act: (line: LineState) => Result<void, Refusal>,
): Result<void, Refusal> {
  const line = state.lines.find(each => each.number === number);
  if (line !== undefined) return act(line);
  const known = state.lines.map(each => `${each.number} (${each.settings.name})`).join(', ');
  return err(
    refusal('invalid-value', 'ENODEV', `uplink ${settings.name} has no line ${number}; it has ${known}`),
  );
}

function useOrDrain(
  context: Context,
  line: LineState,
  { kind, forMs }: Extract<Wish, { kind: 'use' | 'drain' }>,
): Result<void, Refusal> {
  const { state, now } = context;
  if (forMs !== null && !(forMs > 0 && forMs <= LONGEST_WISH_MS)) {
    const advice = 'write a time of more than 0 and at most a year, or leave it away';
    return err(refusal('invalid-value', 'EINVAL', `${kind} for ${forMs} ms cannot be; ${advice}`));
  }
  const untilMs: TimeMs | null = forMs === null ? null : now + forMs;
  const { name } = line.settings;
  if (kind === 'use') {
    state.use = { line: name, untilMs };
    line.drain = null;
  } else {
    line.drain = { untilMs };
    if (state.use?.line === name) state.use = null;
  }
  touchAll(context);
  const end = forMs === null ? 'until it is released' : `for ${span(forMs)}`;
  const word = kind === 'use' ? 'used' : 'drained';
  tellWish(context, name, `${name} is to be ${word} ${end}${caveat(context, line, kind)}`);
  return ok(undefined);
}

/** Why a wish does not act at once. */
function caveat({ state }: Context, line: LineState, kind: 'use' | 'drain'): string {
  if (kind === 'use') {
    const isViable = FAMILIES.some(family => rankOf(line.families[family]) !== null);
    return isViable ? '' : '; it cannot be used now, and is as soon as it can';
  }
  const others = state.lines.filter(each => each !== line && each.drain === null);
  const isLast = !others.some(each => FAMILIES.some(family => rankOf(each.families[family]) !== null));
  return isLast ? '; no other line can be used, so its traffic stays until one can' : '';
}

function release(context: Context, number: number | undefined): Result<void, Refusal> {
  if (number === undefined) {
    context.state.use = null;
    for (const line of context.state.lines) releaseLine(context, line);
    tellWish(context, undefined, 'all lines are released');
    return ok(undefined);
  }
  return withLine(context, number, line => {
    releaseLine(context, line);
    tellWish(context, line.settings.name, `${line.settings.name} is released`);
    return ok(undefined);
  });
}

/** A released line may be gone back to: somebody looked at it. */
function releaseLine(context: Context, line: LineState): void {
  const { state } = context;
  line.drain = null;
  if (state.use?.line === line.settings.name) state.use = null;
  for (const family of FAMILIES) {
    const judged = line.families[family];
    if (judged.state === 'up') judged.fell = false;
  }
  touchAll(context);
}

function refillWish(context: Context, line: LineState): Result<void, Refusal> {
  const { name } = line.settings;
  if (line.settings.budget === null) {
    const message = `${name} has no budget that could begin anew; give it one in its settings`;
    return err(refusal('invalid-value', 'EINVAL', message));
  }
  refill(context, line);
  tellWish(context, name, `the budget of ${name} begins anew`);
  return ok(undefined);
}

/** Ends wishes whose time is over. */
export function endWishes(context: Context): void {
  const { state, now } = context;
  if (state.use !== null && state.use.untilMs !== null && state.use.untilMs <= now) {
    tellWish(context, state.use.line, `${state.use.line} was used for as long as was wished`);
    state.use = null;
    touchAll(context);
  }
  for (const line of state.lines) {
    const until = line.drain?.untilMs ?? null;
    if (until === null || until > now) continue;
    releaseLine(context, line);
    tellWish(context, line.settings.name, `${line.settings.name} was drained for as long as was wished`);
  }
}

/** When the next wish ends; null: none does by itself. */
export function nextWishEnd({ state }: Context): TimeMs | null {
  const ends = [state.use?.untilMs ?? null, ...state.lines.map(({ drain }) => drain?.untilMs ?? null)];
  const times = ends.filter(end => end !== null);
  return times.length === 0 ? null : Math.min(...times);
}

function tellWish(context: Context, line: string | undefined, what: string): void {
  const message = `${context.settings.name}: ${what}`;
  tell(context, { kind: 'operator', level: 'info', message, ...(line === undefined ? {} : { line }) });
}

function touchAll(context: Context): void {
  for (const { judged } of eachJudged(context.state)) context.touched.add(judged);
}
