// Classic BPF (linux/filter.h), as sockets and traffic control take it: steps and their bytes.

const STEP_BYTES = 8;

/** Codes of the steps that are used here. */
export const CLASSIC = {
  LOAD_WORD: 0x20,
  LOAD_BYTE: 0x30,
  LOAD_INDEX: 0x01,
  JUMP: 0x05,
  JUMP_EQUAL: 0x15,
  JUMP_GREATER: 0x25,
  JUMP_NOT_BELOW: 0x35,
  OR_INDEX: 0x4c,
  AND: 0x54,
  RETURN: 0x06,
} as const;

/** struct sock_filter. */
export interface ClassicStep {
  readonly code: number;
  /** Steps to skip when it is true, and when it is false. */
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly value: number;
}

/** One step; the skips count for jumps only. */
export function classicStep(code: number, value: number, whenTrue = 0, whenFalse = 0): ClassicStep {
  return { code, whenTrue, whenFalse, value };
}

/** The steps as the kernel reads them. */
export function emitClassic(steps: readonly ClassicStep[]): Uint8Array {
  const code = new Uint8Array(steps.length * STEP_BYTES);
  const view = new DataView(code.buffer);
  for (const [at, step] of steps.entries()) {
    view.setUint16(at * STEP_BYTES, step.code, true);
    view.setUint8(at * STEP_BYTES + 2, step.whenTrue);
    view.setUint8(at * STEP_BYTES + 3, step.whenFalse);
    view.setUint32(at * STEP_BYTES + 4, step.value, true);
  }
  return code;
}
