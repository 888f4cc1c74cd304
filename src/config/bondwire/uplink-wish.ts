// From the texts of `uplinks:` to settings, with all that is wrong in them. (config)
import { badInterfaceName, shown } from '../../base/index.js';
import {
  type Budget,
  DEFAULT_MARK_MASK,
  DEFAULT_RETURN_MS,
  DEFAULT_TARGETS,
  DEFAULT_TIMING,
  type HttpPage,
  type LineSettings,
  MOST_LINES,
  type Nat,
  type UplinkSettings,
  type UplinkTiming,
} from '../../uplinks/index.js';
import { addressText, cidrText } from '../addresses.js';
import { durationMs } from '../durations.js';
import type { Finding, Place } from '../facts.js';
import { ruleOf } from './uplink-rules.js';
import type { LineText, TimeKey, UplinkText } from './uplink-schema.js';
import { type Complain, wholeNumber } from './uplink-texts.js';

/** `fd00:9::/64`, and what it becomes. */
const PREFIX_NAT = /^prefix\s+(?<inside>\S+)\s+(?:to\s+)?(?<outside>\S+)$/;
/** Not a number: JavaScript would sort such keys, and the order of lines counts. */
const NAME = /^[a-z][a-z0-9_.-]{0,30}$/i;
const PAGE = /^http:\/\/(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:[/?]\S*)?$/i;
const GIGABYTE = 1e9;
const MEGABYTE = 1e6;
const DAY_MINUTES = 1440;
const LONGEST_MS = 86_400_000;
const MOST_WEIGHT = 1000;

/** The settings that the texts of an uplink give. What is wrong is among the findings, and has its default in the settings. */
export function uplinkOf(
  name: string,
  text: UplinkText,
  placeOf: (...keys: readonly string[]) => Place,
): { readonly settings: UplinkSettings; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const complain: Complain = (keys, message) =>
    findings.push({ level: 'error', place: placeOf(...keys), message });
  if (!NAME.test(name))
    complain(
      [],
      `"${shown(name)}" cannot name an uplink: begin with a letter; use letters, digits, "-", "_" and ".", at most 31 of them.`,
    );
  const nat = natOf(text.nat, ['nat'], complain);
  const lines = Object.entries(text.lines).map(([line, its]) => lineOf(line, its, nat, complain));
  checkLines(lines, complain);
  const names = lines.map(line => line.name);
  const settings: UplinkSettings = {
    name,
    lines,
    mode: text.mode,
    sticky: text.sticky,
    rules: text.rules.map((rule, at) =>
      ruleOf(rule, names, (keys, said) => complain(['rules', String(at), ...keys], said)),
    ),
    markMask: maskOf(text.mark_mask, lines.length, complain),
    clampMss: text.clamp_mss ?? lines.some(({ device }) => device.startsWith('ppp')),
    return: returnOf(text.return, complain),
    timing: timingOf(text, complain),
  };
  return { settings, findings };
}

function checkLines(lines: readonly LineSettings[], complain: Complain): void {
  if (lines.length === 0) complain(['lines'], 'An uplink needs at least one line below "lines:".');
  if (lines.length > MOST_LINES)
    complain(['lines'], `An uplink has at most ${MOST_LINES} lines, and here are ${lines.length}.`);
  for (const [at, { name, device }] of lines.entries()) {
    const other = lines.slice(0, at).find(each => each.device === device);
    if (other !== undefined)
      complain(
        ['lines', name, 'device'],
        `${shown(device)} is the device of ${shown(other.name)} already; a line has a device of its own.`,
      );
  }
}

function lineOf(name: string, text: LineText, nat: LineSettings['nat'], complain: Complain): LineSettings {
  const at = (...keys: readonly string[]): readonly string[] => ['lines', name, ...keys];
  if (!NAME.test(name))
    complain(
      at(),
      `"${shown(name)}" cannot name a line: begin with a letter; use letters, digits, "-", "_" and ".", at most 31 of them.`,
    );
  const bad = badInterfaceName(text.device);
  if (bad !== null)
    complain(at('device'), `"${shown(text.device)}" cannot be the name of an interface: ${bad}.`);
  else if (text.device === 'lo') complain(at('device'), 'lo is the loopback interface, which leads nowhere.');
  const weight = wholeNumber(text.weight, 0, MOST_WEIGHT);
  if (weight === null)
    complain(
      at('weight'),
      `weight ${shown(text.weight)} is not a whole number from 0 (it only stands by) to ${MOST_WEIGHT}.`,
    );
  return {
    name,
    device: text.device,
    gateway: gatewayOf(text.gateway, at('gateway'), complain),
    nat: text.nat === undefined ? nat : natOf(text.nat, at('nat'), complain),
    metered: text.metered,
    budget: budgetOf(text.budget, at('budget'), complain),
    weight: weight ?? 1,
    targets: targetsOf(text.targets, at('targets'), complain),
    dns: (text.dns ?? []).flatMap((server, i) => endpointText(server, at('dns', String(i)), complain) ?? []),
    http: httpOf(text.http, at('http'), complain),
    tcp: text.tcp === undefined ? null : (endpointText(text.tcp, at('tcp'), complain) ?? null),
  };
}

function gatewayOf(
  text: LineText['gateway'],
  keys: readonly string[],
  complain: Complain,
): LineSettings['gateway'] {
  if (text === undefined) return { ipv4: null, ipv6: null };
  const given = typeof text === 'string' ? { [text.includes(':') ? 'ipv6' : 'ipv4']: text } : text;
  const read = (family: 'ipv4' | 'ipv6'): string | null => {
    const value = given[family];
    if (value === undefined) return null;
    const address = addressText(value);
    if (address !== null && address.includes(':') === (family === 'ipv6')) return address;
    complain(
      keys,
      `${shown(value)} is no ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address of a gateway; without one the gateway is as the host learns it.`,
    );
    return null;
  };
  return { ipv4: read('ipv4'), ipv6: read('ipv6') };
}

function natOf(text: UplinkText['nat'], keys: readonly string[], complain: Complain): LineSettings['nat'] {
  const given = typeof text === 'string' ? { ipv4: text, ipv6: text } : text;
  const read = (family: 'ipv4' | 'ipv6'): Nat => {
    const value = (given[family] ?? 'none').trim();
    if (value === 'none' || value === 'masquerade') return { kind: value };
    const groups = PREFIX_NAT.exec(value)?.groups;
    const inside = cidrText(groups?.['inside'] ?? '');
    const outside = cidrText(groups?.['outside'] ?? '');
    const isOfFamily = (cidr: string): boolean => cidr.includes(':') === (family === 'ipv6');
    if (inside === null || outside === null || !isOfFamily(inside) || !isOfFamily(outside)) {
      // What is said for both families may fit one alone.
      if (typeof text === 'string' && inside !== null && outside !== null && !isOfFamily(inside))
        return { kind: 'none' };
      complain(
        keys,
        `nat ${shown(value)} is not none, masquerade or "prefix INSIDE OUTSIDE", such as "prefix fd00:9::/64 2001:db8:11::/64".`,
      );
      return { kind: 'none' };
    }
    if (inside.split('/')[1] !== outside.split('/')[1]) {
      complain(
        keys,
        `The prefixes of nat ${shown(value)} have other lengths; each address of one needs its place in the other.`,
      );
      return { kind: 'none' };
    }
    return { kind: 'prefix', inside, outside };
  };
  return { ipv4: read('ipv4'), ipv6: read('ipv6') };
}

function budgetOf(text: LineText['budget'], keys: readonly string[], complain: Complain): Budget | null {
  if (text === undefined) return null;
  const [amount, unit] = text.gb === undefined ? [text.mb, MEGABYTE] : [text.gb, GIGABYTE];
  const bytes = Math.round(Number(amount) * unit);
  if (
    amount === undefined ||
    !(bytes > 0 && bytes <= Number.MAX_SAFE_INTEGER) ||
    (text.gb !== undefined && text.mb !== undefined)
  ) {
    complain(keys, 'A budget needs "gb" or "mb", a number above 0, such as { gb: 50, reset: 1 }.');
    return null;
  }
  const reset = text.reset ?? 'manual';
  const resetDay = reset === 'manual' ? null : wholeNumber(reset, 1, 31);
  if (reset !== 'manual' && resetDay === null)
    complain([...keys, 'reset'], `reset ${shown(reset)} is no day of a month (1 to 31), and not manual.`);
  return { bytes, resetDay };
}

function targetsOf(
  texts: readonly string[] | undefined,
  keys: readonly string[],
  complain: Complain,
): LineSettings['targets'] {
  if (texts === undefined) return DEFAULT_TARGETS;
  const addresses = texts.flatMap((text, i) => {
    const address = addressText(text);
    if (address === null)
      complain(
        [...keys, String(i)],
        `${shown(text)} is no address; names are not taken, as they cannot be asked for when a line is dead.`,
      );
    return address ?? [];
  });
  const ipv4 = addresses.filter(address => !address.includes(':'));
  const ipv6 = addresses.filter(address => address.includes(':'));
  if (ipv4.length === 1 || ipv6.length === 1)
    complain(
      keys,
      'A line needs two targets or more of a family: one alone that is down would be taken for a dead line.',
    );
  return {
    ipv4: ipv4.length === 0 ? DEFAULT_TARGETS.ipv4 : ipv4,
    ipv6: ipv6.length === 0 ? DEFAULT_TARGETS.ipv6 : ipv6,
  };
}

/** An address with or without a port. */
function endpointText(text: string, keys: readonly string[], complain: Complain): string | undefined {
  const match =
    /^\[(?<six>[^\]]+)\](?::(?<port>\d{1,5}))?$/.exec(text) ?? /^(?<four>[^:]+):(?<port>\d{1,5})$/.exec(text);
  const address = addressText(match?.groups?.['six'] ?? match?.groups?.['four'] ?? text);
  const port = match?.groups?.['port'];
  const isPort = port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
  if (address !== null && isPort) return text;
  complain(keys, `${shown(text)} is no address; write it as 192.0.2.53, 192.0.2.53:53 or [2001:db8::53]:53.`);
  return undefined;
}

function httpOf(text: LineText['http'], keys: readonly string[], complain: Complain): HttpPage | null {
  if (text === undefined) return null;
  if (!PAGE.test(text.url)) {
    complain(
      [...keys, 'url'],
      `${shown(text.url)} is no address that begins with http:// (a portal cannot answer https).`,
    );
    return null;
  }
  const status = wholeNumber(text.status, 100, 599);
  if (status === null) complain([...keys, 'status'], `status ${shown(text.status)} is no status of HTTP.`);
  return { url: text.url, status: status ?? 200, body: text.body.trim() };
}

function maskOf(text: string | undefined, lines: number, complain: Complain): number {
  if (text === undefined) return DEFAULT_MARK_MASK;
  const mask = /^(?:0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) ? Number(text) : 0;
  // The bits stand together, and there is room for all lines.
  const isRun = mask > 0 && mask <= 0xffff_ffff && /^1+0*$/.test(mask.toString(2));
  const room = isRun ? mask / lowestBit(mask) : 0;
  if (isRun && room >= lines) return mask;
  complain(
    ['mark_mask'],
    `mark_mask ${shown(text)} must be bits that stand together, as 0x3f000000, with room for ${lines} lines.`,
  );
  return DEFAULT_MARK_MASK;
}

function lowestBit(mask: number): number {
  return (mask & -mask) >>> 0;
}

function returnOf(text: UplinkText['return'], complain: Complain): UplinkSettings['return'] {
  if (text === undefined) return { afterMs: DEFAULT_RETURN_MS, at: null };
  if (text === 'never') return null;
  const { after, at } = typeof text === 'string' ? { after: text, at: undefined } : text;
  const afterMs = after === undefined ? DEFAULT_RETURN_MS : durationMs(after, 1000);
  if (afterMs === null || afterMs > LONGEST_MS)
    complain(['return'], `return ${shown(after ?? '')} is no time up to a day, such as 30s, and not never.`);
  const clock = /^(?<hours>\d{1,2}):(?<minutes>\d{2})$/.exec(at ?? '')?.groups;
  const minutes = Number(clock?.['hours']) * 60 + Number(clock?.['minutes']);
  const isTime = Number(clock?.['minutes']) < 60 && minutes < DAY_MINUTES;
  if (at !== undefined && !isTime)
    complain(['return', 'at'], `at ${shown(at)} is no time of day, such as 03:30.`);
  return { afterMs: afterMs ?? DEFAULT_RETURN_MS, at: at !== undefined && isTime ? minutes : null };
}

function timingOf(text: UplinkText, complain: Complain): UplinkTiming {
  const time = (key: TimeKey, value: string | undefined, least: number, standard: number): number => {
    if (value === undefined) return standard;
    const ms = durationMs(value, 1);
    if (ms !== null && ms >= least && ms <= LONGEST_MS) return ms;
    complain([key], `${key} ${shown(value)} is no time from ${least} ms to a day, such as ${standard}ms.`);
    return standard;
  };
  const percent = (key: 'enter' | 'leave', standard: number): number => {
    const value = text.loss?.[key];
    if (value === undefined) return standard;
    const number = wholeNumber(value.replace(/\s*%$/, ''), 0, 100);
    if (number === null) complain(['loss', key], `loss ${shown(value)} is no percentage from 0 to 100.`);
    return number ?? standard;
  };
  const standard = DEFAULT_TIMING;
  const timing: UplinkTiming = {
    intervalMs: time('interval', text.interval, 20, standard.intervalMs),
    meteredIntervalMs: time('metered_interval', text.metered_interval, 1000, standard.meteredIntervalMs),
    silenceMs: time('silence', text.silence, 100, standard.silenceMs),
    silenceWithTrafficMs: time(
      'silence_with_traffic',
      text.silence_with_traffic,
      100,
      standard.silenceWithTrafficMs,
    ),
    lossEnter: percent('enter', standard.lossEnter),
    lossLeave: percent('leave', standard.lossLeave),
    latencyEnterMs: time('latency', text.latency, 10, standard.latencyEnterMs),
    dnsIntervalMs: time('dns_interval', text.dns_interval, 500, standard.dnsIntervalMs),
    httpIntervalMs: time('http_interval', text.http_interval, 500, standard.httpIntervalMs),
    appTimeoutMs: time('app_timeout', text.app_timeout, 50, standard.appTimeoutMs),
  };
  if (timing.silenceMs < 4 * timing.intervalMs)
    complain(
      ['silence'],
      `A silence of ${timing.silenceMs} ms is shorter than four questions, one each ${timing.intervalMs} ms; make silence longer or interval shorter.`,
    );
  if (timing.lossLeave >= timing.lossEnter)
    complain(
      ['loss'],
      `loss must be left at less than it is entered at, not at ${timing.lossLeave} % and ${timing.lossEnter} %: a line between the two would come and go all the time.`,
    );
  return timing;
}
