// Sentences for people: what is wrong with a line, with the figures that say so, and where the fault is. (uplinks)
import { unreachable } from '../base/index.js';
import { appTargets, failing } from './apps.js';
import type { Family, LineStateName, ProbeFailure, TimeMs } from './contract.js';
import { silenceOf, unanswered } from './life.js';
import { latencyLimit, latencyOf, lossOf, median } from './quality.js';
import type { UplinkTiming } from './settings.js';
import type { App, Judged, LineState } from './state.js';

export function familyName(family: Family): string {
  return family === 'ipv4' ? 'IPv4' : 'IPv6';
}

/** A length of time as people say it. */
export function span(ms: TimeMs): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1000) return `${whole} ms`;
  if (whole < 10_000) return `${(whole / 1000).toFixed(1)} s`;
  if (whole < 120_000) return `${Math.round(whole / 1000)} s`;
  if (whole < 7_200_000) return `${Math.round(whole / 60_000)} min`;
  const hours = Math.round(whole / 3_600_000);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function volume(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const scaled = bytes / 1000 ** power;
  return `${scaled >= 100 || power === 0 ? Math.round(scaled) : scaled.toFixed(1)} ${units[power] ?? ''}`;
}

/** "a", "a and b", "a, b and c". */
export function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}

export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** What is against the line now, as the rest of a sentence; empty where nothing is. */
export function whatIsWrong(line: LineState, judged: Judged, timing: UplinkTiming, now: TimeMs): string {
  switch (judged.cause) {
    case 'carrier':
      return 'no carrier: the fault is the cable, or the box at its other end is off';
    case 'gone':
      return whatIsMissing(line, judged);
    case 'silent':
      return silenceText(line, judged, timing, now);
    case 'loss': {
      const { percent, lost, asked } = lossOf(judged, timing, now);
      return `loss of ${Math.round(percent)} %: ${lost} of ${asked} questions in the last seconds had no answer`;
    }
    case 'latency': {
      const took = latencyOf(judged, timing, now).medianMs ?? judged.quality.medianMs ?? 0;
      const usual = median(judged.quality.minutes);
      const limit = `${Math.round(latencyLimit(judged, timing))} ms is its limit`;
      return `answers take ${Math.round(took)} ms; ${limit}${usual === null ? '' : `, ${Math.round(usual)} ms is usual`}`;
    }
    case 'dns':
    case 'http':
    case 'tcp':
    case 'portal':
      return appText(line, judged);
    case 'budget':
      return budgetText(line);
    case 'operator':
      return 'the operator took it out of use';
    case 'better':
    case null:
      return '';
    default:
      return unreachable(judged.cause);
  }
}

export function whatIsMissing({ device, settings }: LineState, judged: Judged): string {
  if (device === null) return `there is no device ${settings.device}`;
  return `${settings.device} has no ${familyName(judged.family)} address, or no gateway is known`;
}

function silenceText(line: LineState, judged: Judged, timing: UplinkTiming, now: TimeMs): string {
  const { silentMs, questions } = silenceOf(judged, timing, now);
  const open = new Set(unanswered(judged).map(({ target }) => target));
  const targets = line.settings.targets[judged.family].filter(target => open.has(target));
  const asked = `${plural(questions, 'question')} to ${listed(targets)} unanswered`;
  return `silent for ${Math.round(silentMs)} ms: ${asked}${placeText(judged)}`;
}

function placeText({ place }: Judged): string {
  if (place === 'beyond') return ', its gateway answers: the fault is beyond it';
  if (place === 'router')
    return ', its gateway does not answer either: the fault is the router or the way to it';
  return '';
}

const FAILURES: Readonly<Record<ProbeFailure, string>> = {
  timeout: 'nothing came in time',
  unsent: 'the question could not be sent',
  refused: 'it was refused',
  wrong: 'the answer was not the known one',
  redirected: 'it was sent on to another place',
};

const APP_NAMES: Readonly<Record<App, string>> = { dns: 'DNS', http: 'HTTP', tcp: 'TCP' };

function appText(line: LineState, judged: Judged): string {
  const [app] = failing(judged);
  if (app === undefined) return 'an application failed';
  const { fails, why, detail } = judged.apps[app];
  const what = why === null ? '' : `: ${FAILURES[why]}${detail === '' ? '' : ` (${detail})`}`;
  const whom = listed(appTargets(line.settings, judged.family, app));
  if (judged.cause === 'portal') return `a captive portal answers instead of ${whom}${what}`;
  return `${APP_NAMES[app]} failed ${fails} times in a row at ${whom}${what}, while pings are answered`;
}

export function budgetText({ settings, usage }: LineState): string {
  const { budget } = settings;
  if (budget === null) return '';
  const percent = Math.floor((usage.used * 100) / budget.bytes);
  return `${percent} % of its budget of ${volume(budget.bytes)} is used`;
}

export const STATE_WORDS: Readonly<Record<LineStateName, string>> = {
  absent: 'is not there',
  unproven: 'has not proven itself yet',
  up: 'is up',
  down: 'is down',
  dead: 'is dead',
  bad: 'is bad',
  returning: 'is back, and has to stay so before it is used again',
  spent: 'is used up',
  drained: 'is drained',
};
