import { describe, expect, test } from 'vitest';
import { Assembler } from './assembler.js';
import { AssemblyError } from './assembly-error.js';
import { formatInstruction } from './disassembler.js';
import { encode } from './instruction.js';
import { link } from './link.js';
import { R0, R1, R2, R3, R6, R7, R10, type Register } from './registers.js';

type Step = (a: Assembler) => Assembler;

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}

/** What was written, its bytes (opcode, registers, offset, immediate), and the kernel's words for it. */
const INSTRUCTIONS: readonly [name: string, step: Step, bytes: string, text: string][] = [
  ['mov imm', a => a.mov(R1, -1), 'b7 01 0000 ffffffff', 'r1 = -1'],
  ['mov reg', a => a.mov(R6, R1), 'bf 16 0000 00000000', 'r6 = r1'],
  ['mov32 imm', a => a.mov32(R1, 0xffff_ffff), 'b4 01 0000 ffffffff', 'w1 = -1'],
  ['mov32 reg', a => a.mov32(R6, R1), 'bc 16 0000 00000000', 'w6 = w1'],
  ['movSigned', a => a.movSigned(R1, R2, 8), 'bf 21 0800 00000000', 'r1 = (s8)r2'],
  ['add imm', a => a.add(R1, 22), '07 01 0000 16000000', 'r1 += 22'],
  ['add reg', a => a.add(R1, R2), '0f 21 0000 00000000', 'r1 += r2'],
  ['add32 imm', a => a.add32(R1, 22), '04 01 0000 16000000', 'w1 += 22'],
  ['add32 reg', a => a.add32(R1, R2), '0c 21 0000 00000000', 'w1 += w2'],
  ['sub imm', a => a.sub(R1, 1), '17 01 0000 01000000', 'r1 -= 1'],
  ['sub reg', a => a.sub(R1, R2), '1f 21 0000 00000000', 'r1 -= r2'],
  ['sub32 reg', a => a.sub32(R1, R2), '1c 21 0000 00000000', 'w1 -= w2'],
  ['mul imm', a => a.mul(R1, 3), '27 01 0000 03000000', 'r1 *= 3'],
  ['mul32 imm', a => a.mul32(R1, 3), '24 01 0000 03000000', 'w1 *= 3'],
  ['div imm', a => a.div(R1, 3), '37 01 0000 03000000', 'r1 /= 3'],
  ['div reg', a => a.div(R1, R2), '3f 21 0000 00000000', 'r1 /= r2'],
  ['div32 imm', a => a.div32(R1, 3), '34 01 0000 03000000', 'w1 /= 3'],
  ['sdiv imm', a => a.sdiv(R1, 3), '37 01 0100 03000000', 'r1 s/= 3'],
  ['mod imm', a => a.mod(R1, 3), '97 01 0000 03000000', 'r1 %= 3'],
  ['mod32 reg', a => a.mod32(R1, R2), '9c 21 0000 00000000', 'w1 %= w2'],
  ['smod reg', a => a.smod(R1, R2), '9f 21 0100 00000000', 'r1 s%= r2'],
  ['or imm', a => a.or(R1, 4), '47 01 0000 04000000', 'r1 |= 4'],
  ['and imm', a => a.and(R1, 4), '57 01 0000 04000000', 'r1 &= 4'],
  ['and32 imm', a => a.and32(R1, 0xff00_0000), '54 01 0000 000000ff', 'w1 &= -16777216'],
  ['xor reg', a => a.xor(R1, R2), 'af 21 0000 00000000', 'r1 ^= r2'],
  ['lsh imm', a => a.lsh(R1, 63), '67 01 0000 3f000000', 'r1 <<= 63'],
  ['lsh32 imm', a => a.lsh32(R1, 31), '64 01 0000 1f000000', 'w1 <<= 31'],
  ['rsh imm', a => a.rsh(R1, 8), '77 01 0000 08000000', 'r1 >>= 8'],
  ['rsh reg', a => a.rsh(R1, R2), '7f 21 0000 00000000', 'r1 >>= r2'],
  ['arsh imm', a => a.arsh(R1, 8), 'c7 01 0000 08000000', 'r1 s>>= 8'],
  ['arsh32 reg', a => a.arsh32(R1, R2), 'cc 21 0000 00000000', 'w1 s>>= w2'],
  ['neg', a => a.neg(R1), '87 01 0000 00000000', 'r1 = -r1'],
  ['neg32', a => a.neg32(R1), '84 01 0000 00000000', 'w1 = -w1'],
  ['be16', a => a.be16(R1), 'dc 01 0000 10000000', 'r1 = be16 r1'],
  ['be64', a => a.be64(R1), 'dc 01 0000 40000000', 'r1 = be64 r1'],
  ['le32', a => a.le32(R1), 'd4 01 0000 20000000', 'r1 = le32 r1'],
  ['bswap64', a => a.bswap64(R1), 'd7 01 0000 40000000', 'r1 = bswap64 r1'],
  ['load u8', a => a.load('u8', R1, R2, 1), '71 21 0100 00000000', 'r1 = *(u8 *)(r2 +1)'],
  ['load u16', a => a.load('u16', R1, R2, -2), '69 21 feff 00000000', 'r1 = *(u16 *)(r2 -2)'],
  ['load u32', a => a.load('u32', R1, R2, 4), '61 21 0400 00000000', 'r1 = *(u32 *)(r2 +4)'],
  ['load u64', a => a.load('u64', R6, R0, 16), '79 06 1000 00000000', 'r6 = *(u64 *)(r0 +16)'],
  ['load s8', a => a.load('s8', R1, R2), '91 21 0000 00000000', 'r1 = *(s8 *)(r2 +0)'],
  ['load s16', a => a.load('s16', R1, R2), '89 21 0000 00000000', 'r1 = *(s16 *)(r2 +0)'],
  ['load s32', a => a.load('s32', R1, R2), '81 21 0000 00000000', 'r1 = *(s32 *)(r2 +0)'],
  ['store u8', a => a.store('u8', R10, -8, R1), '73 1a f8ff 00000000', '*(u8 *)(r10 -8) = r1'],
  ['store u16', a => a.store('u16', R10, -8, R1), '6b 1a f8ff 00000000', '*(u16 *)(r10 -8) = r1'],
  ['store u32', a => a.store('u32', R10, -8, R1), '63 1a f8ff 00000000', '*(u32 *)(r10 -8) = r1'],
  ['store u64', a => a.store('u64', R10, -8, R1), '7b 1a f8ff 00000000', '*(u64 *)(r10 -8) = r1'],
  ['storeImm u8', a => a.storeImm('u8', R10, -8, 255), '72 0a f8ff ff000000', '*(u8 *)(r10 -8) = 255'],
  ['storeImm u16', a => a.storeImm('u16', R10, -8, 1), '6a 0a f8ff 01000000', '*(u16 *)(r10 -8) = 1'],
  ['storeImm u32', a => a.storeImm('u32', R10, -8, 1), '62 0a f8ff 01000000', '*(u32 *)(r10 -8) = 1'],
  ['storeImm u64', a => a.storeImm('u64', R10, -8, -1), '7a 0a f8ff ffffffff', '*(u64 *)(r10 -8) = -1'],
  [
    'loadImm64',
    a => a.loadImm64(R1, 0x1122_3344_5566_7788n),
    '18 01 0000 88776655 00 00 0000 44332211',
    'r1 = 0x1122334455667788',
  ],
  [
    'loadImm64 < 0',
    a => a.loadImm64(R1, -1n),
    '18 01 0000 ffffffff 00 00 0000 ffffffff',
    'r1 = 0xffffffffffffffff',
  ],
  ['loadMap', a => a.loadMap(R1, 'm'), '18 11 0000 05000000 00 00 0000 00000000', 'r1 = map[m]'],
  [
    'loadMapValue',
    a => a.loadMapValue(R2, 'm', 24),
    '18 22 0000 05000000 00 00 0000 18000000',
    'r2 = map[m][0]+24',
  ],
  ['atomicAdd', a => a.atomicAdd('u64', R1, 8, R2), 'db 21 0800 00000000', 'lock *(u64 *)(r1 +8) += r2'],
  ['atomicOr', a => a.atomicOr('u32', R1, 8, R2), 'c3 21 0800 40000000', 'lock *(u32 *)(r1 +8) |= r2'],
  ['atomicAnd', a => a.atomicAnd('u64', R1, 8, R2), 'db 21 0800 50000000', 'lock *(u64 *)(r1 +8) &= r2'],
  ['atomicXor', a => a.atomicXor('u64', R1, 8, R2), 'db 21 0800 a0000000', 'lock *(u64 *)(r1 +8) ^= r2'],
  [
    'atomicFetchAdd',
    a => a.atomicFetchAdd('u64', R1, 8, R2),
    'db 21 0800 01000000',
    'r2 = atomic64_fetch_add((u64 *)(r1 +8), r2)',
  ],
  [
    'atomicFetchOr',
    a => a.atomicFetchOr('u32', R1, 8, R2),
    'c3 21 0800 41000000',
    'r2 = atomic_fetch_or((u32 *)(r1 +8), r2)',
  ],
  [
    'atomicExchange',
    a => a.atomicExchange('u64', R1, 8, R2),
    'db 21 0800 e1000000',
    'r2 = atomic64_xchg((u64 *)(r1 +8), r2)',
  ],
  [
    'atomicCompareExchange',
    a => a.atomicCompareExchange('u32', R1, 8, R2),
    'c3 21 0800 f1000000',
    'r0 = atomic_cmpxchg((u32 *)(r1 +8), r0, r2)',
  ],
  ['jump', a => a.jump('out'), '05 00 0100 00000000', 'goto pc+1'],
  ['jumpLong', a => a.jumpLong('out'), '06 00 0000 01000000', 'gotol pc+1'],
  ['jeq imm', a => a.jeq(R1, -1, 'out'), '15 01 0100 ffffffff', 'if r1 == 0xffffffff goto pc+1'],
  ['jeq reg', a => a.jeq(R1, R2, 'out'), '1d 21 0100 00000000', 'if r1 == r2 goto pc+1'],
  ['jne imm', a => a.jne(R1, 0, 'out'), '55 01 0100 00000000', 'if r1 != 0x0 goto pc+1'],
  ['jgt reg', a => a.jgt(R1, R2, 'out'), '2d 21 0100 00000000', 'if r1 > r2 goto pc+1'],
  ['jge imm', a => a.jge(R1, 9, 'out'), '35 01 0100 09000000', 'if r1 >= 0x9 goto pc+1'],
  ['jlt imm', a => a.jlt(R1, 9, 'out'), 'a5 01 0100 09000000', 'if r1 < 0x9 goto pc+1'],
  ['jle imm', a => a.jle(R1, 9, 'out'), 'b5 01 0100 09000000', 'if r1 <= 0x9 goto pc+1'],
  ['jsgt imm', a => a.jsgt(R1, 9, 'out'), '65 01 0100 09000000', 'if r1 s> 0x9 goto pc+1'],
  ['jsge reg', a => a.jsge(R1, R2, 'out'), '7d 21 0100 00000000', 'if r1 s>= r2 goto pc+1'],
  ['jslt imm', a => a.jslt(R1, 0, 'out'), 'c5 01 0100 00000000', 'if r1 s< 0x0 goto pc+1'],
  ['jsle imm', a => a.jsle(R1, 0, 'out'), 'd5 01 0100 00000000', 'if r1 s<= 0x0 goto pc+1'],
  ['jset imm', a => a.jset(R7, 4, 'out'), '45 07 0100 04000000', 'if r7 & 0x4 goto pc+1'],
  ['jeq32 imm', a => a.jeq32(R1, 0xffff_ffff, 'out'), '16 01 0100 ffffffff', 'if w1 == 0xffffffff goto pc+1'],
  ['jset32 reg', a => a.jset32(R1, R2, 'out'), '4e 21 0100 00000000', 'if w1 & w2 goto pc+1'],
  ['jslt32 imm', a => a.jslt32(R1, -5, 'out'), 'c6 01 0100 fbffffff', 'if w1 s< 0xfffffffb goto pc+1'],
  ['call', a => a.call('redirect'), '85 00 0000 17000000', 'call bpf_redirect#23'],
  ['call number', a => a.call(4000), '85 00 0000 a00f0000', 'call unknown#4000'],
  ['callKfunc', a => a.callKfunc('k'), '85 20 0000 39300000', 'call k'],
  ['callLocal', a => a.callLocal('out'), '85 10 0000 01000000', 'call pc+1'],
  ['exit', a => a.exit(), '95 00 0000 00000000', 'exit'],
];

describe('each instruction has the bytes of the uapi and the words of the kernel', () => {
  test.each(INSTRUCTIONS)('%s', (_, step, expected, text) => {
    const program = step(new Assembler('one')).mov(R0, 0).label('out').exit().build();
    const bytes = link(program, { maps: { m: 5 }, kfuncs: { k: 12_345 } });
    expect(hex(bytes.subarray(0, -16))).toBe(expected.replaceAll(' ', ''));
    const [first, second] = program.instructions;
    expect(first && formatInstruction(first, second)).toBe(text);
  });
});

/** A macro: at most 7. */
function clamp(a: Assembler): void {
  const skip = a.freshLabel('skip');
  a.jle(R0, 7, skip).mov(R0, 7).label(skip);
}

function far(jump: Step): Assembler {
  const assembler = jump(new Assembler('far'));
  for (let i = 0; i < 32_768; i += 1) assembler.mov(R3, 0);
  return assembler.label('end').exit();
}

describe('Assembler', () => {
  test('resolves labels forwards and backwards', () => {
    const { instructions } = new Assembler('loop')
      .mov(R0, 10)
      .label('again')
      .sub(R0, 1)
      .loadImm64(R1, 1n)
      .jeq(R0, 0, 'done')
      .jump('again')
      .label('done')
      .exit()
      .build();
    expect(instructions.map(i => i.offset)).toEqual([0, 0, 0, 0, 1, -5, 0]);
    expect(instructions[4]).toMatchObject({ target: 'done' });
    expect(instructions[6]).toMatchObject({ labels: ['done'] });
  });

  test('gives a frozen program, and can go on afterwards', () => {
    const assembler = new Assembler('frozen').exitWith(2);
    const program = assembler.build();
    expect(
      Object.isFrozen(program) &&
        Object.isFrozen(program.instructions) &&
        Object.isFrozen(program.instructions[0]),
    ).toBe(true);
    assembler.exit();
    expect([program.instructions.length, assembler.build().instructions.length]).toEqual([2, 3]);
  });

  test('includes blocks with labels of their own', () => {
    const { instructions } = new Assembler('blocks').mov(R0, 9).include(clamp).include(clamp).exit().build();
    expect(encode(instructions).length).toBe(48);
  });
});

describe('mistakes are told in a sentence', () => {
  const bad = { register: 11 } as unknown as Register;
  const cases: readonly [string, (a: Assembler) => unknown, number, string][] = [
    [
      'unknown label',
      a => a.exit().jump('x').exit().build(),
      1,
      `the label "x" is used but never placed; add label('x').`,
    ],
    [
      'duplicate label',
      a => a.label('x').exit().label('x'),
      1,
      'the label "x" was already placed at instruction 0; a label stands in one place only.',
    ],
    [
      'dangling label',
      a => a.exit().label('x').build(),
      1,
      'the label "x" stands behind the last instruction; put an instruction after it.',
    ],
    ['no instructions', a => a.build(), 0, 'the program has no instructions; at least exit() is needed.'],
    ['register', a => a.mov(bad, 1), 0, 'there is no register R11; registers are R0 to R10.'],
    ['source register', a => a.mov(R1, bad), 0, 'there is no register R11; registers are R0 to R10.'],
    [
      'frame pointer',
      a => a.add(R10, 8),
      0,
      'R10 is the frame pointer and cannot be written; copy it to another register first.',
    ],
    [
      '64-bit immediate',
      a => a.and(R1, 0xffff_ffff),
      0,
      'the immediate 4294967295 is not a signed 32-bit integer; load it into a register with loadImm64() and use that.',
    ],
    ['32-bit immediate', a => a.and32(R1, 2 ** 32), 0, 'the immediate 4294967296 is not a 32-bit integer.'],
    [
      'fraction',
      a => a.mov(R1, 0.5),
      0,
      'the immediate 0.5 is not a signed 32-bit integer; load it into a register with loadImm64() and use that.',
    ],
    ['u8', a => a.storeImm('u8', R1, 0, 256), 0, 'the immediate 256 does not fit u8.'],
    ['u16', a => a.storeImm('u16', R1, 0, -32_769), 0, 'the immediate -32769 does not fit u16.'],
    [
      'offset',
      a => a.load('u8', R1, R2, 32_768),
      0,
      'the offset 32768 is not a signed 16-bit integer; add the rest to the pointer first.',
    ],
    ['shift', a => a.lsh32(R1, 32), 0, 'cannot shift by 32; a 32-bit shift goes from 0 to 31.'],
    ['division', a => a.exit().mod(R1, 0), 1, 'cannot divide by the immediate 0.'],
    ['imm64', a => a.loadImm64(R1, 1n << 64n), 0, 'the immediate 18446744073709551616 does not fit 64 bits.'],
    [
      'map value offset',
      a => a.loadMapValue(R1, 'm', -1),
      0,
      '-1 is not a byte offset into the value of map "m".',
    ],
    ['helper', a => a.call('nonsense' as 'redirect'), 0, 'there is no helper function "nonsense".'],
  ];

  test.each(cases)('%s', (_, write, instruction, problem) => {
    let caught: unknown;
    try {
      write(new Assembler('bad'));
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(AssemblyError);
    expect(caught).toMatchObject({
      program: 'bad',
      instruction,
      message: `Program "bad", instruction ${instruction}: ${problem}`,
    });
  });

  test('a jump too far, and jumpLong() as the way out', () => {
    expect(() => far(a => a.jump('end')).build()).toThrow(
      'Program "far", instruction 0: the label "end" is 32768 instructions away and a jump reaches 32767; use jumpLong() or move the target nearer.',
    );
    expect(far(a => a.jumpLong('end')).build().instructions[0]?.imm).toBe(32_768);
  });
});

describe('link()', () => {
  const program = new Assembler('needy')
    .loadMap(R1, 'a')
    .loadMap(R2, 'b')
    .loadMapValue(R3, 'a')
    .callKfunc('k')
    .exit()
    .build();

  test('names all that is missing', () => {
    expect(() => link(program, { maps: { a: 3 } })).toThrow(
      'Program "needy" needs maps that were not created: b; and kernel functions that were not found: k.',
    );
    expect(() => link(program)).toThrow(
      expect.objectContaining({ missingMaps: ['a', 'b'], missingKfuncs: ['k'] }),
    );
  });

  test('leaves the program as it was', () => {
    const before = structuredClone(program);
    const first = link(program, { maps: { a: 3, b: 4 }, kfuncs: { k: 5 } });
    expect(program).toEqual(before);
    expect(first).toEqual(link(program, { maps: { a: 3, b: 4 }, kfuncs: { k: 5 } }));
  });

  test('does not take names from the prototype', () => {
    const odd = new Assembler('odd').loadMap(R1, 'toString').exit().build();
    expect(() => link(odd, { maps: {} })).toThrow('toString');
  });
});
