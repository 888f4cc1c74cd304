// The settings that a scenario's uplink has in the daemon: its lines with targets, and every default filled in. (simulator)
import {
  DEFAULT_MARK_MASK,
  DEFAULT_RETURN_MS,
  DEFAULT_TARGETS,
  DEFAULT_TIMING,
  type LineSettings,
  type UplinkSettings,
} from '../../uplinks/index.js';
import type { LineSpec, RuleSpec, UplinkSpec } from './scenario.js';

const MEGABYTE = 1_000_000;
const INSIDE_PREFIX = 'fd00:1::/64';

export function settingsOf(spec: UplinkSpec): UplinkSettings {
  const { returnMs = DEFAULT_RETURN_MS } = spec;
  return {
    name: 'uplink',
    lines: spec.lines.map(lineSettings),
    mode: spec.mode ?? 'failover',
    sticky: spec.sticky ?? 'client',
    rules: (spec.rules ?? []).map(ruleSettings),
    markMask: DEFAULT_MARK_MASK,
    clampMss: false,
    return: returnMs === null ? null : { afterMs: returnMs, at: null },
    timing: { ...DEFAULT_TIMING, ...spec.timing },
  };
}

function lineSettings(line: LineSpec, at: number): LineSettings {
  const { name, metered = false, budgetMb, weight = 1, families, nat6, dns = true, http = true } = line;
  const has = (family: 'ipv4' | 'ipv6'): boolean => families?.includes(family) ?? true;
  const servers = [...(has('ipv4') ? ['192.0.2.53'] : []), ...(has('ipv6') ? ['2001:db8:53::53'] : [])];
  const outside = `2001:db8:${at + 1}::/64`;
  return {
    name,
    device: `${name}0`,
    gateway: { ipv4: null, ipv6: null },
    nat: {
      ipv4: { kind: 'masquerade' },
      ipv6: nat6 === 'prefix' ? { kind: 'prefix', inside: INSIDE_PREFIX, outside } : { kind: 'masquerade' },
    },
    metered,
    budget: budgetMb === undefined ? null : { bytes: budgetMb * MEGABYTE, resetDay: null },
    weight,
    targets: {
      ipv4: has('ipv4') ? DEFAULT_TARGETS.ipv4 : [],
      ipv6: has('ipv6') ? DEFAULT_TARGETS.ipv6 : [],
    },
    dns: dns ? servers : [],
    http: http
      ? { url: `http://${has('ipv4') ? '192.0.2.80' : '[2001:db8:80::80]'}/`, status: 200, body: 'success' }
      : null,
    tcp: null,
  };
}

function ruleSettings(rule: RuleSpec): UplinkSettings['rules'][number] {
  const { protocol, port, use, otherwise = 'selected', keepTcpMs } = rule;
  return {
    match: { ...(protocol === undefined ? {} : { protocol }), destinationPorts: [port, port] },
    ...(use === undefined ? {} : { use }),
    otherwise,
    ...(keepTcpMs === undefined ? {} : { keepTcpMs }),
  };
}
