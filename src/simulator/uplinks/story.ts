// A simulated uplink as a person would tell it: what happened to the lines, what was done about it, what it cost. (simulator)
import { unreachable } from '../../base/index.js';
import { timeText } from '../time-text.js';
import type { Direction, Step, UplinkScenario } from './scenario.js';
import type { LineAtEnd, SimulatedUplink } from './simulate.js';
import type { TrafficTotals } from './traffic.js';

function wayText(direction: Direction = 'both'): string {
  if (direction === 'up') return ' that goes out';
  return direction === 'down' ? ' that comes in' : '';
}

function familyText(family: 'ipv4' | 'ipv6' | undefined): string {
  if (family === undefined) return '';
  return family === 'ipv4' ? ' of IPv4' : ' of IPv6';
}

function forText(forMs: number | undefined): string {
  return forMs === undefined ? '' : ` for ${forMs} ms`;
}

/** A step as a clause: "the cable of fibre is cut". */
export function stepText(step: Step): string {
  switch (step.do) {
    case 'cut':
      return `the cable of ${step.line} is cut`;
    case 'restore':
      return `the cable of ${step.line} is whole again`;
    case 'silence':
      return `${step.line} is silent: nothing${familyText(step.family)}${wayText(step.direction)} passes beyond its router, with the link up`;
    case 'speak':
      return `${step.line} is not silent any more`;
    case 'router-dead':
      return `the router of ${step.line} is dead, with the link up`;
    case 'router-back':
      return `the router of ${step.line} is back`;
    case 'lose':
      return step.percent === 0
        ? `${step.line} loses nothing any more`
        : `${step.line} loses ${step.percent} % of what passes${wayText(step.direction)}`;
    case 'delay':
      return step.ms === 0
        ? `${step.line} is as fast as before`
        : `${step.line} takes ${step.ms} ms more for all${wayText(step.direction)}`;
    case 'blackouts':
      return step.forMs === 0
        ? `${step.line} has no blackouts any more`
        : `${step.line} has a blackout of ${step.forMs} ms every ${step.everyMs} ms`;
    case 'portal':
      return `a captive portal answers on ${step.line}`;
    case 'portal-gone':
      return `the portal of ${step.line} is gone`;
    case 'dns-dead':
      return `the DNS server of ${step.line} does not answer`;
    case 'dns-back':
      return `the DNS server of ${step.line} answers again`;
    case 'address':
      return `${step.line} gets another address and gateway${familyText(step.family)}`;
    case 'device-gone':
      return `the device of ${step.line} is gone`;
    case 'device-back':
      return `the device of ${step.line} is there again, as a new one`;
    case 'use':
      return `the operator wants ${step.line} used${forText(step.forMs)}`;
    case 'drain':
      return `the operator takes ${step.line} out of use${forText(step.forMs)}`;
    case 'release':
      return step.line === undefined
        ? 'the operator releases all lines'
        : `the operator releases ${step.line}`;
    case 'refill':
      return `the budget of ${step.line} begins anew`;
    case 'spend':
      return `${step.mb} MB go by ${step.line}`;
    case 'daemon-kill':
      return 'the daemon is killed (kill -9)';
    case 'daemon-start':
      return 'a new daemon starts';
    case 'busy':
      return `the machine is busy: the daemon does not run for ${step.forMs} ms`;
    case 'kernel-refuses':
      return `the kernel refuses every change of routes for ${step.forMs} ms`;
    default:
      return unreachable(step);
  }
}

function trafficText({ name, kind, sent, lost, ended, longestGapMs }: TrafficTotals): string {
  const lostText = lost === 0 ? 'none lost' : `${lost} lost`;
  const endedText = ended === 0 ? '' : `, ${ended} ${ended === 1 ? 'connection' : 'connections'} ended`;
  const what = kind === 'requests' ? 'requests' : 'packets';
  return `  ${name}: ${sent} ${what} sent, ${lostText}${endedText}, longest silence ${longestGapMs} ms`;
}

function endText({ name, states, bytes }: LineAtEnd): string {
  const families = Object.entries(states).map(
    ([family, state]) => `${family === 'ipv4' ? 'IPv4' : 'IPv6'} ${state ?? 'unknown: no daemon runs'}`,
  );
  return `  ${name}: ${families.join(', ')}; ${(bytes / 1e6).toFixed(1)} MB`;
}

/** The whole story, several lines with a newline at the end. `unmet` are expectations that were not kept. */
export function uplinkStory(
  scenario: UplinkScenario,
  simulated: SimulatedUplink,
  unmet: readonly string[],
): string {
  const happened = scenario.steps
    .filter(({ atMs }) => atMs <= scenario.lengthMs)
    .map(step => ({ atMs: step.atMs, text: `* ${stepText(step)}` }));
  const told = simulated.told.map(({ atMs, event }) => ({ atMs, text: `  ${event.message}` }));
  const lines = [...happened, ...told].toSorted((a, b) => a.atMs - b.atMs);
  const rules = simulated.violations.map(
    each => `  ${timeText(each.atMs).trim()} ${each.message} (rule ${each.rule})`,
  );
  return [
    `${scenario.name}: ${scenario.summary}`,
    `${(scenario.lengthMs / 1000).toFixed(1)} s simulated.`,
    '',
    ...lines.map(({ atMs, text }) => `${timeText(atMs)} ${text}`),
    ...(lines.length === 0 ? ['Nothing happened.'] : []),
    ...(simulated.traffic.length === 0 ? [] : ['', 'Traffic:', ...simulated.traffic.map(trafficText)]),
    '',
    'At the end:',
    ...simulated.lines.map(endText),
    ...(unmet.length === 0 ? [] : ['', 'Not as expected:', ...unmet.map(text => `  ${text}`)]),
    ...(rules.length === 0 ? [] : ['', 'Rules that did not hold (a bug of Bondwire):', ...rules]),
    '',
  ].join('\n');
}
