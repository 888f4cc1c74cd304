import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CLASSIC, type ClassicStep } from './classic-bpf.js';
import { MOST_RANGES, tagNumber, tagProgram, tagRanges, tagSettings } from './vlan-tags.js';

/** A frame's tag, as the kernel keeps it beside the frame. */
interface Kept {
  readonly tci: number;
  readonly protocol: number;
}

/** Runs the steps as the kernel would (bpf_prog_run of classic BPF). */
function run(steps: readonly ClassicStep[], tag: Kept | undefined): number {
  let [a, x] = [0, 0];
  for (let at = 0; ; at++) {
    const one = steps[at];
    if (one === undefined) throw new Error('ran off the end');
    const jump = (holds: boolean): void => {
      at += holds ? one.whenTrue : one.whenFalse;
    };
    switch (one.code) {
      case CLASSIC.LOAD_WORD: {
        const words = { 48: tag === undefined ? 0 : 1, 60: tag?.protocol ?? 0, 44: tag?.tci ?? 0 };
        a = words[(one.value - 0xffff_f000) as keyof typeof words];
        break;
      }
      case CLASSIC.LOAD_INDEX:
        x = one.value;
        break;
      case CLASSIC.AND:
        a &= one.value;
        break;
      case CLASSIC.OR_INDEX:
        a |= x;
        break;
      case CLASSIC.JUMP:
        at += one.value;
        break;
      case CLASSIC.JUMP_EQUAL:
        jump(a === one.value);
        break;
      case CLASSIC.JUMP_GREATER:
        jump(a > one.value);
        break;
      case CLASSIC.JUMP_NOT_BELOW:
        jump(a >= one.value);
        break;
      case CLASSIC.RETURN:
        return one.value;
      default:
        throw new Error(`step ${one.code}`);
    }
  }
}

const id = fc.oneof(fc.integer({ min: 0, max: 4094 }), fc.constantFrom(0, 1, 19, 20, 21, 4094));
const protocol = fc.constantFrom(0x8100, 0x88a8);
const tag = fc.record({ id, protocol });

test('tagNumber() tells all tags apart, and tagSettings() reads it back', () => {
  fc.assert(
    fc.property(tag, one => {
      expect(tagSettings(tagNumber(one) ?? -1)).toEqual(one);
    }),
  );
  expect(tagNumber({ id: 5, protocol: 0x9100 })).toBeUndefined();
});

test('tagRanges() holds the same tags in ascending order, as few ranges', () => {
  expect(tagRanges([22, 7, 20, 21, 7])).toEqual([
    { first: 7, last: 7 },
    { first: 20, last: 22 },
  ]);
  expect(tagRanges([])).toEqual([]);
});

test('tagProgram() tells frames with one of the tags from others, whatever their priority', () => {
  fc.assert(
    fc.property(
      fc.array(tag, { maxLength: 30 }),
      tag,
      fc.integer({ min: 0, max: 15 }),
      (tags, asked, priority) => {
        const steps = tagProgram(tagRanges(tags.map(one => tagNumber(one) ?? -1)), 1, 2);
        const isOne = tags.some(one => one.id === asked.id && one.protocol === asked.protocol);
        expect(run(steps, { tci: (priority << 12) | asked.id, protocol: asked.protocol })).toBe(
          isOne ? 1 : 2,
        );
        expect(run(steps, undefined)).toBe(2);
        expect(run(steps, { tci: asked.id, protocol: 0x9100 })).toBe(2);
      },
    ),
  );
});

test('tagProgram() has room for MOST_RANGES, and says so when there are more', () => {
  const every = (count: number) => tagRanges(Array.from({ length: count }, (_, i) => 2 * i));
  expect(tagProgram(every(MOST_RANGES), 1, 2).length).toBeLessThanOrEqual(4096);
  expect(() => tagProgram(every(MOST_RANGES + 1), 1, 2)).toThrow(RangeError);
});
