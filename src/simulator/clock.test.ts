// The virtual clock and the seeded chance: order and repetition.
import { describe, expect, it } from 'vitest';
import { Clock } from './clock.js';
import { Random } from './random.js';

describe('Clock', () => {
  it('runs what is due by time, and in order of asking among equals', () => {
    const clock = new Clock(0);
    const seen: string[] = [];
    const random = new Random(7);
    const times = Array.from({ length: 200 }, () => random.integer(0, 20));
    for (const [at, time] of times.entries()) clock.at(time, () => seen.push(`${clock.now}:${at}`));
    clock.run(100, () => {});
    const expected = times
      .map((time, at) => ({ time, at }))
      .toSorted((a, b) => a.time - b.time || a.at - b.at)
      .map(({ time, at }) => `${time}:${at}`);
    expect(seen).toEqual(expected);
    expect(clock.now).toBe(100);
  });

  it('does not run what is due later, and takes the past as now', () => {
    const clock = new Clock(10);
    const seen: number[] = [];
    clock.at(5, () => seen.push(clock.now));
    clock.at(30, () => seen.push(clock.now));
    clock.run(20, () => {});
    expect(seen).toEqual([10]);
  });
});

function draw(seed: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: 50 }, () => random.integer(3, 9));
}

describe('Random', () => {
  it('gives the same numbers for the same seed, others for another, all in range', () => {
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(5).every(each => each >= 3 && each <= 9)).toBe(true);
  });
});
