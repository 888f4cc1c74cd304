// The arithmetic half of the assembler: everything that works on registers alone.
import type { Slot } from './instruction-buffer.js';
import { ALU, type AluOperation, CLASS, SOURCE } from './opcodes.js';
import {
  type Fail,
  immediate32,
  readableRegister,
  shiftAmount,
  signedImmediate,
  writableRegister,
} from './operand-checks.js';
import type { Register } from './registers.js';

/** The second operand: a register or an immediate. */
export type Operand = Register | number;

/** Arithmetic, moves and byte order; `Assembler` gives it a place to put its instructions. */
export abstract class ArithmeticAssembler {
  /** Throws about the instruction that is being written. */
  protected abstract readonly fail: Fail;

  /** Appends a slot. */
  protected abstract emit(slot: Slot): this;

  // Arithmetic on 64 bits.

  /** dst = value */
  mov(dst: Register, value: Operand): this {
    return this.#alu(64, 'mov', dst, value);
  }

  /** dst += value */
  add(dst: Register, value: Operand): this {
    return this.#alu(64, 'add', dst, value);
  }

  /** dst -= value */
  sub(dst: Register, value: Operand): this {
    return this.#alu(64, 'sub', dst, value);
  }

  /** dst *= value */
  mul(dst: Register, value: Operand): this {
    return this.#alu(64, 'mul', dst, value);
  }

  /** dst /= value, unsigned; 0 when the divisor register is 0 */
  div(dst: Register, value: Operand): this {
    return this.#alu(64, 'div', dst, value);
  }

  /** dst %= value, unsigned; unchanged when the divisor register is 0 */
  mod(dst: Register, value: Operand): this {
    return this.#alu(64, 'mod', dst, value);
  }

  /** dst /= value, signed (Linux 6.6) */
  sdiv(dst: Register, value: Operand): this {
    return this.#alu(64, 'div', dst, value, 1);
  }

  /** dst %= value, signed (Linux 6.6) */
  smod(dst: Register, value: Operand): this {
    return this.#alu(64, 'mod', dst, value, 1);
  }

  /** dst |= value */
  or(dst: Register, value: Operand): this {
    return this.#alu(64, 'or', dst, value);
  }

  /** dst &= value */
  and(dst: Register, value: Operand): this {
    return this.#alu(64, 'and', dst, value);
  }

  /** dst ^= value */
  xor(dst: Register, value: Operand): this {
    return this.#alu(64, 'xor', dst, value);
  }

  /** dst <<= value */
  lsh(dst: Register, value: Operand): this {
    return this.#alu(64, 'lsh', dst, value);
  }

  /** dst >>= value, filled with zeros */
  rsh(dst: Register, value: Operand): this {
    return this.#alu(64, 'rsh', dst, value);
  }

  /** dst >>= value, filled with the sign */
  arsh(dst: Register, value: Operand): this {
    return this.#alu(64, 'arsh', dst, value);
  }

  /** dst = -dst */
  neg(dst: Register): this {
    return this.#unary(CLASS.ALU64 | ALU.neg, dst, 0);
  }

  // Arithmetic on 32 bits.

  mov32(dst: Register, value: Operand): this {
    return this.#alu(32, 'mov', dst, value);
  }

  add32(dst: Register, value: Operand): this {
    return this.#alu(32, 'add', dst, value);
  }

  sub32(dst: Register, value: Operand): this {
    return this.#alu(32, 'sub', dst, value);
  }

  mul32(dst: Register, value: Operand): this {
    return this.#alu(32, 'mul', dst, value);
  }

  div32(dst: Register, value: Operand): this {
    return this.#alu(32, 'div', dst, value);
  }

  mod32(dst: Register, value: Operand): this {
    return this.#alu(32, 'mod', dst, value);
  }

  sdiv32(dst: Register, value: Operand): this {
    return this.#alu(32, 'div', dst, value, 1);
  }

  smod32(dst: Register, value: Operand): this {
    return this.#alu(32, 'mod', dst, value, 1);
  }

  or32(dst: Register, value: Operand): this {
    return this.#alu(32, 'or', dst, value);
  }

  and32(dst: Register, value: Operand): this {
    return this.#alu(32, 'and', dst, value);
  }

  xor32(dst: Register, value: Operand): this {
    return this.#alu(32, 'xor', dst, value);
  }

  lsh32(dst: Register, value: Operand): this {
    return this.#alu(32, 'lsh', dst, value);
  }

  rsh32(dst: Register, value: Operand): this {
    return this.#alu(32, 'rsh', dst, value);
  }

  arsh32(dst: Register, value: Operand): this {
    return this.#alu(32, 'arsh', dst, value);
  }

  neg32(dst: Register): this {
    return this.#unary(CLASS.ALU | ALU.neg, dst, 0);
  }

  /** dst = src with its lowest `bits` sign-extended to 64 (Linux 6.6) */
  movSigned(dst: Register, src: Register, bits: 8 | 16 | 32): this {
    return this.#alu(64, 'mov', dst, src, bits);
  }

  // Byte order.

  /** dst = its lowest N bits, to or from big-endian (network order) */
  be16(dst: Register): this {
    return this.#unary(CLASS.ALU | ALU.end | SOURCE.X, dst, 16);
  }

  be32(dst: Register): this {
    return this.#unary(CLASS.ALU | ALU.end | SOURCE.X, dst, 32);
  }

  be64(dst: Register): this {
    return this.#unary(CLASS.ALU | ALU.end | SOURCE.X, dst, 64);
  }

  /** dst = its lowest N bits, to or from little-endian: only cuts on little-endian hosts */
  le16(dst: Register): this {
    return this.#unary(CLASS.ALU | ALU.end | SOURCE.K, dst, 16);
  }

  le32(dst: Register): this {
    return this.#unary(CLASS.ALU | ALU.end | SOURCE.K, dst, 32);
  }

  le64(dst: Register): this {
    return this.#unary(CLASS.ALU | ALU.end | SOURCE.K, dst, 64);
  }

  /** dst = its lowest N bits with the bytes swapped (Linux 6.6) */
  bswap16(dst: Register): this {
    return this.#unary(CLASS.ALU64 | ALU.end, dst, 16);
  }

  bswap32(dst: Register): this {
    return this.#unary(CLASS.ALU64 | ALU.end, dst, 32);
  }

  bswap64(dst: Register): this {
    return this.#unary(CLASS.ALU64 | ALU.end, dst, 64);
  }

  #unary(opcode: number, dst: Register, imm: number): this {
    return this.emit({ opcode, dst: writableRegister(dst, this.fail), imm });
  }

  #alu(bits: 32 | 64, operation: AluOperation, dst: Register, value: Operand, offset = 0): this {
    const opcode = (bits === 64 ? CLASS.ALU64 : CLASS.ALU) | ALU[operation];
    const common = { dst: writableRegister(dst, this.fail), offset };
    if (typeof value !== 'number') {
      return this.emit({ opcode: opcode | SOURCE.X, src: readableRegister(value, this.fail), ...common });
    }
    return this.emit({
      opcode: opcode | SOURCE.K,
      imm: this.#aluImmediate(bits, operation, value),
      ...common,
    });
  }

  #aluImmediate(bits: 32 | 64, operation: AluOperation, value: number): number {
    if (operation === 'lsh' || operation === 'rsh' || operation === 'arsh') {
      return shiftAmount(value, bits, this.fail);
    }
    if ((operation === 'div' || operation === 'mod') && value === 0)
      this.fail('cannot divide by the immediate 0.');
    return bits === 64 ? signedImmediate(value, this.fail) : immediate32(value, this.fail);
  }
}
