// Turns a program with references into the bytes for one kernel: map names become file descriptors, kfunc names BTF ids.
import type { AssembledProgram } from './assembler.js';
import { encode, type Instruction, type Reference } from './instruction.js';

/** What the loader knows of this kernel. */
export interface LinkTable {
  /** File descriptor of each map by its name. */
  readonly maps?: Readonly<Record<string, number>>;
  /** BTF id (in vmlinux) of each kernel function by its name; see `Btf.funcId`. */
  readonly kfuncs?: Readonly<Record<string, number>>;
}

/** A program refers to maps or kernel functions that the link table does not have. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly program: string;
  readonly missingMaps: readonly string[];
  readonly missingKfuncs: readonly string[];

  constructor(program: string, missingMaps: readonly string[], missingKfuncs: readonly string[]) {
    const wants = [
      ...(missingMaps.length > 0 ? [`maps that were not created: ${missingMaps.join(', ')}`] : []),
      ...(missingKfuncs.length > 0
        ? [`kernel functions that were not found: ${missingKfuncs.join(', ')}`]
        : []),
    ];
    super(`Program "${program}" needs ${wants.join('; and ')}.`);
    this.program = program;
    this.missingMaps = missingMaps;
    this.missingKfuncs = missingKfuncs;
  }
}

/** The names that a program refers to, each once: what must exist before it is linked. */
export function references(program: AssembledProgram): {
  readonly maps: string[];
  readonly kfuncs: string[];
} {
  const maps = new Set<string>();
  const kfuncs = new Set<string>();
  for (const { reference } of program.instructions) {
    if (reference !== undefined) (reference.kind === 'kfunc' ? kfuncs : maps).add(reference.name);
  }
  return { maps: [...maps], kfuncs: [...kfuncs] };
}

/**
 * The program's bytes for BPF_PROG_LOAD, 8 per instruction, little-endian, with every reference filled in.
 * Throws a `LinkError` naming all that is missing.
 */
export function link(program: AssembledProgram, table: LinkTable = {}): Uint8Array {
  const needed = references(program);
  const missingMaps = needed.maps.filter(name => lookup(table.maps, name) === undefined);
  const missingKfuncs = needed.kfuncs.filter(name => lookup(table.kfuncs, name) === undefined);
  if (missingMaps.length > 0 || missingKfuncs.length > 0) {
    throw new LinkError(program.name, missingMaps, missingKfuncs);
  }
  return encode(program.instructions.map(instruction => resolve(instruction, table)));
}

function resolve(instruction: Instruction, table: LinkTable): Instruction {
  const { reference } = instruction;
  return reference === undefined ? instruction : { ...instruction, imm: target(reference, table) };
}

function target({ kind, name }: Reference, table: LinkTable): number {
  return lookup(kind === 'kfunc' ? table.kfuncs : table.maps, name) ?? 0;
}

function lookup(table: Readonly<Record<string, number>> | undefined, name: string): number | undefined {
  return table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
}
