// Holding timelines against each other and against what a scenario expects. Pure.
import type { Divergence, Observation, Timeline, Value } from './observations.js';
import type { Scenario, Watch } from './scenario.js';
import { renderSideBySide } from './timeline-text.js';

export interface Comparison {
  /** Observations that were held against each other. */
  readonly compared: number;
  readonly divergence: Divergence | null;
}

type Series = readonly Observation[];
type Difference = Omit<Divergence, 'text' | 'of' | 'property'>;

const keyOf = (each: { of: string; property: string; how: string }): string =>
  `${each.how}|${each.of}|${each.property}`;

function seriesOf(timeline: Timeline): Map<string, Observation[]> {
  const series = new Map<string, Observation[]>();
  for (const each of timeline.observations) {
    const key = keyOf(each);
    const list = series.get(key);
    if (list === undefined) series.set(key, [each]);
    else list.push(each);
  }
  return series;
}

function sameValue(a: Value, b: Value, by: number): boolean {
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) <= by;
  return a === b;
}

function show(value: Value): string {
  return JSON.stringify(value);
}

/** Changes without values that were held only for a moment; equal neighbours become one. */
function settled(series: Series, shorterThanMs: number): Observation[] {
  const kept: Observation[] = [];
  for (const [at, each] of series.entries()) {
    const next = series[at + 1];
    if (next !== undefined && next.atMs - each.atMs < shorterThanMs) continue;
    if (kept.at(-1)?.value !== each.value) kept.push(each);
  }
  return kept;
}

function compareChanges(a: Series, b: Series, watch: Watch): Difference | null {
  const { withinMs = 0, by = 0, ignoreShorterThanMs = 0 } = watch;
  const [left, right] = [settled(a, ignoreShorterThanMs), settled(b, ignoreShorterThanMs)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [one, other] = [left[at], right[at]];
    if (one === undefined || other === undefined) {
      const only = one ?? other;
      if (only === undefined) return null;
      const side = one === undefined ? 'right' : 'left';
      return { atMs: only.atMs, reason: `only the ${side} one changed to ${show(only.value)}` };
    }
    const atMs = Math.min(one.atMs, other.atMs);
    if (!sameValue(one.value, other.value, by)) {
      return { atMs, reason: `change ${at} is to ${show(one.value)} left and to ${show(other.value)} right` };
    }
    const apart = Math.abs(one.atMs - other.atMs);
    if (apart > withinMs) {
      const reason = `the change to ${show(one.value)} is ${apart.toFixed(1)} ms apart, ${withinMs} ms are allowed`;
      return { atMs, reason };
    }
  }
  return null;
}

/** Samples and events come at the scenario's times in every arm, so they are paired by their order. */
function comparePairs(a: Series, b: Series, watch: Pick<Watch, 'by'>): Difference | null {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [one, other] = [a[at], b[at]];
    if (one === undefined || other === undefined) {
      const only = one ?? other;
      return only === undefined
        ? null
        : { atMs: only.atMs, reason: `only the ${one === undefined ? 'right' : 'left'} one has it` };
    }
    if (!sameValue(one.value, other.value, watch.by ?? 0)) {
      return { atMs: one.atMs, reason: `it is ${show(one.value)} left and ${show(other.value)} right` };
    }
  }
  return null;
}

/** The watches of a scenario are the tolerances of its comparison. */
export function compareTimelines(a: Timeline, b: Timeline, tolerances: readonly Watch[]): Comparison {
  const [left, right] = [seriesOf(a), seriesOf(b)];
  const found: Divergence[] = [];
  let compared = 0;
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    const [one, other] = [left.get(key) ?? [], right.get(key) ?? []];
    const first = one[0] ?? other[0];
    if (first === undefined) continue;
    compared += Math.max(one.length, other.length);
    const { of, property } = first;
    const watch = tolerances.find(each => keyOf(each) === key);
    const difference =
      first.how === 'change' && watch !== undefined
        ? compareChanges(one, other, watch)
        : comparePairs(one, other, watch ?? {});
    if (difference !== null) found.push({ of, property, ...difference, text: '' });
  }
  const divergence = found.toSorted((x, y) => x.atMs - y.atMs)[0];
  if (divergence === undefined) return { compared, divergence: null };
  return { compared, divergence: { ...divergence, text: renderSideBySide(a, b, divergence) } };
}

/** Expectations of a scenario that a timeline does not keep, as sentences. Refusals of events are expectations too. */
export function unmet(scenario: Scenario, timeline: Timeline): string[] {
  const problems: string[] = [];
  for (const [index, event] of scenario.events.entries()) {
    const of = `event ${index}`;
    const seen = timeline.observations.find(each => each.how === 'event' && each.of === of);
    const wanted = event.refused ?? 'ok';
    if (seen !== undefined && seen.value !== wanted) {
      problems.push(
        `${of} (${event.do} at ${event.atMs} ms): errno is ${show(seen.value)}, expected ${wanted}`,
      );
    }
  }
  for (const wish of scenario.expect) {
    const seen = timeline.observations.filter(each => each.of === wish.of && each.property === wish.property);
    problems.push(...checkOne(wish, seen).map(text => `${wish.of} ${wish.property}: ${text}`));
  }
  return problems;
}

function checkOne(wish: Scenario['expect'][number], seen: Series): string[] {
  if (wish.sequence !== undefined) {
    const values = seen.filter(each => each.how === 'change').map(each => each.value);
    const same =
      values.length === wish.sequence.length && values.every((value, at) => value === wish.sequence?.[at]);
    return same ? [] : [`values were ${JSON.stringify(values)}, expected ${JSON.stringify(wish.sequence)}`];
  }
  const now =
    wish.atMs === undefined ? seen.find(each => each.how === 'total') : sampleOrHeld(seen, wish.atMs);
  const when = wish.atMs === undefined ? 'at the end' : `at ${wish.atMs} ms`;
  if (now === undefined) return [`was not observed ${when}`];
  const one = { value: now.value };
  if (wish.sinceMs !== undefined) {
    const before = sampleOrHeld(seen, wish.sinceMs);
    if (before === undefined) return [`was not observed at ${wish.sinceMs} ms`];
    one.value = Number(now.value) - Number(before.value);
  }
  if (wish.is !== undefined && one.value !== wish.is)
    return [`is ${show(one.value)} ${when}, expected ${show(wish.is)}`];
  const number = Number(one.value);
  if (wish.atLeast !== undefined && !(number >= wish.atLeast))
    return [`is ${show(one.value)} ${when}, expected at least ${wish.atLeast}`];
  if (wish.atMost !== undefined && !(number <= wish.atMost))
    return [`is ${show(one.value)} ${when}, expected at most ${wish.atMost}`];
  return [];
}

function sampleOrHeld(seen: Series, atMs: number): Observation | undefined {
  return seen.find(each => each.how === 'sample' && each.atMs === atMs) ?? heldAt(seen, atMs);
}

/** The value that a `change` series held at a time. */
function heldAt(seen: Series, atMs: number): Observation | undefined {
  return seen.findLast(each => each.how === 'change' && each.atMs <= atMs);
}
