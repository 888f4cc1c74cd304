// The eleven registers of the eBPF machine as values of their own, so that a register is never mistaken for a number.

/** A register's number. */
export type RegisterNumber = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** A register, as the assembler's operand. */
export interface Register {
  readonly register: RegisterNumber;
}

function register(number: RegisterNumber): Register {
  return Object.freeze({ register: number });
}

/** Return value of calls and of the program. Calls overwrite it. */
export const R0: Register = register(0);
/** First argument; the context when the program starts. Calls overwrite R1 to R5. */
export const R1: Register = register(1);
/** Second argument. */
export const R2: Register = register(2);
/** Third argument. */
export const R3: Register = register(3);
/** Fourth argument. */
export const R4: Register = register(4);
/** Fifth argument. */
export const R5: Register = register(5);
/** Kept across calls, as R7 to R9. */
export const R6: Register = register(6);
/** Kept across calls. */
export const R7: Register = register(7);
/** Kept across calls. */
export const R8: Register = register(8);
/** Kept across calls. */
export const R9: Register = register(9);
/** The frame pointer: read-only, the 512 bytes below it are the stack. */
export const R10: Register = register(10);
