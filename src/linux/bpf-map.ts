// eBPF maps by bpf(2): create, and arrays seen as live memory without any system call.
import { BpfAttr, bpf } from './bpf-syscall.js';
import { libc } from './ffi.js';
import { type MappedMemory, mapShared, pageSize } from './memory.js';

const RLIMIT_MEMLOCK = 8;

/** What makes a map. */
export interface MapParameters {
  /** BPF_MAP_TYPE_*. */
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  /** For a ring buffer: its bytes, a power of two and a multiple of the page size. */
  readonly maxEntries: number;
  /** BPF_F_*. */
  readonly flags?: number;
  /** At most 15 characters. */
  readonly name?: string;
}

let memlockRaised = false;

/** Kernels before 5.11 count eBPF memory against RLIMIT_MEMLOCK: lift it, once. A refusal shows later as EPERM. */
export function raiseMemlockLimit(): void {
  if (memlockRaised) return;
  memlockRaised = true;
  const unlimited = new Uint8Array(16).fill(0xff);
  libc().prlimit(0, RLIMIT_MEMLOCK, unlimited, null);
}

/** Makes a map; gives its file descriptor. */
export function createMap(map: MapParameters): number {
  raiseMemlockLimit();
  const attr = new BpfAttr(72)
    .u32(0, map.type)
    .u32(4, map.keySize)
    .u32(8, map.valueSize)
    .u32(12, map.maxEntries)
    .u32(16, map.flags ?? 0)
    .name(28, map.name ?? '');
  return bpf('BPF_MAP_CREATE', attr, map.name ?? '');
}

/**
 * Live memory of an array map made with BPF_F_MMAPABLE. Values lie `valueSize` rounded up to eight apart; `bytes` is
 * that times the number of entries.
 */
export function mmapArray(mapFd: number, bytes: number, writable = true): MappedMemory {
  const page = pageSize();
  return mapShared(mapFd, Math.ceil(bytes / page) * page, { writable });
}
