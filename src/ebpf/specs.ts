// Programs and maps as plain values, before any kernel has seen them: what the loader needs to create them.
import type { Instruction } from './instruction.js';

/** A program to load. Spread an assembled program into it: `{ ...assembler.build(), type, license: 'GPL' }`. */
export interface ProgramSpec {
  /** Shown by bpftool; the kernel takes 15 characters, see `kernelObjectName`. */
  readonly name: string;
  /** One of `BPF_PROG_TYPES`. */
  readonly type: number;
  /** One of `BPF_ATTACH_TYPES`, for program types that want it at load time. */
  readonly expectedAttachType?: number;
  /** `'GPL'` or a compatible word opens the GPL-only helpers (kernel `license_is_gpl_compatible`). */
  readonly license: string;
  readonly instructions: readonly Instruction[];
}

/** A map to create; programs refer to it by `name`. */
export interface MapSpec {
  readonly name: string;
  /** One of `BPF_MAP_TYPES`. */
  readonly type: number;
  /** Bytes; 0 for ring buffers, 4 for arrays. */
  readonly keySize: number;
  /** Bytes; 0 for ring buffers. */
  readonly valueSize: number;
  /** Elements; for ring buffers the bytes, a power of two and a multiple of the page size. */
  readonly maxEntries: number;
  /** Of `BPF_MAP_FLAGS`, ored. */
  readonly flags: number;
}

/** The longest program or map name in characters (uapi `BPF_OBJ_NAME_LEN` less the NUL). */
export const MAX_OBJECT_NAME_LENGTH = 15;

/** `name` as the kernel takes it: 15 characters at most; all but letters, digits, `_` and `.` become `_` (kernel `bpf_obj_name_cpy`). */
export function kernelObjectName(name: string): string {
  return name.replaceAll(/[^\w.]/g, '_').slice(0, MAX_OBJECT_NAME_LENGTH);
}
