// Days and minutes of local time out of the wall clock that is told: for budgets that begin anew, and for a return at a set time. (uplinks)
import type { TimeMs } from './contract.js';
import type { UplinkState } from './state.js';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** A day of the proleptic Gregorian calendar. */
export interface CivilDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

/** The date of a day counted from 1970-01-01. Years begin in March here, so that the leap day is the last. */
export function civilOf(dayNumber: number): CivilDate {
  const shifted = dayNumber + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** The number of a day; `day` may lie behind the end of the month. */
export function dayNumberOf({ year, month, day }: CivilDate): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const marchMonth = month > 2 ? month - 3 : month + 9;
  const dayOfYear = Math.floor((153 * marchMonth + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function daysInMonth(year: number, month: number): number {
  const next = month === 12 ? { year: year + 1, month: 1 } : { year, month: month + 1 };
  return dayNumberOf({ ...next, day: 1 }) - dayNumberOf({ year, month, day: 1 });
}

/** First day of the period that a day lies in. In months that are too short it begins on their last day. */
export function periodStart(dayNumber: number, resetDay: number): number {
  const { year, month, day } = civilOf(dayNumber);
  const startOf = (y: number, m: number): number =>
    dayNumberOf({ year: y, month: m, day: Math.min(resetDay, daysInMonth(y, m)) });
  const here = startOf(year, month);
  if (day >= civilOf(here).day) return here;
  return month === 1 ? startOf(year - 1, 12) : startOf(year, month - 1);
}

/** Milliseconds of local time since the local day of 1970 began; null: nobody told the time. */
function localMs({ calendar }: UplinkState, now: TimeMs): number | null {
  return calendar === null ? null : calendar.wallMs + calendar.offsetMs + (now - calendar.atMs);
}

/** The number of the local day; null: nobody told the time. */
export function localDay(state: UplinkState, now: TimeMs): number | null {
  const local = localMs(state, now);
  return local === null ? null : Math.floor(local / DAY_MS);
}

/** When the local clock next shows this many minutes after midnight, later than now; null: nobody told the time. */
export function nextAt(state: UplinkState, minutes: number, now: TimeMs): TimeMs | null {
  const local = localMs(state, now);
  if (local === null) return null;
  const ofDay = local - Math.floor(local / DAY_MS) * DAY_MS;
  const ahead = minutes * MINUTE_MS - ofDay;
  return now + (ahead > 0 ? ahead : ahead + DAY_MS);
}
