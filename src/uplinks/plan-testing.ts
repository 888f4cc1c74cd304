// Uplinks for tests: settings with every default, and ways of lines made up of their numbers.
import type { Family, LineNumber, Steering } from './contract.js';
import type { LineWay } from './make-kernel-plan.js';
import {
  DEFAULT_MARK_MASK,
  DEFAULT_RETURN_MS,
  DEFAULT_TARGETS,
  DEFAULT_TIMING,
  type LineSettings,
  type UplinkSettings,
} from './settings.js';

/** A line with defaults. */
export function testLine(name: string, device: string, given: Partial<LineSettings> = {}): LineSettings {
  return {
    name,
    device,
    gateway: { ipv4: null, ipv6: null },
    nat: { ipv4: { kind: 'none' }, ipv6: { kind: 'none' } },
    metered: false,
    budget: null,
    weight: 1,
    targets: DEFAULT_TARGETS,
    dns: [],
    http: null,
    tcp: null,
    ...given,
  };
}

/** An uplink with defaults: lines `fibre` by eth1 and `dsl` by ppp0 where none are given. */
export function testSettings(given: Partial<UplinkSettings> = {}): UplinkSettings {
  return {
    name: 'office',
    lines: [testLine('fibre', 'eth1'), testLine('dsl', 'ppp0')],
    mode: 'failover',
    sticky: 'client',
    rules: [],
    markMask: DEFAULT_MARK_MASK,
    clampMss: false,
    return: { afterMs: DEFAULT_RETURN_MS, at: null },
    timing: DEFAULT_TIMING,
    ...given,
  };
}

/** Everything goes by the lines in this order, flows by their own lines. */
export function testSteering(order: readonly LineNumber[], given: Partial<Steering> = {}): Steering {
  return {
    selected: { ipv4: order, ipv6: order },
    flows: [],
    policies: [],
    shares: { ipv4: [], ipv6: [] },
    ...given,
  };
}

/** Line N has 192.0.N.2 behind 192.0.N.1 and 2001:db8:N::2 behind 2001:db8:N::1, on device index 10 + N. */
export function testWay(settings: UplinkSettings): (line: LineNumber, family: Family) => LineWay | null {
  return (line, family) => {
    const device = settings.lines[line - 1]?.device;
    if (device === undefined) return null;
    const base = family === 'ipv4' ? `192.0.${line}.` : `2001:db8:${line}::`;
    const address = `${base}2`;
    return {
      device,
      ifindex: 10 + line,
      path: {
        address,
        addresses: [{ address, prefixLength: family === 'ipv4' ? 24 : 64 }],
        gateway: `${base}1`,
        onLink: false,
      },
    };
  };
}
