import { expect, test } from 'vitest';
import { judge, type Verdict } from './judge.js';
import type { Sample } from './meter-samples.js';

/** Samples each 20 ms from 0 to 10 s; `rttOf` says what became of the one sent at this time. */
function stream(rttOf: (sentMs: number) => number | null, parts: Partial<Sample> = {}): Sample[] {
  return Array.from({ length: 500 }, (_, i) => {
    const sentMs = 20 * i;
    return { flow: 'udp-existing', family: 'ipv4', sentMs, rttMs: rttOf(sentMs), ...parts } as const;
  });
}

function one(rttOf: (sentMs: number) => number | null, untilMs: number | null = null): Verdict {
  const [verdict] = judge(stream(rttOf), { momentMs: 3000, untilMs });
  if (verdict === undefined) throw new Error('no verdict');
  return verdict;
}

test('nothing bad is right again after 0 ms', () => {
  expect(one(() => 10)).toEqual({
    flow: 'udp-existing',
    family: 'ipv4',
    againMs: 0,
    after: 353,
    bad: 0,
    lost: 0,
    before: 120,
    badBefore: 0,
  });
});

test('an outage ends with the first good sample behind it', () => {
  const verdict = one(sentMs => (sentMs >= 3000 && sentMs < 3700 ? null : 10));
  expect(verdict.againMs).toBe(700);
  expect([verdict.bad, verdict.lost]).toEqual([35, 35]);
});

test('an answer after more than 300 ms is bad, and not lost', () => {
  const verdict = one(sentMs => (sentMs >= 3000 && sentMs < 3500 ? 301 : 300));
  expect(verdict.againMs).toBe(500);
  expect([verdict.bad, verdict.lost]).toEqual([25, 0]);
});

test('a good sample alone is not the end: 1.5 s are to be 90 % good', () => {
  const flickering = (sentMs: number): number | null => {
    if (sentMs < 3000) return 10;
    if (sentMs < 3500) return sentMs === 3200 ? 10 : null;
    // One in eight is lost for two seconds, then one in twenty-five.
    const every = sentMs < 5500 ? 8 : 25;
    return (sentMs / 20) % every === 0 ? null : 10;
  };
  const { againMs } = one(flickering);
  // Before 5.5 s by as much as a window may take of the worse part: 5 of 75 more bad ones than the better part alone.
  expect(againMs).toBeGreaterThan(1000);
  expect(againMs).toBeLessThan(2500);
});

test('what is not right again before the last 1.5 s is never', () => {
  expect(one(sentMs => (sentMs >= 3000 ? null : 10)).againMs).toBeNull();
  expect(one(sentMs => (sentMs >= 3000 && sentMs < 9000 ? null : 10)).againMs).toBeNull();
  expect(one(sentMs => (sentMs >= 3000 && sentMs < 8000 ? null : 10)).againMs).toBe(5000);
});

test('samples behind the end do not count', () => {
  const dead = (sentMs: number): number | null => (sentMs >= 3000 && sentMs < 6000 ? null : 10);
  expect(one(dead, 6000).againMs).toBeNull();
  expect(one(dead, 6000).after).toBe(153);
});

test('bad samples before the moment are told, those on the way at it belong to it', () => {
  const verdict = one(sentMs => (sentMs === 1000 || sentMs === 2960 ? null : 10));
  expect(verdict.badBefore).toBe(1);
  expect(verdict.bad).toBe(1);
  expect(verdict.againMs).toBe(0);
});

test('families and kinds are judged apart, in whatever order the samples come', () => {
  const dead = stream(sentMs => (sentMs >= 3000 && sentMs < 3400 ? null : 10), { family: 'ipv6' });
  const fine = stream(() => 10, { flow: 'udp-new' });
  const verdicts = judge([...dead.toReversed(), ...fine], { momentMs: 3000 });
  expect(verdicts.map(({ flow, family, againMs }) => [flow, family, againMs])).toEqual([
    ['udp-new', 'ipv4', 0],
    ['udp-existing', 'ipv6', 400],
  ]);
});
