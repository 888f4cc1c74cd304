// Helpers of tests.
import { CLASSIC, type ClassicStep } from './classic-bpf.js';

const LOADED_BYTES: Readonly<Record<number, 1 | 2 | 4>> = {
  [CLASSIC.LOAD_BYTE]: 1,
  [CLASSIC.LOAD_HALF]: 2,
  [CLASSIC.LOAD_WORD]: 4,
};

/** Bytes written in hexadecimal. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], pair => Number.parseInt(pair, 16));
}

/** Runs loads, masks, comparisons and returns on a frame, as bpf_prog_run of classic BPF does. */
export function runClassic(steps: readonly ClassicStep[], frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let a = 0;
  for (let at = 0; ; at++) {
    const step = steps[at];
    if (step === undefined) throw new Error('ran off the end');
    const bytes = LOADED_BYTES[step.code];
    if (bytes !== undefined) {
      if (step.value + bytes > frame.length) return 0;
      a =
        bytes === 4
          ? view.getUint32(step.value)
          : bytes === 2
            ? view.getUint16(step.value)
            : view.getUint8(step.value);
    } else if (step.code === CLASSIC.AND) a = (a & step.value) >>> 0;
    else if (step.code === CLASSIC.JUMP_EQUAL) at += a === step.value ? step.whenTrue : step.whenFalse;
    else if (step.code === CLASSIC.RETURN) return step.value;
    else throw new Error(`code ${step.code} is not known here`);
  }
}
