// Timelines for people: two of them side by side around their first difference.
import type { Divergence, Observation, Timeline } from './observations.js';

const WIDTH = 46;
const AROUND = 8;

/** `  1500.0 server/bond0 active "eth1"`. */
export function observationText(each: Observation): string {
  return `${each.atMs.toFixed(1).padStart(9)} ${each.of} ${each.property} ${JSON.stringify(each.value)}`;
}

function fit(text: string): string {
  return text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text.padEnd(WIDTH);
}

function around(timeline: Timeline, divergence: Divergence): string[] {
  const all = timeline.observations.filter(
    each => each.of === divergence.of || each.how === 'event' || each.property === 'active',
  );
  const at = all.findIndex(each => each.atMs >= divergence.atMs);
  const middle = at < 0 ? all.length : at;
  return all.slice(Math.max(0, middle - AROUND), middle + AROUND).map(observationText);
}

/** Both timelines around a divergence, in two columns. */
export function renderSideBySide(a: Timeline, b: Timeline, divergence: Divergence): string {
  const [left, right] = [around(a, divergence), around(b, divergence)];
  const rows = Array.from(
    { length: Math.max(left.length, right.length) },
    (_, at) => `${fit(left[at] ?? '')} | ${fit(right[at] ?? '').trimEnd()}`,
  );
  return [
    `${a.scenario}: ${divergence.of} ${divergence.property} differs at ${divergence.atMs.toFixed(1)} ms: ${divergence.reason}`,
    `${fit(`${a.arm} (${a.ranBy})`)} | ${b.arm} (${b.ranBy})`,
    ...rows,
  ].join('\n');
}
