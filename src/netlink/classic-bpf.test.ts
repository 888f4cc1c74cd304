import { expect, test } from 'vitest';
import { rulesProgram } from './classic-bpf.js';
import { runClassic } from './testing.js';

test('rulesProgram() gives the verdict of the first rule whose tests all hold', () => {
  const program = rulesProgram(
    [
      {
        tests: [
          { bytes: 1, at: 0, equals: 1 },
          { bytes: 2, at: 1, mask: 0xff00, equals: 0x0200 },
        ],
        verdict: 10,
      },
      { tests: [{ bytes: 1, at: 0, equals: 1 }], verdict: 20 },
      { tests: [{ bytes: 4, at: 0, mask: 0xffff_0000, equals: 0xff00_0000 }], verdict: -1 },
    ],
    30,
  );
  const verdictOf = (...frame: number[]): number => runClassic(program, Uint8Array.from(frame));
  expect(verdictOf(1, 2, 99, 0)).toBe(10);
  expect(verdictOf(1, 3, 99, 0)).toBe(20);
  expect(verdictOf(0xff, 0, 7, 7)).toBe(0xffff_ffff);
  expect(verdictOf(2, 2, 0, 0)).toBe(30);
});

test('a rule without tests decides all that comes to it', () => {
  expect(runClassic(rulesProgram([{ tests: [], verdict: 2 }], 0), new Uint8Array(14))).toBe(2);
});
