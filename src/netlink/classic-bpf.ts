// Classic BPF (linux/filter.h), as sockets and traffic control take it: steps and their bytes.

const STEP_BYTES = 8;

/** Codes of the steps that are used here. */
export const CLASSIC = {
  LOAD_WORD: 0x20,
  LOAD_HALF: 0x28,
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

/** What a rule looks at: some bytes from the Ethernet header on, as a number of the network's order, under a mask. */
export interface ClassicTest {
  readonly bytes: 1 | 2 | 4;
  readonly at: number;
  readonly mask?: number;
  readonly equals: number;
}

/** When all its tests hold, the program returns `verdict`. */
export interface ClassicRule {
  readonly tests: readonly ClassicTest[];
  readonly verdict: number;
}

const LOADS = { 1: CLASSIC.LOAD_BYTE, 2: CLASSIC.LOAD_HALF, 4: CLASSIC.LOAD_WORD } as const;

function testSteps({ bytes, at, mask }: ClassicTest): ClassicStep[] {
  return [
    classicStep(LOADS[bytes], at),
    ...(mask === undefined ? [] : [classicStep(CLASSIC.AND, mask >>> 0)]),
  ];
}

/**
 * A program that returns the verdict of the first rule whose tests hold, `otherwise` where none does. A load behind the end of
 * a frame ends a classic program with 0, so rules test what kind of frame it is before they look far into it.
 */
export function rulesProgram(rules: readonly ClassicRule[], otherwise: number): ClassicStep[] {
  const steps = rules.flatMap(({ tests, verdict }) => {
    const loads = tests.map(testSteps);
    const length = loads.reduce((sum, load) => sum + load.length + 1, 1);
    let passed = 0;
    const own = loads.flatMap((load, i) => {
      passed += load.length + 1;
      return load.concat(classicStep(CLASSIC.JUMP_EQUAL, (tests[i]?.equals ?? 0) >>> 0, 0, length - passed));
    });
    return [...own, classicStep(CLASSIC.RETURN, verdict >>> 0)];
  });
  return [...steps, classicStep(CLASSIC.RETURN, otherwise >>> 0)];
}
