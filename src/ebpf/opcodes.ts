// The bits of an eBPF opcode (uapi linux/bpf_common.h and linux/bpf.h; RFC 9669), shared by assembler and disassembler.

/** Instruction classes: the lowest three bits of the opcode. */
export const CLASS = {
  LD: 0x00,
  LDX: 0x01,
  ST: 0x02,
  STX: 0x03,
  ALU: 0x04,
  JMP: 0x05,
  JMP32: 0x06,
  ALU64: 0x07,
} as const;

/** Source of the second operand: the immediate (K) or the source register (X). */
export const SOURCE = { K: 0x00, X: 0x08 } as const;

/** Mode of a load or store: the highest three bits. */
export const MODE = { IMM: 0x00, ABS: 0x20, IND: 0x40, MEM: 0x60, MEMSX: 0x80, ATOMIC: 0xc0 } as const;

/** Width bits of a load or store. */
export const SIZE_BITS = { u32: 0x00, u16: 0x08, u8: 0x10, u64: 0x18 } as const;

/** Width of an access to memory, as the kernel's disassembler spells it. */
export type Size = keyof typeof SIZE_BITS;

/** Width of a load that extends the sign (Linux 6.6). */
export type SignedSize = 's8' | 's16' | 's32';

/** Arithmetic: bits 4 to 7 of ALU and ALU64 opcodes. `END` turns byte order. */
export const ALU = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
  mov: 0xb0,
  arsh: 0xc0,
  end: 0xd0,
} as const;

/** The name of an arithmetic operation. */
export type AluOperation = keyof typeof ALU;

/** Jumps: bits 4 to 7 of JMP and JMP32 opcodes. */
export const JUMP = {
  ja: 0x00,
  jeq: 0x10,
  jgt: 0x20,
  jge: 0x30,
  jset: 0x40,
  jne: 0x50,
  jsgt: 0x60,
  jsge: 0x70,
  call: 0x80,
  exit: 0x90,
  jlt: 0xa0,
  jle: 0xb0,
  jslt: 0xc0,
  jsle: 0xd0,
} as const;

/** The name of a conditional jump. */
export type JumpCondition = Exclude<keyof typeof JUMP, 'ja' | 'call' | 'exit'>;

/** Atomic operations: the immediate of an ATOMIC store; add `ATOMIC_FETCH` to get the old value. */
export const ATOMIC = { add: 0x00, or: 0x40, and: 0x50, xor: 0xa0, xchg: 0xe1, cmpxchg: 0xf1 } as const;

/** In an atomic's immediate: the source register receives the old value (uapi `BPF_FETCH`). */
export const ATOMIC_FETCH = 0x01;

/** Marks in the source register field of a 64-bit immediate load (uapi `BPF_PSEUDO_MAP_*`). */
export const PSEUDO_MAP_FD = 1;
export const PSEUDO_MAP_VALUE = 2;

/** Marks in the source register field of a call: a subprogram, a kernel function by BTF id. */
export const PSEUDO_CALL = 1;
export const PSEUDO_KFUNC_CALL = 2;

/** The whole opcode of a 64-bit immediate load, which takes two slots. */
export const LOAD_IMM64: number = CLASS.LD | MODE.IMM | SIZE_BITS.u64;
/** The whole opcode of a call. */
export const CALL: number = CLASS.JMP | JUMP.call;
/** The whole opcode of the program's or subprogram's end. */
export const EXIT: number = CLASS.JMP | JUMP.exit;
