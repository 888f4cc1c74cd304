// Signs of life and silence: the boundaries of patience, traffic, lateness, and what is learned.
import { describe, expect, it } from 'vitest';
import type { TimeMs } from './contract.js';
import {
  findMute,
  forgive,
  isSuspicious,
  learnedPatience,
  noteAsked,
  noteSign,
  silenceLimit,
  silenceOf,
} from './life.js';
import { DEFAULT_TIMING } from './settings.js';
import { type Asked, type Judged, newJudged } from './state.js';
import { lineOf, settingsOf, World } from './testing.js';

const DAY = 86_400_000;

/** A line that gave its last sign at 0, and was asked at these times since. */
function silent(...askedAt: TimeMs[]): Judged {
  const judged = newJudged('ipv4', 0);
  judged.lastSignMs = 0;
  for (const [id, atMs] of askedAt.entries())
    noteAsked(judged, { id, atMs, target: 'a', rttMs: null, extra: false });
  return judged;
}

const atOf = (judged: Judged, now = 100): TimeMs | null => silenceOf(judged, DEFAULT_TIMING, now).atMs;

describe('silenceOf()', () => {
  it('counts from the last sign where the line was asked all the time', () => {
    expect(atOf(silent(80, 180, 280, 380))).toBe(600);
  });

  it('needs four questions that are old enough to be answered', () => {
    expect(atOf(silent(80, 180, 280))).toBeNull();
    expect(atOf(silent(80, 180, 280, 590))).toBe(640);
  });

  it('waits for as long as answers usually take', () => {
    const judged = silent(80, 180, 280, 380);
    judged.quality.medianMs = 300;
    expect(atOf(judged)).toBe(680);
  });

  it('does not count the time before a line that is asked seldom was asked', () => {
    expect(atOf(silent(10_000, 10_040, 10_080, 10_120))).toBe(10_500);
  });

  it('cannot be of a line that never gave a sign', () => {
    const judged = silent(80, 180, 280, 380);
    judged.lastSignMs = null;
    expect(atOf(judged)).toBeNull();
  });

  it('is delayed by answers to our own flows, and never for longer than silence_with_traffic', () => {
    const judged = silent(80, 180, 280, 380);
    judged.trafficMs = 300;
    expect(atOf(judged)).toBe(900);
    judged.trafficMs = 2900;
    expect(atOf(judged)).toBe(3000);
  });

  it('does not count targets that never answer while others do', () => {
    const judged = silent(80, 180, 280, 380);
    judged.asked = [
      ...Array.from(
        { length: 5 },
        (_, i): Asked => ({ id: 100 + i, atMs: -500 + i, target: 'mute', rttMs: null, extra: false }),
      ),
      { id: 99, atMs: -100, target: 'a', rttMs: 5, extra: false },
      ...judged.asked.map(each => ({ ...each, target: each.id === 1 ? 'mute' : 'a' })),
    ];
    findMute(judged);
    expect(judged.mute).toEqual(['mute']);
    expect(atOf(judged)).toBeNull();
  });
});

describe('learned patience', () => {
  function after(silenceMs: TimeMs): Judged {
    const judged = silent(0, 100, 200, 300);
    judged.asked = judged.asked.map(each => ({ ...each, atMs: each.atMs + 1 }));
    const first = judged.asked[0];
    if (first === undefined) throw new Error('nothing was asked');
    noteSign(judged, first, silenceMs, DEFAULT_TIMING, silenceMs);
    return judged;
  }

  it.each([
    [250, 600],
    [400, 600],
    [450, 675],
    [900, 1350],
    [2000, 3000],
    [3000, 3000],
    [3001, 600],
    [60_000, 600],
  ])('a silence of %i ms that ended by itself makes it %i ms', (silenceMs, patience) => {
    expect(silenceLimit(after(silenceMs), DEFAULT_TIMING, silenceMs)).toBe(patience);
  });

  it('halves every day', () => {
    const judged = after(2000);
    expect(learnedPatience(judged, 2000 + DAY - 1)).toBe(3000);
    expect(learnedPatience(judged, 2000 + DAY)).toBe(1500);
    expect(learnedPatience(judged, 2000 + 2 * DAY)).toBe(750);
    expect(silenceLimit(judged, DEFAULT_TIMING, 2000 + 3 * DAY)).toBe(600);
  });

  it('is not made shorter by a shorter silence', () => {
    const judged = after(1000);
    const asked: Asked = { id: 9, atMs: 1001, target: 'a', rttMs: null, extra: false };
    judged.asked = [asked];
    noteSign(judged, asked, 500, DEFAULT_TIMING, 1500);
    expect(silenceLimit(judged, DEFAULT_TIMING, 1500)).toBe(1500);
  });
});

describe('noteSign()', () => {
  it('proves with three answers in a row, and begins anew after a gap', () => {
    const judged = newJudged('ipv4', 0);
    const answer = (now: TimeMs): boolean => {
      const asked: Asked = { id: now, atMs: now - 10, target: 'a', rttMs: null, extra: false };
      noteAsked(judged, asked);
      return noteSign(judged, asked, 10, DEFAULT_TIMING, now);
    };
    expect([answer(100), answer(700), answer(1301), answer(1400), answer(1500)]).toEqual([
      false,
      false,
      false,
      false,
      true,
    ]);
  });
});

describe('forgive()', () => {
  it('gives the time in which we did not run back to the line', () => {
    const judged = silent(80, 180, 280, 380);
    judged.trafficMs = 100;
    forgive(judged, 400, 1000);
    expect(judged.lastSignMs).toBe(400);
    expect(judged.trafficMs).toBe(500);
    expect(judged.asked.map(({ atMs }) => atMs)).toEqual([480, 580, 680, 780]);
    forgive(judged, 5000, 1000);
    expect(judged.lastSignMs).toBe(1000);
    expect(atOf(judged, 1000)).toBeNull();
  });
});

describe('questions at short distance', () => {
  it('begin after 250 ms without an answer, or twice the usual time, and end after 5 s', () => {
    const judged = silent(100);
    expect([isSuspicious(judged, 349), isSuspicious(judged, 350)]).toEqual([false, true]);
    expect([isSuspicious(judged, 5350), isSuspicious(judged, 5351)]).toEqual([true, false]);
    judged.quality.medianMs = 300;
    expect([isSuspicious(judged, 699), isSuspicious(judged, 700)]).toEqual([false, true]);
  });

  it('are 40 ms apart, and the gateway is asked with them', () => {
    const world = new World();
    world.begin(settingsOf([lineOf('fibre')]));
    world.pass(2000);
    world.line('fibre').rttMs = null;
    const from = world.now;
    world.pass(500);
    const asked = world.probes.filter(({ atMs }) => atMs > from + 300 && atMs <= from + 500);
    expect(asked.filter(({ probe }) => probe.kind === 'ping').length).toBeGreaterThanOrEqual(5);
    expect(asked.some(({ probe }) => probe.kind === 'gateway' && probe.target === '203.0.113.254')).toBe(
      true,
    );
  });

  it('are none on a line that answers', () => {
    const world = new World();
    world.begin(settingsOf([lineOf('fibre')]));
    world.pass(1000);
    world.probes.length = 0;
    world.pass(1000);
    expect(world.probes).toHaveLength(10);
    expect(new Set(world.probes.map(({ probe }) => probe.target)).size).toBe(2);
  });
});

describe('lateness of our own', () => {
  it('is given back by the keeper, so that no line dies of it', () => {
    const world = new World();
    world.begin(settingsOf([lineOf('fibre'), lineOf('dsl')]));
    world.pass(2000);
    world.told.length = 0;
    world.lateMs = 900;
    world.pass(60_000);
    expect(world.events('line')).toEqual([]);
  });
});
