// The figures of bench:uplinks: how runs become rows of its table.
import { FLOWS, type Family, type Verdict } from '#lab';
import { median } from './arithmetic.js';
import { table } from './table.js';

/** One experiment: a fault of the first line, and the end of it. */
export interface UplinkRun {
  readonly method: string;
  readonly fault: string;
  /** From the fault on. */
  readonly verdicts: readonly Verdict[];
  /** From its end on; when there was time for it. */
  readonly back: readonly Verdict[];
  /** What the method did, in milliseconds after the fault. */
  readonly events: readonly { readonly ms: number; readonly what: string }[];
  /** How many processes wanted a processor. */
  readonly load: number;
  /** The longest time by which the meter itself was too late. */
  readonly stallMs: number;
}

function number(ms: number): string {
  return ms === Infinity ? 'never' : String(Math.round(ms));
}

/** Least, median and most of some times; null is never, which is the longest of all. */
export function timesText(times: readonly (number | null)[]): string {
  const all = times.map(ms => ms ?? Infinity).toSorted((a, b) => a - b);
  const [least, most] = [all[0], all.at(-1)];
  if (least === undefined || most === undefined) return '-';
  // The middle of two, one of which is never, is never.
  const texts = [least, median(all), most].map(number);
  return new Set(texts).size === 1 ? (texts[0] ?? '') : texts.join('/');
}

function sum(verdicts: readonly Verdict[], pick: (verdict: Verdict) => number): string {
  return String(verdicts.reduce((total, verdict) => total + pick(verdict), 0));
}

/** A row for each method, fault and family, in the order in which they were measured. */
export function uplinkTable(runs: readonly UplinkRun[], families: readonly Family[]): string {
  const groups = new Map<string, UplinkRun[]>();
  for (const run of runs) {
    const key = `${run.fault}\t${run.method}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const rows = [...groups.values()].flatMap(group =>
    families.map(family => {
      const of = (pick: (run: UplinkRun) => readonly Verdict[]): readonly Verdict[] =>
        group.flatMap(pick).filter(verdict => verdict.family === family);
      const verdicts = of(run => run.verdicts);
      const times = FLOWS.map(flow =>
        timesText(verdicts.filter(verdict => verdict.flow === flow).map(({ againMs }) => againMs)),
      );
      const back = of(run => run.back);
      const counts = [
        sum(verdicts, ({ bad }) => bad),
        back.length === 0 ? '-' : sum(back, ({ bad }) => bad),
        sum(verdicts, ({ badBefore }) => badBefore),
      ];
      const [first] = group;
      return [first?.fault ?? '', first?.method ?? '', family, String(group.length), ...times, ...counts];
    }),
  );
  const head = ['fault', 'method', 'family', 'runs', ...FLOWS, 'bad', 'bad at return', 'bad before'];
  return table(head, rows);
}
