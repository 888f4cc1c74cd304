// When a line is gone back to: proven for long enough, longer with every relapse, never, at a time of day, or when it is asked for.
import { describe, expect, it } from 'vitest';
import type { TimeMs, Wish } from './contract.js';
import { DEFAULT_TIMING, type UplinkSettings } from './settings.js';
import { lineOf, settingsOf, World } from './testing.js';

const HOUR = 3_600_000;

function started(home: UplinkSettings['return'], dsl: Parameters<typeof lineOf>[1] = {}): World {
  const world = new World();
  world.begin(settingsOf([lineOf('fibre'), lineOf('dsl', dsl)], { return: home }));
  world.pass(3000);
  return world;
}

/** Lines that are asked seldom, so that hours pass quickly. */
function unhurried(afterMs: TimeMs): World {
  const world = new World();
  const timing = { ...DEFAULT_TIMING, intervalMs: 2000, silenceMs: 10_000 };
  world.begin(settingsOf([lineOf('fibre'), lineOf('dsl')], { return: { afterMs, at: null }, timing }));
  world.pass(5000);
  return world;
}

function blink(world: World): void {
  world.carrier(1, false);
  world.pass(1000);
  world.carrier(1, true);
}

/** Seconds from the carrier until the first line is selected again; null: not within a time. */
function homeAfter(world: World, most: TimeMs): TimeMs | null {
  const from = world.now;
  while (world.now < from + most) {
    world.pass(250);
    if (world.selected() === 'fibre') return Math.floor((world.now - from) / 1000);
  }
  return null;
}

const wish = (world: World, wished: Wish): boolean => world.feed({ kind: 'operator', wish: wished }).ok;

describe('return', () => {
  it('takes twice as long with every relapse, and as long as at first after a long good time', () => {
    const world = unhurried(30_000);
    for (const seconds of [30, 60, 120, 240, 480, 960]) {
      blink(world);
      expect(homeAfter(world, 1_000_000)).toBe(seconds);
      world.pass(1000);
    }
    world.pass(11 * 960_000);
    blink(world);
    expect(homeAfter(world, 100_000)).toBe(30);
  });

  it('takes half an hour at most, and what was asked for at least', () => {
    const short = unhurried(700_000);
    blink(short);
    expect(homeAfter(short, 800_000)).toBe(700);
    blink(short);
    expect(homeAfter(short, 1_500_000)).toBe(1400);
    blink(short);
    expect(homeAfter(short, 2_000_000)).toBe(1800);
  });

  it('is undone by a fault on the way', () => {
    const world = started({ afterMs: 30_000, at: null });
    blink(world);
    world.pass(20_000);
    blink(world);
    expect(homeAfter(world, 100_000)).toBe(60);
  });

  it('never is by itself where the settings say so, until the line is released', () => {
    const world = started(null);
    blink(world);
    expect(homeAfter(world, 60_000)).toBeNull();
    expect(wish(world, { kind: 'release', line: 1 })).toBe(true);
    expect(world.selected()).toBe('fibre');
  });

  it('never is, and yet the line is used where the other fails', () => {
    const world = started(null);
    blink(world);
    world.pass(60_000);
    world.carrier(2, false);
    expect(world.selected()).toBe('fibre');
  });

  it('is at a time of day', () => {
    const world = started({ afterMs: 30_000, at: 3 * 60 + 30 });
    world.feed({ kind: 'calendar', wallMs: 20_000 * 86_400_000 + HOUR + 25 * 60_000, offsetMs: 2 * HOUR });
    world.pass(1000);
    blink(world);
    expect(homeAfter(world, 4 * 60_000)).toBeNull();
    expect(world.uplink.snapshot(world.now)?.lines[0]?.families.ipv4.why).toMatch(/gone back to at 03:30/);
    expect(homeAfter(world, 2 * 60_000)).not.toBeNull();
  });

  it('is at once where the line left is no more viable', () => {
    const world = started({ afterMs: 30_000, at: null });
    blink(world);
    world.pass(2000);
    expect(world.selected()).toBe('dsl');
    world.carrier(2, false);
    expect(world.selected()).toBe('fibre');
  });

  it('asks a line first that gave no sign lately, and stays where there is no answer', () => {
    const world = started({ afterMs: 30_000, at: null }, { metered: true });
    world.pass(20_000);
    world.line('dsl').rttMs = null;
    world.probes.length = 0;
    world.told.length = 0;
    world.carrier(1, false);
    const from = world.now;
    world.pass(170);
    const asked = world.probes.filter(({ probe }) => probe.line === 2 && probe.kind === 'ping');
    expect(asked.map(({ atMs }) => atMs - from)).toEqual([1, 51, 101]);
    expect(world.selected()).toBe('fibre');
    world.pass(3000);
    expect(world.selected()).toBe('fibre');
    expect(world.events('uplink-none')).toHaveLength(1);
    expect(world.flushes()).toEqual([]);
  });

  it('moves as soon as a line that is asked answers', () => {
    const world = started({ afterMs: 30_000, at: null }, { metered: true });
    world.pass(20_000);
    world.told.length = 0;
    world.carrier(1, false);
    const from = world.now;
    world.pass(1000);
    const move = world.steers().find(({ steering }) => steering.selected.ipv4[0] === 2);
    expect((move?.atMs ?? 0) - from).toBe(31);
    expect(world.flushes().every(({ atMs }) => atMs - from >= 31)).toBe(true);
  });

  it('has asked ahead when a line dies silently', () => {
    const world = started({ afterMs: 30_000, at: null }, { metered: true });
    const sign = (): number => world.uplink.snapshot(world.now)?.lines[1]?.families.ipv4.lastSignMs ?? 0;
    while (sign() < 5000) world.pass(500);
    world.told.length = 0;
    world.line('fibre').rttMs = null;
    world.pass(1000);
    const died = world.told.find(told => 'event' in told && told.event.state === 'dead');
    const moved = world.steers().find(({ steering }) => steering.selected.ipv4[0] === 2);
    expect(moved).toBeDefined();
    expect(moved?.atMs).toBe(died?.atMs);
  });
});

describe('a metered line that stands by', () => {
  it('dies and comes back though it is asked seldom', () => {
    const world = started({ afterMs: 30_000, at: null }, { metered: true });
    const state = (): string | undefined => world.uplink.snapshot(world.now)?.lines[1]?.families.ipv4.state;
    world.line('dsl').rttMs = null;
    world.pass(12_000);
    expect(state()).toBe('dead');
    world.line('dsl').rttMs = 30;
    world.pass(11_000);
    expect(state()).toBe('returning');
    expect(world.uplink.snapshot(world.now)?.lines[1]?.families.ipv4.rttMs).toBe(30);
  });
});

describe('learned patience', () => {
  it('makes a rough line quiet: blackouts of 400 ms every 5 s with 2 % loss, after ten minutes', () => {
    const world = new World();
    world.begin(settingsOf([lineOf('fibre')]));
    let n = 0;
    world.line('fibre').loses = (_, at) => at % 5000 < 400 || n++ % 50 === 0;
    world.pass(600_000);
    world.told.length = 0;
    world.pass(1_200_000);
    const alarms = world.events('line').filter(({ level }) => level === 'warning');
    expect(alarms).toEqual([]);
  });
});
