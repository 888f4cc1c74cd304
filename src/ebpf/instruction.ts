// One eBPF instruction slot as an immutable value, and its eight bytes in and out.
//
//   byte 0   1         2..3    4..7
//   opcode | src:4 dst:4 | offset | immediate       (source in the high nibble)
//
// Only little-endian hosts are supported: the kernel takes its own byte order, and on big-endian hosts the nibbles swap too.
import { err, ok, type Result } from '../base/index.js';

/** What the loader fills in when it knows file descriptors and BTF ids. */
export interface Reference {
  readonly kind: 'map' | 'map-value' | 'kfunc';
  readonly name: string;
}

/** One slot. A 64-bit immediate load is two: the second has opcode 0 and carries the upper half in `imm`. */
export interface Instruction {
  readonly opcode: number;
  /** Destination register's number. */
  readonly dst: number;
  /** Source register's number, or a `BPF_PSEUDO_*` mark. */
  readonly src: number;
  /** Signed 16 bits: bytes for memory, slots for jumps. */
  readonly offset: number;
  /** Signed 32 bits. */
  readonly imm: number;
  /** Present while `imm` waits for the loader; see `link`. */
  readonly reference?: Reference;
  /** Labels that stand before this slot; for listings only. */
  readonly labels?: readonly string[];
  /** Label that this jump or call goes to; for listings only. */
  readonly target?: string;
  /** For listings only. */
  readonly comment?: string;
}

/** Bytes of one slot. */
export const INSTRUCTION_SIZE = 8;

/** Writes slots as the kernel reads them. References are written as they are: use `link` for a program with references. */
export function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * INSTRUCTION_SIZE);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { opcode, dst, src, offset, imm } of instructions) {
    view.setUint8(at, opcode);
    view.setUint8(at + 1, (src << 4) | (dst & 0xf));
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, imm, true);
    at += INSTRUCTION_SIZE;
  }
  return bytes;
}

/** Reads slots back; fails only if the length is not a multiple of eight. `encode(decode(bytes))` gives the same bytes. */
export function decode(bytes: Uint8Array): Result<readonly Instruction[], string> {
  if (bytes.length % INSTRUCTION_SIZE !== 0) {
    return err(
      `An eBPF program is a multiple of ${INSTRUCTION_SIZE} bytes long, this one has ${bytes.length}.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const instructions: Instruction[] = [];
  for (let at = 0; at < bytes.length; at += INSTRUCTION_SIZE) {
    const registers = view.getUint8(at + 1);
    instructions.push({
      opcode: view.getUint8(at),
      dst: registers & 0xf,
      src: registers >> 4,
      offset: view.getInt16(at + 2, true),
      imm: view.getInt32(at + 4, true),
    });
  }
  return ok(instructions);
}
