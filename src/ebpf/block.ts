// What a block of a program says of itself, held against its instructions: a wrong register or a jump to a label that the caller does not
// know is found when the program is assembled, before the verifier sees it.
import type { Slot } from './instruction-buffer.js';
import { ALU, ATOMIC, ATOMIC_FETCH, CALL, CLASS, EXIT, JUMP, LOAD_IMM64, MODE, SOURCE } from './opcodes.js';
import type { Register } from './registers.js';

/** Registers and labels of a block. R10 is always there. */
export interface Block {
  /** Registers that hold something before it. */
  readonly in?: readonly Register[];
  /** Registers that hold something new after it. */
  readonly out?: readonly Register[];
  /** Registers that hold nothing of use after it. All others are as they were before. */
  readonly lost?: readonly Register[];
  /** Labels outside that it goes to. */
  readonly exits?: readonly string[];
}

/** An instruction as it was written, and the labels that stand before it. */
export interface WrittenSlot extends Slot {
  readonly labels: readonly string[];
}

const CLASS_BITS = 0x07;
const MODE_BITS = 0xe0;
const OPERATION_BITS = 0xf0;
const FRAME_POINTER = 10;
/** What calls overwrite: R0 to R5. */
const CALLED = [0, 1, 2, 3, 4, 5];

interface Effect {
  readonly reads: readonly number[];
  readonly writes: readonly number[];
}

/** Which registers an instruction reads and writes; of a call only what it overwrites, as its arguments are the helper's matter. */
function effectOf({ opcode, dst = 0, src = 0, imm = 0 }: Slot): Effect {
  const operation = opcode & OPERATION_BITS;
  const second = (opcode & SOURCE.X) === SOURCE.X ? [src] : [];
  if (opcode === LOAD_IMM64) return { reads: [], writes: [dst] };
  if (opcode === CALL) return { reads: [], writes: CALLED };
  if (opcode === EXIT) return { reads: [0], writes: [] };
  switch (opcode & CLASS_BITS) {
    case CLASS.LDX:
      return { reads: [src], writes: [dst] };
    case CLASS.ST:
      return { reads: [dst], writes: [] };
    case CLASS.STX:
      return { reads: [dst, src], writes: (opcode & MODE_BITS) === MODE.ATOMIC ? fetched(src, imm) : [] };
    case CLASS.ALU:
    case CLASS.ALU64: {
      // The bit that tells a register from an immediate tells byte orders apart here.
      if (operation === ALU.end || operation === ALU.neg) return { reads: [dst], writes: [dst] };
      return { reads: operation === ALU.mov ? second : [dst, ...second], writes: [dst] };
    }
    case CLASS.JMP:
    case CLASS.JMP32:
      return { reads: operation === JUMP.ja ? [] : [dst, ...second], writes: [] };
    default:
      // The second half of a wide load.
      return { reads: [], writes: [] };
  }
}

/** Where an atomic operation leaves the old value. */
function fetched(src: number, operation: number): readonly number[] {
  if (operation === ATOMIC.cmpxchg) return [0];
  return (operation & ATOMIC_FETCH) === ATOMIC_FETCH ? [src] : [];
}

const numbersOf = (registers: readonly Register[] = []): number[] =>
  registers.map(({ register }) => register);

/** The first thing in which the instructions are not as the block says, or undefined; `at` counts from its first instruction. */
export function brokenPromise(
  block: Block,
  slots: readonly WrittenSlot[],
): { readonly at: number; readonly problem: string } | undefined {
  const filled = new Set([FRAME_POINTER, ...numbersOf(block.in)]);
  const given = new Set(numbersOf(block.out));
  const mayWrite = new Set([...given, ...numbersOf(block.lost)]);
  const own = new Set(slots.flatMap(({ labels }) => labels));
  const exits = new Set(block.exits);
  for (const [at, slot] of slots.entries()) {
    const { reads, writes } = effectOf(slot);
    const empty = reads.find(register => !filled.has(register));
    if (empty !== undefined)
      return { at, problem: `R${empty} is read, which the block neither gets nor has filled before.` };
    const kept = writes.find(register => !mayWrite.has(register));
    if (kept !== undefined)
      return { at, problem: `R${kept} is written, which the block says it leaves as it was.` };
    for (const register of writes) {
      filled.add(register);
      given.delete(register);
    }
    const { target } = slot;
    if (target !== undefined && !own.has(target) && !exits.has(target))
      return { at, problem: `the label "${target}" is neither in the block nor one of its exits.` };
  }
  const [missing] = given;
  if (missing === undefined) return undefined;
  return {
    at: slots.length,
    problem: `R${missing} is never written, which the block says holds something new.`,
  };
}
