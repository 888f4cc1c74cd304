// The error of a program that cannot be assembled: a mistake of whoever wrote the program, never of its input.

/** Says in one sentence what is wrong with which instruction of which program. */
export class AssemblyError extends Error {
  override readonly name = 'AssemblyError';
  readonly program: string;
  /** Index of the slot, as the verifier counts. */
  readonly instruction: number;

  constructor(program: string, instruction: number, problem: string) {
    super(`Program "${program}", instruction ${instruction}: ${problem}`);
    this.program = program;
    this.instruction = instruction;
  }
}
