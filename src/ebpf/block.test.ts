import { describe, expect, it } from 'vitest';
import { Assembler } from './assembler.js';
import type { Block } from './block.js';
import { R0, R1, R2, R3, R6, R7, R8, R9, R10 } from './registers.js';

/** Of a program that has R1, R6 and R7 filled before the block, and the label `out` behind it. */
function assembled(block: Block, append: (a: Assembler) => unknown): () => number {
  return () =>
    new Assembler('test')
      .mov(R6, R1)
      .mov(R7, R1)
      .block(block, a => void append(a))
      .label('out')
      .exitWith(0)
      .build().instructions.length;
}

const CALLED = [R0, R1, R2, R3];

describe('block()', () => {
  it('takes a block that does what it says', () => {
    const block = { in: [R6], out: [R8], lost: [R1, R2], exits: ['out'] };
    const append = (a: Assembler): unknown =>
      a
        .label('turn')
        .load('u32', R1, R6, 4)
        .mov(R2, R10)
        .store('u64', R2, -8, R1)
        .jeq(R1, 0, 'out')
        .loadImm64(R8, 7n)
        .jne(R8, R1, 'turn')
        .jump('end')
        .label('end');
    expect(assembled(block, append)()).toBe(12);
  });

  it('takes the same block twice, and one in another', () => {
    const half = (a: Assembler): unknown => a.block({ in: [R6], out: [R8] }, b => b.mov(R8, R6));
    expect(assembled({ in: [R6], out: [R8] }, a => half(a) && half(a))()).toBe(6);
  });

  it.each([
    ['a register that is kept is written', { in: [R6] }, a => a.mov(R6, 1), 'instruction 2: R6 is written'],
    ['by a load', { in: [R6] }, a => a.load('u32', R9, R6), 'R9 is written'],
    ['by a wide load', {}, a => a.loadImm64(R8, 1n), 'R8 is written'],
    ['by a map', {}, a => a.loadMap(R1, 'map'), 'R1 is written'],
    ['by a call', { lost: [R0, R1, R2, R3] }, a => a.call('ktime_get_ns'), 'R4 is written'],
    ['by an end of the program', { lost: [R1] }, a => a.exitWith(0), 'R0 is written'],
    ['by an exchange', { in: [R0, R1, R6] }, a => a.atomicCompareExchange('u32', R6, 0, R1), 'R0 is written'],
    ['by fetching', { in: [R1, R6] }, a => a.atomicFetchAdd('u64', R6, 0, R1), 'R1 is written'],
    ['by byte order', { in: [R6] }, a => a.be32(R6), 'R6 is written'],
    ['an empty register is read', { out: [R8] }, a => a.mov(R8, R7), 'R7 is read'],
    ['by arithmetic with itself', { lost: [R8] }, a => a.add(R8, 1), 'R8 is read'],
    ['by negation', { lost: [R8] }, a => a.neg(R8), 'R8 is read'],
    ['by a store', { in: [R6] }, a => a.store('u32', R6, 0, R1), 'R1 is read'],
    ['as an address', { in: [R1] }, a => a.store('u32', R6, 0, R1), 'R6 is read'],
    ['by a store of a number', {}, a => a.storeImm('u32', R6, 0, 1), 'R6 is read'],
    ['by adding to memory', { in: [R6] }, a => a.atomicAdd('u64', R6, 0, R1), 'R1 is read'],
    ['by a branch', { exits: ['out'] }, a => a.jeq(R1, 0, 'out'), 'R1 is read'],
    ['as the other side of a branch', { in: [R6], exits: ['out'] }, a => a.jeq(R6, R7, 'out'), 'R7 is read'],
    ['as the result', {}, a => a.exit(), 'R0 is read'],
    ['a label of the caller', { in: [R6] }, a => a.jeq(R6, 0, 'out'), '"out" is neither in the block'],
    ['a jump to it', {}, a => a.jump('out'), '"out" is neither in the block'],
    ['what is given was not made', { out: [R8, R9] }, a => a.mov(R8, 1), 'R9 is never written'],
  ] satisfies [string, Block, (a: Assembler) => unknown, string][])(
    'refuses a block that breaks its promise: %s',
    (_, block, append, problem) => {
      expect(assembled(block, append)).toThrow(problem);
    },
  );

  it('lets an atomic operation without a fetch, and one that stores, keep their registers', () => {
    const append = (a: Assembler): unknown => a.atomicAdd('u64', R6, 0, R1).store('u64', R6, 0, R1);
    expect(assembled({ in: [R1, R6] }, append)()).toBe(6);
    expect(assembled({ in: [R6], lost: CALLED }, a => a.mov32(R1, 5).jset(R1, 1, 'in').label('in'))()).toBe(
      6,
    );
  });
});
