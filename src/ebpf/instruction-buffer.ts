// The assembler's growing list: takes slots, labels and comments in order, and resolves labels at the end.
import { AssemblyError } from './assembly-error.js';
import type { WrittenSlot } from './block.js';
import { CALL, CLASS, JUMP } from './opcodes.js';
import type { Instruction, Reference } from './instruction.js';

/** Slots before their labels are known. */
export interface Slot {
  readonly opcode: number;
  readonly dst?: number;
  readonly src?: number;
  readonly offset?: number;
  readonly imm?: number;
  readonly reference?: Reference;
  readonly target?: string;
}

interface PendingSlot extends Slot {
  readonly labels: readonly string[];
  readonly comment: string;
}

/** Collects the slots of one program. */
export class InstructionBuffer {
  readonly program: string;
  readonly #slots: PendingSlot[] = [];
  readonly #labels = new Map<string, number>();
  #labelsHere: string[] = [];
  #commentHere: string[] = [];

  constructor(program: string) {
    this.program = program;
  }

  /** Slots so far. */
  get length(): number {
    return this.#slots.length;
  }

  /** Throws about the instruction that is being written. */
  fail(problem: string, instruction: number = this.#slots.length): never {
    throw new AssemblyError(this.program, instruction, problem);
  }

  push(slot: Slot): void {
    this.#slots.push({ ...slot, labels: this.#labelsHere, comment: this.#commentHere.join('\n') });
    this.#labelsHere = [];
    this.#commentHere = [];
  }

  label(name: string): void {
    const first = this.#labels.get(name);
    if (first !== undefined) {
      this.fail(
        `the label "${name}" was already placed at instruction ${first}; a label stands in one place only.`,
      );
    }
    this.#labels.set(name, this.#slots.length);
    this.#labelsHere.push(name);
  }

  /** The slots from this one on, with labels that stand behind the last one on a slot of no effect. */
  since(index: number): readonly WrittenSlot[] {
    const slots: WrittenSlot[] = this.#slots.slice(index);
    const behind = { opcode: CLASS.JMP | JUMP.ja, labels: this.#labelsHere };
    return this.#labelsHere.length === 0 ? slots : [...slots, behind];
  }

  comment(text: string): void {
    this.#commentHere.push(text);
  }

  /** The finished slots; throws on labels that are unknown, too far away, or behind the last instruction. */
  resolve(): readonly Instruction[] {
    const dangling = this.#labelsHere[0];
    if (dangling !== undefined) {
      this.fail(`the label "${dangling}" stands behind the last instruction; put an instruction after it.`);
    }
    if (this.#slots.length === 0) this.fail('the program has no instructions; at least exit() is needed.');
    return Object.freeze(this.#slots.map((slot, index) => Object.freeze(this.#finish(slot, index))));
  }

  #finish(slot: PendingSlot, index: number): Instruction {
    const distance = slot.target === undefined ? 0 : this.#distance(slot.target, index);
    // Calls and long jumps hold the distance in the immediate, all other jumps in the 16-bit offset.
    const inImmediate = slot.opcode === CALL || slot.opcode === CLASS.JMP32;
    if (!inImmediate && (distance < -0x8000 || distance > 0x7fff)) {
      this.fail(
        `the label "${slot.target}" is ${distance} instructions away and a jump reaches 32767; use jumpLong() or move the target nearer.`,
        index,
      );
    }
    return {
      opcode: slot.opcode,
      dst: slot.dst ?? 0,
      src: slot.src ?? 0,
      offset: slot.target !== undefined && !inImmediate ? distance : (slot.offset ?? 0),
      imm: slot.target !== undefined && inImmediate ? distance : (slot.imm ?? 0),
      ...(slot.reference === undefined ? {} : { reference: Object.freeze(slot.reference) }),
      ...(slot.labels.length === 0 ? {} : { labels: Object.freeze(slot.labels) }),
      ...(slot.target === undefined ? {} : { target: slot.target }),
      ...(slot.comment === '' ? {} : { comment: slot.comment }),
    };
  }

  #distance(label: string, index: number): number {
    const target = this.#labels.get(label);
    if (target === undefined) {
      return this.fail(`the label "${label}" is used but never placed; add label('${label}').`, index);
    }
    return target - index - 1;
  }
}
