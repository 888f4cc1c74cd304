// Which of the capabilities that a command needs this process has, from /proc/self/status.
import { readFileSync } from 'node:fs';
import { permissionFailure } from '../reading/failure.js';
import type { Machine } from '../modules.js';

/** Bits of capabilities(7) by name, those that Bondwire ever needs. */
const CAPABILITY_BITS: Readonly<Record<string, bigint>> = {
  CAP_NET_ADMIN: 12n,
  CAP_NET_RAW: 13n,
  CAP_SYS_ADMIN: 21n,
  CAP_PERFMON: 38n,
  CAP_BPF: 39n,
};

/** CAP_SYS_ADMIN stands for these too (bpf_capable(), perfmon_capable()). */
const IN_SYS_ADMIN: ReadonlySet<string> = new Set(['CAP_BPF', 'CAP_PERFMON']);

/** What the daemon needs to bond interfaces; for the eBPF data plane it needs CAP_BPF and CAP_PERFMON besides. */
export const DAEMON_CAPABILITIES = ['CAP_NET_ADMIN', 'CAP_NET_RAW'] as const;

/** What the demo needs besides, to build its namespaces. */
export const LAB_CAPABILITIES = ['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_SYS_ADMIN'] as const;

/** Those of `wanted` that the text of /proc/PID/status does not grant; all of them when it says nothing. */
export function missingIn(statusText: string, wanted: readonly string[]): string[] {
  const hex = /^CapEff:\s*([0-9a-f]+)$/im.exec(statusText)?.[1];
  const effective = hex === undefined ? 0n : BigInt(`0x${hex}`);
  const has = (name: string): boolean => ((effective >> (CAPABILITY_BITS[name] ?? 63n)) & 1n) === 1n;
  return wanted.filter(name => !has(name) && !(IN_SYS_ADMIN.has(name) && has('CAP_SYS_ADMIN')));
}

/** Those of `wanted` that this process lacks. */
export function missingCapabilities(wanted: readonly string[]): string[] {
  try {
    return missingIn(readFileSync('/proc/self/status', 'utf8'), wanted);
  } catch {
    return [...wanted];
  }
}

/** Fails with exit code 4, naming what is missing, unless all of `wanted` is there. */
export function needCapabilities(machine: Machine, what: string, wanted: readonly string[]): void {
  const missing = machine.missingCapabilities(wanted);
  if (missing.length === 0) return;
  throw permissionFailure(
    `${what} needs ${missing.join(', ')}, which this process lacks: run it as root (sudo) on Linux.`,
  );
}
