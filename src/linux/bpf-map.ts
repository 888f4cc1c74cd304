// eBPF maps by bpf(2): create, read, write, walk; and arrays seen as live memory without any system call.
import type { BpfCommand } from '../ebpf/index.js';
import { BpfAttr, bpf, tryBpf } from './bpf-syscall.js';
import { SystemError } from './errors.js';
import { libc } from './ffi.js';
import { type MappedMemory, mapShared, pageSize } from './memory.js';

/** Map types (enum bpf_map_type) that Bondwire uses. */
export const BPF_MAP_TYPES = {
  BPF_MAP_TYPE_HASH: 1,
  BPF_MAP_TYPE_ARRAY: 2,
  BPF_MAP_TYPE_PERCPU_HASH: 5,
  BPF_MAP_TYPE_PERCPU_ARRAY: 6,
  BPF_MAP_TYPE_LRU_HASH: 9,
  BPF_MAP_TYPE_DEVMAP: 14,
  BPF_MAP_TYPE_DEVMAP_HASH: 25,
  BPF_MAP_TYPE_RINGBUF: 27,
} as const;

export const BPF_F_NO_PREALLOC = 1;
export const BPF_F_MMAPABLE = 0x400;

const ENOENT = 2;
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

/** Whether an update may make, or must find, the element (BPF_ANY, BPF_NOEXIST, BPF_EXIST). */
export type UpdateMode = 'any' | 'create' | 'replace';

const UPDATE_FLAGS: Readonly<Record<UpdateMode, bigint>> = { any: 0n, create: 1n, replace: 2n };

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

function elementAttr(mapFd: number, key: Uint8Array | undefined, value?: Uint8Array): BpfAttr {
  return new BpfAttr(32).u32(0, mapFd).pointer(8, key).pointer(16, value);
}

function found(command: BpfCommand, attr: BpfAttr, mapFd: number): boolean {
  const result = tryBpf(command, attr);
  if (result === -ENOENT) return false;
  if (result < 0) throw new SystemError(`bpf(${command})`, -result, `map fd ${mapFd}`);
  return true;
}

/** The value of a key, `valueSize` bytes (per-CPU maps: eight-byte-aligned times the possible CPUs); undefined when there is none. */
export function lookupMap(mapFd: number, key: Uint8Array, valueSize: number): Uint8Array | undefined {
  const value = new Uint8Array(valueSize);
  return found('BPF_MAP_LOOKUP_ELEM', elementAttr(mapFd, key, value), mapFd) ? value : undefined;
}

/** Writes a value; throws EEXIST or ENOENT where `mode` is not met. */
export function updateMap(mapFd: number, key: Uint8Array, value: Uint8Array, mode: UpdateMode = 'any'): void {
  bpf('BPF_MAP_UPDATE_ELEM', elementAttr(mapFd, key, value).u64(24, UPDATE_FLAGS[mode]), `map fd ${mapFd}`);
}

/** Deletes a key; false when it was not there. */
export function deleteMapKey(mapFd: number, key: Uint8Array): boolean {
  return found('BPF_MAP_DELETE_ELEM', elementAttr(mapFd, key), mapFd);
}

/** The key after `key` (the first where undefined); undefined after the last. */
export function nextMapKey(
  mapFd: number,
  key: Uint8Array | undefined,
  keySize: number,
): Uint8Array | undefined {
  const next = new Uint8Array(keySize);
  return found('BPF_MAP_GET_NEXT_KEY', elementAttr(mapFd, key, next), mapFd) ? next : undefined;
}

/** All keys. Keys that come and go meanwhile may be missed or told twice. */
export function listMapKeys(mapFd: number, keySize: number): Uint8Array[] {
  const keys: Uint8Array[] = [];
  let key = nextMapKey(mapFd, undefined, keySize);
  while (key !== undefined) {
    keys.push(key);
    key = nextMapKey(mapFd, key, keySize);
  }
  return keys;
}

/**
 * Live memory of an array map made with BPF_F_MMAPABLE. Values lie `valueSize` rounded up to eight apart; `bytes` is
 * that times the number of entries.
 */
export function mmapArray(mapFd: number, bytes: number, writable = true): MappedMemory {
  const page = pageSize();
  return mapShared(mapFd, Math.ceil(bytes / page) * page, { writable });
}
