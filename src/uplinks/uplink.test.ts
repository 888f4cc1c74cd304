// An uplink from its start to the change of its line and back: what goes by which line when.
import { describe, expect, it } from 'vitest';
import { lineOf, settingsOf, World } from './testing.js';

function started(): World {
  const world = new World();
  world.begin(settingsOf([lineOf('fibre'), lineOf('dsl')]), ['ipv4', 'ipv6']);
  world.pass(2000);
  return world;
}

describe('Uplink', () => {
  it('uses the first line that proves itself, and the preferred one as soon as it has', () => {
    const world = new World();
    world.lines.set('fibre', { rttMs: 400, loses: () => false, gatewayAnswers: true, app: () => 'good' });
    world.begin(settingsOf([lineOf('fibre'), lineOf('dsl')]));
    expect(world.selected()).toBeNull();
    world.pass(200);
    expect(world.selected()).toBe('dsl');
    world.pass(800);
    expect(world.selected()).toBe('fibre');
  });

  it('moves at once when the carrier is lost, steers first, then flushes', () => {
    const world = started();
    expect([world.selected('ipv4'), world.selected('ipv6')]).toEqual(['fibre', 'fibre']);
    world.told.length = 0;
    const at = world.now;
    world.carrier(1, false);
    expect([world.selected('ipv4'), world.selected('ipv6')]).toEqual(['dsl', 'dsl']);
    const [first, ...rest] = world.told.filter(told => !('event' in told));
    expect(first).toMatchObject({ atMs: at, steering: { selected: { ipv4: [2, 1], ipv6: [2, 1] } } });
    expect(rest).toMatchObject(
      ['ipv4', 'ipv4', 'ipv6', 'ipv6'].map((family, i) => ({
        atMs: at,
        flush: { line: 1, family, transport: i % 2 === 0 ? 'others' : 'tcp' },
      })),
    );
  });

  it('finds a silent line within its patience, and tells where the fault is', () => {
    const world = started();
    const at = world.now;
    world.line('fibre').rttMs = null;
    world.pass(800);
    expect(world.selected()).toBe('dsl');
    const [event] = world.events('uplink-failover');
    expect(event).toMatchObject({
      from: 'fibre',
      to: 'dsl',
      cause: 'silent',
      place: 'beyond',
      flowsMoved: 3,
      flowsEnded: 3,
    });
    const moved = world.steers().find(({ steering }) => steering.selected.ipv4[0] === 2);
    expect((moved?.atMs ?? 0) - at).toBeGreaterThanOrEqual(500);
    expect((moved?.atMs ?? 0) - at).toBeLessThanOrEqual(650);
    expect(event?.message).toMatch(
      /office \(IPv4\): fibre → dsl: silent for 6\d\d ms: \d+ questions to 192\.0\.2\.1 and 198\.51\.100\.1 unanswered, its gateway answers: the fault is beyond it; 3 flows moved, 3 connections ended; outage 6\d\d ms/,
    );
  });

  it('flushes again after 100, 400 and 700 ms', () => {
    const world = started();
    const at = world.now;
    world.carrier(1, false);
    world.pass(2000);
    const later = world.flushes().filter(({ family, atMs }) => family === 'ipv4' && atMs > at);
    expect(later.map(({ atMs, transport }) => [atMs - at, transport])).toEqual([
      [100, 'all'],
      [400, 'all'],
      [700, 'all'],
    ]);
  });

  it('goes home when the line was good for long enough, and flushes nothing', () => {
    const world = started();
    world.carrier(1, false);
    world.pass(5000);
    world.told.length = 0;
    world.carrier(1, true);
    world.pass(29_500);
    expect(world.selected()).toBe('dsl');
    world.pass(1500);
    expect(world.selected()).toBe('fibre');
    expect(world.flushes()).toEqual([]);
    expect(world.events('uplink-return')).toMatchObject([
      { from: 'dsl', to: 'fibre', family: 'ipv4' },
      { family: 'ipv6' },
    ]);
  });

  it('changes nothing where no line is viable', () => {
    const world = started();
    world.line('dsl').rttMs = null;
    world.pass(2000);
    world.told.length = 0;
    world.line('fibre').rttMs = null;
    world.pass(5000);
    expect(world.selected()).toBe('fibre');
    expect(world.flushes()).toEqual([]);
    expect(world.steers()).toEqual([]);
    expect(world.events('uplink-none')).toHaveLength(2);
  });

  it('judges the families apart', () => {
    const world = started();
    world.line('fibre').loses = ({ family }) => family === 'ipv6';
    world.pass(1000);
    expect([world.selected('ipv4'), world.selected('ipv6')]).toEqual(['fibre', 'dsl']);
  });
});
