// The words of the demo of internet lines: what comes, and the summary. Pure text from values.
import type { Paint } from './demo-text.js';

/** What was measured of one thing that happened. */
export interface UplinkAct {
  readonly name: string;
  /** Milliseconds until the call was right again; 0: it was never wrong; null: never in the time that was given. */
  readonly callMs: number | null;
  /** The same for pages that are fetched anew each time. */
  readonly pagesMs: number | null;
  /** Questions of the call without an answer, of how many. */
  readonly lost: number;
  readonly asked: number;
  /** More is a failure of the demo. */
  readonly mostMs: number;
}

export interface UplinkResult {
  readonly acts: readonly UplinkAct[];
  readonly leftBehind: readonly string[];
}

export const UPLINK_INTRODUCTION: readonly string[] = [
  'An office with two internet lines: wan0 (first) and wan1, by two providers; a call (UDP, 50 questions a second) and pages (HTTP) go out.',
  'wan0 falls silent beyond its gateway while its cable stays in; it comes back; then the daemon is killed (kill -9) and the cable of wan0 is cut.',
];

function again(ms: number | null): string {
  if (ms === null) return 'not right again';
  return ms === 0 ? 'nothing wrong' : `right again after ${(ms / 1000).toFixed(2)} s`;
}

/** Why the demo did not show what it is to show; none when it did. */
export function uplinkFailures({ acts, leftBehind }: UplinkResult): string[] {
  const slow = acts
    .filter(({ callMs, pagesMs, mostMs }) => [callMs, pagesMs].some(ms => ms === null || ms > mostMs))
    .map(({ name, mostMs }) => `${name}: not right again within ${mostMs / 1000} s`);
  return [...slow, ...leftBehind.map(name => `not removed: ${name}`)];
}

/** The figures and the last words. */
export function uplinkSummary(result: UplinkResult, paint: Paint): string {
  const rows = result.acts.map(
    ({ name, callMs, pagesMs, lost, asked }) =>
      `  ${name.padEnd(34)} call ${again(callMs)} (${lost} of ${asked} lost), pages ${again(pagesMs)}`,
  );
  const failures = uplinkFailures(result);
  const end =
    failures.length === 0
      ? paint('green', 'The second line took over each time, and nothing was left behind.')
      : failures.map(failure => paint('red', `Not shown: ${failure}.`)).join('\n');
  return `${rows.join('\n')}\n${end}\n`;
}
