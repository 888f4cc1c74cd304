// What lines use up: bytes of the day and of the budget's period, the warning, and when it begins anew. (uplinks)
import { localDay, nextAt, periodStart } from './calendar.js';
import { FAMILIES } from './contract.js';
import type { Context, LineState } from './state.js';
import { tellBudget } from './telling.js';

export const WARN_SHARE = 0.8;

export function isSpent({ settings, usage }: LineState): boolean {
  return settings.budget !== null && usage.used >= settings.budget.bytes;
}

/** Share of the budget that is used, from 0 on; null: there is none. */
export function usedShare({ settings, usage }: LineState): number | null {
  return settings.budget === null ? null : usage.used / settings.budget.bytes;
}

/** The counters of the line's device, since it exists. */
export function noteBytes(context: Context, line: LineState, received: number, sent: number): void {
  const { usage } = line;
  const used = growth(usage.received, received) + growth(usage.sent, sent);
  usage.received = received;
  usage.sent = sent;
  usage.today += used;
  if (line.settings.budget === null) return;
  usage.used += used;
  warn(context, line);
}

/** A counter that is smaller than before is one of a new device: all of it is new. The first look finds what was before us. */
function growth(before: number | null, after: number): number {
  if (before === null) return 0;
  return after >= before ? after - before : after;
}

/** Tells of a budget that comes to its end, once a period. */
export function warn(context: Context, line: LineState): void {
  const share = usedShare(line);
  if (share === null || share < WARN_SHARE) return;
  if (isSpent(line)) for (const family of FAMILIES) context.touched.add(line.families[family]);
  if (line.usage.warned) return;
  line.usage.warned = true;
  tellBudget(context, line, share);
}

/** The budget begins anew. */
export function refill(context: Context, line: LineState): void {
  line.usage.used = 0;
  line.usage.warned = false;
  for (const family of FAMILIES) context.touched.add(line.families[family]);
}

/** Begins days and periods anew that ended, also while nobody looked; sets the timers of the next ones. */
export function followCalendar(context: Context): void {
  const { state, settings, now } = context;
  const today = localDay(state, now);
  state.timers.midnight = nextAt(state, 0, now);
  const at = settings.return?.at ?? null;
  state.timers.home = at === null ? null : nextAt(state, at, now);
  if (today === null) return;
  for (const line of state.lines) followDay(context, line, today);
}

function followDay(context: Context, line: LineState, today: number): void {
  const { usage, settings } = line;
  if (usage.day !== null && usage.day !== today) usage.today = 0;
  usage.day = today;
  const resetDay = settings.budget?.resetDay ?? null;
  if (resetDay === null) {
    usage.periodDay = null;
    return;
  }
  const start = periodStart(today, resetDay);
  if (usage.periodDay !== null && start > usage.periodDay) refill(context, line);
  usage.periodDay = start;
}

/** The local clock shows the time at which lines are gone back to. */
export function homeTime(context: Context): void {
  for (const line of context.state.lines) {
    for (const family of FAMILIES) {
      const judged = line.families[family];
      if (judged.state !== 'up') continue;
      judged.fell = false;
      context.touched.add(judged);
    }
  }
}
