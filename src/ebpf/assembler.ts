// The fluent assembler: each method appends one instruction and returns the assembler, so that programs read like assembly.
import { ArithmeticAssembler, type Operand } from './arithmetic-assembler.js';
import { type Block, brokenPromise } from './block.js';
import { HELPERS, type HelperName } from './helpers.js';
import type { Instruction, Reference } from './instruction.js';
import { InstructionBuffer, type Slot } from './instruction-buffer.js';
import {
  ATOMIC,
  ATOMIC_FETCH,
  CALL,
  CLASS,
  EXIT,
  JUMP,
  type JumpCondition,
  LOAD_IMM64,
  MODE,
  PSEUDO_CALL,
  PSEUDO_KFUNC_CALL,
  PSEUDO_MAP_FD,
  PSEUDO_MAP_VALUE,
  type SignedSize,
  type Size,
  SIZE_BITS,
  SOURCE,
} from './opcodes.js';
import {
  type Fail,
  halves,
  immediate32,
  memoryOffset,
  readableRegister,
  signedImmediate,
  storedImmediate,
  writableRegister,
} from './operand-checks.js';
import { R0, type Register } from './registers.js';

/** Width of an atomic operation. */
export type AtomicSize = 'u32' | 'u64';

/** What `build` gives: a name and slots; spread it into a `ProgramSpec`. */
export interface AssembledProgram {
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

/**
 * Assembles one program. Mistakes (unknown or duplicate labels, immediates or registers out of range, jumps too far)
 * throw an `AssemblyError` with the program's name and the instruction's index.
 *
 * Methods without a suffix work on 64 bits, those ending in `32` on the lower half, and then clear the upper one.
 */
export class Assembler extends ArithmeticAssembler {
  readonly #buffer: InstructionBuffer;
  protected override readonly fail: Fail;
  #freshLabels = 0;

  /** `name` is the program's, in listings, errors and the kernel. */
  constructor(name: string) {
    super();
    const buffer = new InstructionBuffer(name);
    this.#buffer = buffer;
    this.fail = problem => buffer.fail(problem);
  }

  /** Index that the next instruction gets. */
  get length(): number {
    return this.#buffer.length;
  }

  /** The program so far, frozen. Throws on labels that are used but not placed. */
  build(): AssembledProgram {
    return Object.freeze({ name: this.#buffer.program, instructions: this.#buffer.resolve() });
  }

  /** Places a label before the next instruction. */
  label(name: string): this {
    this.#buffer.label(name);
    return this;
  }

  /** A label name of its own, for blocks that are included more than once. */
  freshLabel(stem: string): string {
    this.#freshLabels += 1;
    return `${stem}@${this.#freshLabels}`;
  }

  /** A comment before the next instruction, for listings. */
  comment(text: string): this {
    this.#buffer.comment(text);
    return this;
  }

  /** Lets a function append a block: macros without breaking the chain. */
  include(block: (assembler: this) => void): this {
    block(this);
    return this;
  }

  /**
   * The same, for a block that says which registers it gets, gives and loses and where it leaves to: an instruction that does
   * otherwise is a mistake of the block.
   */
  block(promise: Block, append: (assembler: this) => void): this {
    const first = this.length;
    append(this);
    const broken = brokenPromise(promise, this.#buffer.since(first));
    if (broken !== undefined) this.#buffer.fail(broken.problem, first + broken.at);
    return this;
  }

  // Memory.

  /** dst = *(size *)(src + offset). Signed sizes extend the sign (Linux 6.6). */
  load(size: Size | SignedSize, dst: Register, src: Register, offset = 0): this {
    const signed = size === 's8' || size === 's16' || size === 's32';
    const width = signed ? SIZE_BITS[`u${size.slice(1)}` as Size] : SIZE_BITS[size];
    return this.emit({
      opcode: CLASS.LDX | (signed ? MODE.MEMSX : MODE.MEM) | width,
      dst: this.#writable(dst),
      src: this.#readable(src),
      offset: memoryOffset(offset, this.fail),
    });
  }

  /** *(size *)(dst + offset) = src */
  store(size: Size, dst: Register, offset: number, src: Register): this {
    return this.emit({
      opcode: CLASS.STX | MODE.MEM | SIZE_BITS[size],
      dst: this.#readable(dst),
      src: this.#readable(src),
      offset: memoryOffset(offset, this.fail),
    });
  }

  /** *(size *)(dst + offset) = imm; u64 extends the sign of 32 bits. */
  storeImm(size: Size, dst: Register, offset: number, imm: number): this {
    return this.emit({
      opcode: CLASS.ST | MODE.MEM | SIZE_BITS[size],
      dst: this.#readable(dst),
      offset: memoryOffset(offset, this.fail),
      imm: storedImmediate(size, imm, this.fail),
    });
  }

  /** dst = 64-bit value, signed or unsigned; takes two slots. */
  loadImm64(dst: Register, value: bigint): this {
    const [low, high] = halves(value, this.fail);
    return this.#loadWide(dst, 0, low, high);
  }

  /** dst = the map, as helpers want it; the loader fills in the file descriptor. Takes two slots. */
  loadMap(dst: Register, map: string): this {
    return this.#loadWide(dst, PSEUDO_MAP_FD, 0, 0, { kind: 'map', name: map });
  }

  /** dst = pointer to byte `offset` of the only value of an array map: no lookup, no null check. Takes two slots. */
  loadMapValue(dst: Register, map: string, offset = 0): this {
    if (!Number.isInteger(offset) || offset < 0 || offset > 0x7fff_ffff) {
      this.fail(`${offset} is not a byte offset into the value of map "${map}".`);
    }
    return this.#loadWide(dst, PSEUDO_MAP_VALUE, 0, offset, { kind: 'map-value', name: map });
  }

  // Atomic operations on memory; u32 and u64 only.

  /** *(dst + offset) += src, atomically */
  atomicAdd(size: AtomicSize, dst: Register, offset: number, src: Register): this {
    return this.#atomic(size, dst, offset, src, ATOMIC.add);
  }

  /** The same, and src = the old value (Linux 5.12) */
  atomicFetchAdd(size: AtomicSize, dst: Register, offset: number, src: Register): this {
    return this.#atomic(size, dst, offset, src, ATOMIC.add | ATOMIC_FETCH);
  }

  /** *(dst + offset) |= src, atomically */
  atomicOr(size: AtomicSize, dst: Register, offset: number, src: Register): this {
    return this.#atomic(size, dst, offset, src, ATOMIC.or);
  }

  /** The same, and src = the old value (Linux 5.12) */
  atomicFetchOr(size: AtomicSize, dst: Register, offset: number, src: Register): this {
    return this.#atomic(size, dst, offset, src, ATOMIC.or | ATOMIC_FETCH);
  }

  /** *(dst + offset) &= src, atomically */
  atomicAnd(size: AtomicSize, dst: Register, offset: number, src: Register): this {
    return this.#atomic(size, dst, offset, src, ATOMIC.and);
  }

  /** The same, and src = the old value (Linux 5.12) */
  atomicFetchAnd(size: AtomicSize, dst: Register, offset: number, src: Register): this {
    return this.#atomic(size, dst, offset, src, ATOMIC.and | ATOMIC_FETCH);
  }

  /** *(dst + offset) ^= src, atomically */
  atomicXor(size: AtomicSize, dst: Register, offset: number, src: Register): this {
    return this.#atomic(size, dst, offset, src, ATOMIC.xor);
  }

  /** The same, and src = the old value (Linux 5.12) */
  atomicFetchXor(size: AtomicSize, dst: Register, offset: number, src: Register): this {
    return this.#atomic(size, dst, offset, src, ATOMIC.xor | ATOMIC_FETCH);
  }

  /** Exchanges src and *(dst + offset) (Linux 5.12) */
  atomicExchange(size: AtomicSize, dst: Register, offset: number, src: Register): this {
    return this.#atomic(size, dst, offset, src, ATOMIC.xchg);
  }

  /** If *(dst + offset) equals R0 it becomes src; R0 = the old value either way (Linux 5.12) */
  atomicCompareExchange(size: AtomicSize, dst: Register, offset: number, src: Register): this {
    return this.#atomic(size, dst, offset, src, ATOMIC.cmpxchg);
  }

  // Jumps. The second operand is a register or an immediate.

  /** Goes to `label` */
  jump(label: string): this {
    return this.emit({ opcode: CLASS.JMP | JUMP.ja, target: label });
  }

  /** Goes to a `label` more than 32767 instructions away (Linux 6.6) */
  jumpLong(label: string): this {
    return this.emit({ opcode: CLASS.JMP32 | JUMP.ja, target: label });
  }

  /** Goes to `label` if dst == value */
  jeq(dst: Register, value: Operand, label: string): this {
    return this.#branch(64, 'jeq', dst, value, label);
  }

  /** Goes to `label` if dst != value */
  jne(dst: Register, value: Operand, label: string): this {
    return this.#branch(64, 'jne', dst, value, label);
  }

  /** Goes to `label` if dst > value, unsigned */
  jgt(dst: Register, value: Operand, label: string): this {
    return this.#branch(64, 'jgt', dst, value, label);
  }

  /** Goes to `label` if dst >= value, unsigned */
  jge(dst: Register, value: Operand, label: string): this {
    return this.#branch(64, 'jge', dst, value, label);
  }

  /** Goes to `label` if dst < value, unsigned */
  jlt(dst: Register, value: Operand, label: string): this {
    return this.#branch(64, 'jlt', dst, value, label);
  }

  /** Goes to `label` if dst <= value, unsigned */
  jle(dst: Register, value: Operand, label: string): this {
    return this.#branch(64, 'jle', dst, value, label);
  }

  /** Goes to `label` if dst > value, signed */
  jsgt(dst: Register, value: Operand, label: string): this {
    return this.#branch(64, 'jsgt', dst, value, label);
  }

  /** Goes to `label` if dst >= value, signed */
  jsge(dst: Register, value: Operand, label: string): this {
    return this.#branch(64, 'jsge', dst, value, label);
  }

  /** Goes to `label` if dst < value, signed */
  jslt(dst: Register, value: Operand, label: string): this {
    return this.#branch(64, 'jslt', dst, value, label);
  }

  /** Goes to `label` if dst <= value, signed */
  jsle(dst: Register, value: Operand, label: string): this {
    return this.#branch(64, 'jsle', dst, value, label);
  }

  /** Goes to `label` if dst & value is not 0 */
  jset(dst: Register, value: Operand, label: string): this {
    return this.#branch(64, 'jset', dst, value, label);
  }

  jeq32(dst: Register, value: Operand, label: string): this {
    return this.#branch(32, 'jeq', dst, value, label);
  }

  jne32(dst: Register, value: Operand, label: string): this {
    return this.#branch(32, 'jne', dst, value, label);
  }

  jgt32(dst: Register, value: Operand, label: string): this {
    return this.#branch(32, 'jgt', dst, value, label);
  }

  jge32(dst: Register, value: Operand, label: string): this {
    return this.#branch(32, 'jge', dst, value, label);
  }

  jlt32(dst: Register, value: Operand, label: string): this {
    return this.#branch(32, 'jlt', dst, value, label);
  }

  jle32(dst: Register, value: Operand, label: string): this {
    return this.#branch(32, 'jle', dst, value, label);
  }

  jsgt32(dst: Register, value: Operand, label: string): this {
    return this.#branch(32, 'jsgt', dst, value, label);
  }

  jsge32(dst: Register, value: Operand, label: string): this {
    return this.#branch(32, 'jsge', dst, value, label);
  }

  jslt32(dst: Register, value: Operand, label: string): this {
    return this.#branch(32, 'jslt', dst, value, label);
  }

  jsle32(dst: Register, value: Operand, label: string): this {
    return this.#branch(32, 'jsle', dst, value, label);
  }

  jset32(dst: Register, value: Operand, label: string): this {
    return this.#branch(32, 'jset', dst, value, label);
  }

  // Calls and the end.

  /** Calls a helper by name or number: arguments in R1 to R5, the result in R0; R1 to R5 are lost. */
  call(helper: HelperName | number): this {
    const id = typeof helper === 'number' ? helper : HELPERS[helper];
    if (!Number.isInteger(id) || id < 0) this.fail(`there is no helper function "${helper}".`);
    return this.emit({ opcode: CALL, imm: id });
  }

  /** Calls a kernel function (kfunc) of vmlinux by name; the loader fills in its BTF id. */
  callKfunc(name: string): this {
    return this.emit({ opcode: CALL, src: PSEUDO_KFUNC_CALL, reference: { kind: 'kfunc', name } });
  }

  /** Calls the subprogram at `label`, which ends with its own `exit()`. */
  callLocal(label: string): this {
    return this.emit({ opcode: CALL, src: PSEUDO_CALL, target: label });
  }

  /** Ends the program or subprogram with R0 as the result. */
  exit(): this {
    return this.emit({ opcode: EXIT });
  }

  /** Two instructions: R0 = value, then exit. */
  exitWith(value: Operand): this {
    return this.mov(R0, value).exit();
  }

  protected override emit(slot: Slot): this {
    this.#buffer.push(slot);
    return this;
  }

  #readable(register: Register): number {
    return readableRegister(register, this.fail);
  }

  #writable(register: Register): number {
    return writableRegister(register, this.fail);
  }

  #branch(bits: 32 | 64, condition: JumpCondition, dst: Register, value: Operand, target: string): this {
    const opcode = (bits === 64 ? CLASS.JMP : CLASS.JMP32) | JUMP[condition];
    const common = { dst: this.#readable(dst), target };
    if (typeof value !== 'number') {
      return this.emit({ opcode: opcode | SOURCE.X, src: this.#readable(value), ...common });
    }
    const imm = bits === 64 ? signedImmediate(value, this.fail) : immediate32(value, this.fail);
    return this.emit({ opcode: opcode | SOURCE.K, imm, ...common });
  }

  #atomic(size: AtomicSize, dst: Register, offset: number, src: Register, operation: number): this {
    return this.emit({
      opcode: CLASS.STX | MODE.ATOMIC | SIZE_BITS[size],
      dst: this.#readable(dst),
      src: this.#readable(src),
      offset: memoryOffset(offset, this.fail),
      imm: operation,
    });
  }

  #loadWide(dst: Register, src: number, low: number, high: number, reference?: Reference): this {
    const common = { opcode: LOAD_IMM64, dst: this.#writable(dst), src, imm: low };
    this.emit(reference === undefined ? common : { ...common, reference });
    return this.emit({ opcode: 0, imm: high });
  }
}
