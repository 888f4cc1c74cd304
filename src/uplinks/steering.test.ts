// Where packets go: the order of lines, rules of the operator, shares by weight, and when the kernel is told.
import { describe, expect, it } from 'vitest';
import type { LineSettings, UplinkSettings } from './settings.js';
import { lineOf, pathOf, settingsOf, World } from './testing.js';

function started(wish: Partial<UplinkSettings> = {}, lines: Partial<LineSettings>[] = [{}, {}, {}]): World {
  const world = new World();
  const names = ['a', 'b', 'c'];
  world.begin(
    settingsOf(
      lines.map((line, at) => lineOf(names[at] ?? '', line)),
      wish,
    ),
  );
  world.pass(3000);
  world.told.length = 0;
  return world;
}

const order = (world: World): readonly number[] => world.uplink.steering().selected.ipv4;
const rule = (world: World, at: number): readonly number[] | undefined =>
  world.uplink.steering().policies.find(({ rule, family }) => rule === at && family === 'ipv4')?.lines;
const shares = (world: World): number[][] =>
  world.uplink.steering().shares.ipv4.map(({ line, weight }) => [line, weight]);

describe('the order of lines', () => {
  it('is the selected one, those that could follow, and last those that only have a way', () => {
    const world = started();
    expect(order(world)).toEqual([1, 2, 3]);
    world.line('b').rttMs = null;
    world.pass(1000);
    expect(order(world)).toEqual([1, 3, 2]);
    world.carrier(1, false);
    expect(order(world)).toEqual([3, 1, 2]);
  });

  it('leaves lines out that have no way, and those that are drained', () => {
    const world = started();
    world.path(2, 'ipv4', null);
    expect(order(world)).toEqual([1, 3]);
    world.feed({ kind: 'operator', wish: { kind: 'drain', line: 3, forMs: null } });
    expect(order(world)).toEqual([1]);
  });

  it('of a family without addresses is empty', () => {
    expect(started().uplink.steering().selected.ipv6).toEqual([]);
  });

  it('stays as it was where nothing is viable any more', () => {
    const world = started();
    for (const name of ['a', 'b', 'c']) world.line(name).rttMs = null;
    world.pass(5000);
    expect(order(world)).toEqual([1, 2, 3]);
    expect([world.flushes(), world.steers()]).toEqual([[], []]);
    expect(world.events('uplink-none')).toHaveLength(1);
    expect(world.uplink.snapshot(world.now)?.selected.ipv4).toMatchObject({ line: 'a' });
  });

  it('is told once, and again when a gateway changes though the order does not', () => {
    const world = started();
    world.pass(5000);
    expect(world.steers()).toEqual([]);
    world.path(2, 'ipv4', pathOf('ipv4', 11));
    expect(world.steers()).toEqual([]);
    world.path(2, 'ipv4', { ...pathOf('ipv4', 11), gateway: '203.0.113.253' });
    world.feed({ kind: 'device', line: 3, device: { ifindex: 999, carrier: true } });
    expect(world.steers()).toHaveLength(2);
    expect(world.uplink.places()[2]).toMatchObject({ line: 3, name: 'c', ifindex: 999 });
  });
});

describe('rules', () => {
  const rules: UplinkSettings['rules'] = [
    { match: { from: '10.0.0.1/32' }, use: ['c', 'b'], otherwise: 'drop' },
    { match: { from: '10.0.0.2/32' }, use: ['b'], otherwise: 'selected' },
    { match: { destinationPorts: [22, 22] }, otherwise: 'selected', keepTcpMs: 1000 },
  ];

  it('have the lines that they may use, in their order', () => {
    const world = started({ rules });
    expect([rule(world, 0), rule(world, 1), rule(world, 2)]).toEqual([[3, 2], [2], undefined]);
    world.carrier(3, false);
    expect(rule(world, 0)).toEqual([2]);
    world.carrier(2, false);
    expect([rule(world, 0), rule(world, 1)]).toEqual([[], []]);
  });

  it('take a bad line where the others are dropped, and go with the others where they may', () => {
    const world = started({ rules }, [{}, { dns: ['192.0.2.53'] }, {}]);
    world.line('b').app = () => 'timeout';
    world.pass(9000);
    expect([rule(world, 0), rule(world, 1)]).toEqual([[3, 2], []]);
  });

  it('go back to a line only when everything else may', () => {
    const world = started({ rules });
    world.carrier(3, false);
    world.pass(100);
    world.carrier(3, true);
    world.pass(20_000);
    expect(rule(world, 0)).toEqual([2, 3]);
    world.pass(12_000);
    expect(rule(world, 0)).toEqual([3, 2]);
  });
});

describe('sharing', () => {
  const lines = [{ weight: 3 }, { weight: 1 }, { weight: 0 }];

  it('is by the weights of the lines that are up', () => {
    const world = started({ mode: 'share' }, lines);
    expect(shares(world)).toEqual([
      [1, 3],
      [2, 1],
    ]);
  });

  it('is none in failover, nor where only one line is left, nor while the operator wants one', () => {
    expect(shares(started({}, lines))).toEqual([]);
    const world = started({ mode: 'share' }, lines);
    world.feed({ kind: 'operator', wish: { kind: 'use', line: 2, forMs: 1000 } });
    expect([shares(world), order(world)[0]]).toEqual([[], 2]);
    world.pass(1000);
    expect(shares(world)).toHaveLength(2);
    world.carrier(2, false);
    expect([shares(world), order(world)[0]]).toEqual([[], 1]);
  });

  it('moves the flows of a line that dies though it was not the selected one', () => {
    const world = started({ mode: 'share' }, lines);
    world.carrier(2, false);
    const flows = world.uplink.steering().flows.find(({ line }) => line === 2);
    expect(flows?.by).toEqual({ tcp: 1, others: 1 });
    expect(world.flushes().map(({ line, transport }) => [line, transport])).toEqual([
      [2, 'others'],
      [2, 'tcp'],
    ]);
  });

  it('takes a line in again when it was good for long enough', () => {
    const world = started({ mode: 'share' }, lines);
    world.carrier(2, false);
    world.pass(100);
    world.carrier(2, true);
    world.pass(20_000);
    expect(shares(world)).toEqual([]);
    world.pass(12_000);
    expect(shares(world)).toHaveLength(2);
  });

  it('asks metered lines as often as the others while they carry traffic', () => {
    const world = started({ mode: 'share' }, [{}, { metered: true }]);
    world.probes.length = 0;
    world.pass(1000);
    expect(world.probes.filter(({ probe }) => probe.line === 2)).toHaveLength(10);
  });
});

describe('other settings', () => {
  it('keep what was learned of lines by their names', () => {
    const world = started();
    world.feed({ kind: 'settings', settings: settingsOf([lineOf('c'), lineOf('a')]) });
    const lines = world.uplink
      .snapshot(world.now)
      ?.lines.map(({ line, name, families }) => [line, name, families.ipv4.state]);
    expect(lines).toEqual([
      [1, 'c', 'up'],
      [2, 'a', 'up'],
    ]);
    expect(world.selected()).toBe('c');
    // Flows carry numbers of lines, which mean others now.
    expect(world.flushes().map(({ line, family, transport }) => [line, family, transport])).toEqual([
      [1, 'ipv4', 'all'],
      [2, 'ipv4', 'all'],
    ]);
  });

  it('begin a line anew whose device is another', () => {
    const world = started();
    world.feed({ kind: 'settings', settings: settingsOf([lineOf('a', { device: 'x' }), lineOf('b')]) });
    expect(world.uplink.snapshot(world.now)?.lines[0]?.families.ipv4.state).toBe('absent');
    expect(world.selected()).toBe('b');
  });

  it('without the selected line select another at once', () => {
    const world = started();
    world.feed({ kind: 'settings', settings: settingsOf([lineOf('b'), lineOf('c')]) });
    expect(world.selected()).toBe('b');
  });
});
