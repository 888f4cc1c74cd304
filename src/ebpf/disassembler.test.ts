import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Assembler } from './assembler.js';
import { disassemble, formatInstruction } from './disassembler.js';
import { decode, encode, type Instruction } from './instruction.js';
import { R0, R1, R2, R6, R7, R8, R9, R10 } from './registers.js';

const register = fc.constantFrom(R0, R1, R2, R6, R7, R8, R9);
const imm = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const operand = fc.oneof(register, imm);
const offset = fc.integer({ min: -0x8000, max: 0x7fff });
const size = fc.constantFrom('u8', 'u16', 'u32', 'u64');
const atomicSize = fc.constantFrom('u32', 'u64');

type Step = (a: Assembler) => Assembler;
const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('mov', 'add', 'sub', 'mul', 'or', 'and', 'xor', 'mov32', 'add32', 'or32', 'xor32'),
      register,
      operand,
    )
    .map(
      ([op, dst, value]): Step =>
        a =>
          a[op](dst, value),
    ),
  fc
    .tuple(
      fc.constantFrom('lsh', 'rsh', 'arsh', 'lsh32', 'arsh32'),
      register,
      fc.oneof(register, fc.integer({ min: 0, max: 31 })),
    )
    .map(
      ([op, dst, value]): Step =>
        a =>
          a[op](dst, value),
    ),
  fc
    .tuple(
      fc.constantFrom('div', 'mod', 'sdiv', 'smod', 'div32', 'mod32', 'sdiv32', 'smod32'),
      register,
      register,
    )
    .map(
      ([op, dst, value]): Step =>
        a =>
          a[op](dst, value),
    ),
  fc
    .tuple(
      fc.constantFrom(
        'neg',
        'neg32',
        'be16',
        'be32',
        'be64',
        'le16',
        'le32',
        'le64',
        'bswap16',
        'bswap32',
        'bswap64',
      ),
      register,
    )
    .map(
      ([op, dst]): Step =>
        a =>
          a[op](dst),
    ),
  fc
    .tuple(
      fc.constantFrom(
        'jeq',
        'jne',
        'jgt',
        'jge',
        'jlt',
        'jle',
        'jset',
        'jsgt',
        'jsge',
        'jslt',
        'jsle',
        'jeq32',
        'jset32',
        'jsgt32',
      ),
      register,
      operand,
    )
    .map(
      ([op, dst, value]): Step =>
        a =>
          a[op](dst, value, 'end'),
    ),
  fc.tuple(fc.oneof(size, fc.constantFrom('s8', 's16', 's32')), register, register, offset).map(
    ([s, d, r, o]): Step =>
      a =>
        a.load(s, d, r, o),
  ),
  fc.tuple(size, register, register, offset).map(
    ([s, d, r, o]): Step =>
      a =>
        a.store(s, d, o, r),
  ),
  fc.tuple(size, fc.nat(127), offset).map(
    ([s, i, o]): Step =>
      a =>
        a.storeImm(s, R10, o, i),
  ),
  fc
    .tuple(
      fc.constantFrom(
        'atomicAdd',
        'atomicOr',
        'atomicAnd',
        'atomicXor',
        'atomicFetchAdd',
        'atomicFetchOr',
        'atomicFetchAnd',
        'atomicFetchXor',
        'atomicExchange',
        'atomicCompareExchange',
      ),
      atomicSize,
      register,
      offset,
      register,
    )
    .map(
      ([op, s, d, o, r]): Step =>
        a =>
          a[op](s, d, o, r),
    ),
  fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n }).map(
    (value): Step =>
      a =>
        a.loadImm64(R1, value),
  ),
  fc.constantFrom<Step>(
    a => a.call('map_lookup_elem'),
    a => a.callKfunc('k'),
    a => a.callLocal('end'),
    a => a.jump('end'),
    a => a.jumpLong('end'),
    a => a.loadMap(R1, 'm'),
    a => a.loadMapValue(R1, 'm', 8),
  ),
);

function packetLoad(opcode: number, src: number): string {
  return formatInstruction({ opcode, dst: 1, src, offset: 0, imm: 12 });
}

/** The fields that have bytes. */
function bare({ opcode, dst, src, offset, imm }: Instruction): Instruction {
  return { opcode, dst, src, offset, imm };
}

describe('random programs', () => {
  test('assemble, decode and encode to the same bytes, and every instruction has a text', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), steps => {
        const assembler = new Assembler('random');
        for (const one of steps) one(assembler);
        const { instructions } = assembler.label('end').exit().build();
        const bytes = encode(instructions);
        const decoded = decode(bytes);
        if (!decoded.ok) throw new Error(decoded.error);
        expect(decoded.value).toEqual(instructions.map(bare));
        expect(encode(decoded.value)).toEqual(bytes);
        expect(disassemble(bytes)).not.toContain('unknown opcode');
        expect(disassemble(instructions)).not.toContain('unknown opcode');
      }),
    );
  });
});

describe('disassemble()', () => {
  test('never throws, whatever the bytes are, and keeps them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        expect(typeof disassemble(bytes)).toBe('string');
        const whole = bytes.subarray(0, bytes.length - (bytes.length % 8));
        const decoded = decode(whole);
        if (decoded.ok) expect(encode(decoded.value)).toEqual(Uint8Array.from(whole));
      }),
    );
  });

  test('shows labels, comments, jump targets, and indexes as the verifier counts', () => {
    const { instructions } = new Assembler('carrier')
      .mov(R6, R1)
      .loadMapValue(R7, 'shared', 8)
      .comment('__LINK_STATE_NOCARRIER')
      .jset(R7, 4, 'lost')
      .exitWith(-1)
      .label('lost')
      .mov(R0, 2)
      .exit()
      .build();
    expect(disassemble(instructions)).toBe(
      [
        '   0: (bf) r6 = r1',
        '   1: (18) r7 = map[shared][0]+8',
        '      ; __LINK_STATE_NOCARRIER',
        '   3: (45) if r7 & 0x4 goto pc+2 <lost>',
        '   4: (b7) r0 = -1',
        '   5: (95) exit',
        'lost:',
        '   6: (b7) r0 = 2',
        '   7: (95) exit',
      ].join('\n'),
    );
  });

  test('shows what it does not know, and bytes left over', () => {
    expect(disassemble(Uint8Array.of(0xff, 0x21, 1, 0, 2, 0, 0, 0, 9))).toBe(
      '   0: (ff) unknown opcode 0xff (dst 1, src 2, offset 1, imm 2)\n; 1 more bytes are not an instruction',
    );
  });

  test('shows classic packet loads and loaded maps', () => {
    expect(packetLoad(0x28, 0)).toBe('r0 = *(u16 *)skb[12]');
    expect(packetLoad(0x40, 3)).toBe('r0 = *(u32 *)skb[r3 + 12]');
    const wide = { opcode: 0x18, dst: 1, src: 1, offset: 0, imm: 12 };
    expect(formatInstruction(wide, { ...wide, opcode: 0, imm: 0 })).toBe('r1 = map[fd:12]');
    expect(formatInstruction(wide)).toContain('unknown opcode 0x18');
  });
});

test('decode() refuses bytes that are no whole instructions', () => {
  expect(decode(new Uint8Array(9))).toEqual({
    ok: false,
    error: 'An eBPF program is a multiple of 8 bytes long, this one has 9.',
  });
});
