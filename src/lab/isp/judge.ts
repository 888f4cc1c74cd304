// When each kind of traffic was right again after a moment, by the samples of a meter. Pure.
import { FAMILIES, type Family, type Flow, FLOWS, type Sample } from './meter-samples.js';

/** What counts. */
export interface JudgeOptions {
  /** When the fault began, or ended; by the meter's clock. */
  readonly momentMs: number;
  /** Samples sent from then on do not count; null: all do. */
  readonly untilMs?: number | null;
  /** An answer after more than this is bad. Default 300. */
  readonly limitMs?: number;
}

/** Of one kind of traffic in one family. */
export interface Verdict {
  readonly flow: Flow;
  readonly family: Family;
  /**
   * From the moment to the first good sample, behind a bad one, from which on traffic was right: 1.5 s with at least 90 % good
   * samples. 0: nothing was bad. Null: it never was right again.
   */
  readonly againMs: number | null;
  /** Samples after the moment. */
  readonly after: number;
  /** Of these: no answer, or too late. */
  readonly bad: number;
  /** Of these: no answer at all. */
  readonly lost: number;
  /** Before the moment; bad ones among them say that the lab, or the machine, was not well. */
  readonly before: number;
  readonly badBefore: number;
}

const LIMIT_MS = 300;
const WINDOW_MS = 1500;
const GOOD_SHARE = 0.9;
/** Questions on the way at the moment are hit by it. */
const ON_THE_WAY_MS = 60;
/** So long before the moment nothing is on the way any more when it comes. */
const SETTLED_MS = 600;

/** Judges each kind of traffic and family that there are samples of. */
export function judge(samples: readonly Sample[], options: JudgeOptions): Verdict[] {
  return FAMILIES.flatMap(family =>
    FLOWS.flatMap(flow => {
      const own = samples.filter(sample => sample.flow === flow && sample.family === family);
      return own.length === 0 ? [] : [verdictOf(flow, family, own, options)];
    }),
  );
}

function verdictOf(flow: Flow, family: Family, samples: readonly Sample[], options: JudgeOptions): Verdict {
  const { momentMs, limitMs = LIMIT_MS } = options;
  const untilMs = options.untilMs ?? Infinity;
  const isBad = ({ rttMs }: Sample): boolean => rttMs === null || rttMs > limitMs;
  const ordered = samples.toSorted((a, b) => a.sentMs - b.sentMs);
  const before = ordered.filter(({ sentMs }) => sentMs < momentMs - SETTLED_MS);
  const after = ordered.filter(({ sentMs }) => sentMs >= momentMs - ON_THE_WAY_MS && sentMs < untilMs);
  return {
    flow,
    family,
    againMs: rightAgain(after, momentMs, isBad),
    after: after.length,
    bad: after.filter(isBad).length,
    lost: after.filter(({ rttMs }) => rttMs === null).length,
    before: before.length,
    badBefore: before.filter(isBad).length,
  };
}

function rightAgain(
  after: readonly Sample[],
  momentMs: number,
  isBad: (sample: Sample) => boolean,
): number | null {
  const first = after.findIndex(isBad);
  if (first < 0) return 0;
  const endMs = after.at(-1)?.sentMs ?? momentMs;
  for (let i = first + 1; i < after.length; i++) {
    const sample = after[i];
    if (sample === undefined || endMs - sample.sentMs < WINDOW_MS) return null;
    if (isBad(sample)) continue;
    const window = after.slice(i).filter(({ sentMs }) => sentMs < sample.sentMs + WINDOW_MS);
    const good = window.length - window.filter(isBad).length;
    if (good >= GOOD_SHARE * window.length) return Math.max(0, Math.round(sample.sentMs - momentMs));
  }
  return null;
}
