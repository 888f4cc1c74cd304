// What is asked of applications through a line (DNS, HTTP, TCP), and when their failures are the line's. (uplinks)
import { parseIpv4, parseIpv6 } from '../base/index.js';
import type { Cause, Family, ProbeFailure, TimeMs } from './contract.js';
import type { LineSettings, UplinkTiming } from './settings.js';
import { type App, APPS, type AppWatch, type Judged } from './state.js';

/** Failures in a row that count. */
export const FAILS_TO_COUNT = 2;
/** A metered line that stands by is asked so seldom. */
export const METERED_APP_MS = 600_000;
/** A failed question is asked again at once, and from then on after this; through a metered line that stands by less often. */
const AGAIN_MS = 2000;
const METERED_AGAIN_MS = 60_000;
/** Whoever asks tells of a failure in time; this much later the answer is not waited for any more. */
const GRACE_MS = 1000;

/** The host of `ADDRESS`, `ADDRESS:PORT`, `[ADDRESS]:PORT` or of a URL. */
function hostOf(target: string): string {
  const place = target.replace(/^[a-z]+:\/\//, '').replace(/\/.*$/, '');
  const inBrackets = /^\[([^\]]*)\](?::\d+)?$/.exec(place);
  if (inBrackets !== null) return inBrackets[1] ?? '';
  return place.split(':').length > 2 ? place : place.replace(/:\d+$/, '');
}

/** The family of a target whose host is an address; null: its host is a name. */
export function familyOf(target: string): Family | null {
  const host = hostOf(target);
  if (parseIpv4(host).ok) return 'ipv4';
  return parseIpv6(host).ok ? 'ipv6' : null;
}

/** What is asked for an application in a family; none: it is not judged. */
export function appTargets(line: LineSettings, family: Family, app: App): readonly string[] {
  const all = {
    dns: line.dns,
    http: line.http === null ? [] : [line.http.url],
    tcp: line.tcp === null ? [] : [line.tcp],
  };
  return all[app].filter(target => (familyOf(target) ?? family) === family);
}

/** Time between two questions of an application. */
export function appIntervalMs(app: App, timing: UplinkTiming): TimeMs {
  return app === 'http' ? timing.httpIntervalMs : timing.dnsIntervalMs;
}

/** When the next question is due after one that was asked at `askedMs` and failed or not. */
export function nextAppMs(watch: AppWatch, intervalMs: TimeMs, askedMs: TimeMs, now: TimeMs): TimeMs {
  if (watch.fails === 0) return Math.max(now + 1, askedMs + intervalMs);
  if (watch.fails < FAILS_TO_COUNT) return now + 1;
  return now + Math.min(intervalMs, intervalMs >= METERED_APP_MS ? METERED_AGAIN_MS : AGAIN_MS);
}

export function noteAppGood(watch: AppWatch): void {
  watch.asked = null;
  watch.fails = 0;
  watch.failingSinceMs = null;
  watch.why = null;
  watch.detail = '';
}

/** A question that could not even be sent says nothing of the line: the name of its host is not known, or we have no socket. */
export function noteAppUnsent(watch: AppWatch): void {
  watch.asked = null;
}

export function noteAppFailed(watch: AppWatch, why: ProbeFailure, detail: string): void {
  watch.failingSinceMs ??= watch.asked?.atMs ?? null;
  watch.asked = null;
  watch.fails++;
  watch.why = why;
  watch.detail = detail;
}

/** When the question that is out is given up, if nobody tells what became of it. */
export function givenUpAt({ asked }: AppWatch, timing: UplinkTiming): TimeMs {
  return asked === null ? Number.POSITIVE_INFINITY : asked.atMs + timing.appTimeoutMs + GRACE_MS;
}

/** The first of those moments; null: no question is out. */
export function appTimeoutAt(judged: Judged, timing: UplinkTiming): TimeMs | null {
  const at = Math.min(...APPS.map(app => givenUpAt(judged.apps[app], timing)));
  return at === Number.POSITIVE_INFINITY ? null : at;
}

/** Applications that failed often enough, the worst for people first: behind a portal nothing works. */
export function failing(judged: Judged): readonly App[] {
  return (['http', 'tcp', 'dns'] as const).filter(app => judged.apps[app].fails >= FAILS_TO_COUNT);
}

/** What the line is given up for. */
export function appCause(judged: Judged): Cause | null {
  const [worst] = failing(judged);
  if (worst !== 'http') return worst ?? null;
  const { why } = judged.apps.http;
  return why === 'wrong' || why === 'redirected' ? 'portal' : 'http';
}

/** True for causes that questions of applications find. */
export function isApp(cause: Cause | null): boolean {
  return cause === 'dns' || cause === 'http' || cause === 'tcp' || cause === 'portal';
}
