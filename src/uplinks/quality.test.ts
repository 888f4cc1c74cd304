// Loss and latency: what makes a line bad, what does not, and what makes it good again.
import { describe, expect, it } from 'vitest';
import type { Probe, TimeMs } from './contract.js';
import { DEFAULT_TIMING } from './settings.js';
import { badness, isBetterByHalf, latencyLimit, latencyOf, lossOf, median } from './quality.js';
import { type Judged, newJudged } from './state.js';
import { lineOf, settingsOf, World } from './testing.js';

/** Asked every 100 ms for ten seconds until 10,000; `rtt` says what became of each. */
function asked(rtt: (index: number, atMs: TimeMs) => number | null): Judged {
  const judged = newJudged('ipv4', 0);
  judged.lastSignMs = 10_000;
  judged.quality.minutes = [20];
  judged.asked = Array.from({ length: 100 }, (_, i) => ({
    id: i,
    atMs: i * 100,
    target: i % 2 === 0 ? 'a' : 'b',
    rttMs: rtt(i, i * 100),
    extra: false,
  }));
  return judged;
}

function started(fibre: Partial<{ rtt: number; dsl: number }> = {}): World {
  const world = new World();
  world.lines.set('fibre', {
    rttMs: fibre.rtt ?? 20,
    loses: () => false,
    gatewayAnswers: true,
    app: () => 'good',
  });
  world.lines.set('dsl', {
    rttMs: fibre.dsl ?? 30,
    loses: () => false,
    gatewayAnswers: true,
    app: () => 'good',
  });
  world.begin(settingsOf([lineOf('fibre'), lineOf('dsl')]));
  world.pass(10_000);
  return world;
}

/** Loses a share of the questions, evenly. */
function losing(percent: number): (probe: Probe) => boolean {
  let left = 0;
  return () => {
    left += percent;
    const isLost = left >= 100;
    if (isLost) left -= 100;
    return isLost;
  };
}

/** Milliseconds until the selected line is another; null: it is not within `ms`. */
function movedAfter(world: World, ms: TimeMs): TimeMs | null {
  const from = world.now;
  world.told.length = 0;
  world.pass(ms);
  const move = world.steers().find(({ steering }) => steering.selected.ipv4[0] !== 1);
  return move === undefined ? null : move.atMs - from;
}

describe('median()', () => {
  it('is the lower middle, and null of nothing', () => {
    expect([median([]), median([3]), median([1, 9]), median([9, 1, 5])]).toEqual([null, 3, 1, 5]);
  });
});

describe('lossOf()', () => {
  it('counts what is older than the limit of latency, in the five seconds before that', () => {
    const loss = lossOf(
      asked(i => (i % 5 === 0 ? null : 10)),
      DEFAULT_TIMING,
      10_000,
    );
    expect(loss).toMatchObject({ asked: 50, lost: 10, percent: 20, fifths: 5 });
  });

  it('says in how many fifths something was lost', () => {
    const blackout = lossOf(
      asked((_, at) => (at > 6000 && at < 7600 ? null : 10)),
      DEFAULT_TIMING,
      10_000,
    );
    expect(blackout.percent).toBeGreaterThanOrEqual(20);
    expect(blackout.fifths).toBeLessThan(4);
  });

  it('leaves targets out that never answer', () => {
    const judged = asked(i => (i % 2 === 0 ? 10 : null));
    judged.mute = ['b'];
    expect(lossOf(judged, DEFAULT_TIMING, 10_000)).toMatchObject({ asked: 25, lost: 0 });
  });
});

describe('latencyOf()', () => {
  it('is over where most answers of two seconds are slower than the limit, or still out', () => {
    expect(
      latencyOf(
        asked(() => 301),
        DEFAULT_TIMING,
        9950,
      ).isOver,
    ).toBe(true);
    expect(
      latencyOf(
        asked(() => 300),
        DEFAULT_TIMING,
        9950,
      ).isOver,
    ).toBe(false);
    expect(
      latencyOf(
        asked(i => (i % 3 === 0 ? 20 : null)),
        DEFAULT_TIMING,
        9950,
      ).isOver,
    ).toBe(false);
  });

  it('is relative to what is usual for the line', () => {
    const judged = asked(() => 1200);
    judged.quality.minutes = [310, 300, 290];
    expect(latencyLimit(judged, DEFAULT_TIMING)).toBe(1200);
    expect(latencyOf(judged, DEFAULT_TIMING, 9950).isOver).toBe(false);
  });
});

describe('a line with loss', () => {
  it('is left after some seconds of 30 %, and not at all at 10 %', () => {
    const world = started();
    world.line('fibre').loses = losing(10);
    expect(movedAfter(world, 20_000)).toBeNull();
    world.line('fibre').loses = losing(30);
    const after = movedAfter(world, 10_000);
    expect(after).toBeGreaterThan(1500);
    expect(after).toBeLessThanOrEqual(5000);
    expect(world.events('uplink-failover')).toMatchObject([{ cause: 'loss', place: 'unknown' }]);
  });

  it('is not left for blackouts within two seconds, though a fifth of all questions is lost', () => {
    const world = started();
    const from = world.now;
    const isOut = (after: TimeMs): boolean => [1000, 1700, 2400].some(at => after > at && after < at + 420);
    world.line('fibre').loses = (_, at) => isOut(at - from);
    world.pass(4000);
    expect(world.uplink.snapshot(world.now)?.lines[0]?.families.ipv4.lossPercent).toBeGreaterThanOrEqual(20);
    expect(movedAfter(world, 20_000)).toBeNull();
    expect(world.events('line')).toEqual([]);
  });

  it('is good again after 30 s below the lower threshold, not below the upper one', () => {
    const world = started();
    world.line('fibre').loses = losing(30);
    world.pass(10_000);
    world.line('fibre').loses = losing(10);
    world.pass(60_000);
    expect(world.uplink.snapshot(world.now)?.lines[0]?.families.ipv4.state).toBe('bad');
    world.line('fibre').loses = () => false;
    world.pass(30_000);
    expect(world.uplink.snapshot(world.now)?.lines[0]?.families.ipv4.state).toBe('bad');
    world.pass(10_000);
    expect(world.uplink.snapshot(world.now)?.lines[0]?.families.ipv4.state).toBe('returning');
    world.pass(31_000);
    expect(world.selected()).toBe('fibre');
  });

  it('is not left for one that is no better by half', () => {
    const world = started();
    world.line('dsl').loses = losing(15);
    world.pass(6000);
    world.line('fibre').loses = losing(25);
    expect(movedAfter(world, 30_000)).toBeNull();
    expect(world.flushes()).toEqual([]);
  });
});

describe('a slow line', () => {
  it('is left within two seconds of 500 ms more', () => {
    const world = started();
    world.line('fibre').rttMs = 520;
    const after = movedAfter(world, 5000);
    expect(after).toBeGreaterThan(500);
    expect(after).toBeLessThanOrEqual(2000);
    expect(world.events('uplink-failover')).toMatchObject([{ cause: 'latency' }]);
  });

  it('may be a satellite: what is usual for it is no fault', () => {
    const world = started({ rtt: 650 });
    expect(world.selected()).toBe('fibre');
    expect(movedAfter(world, 120_000)).toBeNull();
  });
});

describe('isBetterByHalf()', () => {
  it.each([
    [20, 10, true],
    [20, 11, false],
  ])('of %i %% and %i %% of loss: %s', (than, one, better) => {
    const [a, b] = [newJudged('ipv4', 0), newJudged('ipv4', 0)];
    a.quality.lossPercent = one;
    b.quality.lossPercent = than;
    expect(isBetterByHalf(a, b, DEFAULT_TIMING)).toBe(better);
  });

  it('weighs 20 % of loss as 1.2 s of latency', () => {
    const [a, b] = [newJudged('ipv4', 0), newJudged('ipv4', 0)];
    a.quality.lossPercent = 20;
    b.quality.medianMs = 1200;
    expect(badness(a, DEFAULT_TIMING)).toBe(badness(b, DEFAULT_TIMING));
  });
});
