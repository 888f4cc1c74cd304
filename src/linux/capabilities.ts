// What this process may do (capabilities(7)), from /proc/self/status.
import { readFileSync } from 'node:fs';

/** Bits of a capability set that Bondwire asks about (linux/capability.h). */
export const CAPABILITIES = {
  CAP_DAC_OVERRIDE: 1,
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;

/** Name of a capability that Bondwire asks about. */
export type Capability = keyof typeof CAPABILITIES;

/** The effective ones of CAPABILITIES in the text of /proc/PID/status. */
export function parseCapabilities(status: string): ReadonlySet<Capability> {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  const bits = hex === undefined ? 0n : BigInt(`0x${hex}`);
  const names = Object.keys(CAPABILITIES) as Capability[];
  return new Set(names.filter(name => ((bits >> BigInt(CAPABILITIES[name])) & 1n) === 1n));
}

/** The effective capabilities of this process. CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON on every kernel. */
export function effectiveCapabilities(): ReadonlySet<Capability> {
  return parseCapabilities(readFileSync('/proc/self/status', 'latin1'));
}
