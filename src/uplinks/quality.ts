// How good a line is: loss and latency, with different thresholds for calling it bad and for calling it good again. (uplinks)
import type { Cause, TimeMs } from './contract.js';
import type { UplinkTiming } from './settings.js';
import { type Asked, type Judged, newQuality } from './state.js';

/** Regular questions that a verdict of loss goes by at least; as many intervals are a fifth less than the window. */
export const FEWEST_OF_LOSS = 40;
const WINDOW_QUESTIONS = 50;
const WINDOW_MS = 5000;
/** A blackout is no loss: questions must be missing in so many fifths of the window. */
const FIFTHS = 5;
export const FEWEST_FIFTHS = 4;
export const MEDIAN_MS = 2000;
export const FEWEST_OF_LATENCY = 8;
/** The latency that is bad in relation to the line's own. */
const LATENCY_FACTOR = 4;
const LATENCY_LEAVE = 0.7;
/** Both measures are good for so long before a bad line is called good. */
export const GOOD_MS = 30_000;
const HOUR_MINUTES = 60;
const LAST_ANSWERS = 5;

export function median(numbers: readonly number[]): number | null {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}

/** From this latency on the line is bad: a satellite has another than a fibre. */
export function latencyLimit(judged: Judged, timing: UplinkTiming): number {
  return Math.max(timing.latencyEnterMs, LATENCY_FACTOR * (median(judged.quality.minutes) ?? 0));
}

export function windowMs(timing: UplinkTiming): TimeMs {
  return Math.max(WINDOW_MS, WINDOW_QUESTIONS * timing.intervalMs);
}

/** For how long questions are remembered. */
export function memoryMs(judged: Judged, timing: UplinkTiming): TimeMs {
  return windowMs(timing) + latencyLimit(judged, timing) + 1000;
}

export interface Loss {
  readonly asked: number;
  readonly lost: number;
  readonly percent: number;
  /** Fifths of the window in which something was lost. */
  readonly fifths: number;
  readonly sinceMs: TimeMs | null;
}

/** Loss of the regular questions in the window that are old enough to be called lost. */
export function lossOf(judged: Judged, timing: UplinkTiming, now: TimeMs): Loss {
  const length = windowMs(timing);
  const to = now - latencyLimit(judged, timing);
  const of = regular(judged).filter(({ atMs }) => atMs <= to && atMs > to - length);
  const lost = of.filter(({ rttMs }) => rttMs === null);
  const fifths = new Set(lost.map(({ atMs }) => Math.floor(((to - atMs) * FIFTHS) / length)));
  const percent = of.length === 0 ? 0 : (lost.length * 100) / of.length;
  return {
    asked: of.length,
    lost: lost.length,
    percent,
    fifths: fifths.size,
    sinceMs: lost[0]?.atMs ?? null,
  };
}

function regular(judged: Judged): readonly Asked[] {
  return judged.asked.filter(({ extra, target }) => !extra && !judged.mute.includes(target));
}

export interface Latency {
  readonly answers: number;
  /** Of answers; null: there was none. */
  readonly medianMs: number | null;
  /** Most questions took longer than the limit, or still do. */
  readonly isOver: boolean;
  readonly sinceMs: TimeMs | null;
}

/**
 * Latency of the last two seconds. What is out for longer than the limit counts as slower than it. Of a line of which nothing is usual
 * yet nothing can be said.
 */
export function latencyOf(judged: Judged, timing: UplinkTiming, now: TimeMs): Latency {
  const limit = latencyLimit(judged, timing);
  const recent = regular(judged).filter(({ atMs }) => now - atMs < MEDIAN_MS);
  const answers = recent.flatMap(({ rttMs }) => (rttMs === null ? [] : [rttMs]));
  const slow = recent.filter(({ rttMs, atMs }) => (rttMs === null ? now - atMs > limit : rttMs > limit));
  const out = recent.filter(({ rttMs, atMs }) => rttMs === null && now - atMs > limit).length;
  const samples = answers.length + out;
  const medianMs = median(answers);
  const isKnown = judged.quality.minutes.length > 0;
  const isOver =
    isKnown &&
    samples >= FEWEST_OF_LATENCY &&
    medianMs !== null &&
    medianMs > limit &&
    slow.length * 2 > samples;
  return { answers: answers.length, medianMs, isOver, sinceMs: slow[0]?.atMs ?? null };
}

/** Measures the line; gives what is wrong with it, or that it has been good for long enough. */
export function judgeQuality(
  judged: Judged,
  timing: UplinkTiming,
  now: TimeMs,
): 'loss' | 'latency' | 'good' | null {
  const { quality } = judged;
  const loss = lossOf(judged, timing, now);
  const latency = latencyOf(judged, timing, now);
  if (loss.asked >= FEWEST_OF_LOSS) quality.lossPercent = loss.percent;
  if (latency.medianMs !== null) quality.medianMs = latency.medianMs;
  const isLossy =
    loss.asked >= FEWEST_OF_LOSS && loss.percent >= timing.lossEnter && loss.fifths >= FEWEST_FIFTHS;
  const isGood =
    loss.percent <= timing.lossLeave &&
    (latency.medianMs ?? 0) < LATENCY_LEAVE * latencyLimit(judged, timing) &&
    !latency.isOver;
  if (isGood) quality.goodSinceMs ??= now;
  else quality.goodSinceMs = null;
  if (isLossy) return bad(judged, 'loss', loss.sinceMs);
  if (latency.isOver) return bad(judged, 'latency', latency.sinceMs);
  if (quality.minutes.length === 0 && latency.answers >= FEWEST_OF_LATENCY) noteMinute(judged);
  return quality.goodSinceMs !== null && now - quality.goodSinceMs >= GOOD_MS ? 'good' : null;
}

function bad<T extends 'loss' | 'latency'>(judged: Judged, verdict: T, sinceMs: TimeMs | null): T {
  if (judged.state !== 'bad') judged.quality.badSinceMs = sinceMs;
  return verdict;
}

/** Of a line that is asked seldom: how long its last answers took. */
export function noteLatency(judged: Judged): void {
  const answers = judged.asked.flatMap(({ rttMs }) => (rttMs === null ? [] : [rttMs]));
  judged.quality.medianMs = median(answers.slice(-LAST_ANSWERS)) ?? judged.quality.medianMs;
}

/** Once a minute: what is normal for this line. What it was while it was bad is not. */
export function noteMinute(judged: Judged): void {
  const { medianMs, minutes } = judged.quality;
  if (medianMs === null || judged.state === 'bad') return;
  minutes.push(medianMs);
  if (minutes.length > HOUR_MINUTES) minutes.shift();
}

export function isQuality(cause: Cause | null): boolean {
  return cause === 'loss' || cause === 'latency';
}

/** How bad a line is, to compare lines by: 20 % of loss weigh as much as 1.2 s of latency at the defaults. */
export function badness(judged: Judged, timing: UplinkTiming): number {
  const loss = (4 * (judged.quality.lossPercent ?? 0)) / Math.max(1, timing.lossEnter);
  const latency = (judged.quality.medianMs ?? 0) / Math.max(1, timing.latencyEnterMs);
  return Math.max(loss, latency);
}

/** Two bad lines are not to take turns. */
export function isBetterByHalf(one: Judged, than: Judged, timing: UplinkTiming): boolean {
  return badness(one, timing) <= badness(than, timing) / 2;
}

/** After the line was away: what it was is forgotten, what is normal for it is not. */
export function newQualityAfter({ minutes }: Judged['quality']): Judged['quality'] {
  return { ...newQuality(), minutes };
}
