// `uplinks:` of bondwire.yaml from settings: only what is not the default, so that reading it gives the same settings. (config)
import { equalValues } from '../../base/index.js';
import {
  DEFAULT_MARK_MASK,
  DEFAULT_RETURN_MS,
  DEFAULT_TARGETS,
  DEFAULT_TIMING,
  type LineSettings,
  type Nat,
  type UplinkRule,
  type UplinkSettings,
  type UplinkTiming,
} from '../../uplinks/index.js';
import type { TimeKey } from './uplink-schema.js';

/** What becomes YAML: all scalars are texts. */
export type Plain = string | readonly Plain[] | { readonly [key: string]: Plain };
type PlainMap = Readonly<Record<string, Plain>>;

const GIGABYTE = 1e9;
const MEGABYTE = 1e6;
const HOUR_MINUTES = 60;

const TIMES: readonly (readonly [TimeKey, keyof UplinkTiming])[] = [
  ['interval', 'intervalMs'],
  ['metered_interval', 'meteredIntervalMs'],
  ['silence', 'silenceMs'],
  ['silence_with_traffic', 'silenceWithTrafficMs'],
  ['latency', 'latencyEnterMs'],
  ['dns_interval', 'dnsIntervalMs'],
  ['http_interval', 'httpIntervalMs'],
  ['app_timeout', 'appTimeoutMs'],
];

/** The map below `uplinks: NAME:`. */
export function plainUplink(settings: UplinkSettings): PlainMap {
  const { lines, mode, sticky, rules, markMask, clampMss, timing } = settings;
  const [first] = lines;
  // What all lines have stands once, above them.
  const shared =
    first !== undefined && lines.every(({ nat }) => equalValues(nat, first.nat)) ? first.nat : null;
  const isClamped = lines.some(({ device }) => device.startsWith('ppp'));
  return {
    lines: Object.fromEntries(lines.map(line => [line.name, plainLine(line, shared !== null)])),
    ...(mode !== 'failover' && { mode }),
    ...(sticky !== 'client' && { sticky }),
    ...(shared !== null && !isNone(shared) && { nat: plainNat(shared) }),
    ...plainReturn(settings.return),
    ...(rules.length > 0 && { rules: rules.map(plainRule) }),
    ...(markMask !== DEFAULT_MARK_MASK && { mark_mask: `0x${markMask.toString(16).padStart(8, '0')}` }),
    ...(clampMss !== isClamped && { clamp_mss: String(clampMss) }),
    ...plainTiming(timing),
  };
}

function plainLine(line: LineSettings, isNatShared: boolean): PlainMap {
  const { device, gateway, nat, metered, budget, weight, targets, dns, http, tcp } = line;
  const own = [
    ...(equalValues(targets.ipv4, DEFAULT_TARGETS.ipv4) ? [] : targets.ipv4),
    ...(equalValues(targets.ipv6, DEFAULT_TARGETS.ipv6) ? [] : targets.ipv6),
  ];
  return {
    device,
    ...plainGateway(gateway),
    ...(!isNatShared && !isNone(nat) && { nat: plainNat(nat) }),
    ...(metered && { metered: 'true' }),
    ...(budget !== null && {
      budget: {
        ...(budget.bytes % GIGABYTE === 0
          ? { gb: String(budget.bytes / GIGABYTE) }
          : { mb: String(budget.bytes / MEGABYTE) }),
        ...(budget.resetDay !== null && { reset: String(budget.resetDay) }),
      },
    }),
    ...(weight !== 1 && { weight: String(weight) }),
    ...(own.length > 0 && { targets: own }),
    ...(dns.length > 0 && { dns }),
    ...(http !== null && {
      http: {
        url: http.url,
        ...(http.status !== 200 && { status: String(http.status) }),
        ...(http.body !== '' && { body: http.body }),
      },
    }),
    ...(tcp !== null && { tcp }),
  };
}

function plainGateway({ ipv4, ipv6 }: LineSettings['gateway']): PlainMap {
  if (ipv4 !== null && ipv6 !== null) return { gateway: { ipv4, ipv6 } };
  const one = ipv4 ?? ipv6;
  return one === null ? {} : { gateway: one };
}

function isNone({ ipv4, ipv6 }: LineSettings['nat']): boolean {
  return ipv4.kind === 'none' && ipv6.kind === 'none';
}

function plainNat({ ipv4, ipv6 }: LineSettings['nat']): Plain {
  if (equalValues(ipv4, ipv6)) return natText(ipv4);
  return {
    ...(ipv4.kind !== 'none' && { ipv4: natText(ipv4) }),
    ...(ipv6.kind !== 'none' && { ipv6: natText(ipv6) }),
  };
}

function natText(nat: Nat): string {
  return nat.kind === 'prefix' ? `prefix ${nat.inside} ${nat.outside}` : nat.kind;
}

function plainReturn(wish: UplinkSettings['return']): PlainMap {
  if (wish === null) return { return: 'never' };
  const { afterMs, at } = wish;
  if (at === null) return afterMs === DEFAULT_RETURN_MS ? {} : { return: timeText(afterMs) };
  const hours = String(Math.floor(at / HOUR_MINUTES)).padStart(2, '0');
  const minutes = String(at % HOUR_MINUTES).padStart(2, '0');
  return {
    return: {
      ...(afterMs !== DEFAULT_RETURN_MS && { after: timeText(afterMs) }),
      at: `${hours}:${minutes}`,
    },
  };
}

function plainRule({ match, use, otherwise, keepTcpMs }: UplinkRule): PlainMap {
  const { from, to, protocol, sourcePorts, destinationPorts, dscp, incoming, uids } = match;
  return {
    match: {
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(protocol !== undefined && { protocol }),
      ...(sourcePorts !== undefined && { sport: rangeText(sourcePorts) }),
      ...(destinationPorts !== undefined && { dport: rangeText(destinationPorts) }),
      ...(dscp !== undefined && { dscp: String(dscp) }),
      ...(incoming !== undefined && { iif: incoming }),
      ...(uids !== undefined && { uid: rangeText(uids) }),
    },
    ...(use !== undefined && { use }),
    ...(otherwise !== 'selected' && { else: otherwise }),
    ...(keepTcpMs !== undefined && { existing: { tcp: `keep ${timeText(keepTcpMs)}` } }),
  };
}

function plainTiming(timing: UplinkTiming): PlainMap {
  const times = TIMES.flatMap(([key, field]) =>
    timing[field] === DEFAULT_TIMING[field] ? [] : [[key, timeText(timing[field])] as const],
  );
  const { lossEnter, lossLeave } = timing;
  const loss = {
    ...(lossEnter !== DEFAULT_TIMING.lossEnter && { enter: `${lossEnter}%` }),
    ...(lossLeave !== DEFAULT_TIMING.lossLeave && { leave: `${lossLeave}%` }),
  };
  return { ...Object.fromEntries(times), ...(Object.keys(loss).length > 0 && { loss }) };
}

function rangeText([first, last]: readonly [number, number]): string {
  return first === last ? String(first) : `${first}-${last}`;
}

/** `30s`, `150ms`. */
function timeText(ms: number): string {
  return ms > 0 && ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
