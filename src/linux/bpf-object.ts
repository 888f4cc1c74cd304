// What all eBPF objects have: pins in a BPF file system, information, and ids.
import type { BpfCommand } from '../ebpf/index.js';
import { BpfAttr, bpf, tryBpf } from './bpf-syscall.js';
import { isErrno, SystemError } from './errors.js';
import { addressOf } from './ffi.js';

const ENOENT = 2;

/** Gives an object a name in a BPF file system, which keeps it after we end; EEXIST when the name is taken. Removing the file unpins. */
export function pinObject(fd: number, path: string): void {
  bpf('BPF_OBJ_PIN', new BpfAttr(16).textPointer(0, path).u32(8, fd), path);
}

/** A file descriptor of the object pinned at `path`; undefined when nothing is there. The caller closes it. */
export function getPinned(path: string): number | undefined {
  const result = tryBpf('BPF_OBJ_GET', new BpfAttr(16).textPointer(0, path));
  if (result === -ENOENT) return undefined;
  if (result < 0) throw new SystemError('bpf(BPF_OBJ_GET)', -result, path);
  return result;
}

function objectInfo(fd: number, info: Uint8Array): DataView {
  bpf('BPF_OBJ_GET_INFO_BY_FD', new BpfAttr(16).u32(0, fd).u32(4, info.length).pointer(8, info), `fd ${fd}`);
  return new DataView(info.buffer);
}

function nameAt(info: Uint8Array, offset: number): string {
  let text = '';
  for (let i = offset; i < offset + 16 && info[i] !== 0; i++) text += String.fromCharCode(info[i] ?? 0);
  return text;
}

/** What the kernel tells of a program (struct bpf_prog_info). */
export interface ProgramInfo {
  readonly type: number;
  readonly id: number;
  /** Of its instructions, whatever its maps (bpf_prog_calc_tag), in hexadecimal. */
  readonly tag: string;
  readonly name: string;
  readonly mapIds: readonly number[];
  /** Nanoseconds of CLOCK_BOOTTIME at which it was loaded. */
  readonly loadTimeNs: bigint;
}

/** Information on a program. */
export function programInfo(fd: number): ProgramInfo {
  const mapIdCount = objectInfo(fd, new Uint8Array(232)).getUint32(52, true);
  const info = new Uint8Array(232);
  const mapIds = new Uint8Array(4 * mapIdCount);
  const view = new DataView(info.buffer);
  view.setUint32(52, mapIdCount, true);
  if (mapIdCount > 0) view.setBigUint64(56, addressOf(mapIds), true);
  objectInfo(fd, info);
  const ids = new DataView(mapIds.buffer);
  return {
    type: view.getUint32(0, true),
    id: view.getUint32(4, true),
    tag: Buffer.from(info.subarray(8, 16)).toString('hex'),
    name: nameAt(info, 64),
    mapIds: Array.from({ length: mapIdCount }, (_, i) => ids.getUint32(4 * i, true)),
    loadTimeNs: view.getBigUint64(40, true),
  };
}

/** What the kernel tells of a map (struct bpf_map_info). */
export interface MapInfo {
  readonly type: number;
  readonly id: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly name: string;
}

/** Information on a map. */
export function mapInfo(fd: number): MapInfo {
  const info = new Uint8Array(88);
  const view = objectInfo(fd, info);
  return {
    type: view.getUint32(0, true),
    id: view.getUint32(4, true),
    keySize: view.getUint32(8, true),
    valueSize: view.getUint32(12, true),
    maxEntries: view.getUint32(16, true),
    flags: view.getUint32(20, true),
    name: nameAt(info, 24),
  };
}

/** BPF_LINK_TYPE_TCX and BPF_LINK_TYPE_NETKIT: links at an interface, told of alike. */
const AT_INTERFACES: ReadonlySet<number> = new Set([11, 13]);

/** What the kernel tells of a link (struct bpf_link_info). */
export interface LinkObjectInfo {
  readonly type: number;
  readonly id: number;
  readonly programId: number;
  /** TCX and netkit links only; `ifindex` is 0 when the interface is gone. */
  readonly hook?: { readonly ifindex: number; readonly attachType: number };
}

/** Information on a link. */
export function linkInfo(fd: number): LinkObjectInfo {
  const view = objectInfo(fd, new Uint8Array(64));
  const type = view.getUint32(0, true);
  return {
    type,
    id: view.getUint32(4, true),
    programId: view.getUint32(8, true),
    ...(AT_INTERFACES.has(type) && {
      hook: { ifindex: view.getUint32(16, true), attachType: view.getUint32(20, true) },
    }),
  };
}

function listIds(command: BpfCommand): number[] {
  const ids: number[] = [];
  for (let id = 0; ; ) {
    const attr = new BpfAttr(12).u32(0, id);
    const result = tryBpf(command, attr);
    if (result === -ENOENT) return ids;
    if (result < 0) throw new SystemError(`bpf(${command})`, -result);
    id = attr.getU32(4);
    ids.push(id);
  }
}

function fdById(command: BpfCommand, id: number): number | undefined {
  try {
    return bpf(command, new BpfAttr(12).u32(0, id), `id ${id}`);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** True when objects may be found by their ids: that takes CAP_SYS_ADMIN in the user namespace that a machine starts with. */
export function mayFindObjects(): boolean {
  const result = tryBpf('BPF_PROG_GET_NEXT_ID', new BpfAttr(12));
  return result >= 0 || result === -ENOENT;
}

/** Ids of all programs in the kernel (needs CAP_SYS_ADMIN). */
export function listProgramIds(): number[] {
  return listIds('BPF_PROG_GET_NEXT_ID');
}

/** Ids of all maps in the kernel. */
export function listMapIds(): number[] {
  return listIds('BPF_MAP_GET_NEXT_ID');
}

/** Ids of all links in the kernel. */
export function listLinkIds(): number[] {
  return listIds('BPF_LINK_GET_NEXT_ID');
}

/** A file descriptor of the program with this id; undefined when it is gone. The caller closes it. */
export function programFdById(id: number): number | undefined {
  return fdById('BPF_PROG_GET_FD_BY_ID', id);
}

/** A file descriptor of the map with this id; undefined when it is gone. The caller closes it. */
export function mapFdById(id: number): number | undefined {
  return fdById('BPF_MAP_GET_FD_BY_ID', id);
}

/** A file descriptor of the link with this id; undefined when it is gone. The caller closes it. */
export function linkFdById(id: number): number | undefined {
  return fdById('BPF_LINK_GET_FD_BY_ID', id);
}
