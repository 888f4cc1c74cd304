// Which programs hang on an interface of this namespace (BPF_PROG_QUERY).
import { BPF_NETKIT_PRIMARY, BPF_TCX_INGRESS } from './bpf-link.js';
import { BpfAttr, tryBpf } from './bpf-syscall.js';
import { SystemError } from './errors.js';

const MOST_PROGRAMS = 64;
const ENOENT = 2;
const EINVAL = 22;
const ENODEV = 19;
const EPERM = 1;
const ENXIO = 6;
const EACCES = 13;
/** An interface of every namespace, which has no pair. */
const LOOPBACK = 1;

/** A program at a hook of an interface (TCX, netkit). */
export interface HookEntry {
  readonly programId: number;
  /** The link that holds it there; 0 where it was attached without one. */
  readonly linkId: number;
}

/**
 * What is at a hook of an interface, in the order in which it runs; nothing on kernels without that kind of hook, on interfaces without
 * one (netkit: the primary device alone has it), or where we may not ask.
 */
export function hookEntries(ifindex: number, attachType: number): HookEntry[] {
  const programs = new Uint8Array(4 * MOST_PROGRAMS);
  const links = new Uint8Array(4 * MOST_PROGRAMS);
  const attr = new BpfAttr(64)
    .u32(0, ifindex)
    .u32(4, attachType)
    .pointer(16, programs)
    .u32(24, MOST_PROGRAMS)
    .pointer(40, links);
  const result = tryBpf('BPF_PROG_QUERY', attr);
  if ([ENOENT, EINVAL, ENODEV, EPERM, ENXIO, EACCES].includes(-result)) return [];
  if (result < 0) throw new SystemError('bpf(BPF_PROG_QUERY)', -result, `interface ${ifindex}`);
  const [programIds, linkIds] = [new DataView(programs.buffer), new DataView(links.buffer)];
  return Array.from({ length: attr.getU32(24) }, (_, i) => ({
    programId: programIds.getUint32(4 * i, true),
    linkId: linkIds.getUint32(4 * i, true),
  }));
}

/** Ids of the programs among them. */
export function tcxProgramIds(ifindex: number, attachType: number): number[] {
  return hookEntries(ifindex, attachType).map(({ programId }) => programId);
}

/** True when this kernel has TCX hooks (6.6); undefined when we may not ask. */
export function tcxAvailable(): boolean | undefined {
  const result = tryBpf('BPF_PROG_QUERY', new BpfAttr(64).u32(0, LOOPBACK).u32(4, BPF_TCX_INGRESS));
  if (result === -EPERM) return undefined;
  return result >= 0 || result === -ENOENT;
}

/** True when this kernel has netkit devices (6.7, CONFIG_NETKIT); undefined when we may not ask. */
export function netkitAvailable(): boolean | undefined {
  const result = tryBpf('BPF_PROG_QUERY', new BpfAttr(64).u32(0, LOOPBACK).u32(4, BPF_NETKIT_PRIMARY));
  if (result === -EPERM) return undefined;
  // Loopback is no such device; a kernel that has none does not know the attach type (EINVAL).
  return result === -ENXIO;
}
