// Which programs hang on an interface of this namespace (BPF_PROG_QUERY).
import { BpfAttr, tryBpf } from './bpf-syscall.js';
import { SystemError } from './errors.js';

const MOST_PROGRAMS = 64;
const ENOENT = 2;
const EINVAL = 22;
const ENODEV = 19;
const EPERM = 1;

/** Ids of the programs at a TCX hook of an interface, in the order in which they run; none on kernels without TCX, or where we may not ask. */
export function tcxProgramIds(ifindex: number, attachType: number): number[] {
  const ids = new Uint8Array(4 * MOST_PROGRAMS);
  const attr = new BpfAttr(64).u32(0, ifindex).u32(4, attachType).pointer(16, ids).u32(24, MOST_PROGRAMS);
  const result = tryBpf('BPF_PROG_QUERY', attr);
  if ([ENOENT, EINVAL, ENODEV, EPERM].includes(-result)) return [];
  if (result < 0) throw new SystemError('bpf(BPF_PROG_QUERY)', -result, `interface ${ifindex}`);
  const view = new DataView(ids.buffer);
  return Array.from({ length: attr.getU32(24) }, (_, i) => view.getUint32(4 * i, true));
}

/** True when this kernel has TCX hooks (6.6); undefined when we may not ask. */
export function tcxAvailable(): boolean | undefined {
  const BPF_TCX_INGRESS = 46;
  const LOOPBACK = 1;
  const result = tryBpf('BPF_PROG_QUERY', new BpfAttr(64).u32(0, LOOPBACK).u32(4, BPF_TCX_INGRESS));
  if (result === -EPERM) return undefined;
  return result >= 0 || result === -ENOENT;
}
