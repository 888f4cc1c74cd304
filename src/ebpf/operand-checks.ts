// Checks of what an instruction is given: registers, immediates and offsets, each with its sentence.
import type { Size } from './opcodes.js';
import type { Register } from './registers.js';

/** Reports a problem and does not return. */
export type Fail = (problem: string) => never;

/** The number of a register that is read. */
export function readableRegister(register: Register, fail: Fail): number {
  const number: number = register.register;
  if (!Number.isInteger(number) || number < 0 || number > 10) {
    return fail(`there is no register R${number}; registers are R0 to R10.`);
  }
  return number;
}

/** The number of a register that is written. */
export function writableRegister(register: Register, fail: Fail): number {
  const number = readableRegister(register, fail);
  if (number === 10)
    return fail('R10 is the frame pointer and cannot be written; copy it to another register first.');
  return number;
}

/**
 * An immediate for a 64-bit operation: signed 32 bits, because the machine extends the sign.
 * 0xffffffff would quietly mean -1 and is therefore refused.
 */
export function signedImmediate(value: number, fail: Fail): number {
  if (!Number.isInteger(value) || value < -0x8000_0000 || value > 0x7fff_ffff) {
    return fail(
      `the immediate ${value} is not a signed 32-bit integer; load it into a register with loadImm64() and use that.`,
    );
  }
  return value | 0;
}

/** An immediate for a 32-bit operation: signed or unsigned, the bits are the same. */
export function immediate32(value: number, fail: Fail): number {
  if (!Number.isInteger(value) || value < -0x8000_0000 || value > 0xffff_ffff) {
    return fail(`the immediate ${value} is not a 32-bit integer.`);
  }
  return value | 0;
}

/** An immediate to be stored in `size` bytes, signed or unsigned; u64 is extended from signed 32 bits. */
export function storedImmediate(size: Size, value: number, fail: Fail): number {
  if (size === 'u64') return signedImmediate(value, fail);
  if (size === 'u32') return immediate32(value, fail);
  const limit = size === 'u16' ? 0x1_0000 : 0x100;
  if (!Number.isInteger(value) || value < -limit / 2 || value >= limit) {
    return fail(`the immediate ${value} does not fit ${size}.`);
  }
  return value;
}

/** How far to shift: less than the operand's width. */
export function shiftAmount(value: number, bits: 32 | 64, fail: Fail): number {
  if (!Number.isInteger(value) || value < 0 || value >= bits) {
    return fail(`cannot shift by ${value}; a ${bits}-bit shift goes from 0 to ${bits - 1}.`);
  }
  return value;
}

/** A byte offset from a pointer: signed 16 bits. */
export function memoryOffset(offset: number, fail: Fail): number {
  if (!Number.isInteger(offset) || offset < -0x8000 || offset > 0x7fff) {
    return fail(`the offset ${offset} is not a signed 16-bit integer; add the rest to the pointer first.`);
  }
  return offset;
}

/** The 64 bits of a signed or unsigned value as two signed halves. */
export function halves(value: bigint, fail: Fail): readonly [low: number, high: number] {
  if (value < -(1n << 63n) || value >= 1n << 64n) return fail(`the immediate ${value} does not fit 64 bits.`);
  return [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
}
