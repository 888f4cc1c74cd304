import { expect, test } from 'vitest';
import { DelayLine, type DelayLineLimits } from './delay-line.js';
import type { WireState } from './faults.js';

const LIMITS: DelayLineLimits = { frames: 4, frameBytes: 16, bytesPerSecond: Infinity, queueMs: 1000 };
const PLAIN: WireState = { delayMs: 5, loss: 0, silent: false };

function line(limits: Partial<DelayLineLimits> = {}, seed = 1): DelayLine {
  return new DelayLine({ ...LIMITS, ...limits }, seed);
}

test('a frame comes out after the delay, unchanged, and once', () => {
  const wire = line();
  const frame = Uint8Array.of(1, 2, 3);
  expect(wire.offer(frame, 100, PLAIN)).toBe('taken');
  frame.fill(0);
  expect(wire.nextMs).toBe(105);
  expect(wire.take(104.9)).toBeUndefined();
  expect(wire.take(105)).toEqual(Uint8Array.of(1, 2, 3));
  expect(wire.take(200)).toBeUndefined();
  expect(wire.nextMs).toBe(Infinity);
});

test('frames do not overtake each other when the delay shrinks', () => {
  const wire = line();
  wire.offer(Uint8Array.of(1), 0, { ...PLAIN, delayMs: 500 });
  wire.offer(Uint8Array.of(2), 10, PLAIN);
  expect(wire.take(20)).toBeUndefined();
  expect([wire.take(500), wire.take(500)]).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
});

test('a full wire, and a frame that is too long, are told', () => {
  const wire = line();
  expect(wire.offer(new Uint8Array(17), 0, PLAIN)).toBe('full');
  for (let i = 0; i < 4; i++) expect(wire.offer(Uint8Array.of(i), 0, PLAIN)).toBe('taken');
  expect(wire.offer(Uint8Array.of(4), 0, PLAIN)).toBe('full');
  expect(wire.take(5)).toEqual(Uint8Array.of(0));
  expect(wire.offer(Uint8Array.of(4), 5, PLAIN)).toBe('taken');
});

test('a silent wire loses all, one with loss the share that it says, the same ones for the same seed', () => {
  const lossesOf = (seed: number, state: WireState): number[] => {
    const wire = line({}, seed);
    const lost: number[] = [];
    for (let i = 0; i < 10_000; i++) {
      if (wire.offer(Uint8Array.of(1), i, state) === 'lost') lost.push(i);
      while (wire.take(i + 5) !== undefined);
    }
    return lost;
  };
  expect(lossesOf(1, { ...PLAIN, silent: true })).toHaveLength(10_000);
  expect(lossesOf(1, PLAIN)).toHaveLength(0);
  const third = lossesOf(7, { ...PLAIN, loss: 0.3 });
  expect(third.length).toBeGreaterThan(2800);
  expect(third.length).toBeLessThan(3200);
  expect(lossesOf(7, { ...PLAIN, loss: 0.3 })).toEqual(third);
  expect(lossesOf(8, { ...PLAIN, loss: 0.3 })).not.toEqual(third);
});

test('a rate spaces frames out, and those that would wait too long are lost', () => {
  const wire = line({ bytesPerSecond: 1000, queueMs: 15 });
  const ten = new Uint8Array(10);
  expect([0, 1, 2].map(() => wire.offer(ten, 0, PLAIN))).toEqual(['taken', 'taken', 'full']);
  expect(wire.nextMs).toBe(15);
  wire.take(15);
  expect(wire.nextMs).toBe(25);
});
