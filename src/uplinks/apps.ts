// What is asked of applications through a line (DNS, HTTP, TCP), and when their failures are the line's. (uplinks)
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

/** The part of `ADDRESS`, `ADDRESS:PORT`, `[ADDRESS]:PORT` or of a URL that says the family. */
export function familyOf(target: string): Family {
  const host = target.replace(/^[a-z]+:\/\//, '');
  if (host.startsWith('[')) return 'ipv6';
  const address = host.split('/')[0] ?? '';
  return address.split(':').length > 2 ? 'ipv6' : 'ipv4';
}

/** Whether the host of a URL is an address. */
export function isAddressUrl(url: string): boolean {
  return /^http:\/\/(?:\[|\d+(?:\.\d+){3}(?:[:/]|$))/.test(url);
}

/** A page whose host is a name is asked for in each family in which the line has a DNS server to ask for its address. */
function pageTargets({ http, dns }: LineSettings, family: Family): readonly string[] {
  if (http === null) return [];
  const isAsked = isAddressUrl(http.url)
    ? familyOf(http.url) === family
    : dns.some(server => familyOf(server) === family);
  return isAsked ? [http.url] : [];
}

/** What is asked for an application in a family; none: it is not judged. */
export function appTargets(line: LineSettings, family: Family, app: App): readonly string[] {
  if (app === 'http') return pageTargets(line, family);
  const targets = app === 'dns' ? line.dns : line.tcp === null ? [] : [line.tcp];
  return targets.filter(target => familyOf(target) === family);
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
