// The keeper: order, re-entrance, its one timer, and ports that throw.
import { describe, expect, it } from 'vitest';
import type { UplinkInput } from './contract.js';
import { lineOf, settingsOf, World } from './testing.js';
import { Uplink } from './uplink.js';
import { UplinkKeeper, type UplinkPorts } from './uplink-keeper.js';

function started(): World {
  const world = new World();
  world.begin(settingsOf([lineOf('fibre'), lineOf('dsl')]));
  world.pass(3000);
  world.told.length = 0;
  return world;
}

/** Throws at a port while it is closed. */
function closing(world: World, port: string): () => void {
  world.trouble = asked => {
    if (asked === port) throw new Error(`${port} is broken`);
  };
  return () => {
    world.trouble = () => {};
  };
}

describe('UplinkKeeper', () => {
  it('tries steering again, ever more seldom, and flushes only after it', () => {
    const world = started();
    const mend = closing(world, 'steer');
    const from = world.now;
    world.carrier(1, false);
    world.pass(650);
    expect(world.steers()).toEqual([]);
    expect(world.flushes()).toEqual([]);
    expect(world.events('failure')).toMatchObject([
      { message: expect.stringMatching(/steered.*steer is broken/) },
    ]);
    mend();
    world.pass(3000);
    const first = world.told.find(told => !('event' in told));
    expect(first).toMatchObject({ atMs: from + 700, steering: { selected: { ipv4: [2, 1] } } });
    expect(world.flushes().length).toBeGreaterThanOrEqual(2);
    expect(world.steers()).toHaveLength(1);
    expect(world.events('uplink-failover')).toHaveLength(1);
  });

  it('tells of a change that is not in the kernel, and counts the outage until it is', () => {
    const world = started();
    const mend = closing(world, 'steer');
    world.carrier(1, false);
    world.pass(1200);
    expect(world.events('uplink-failover')[0]?.message).toMatch(/it is not in the kernel yet/);
    mend();
    const other = started();
    const open = closing(other, 'steer');
    other.carrier(1, false);
    other.pass(550);
    open();
    other.pass(500);
    expect(other.events('uplink-failover')[0]?.outageMs).toBeGreaterThanOrEqual(700);
  });

  it('takes the newer steering where two wait', () => {
    const world = started();
    const mend = closing(world, 'steer');
    world.carrier(1, false);
    world.feed({ kind: 'operator', wish: { kind: 'drain', line: 1, forMs: null } });
    mend();
    world.pass(2000);
    expect(world.steers()).toHaveLength(1);
    expect(world.steers()[0]?.steering.selected.ipv4).toEqual([2]);
  });

  it('takes questions that could not be asked for failed ones', () => {
    const world = started();
    closing(world, 'ask');
    world.pass(2000);
    expect(world.uplink.snapshot(world.now)?.lines[0]?.families.ipv4.state).toBe('dead');
    expect(world.events('failure')).toHaveLength(1);
  });

  it('tells of flows that could not be ended', () => {
    const world = started();
    closing(world, 'flush');
    world.carrier(1, false);
    world.pass(100);
    expect(world.events('failure')).toMatchObject([
      { message: expect.stringMatching(/flows could not be ended/) },
    ]);
    expect(world.events('uplink-failover')[0]).not.toHaveProperty('flowsEnded');
  });

  it('goes on where nobody can be told, and where nothing can be written down', () => {
    const world = started();
    closing(world, 'tell');
    world.carrier(1, false);
    expect(world.selected()).toBe('dsl');
    closing(world, 'save');
    world.pass(200_000);
    expect(world.events('failure')).toMatchObject([{ message: expect.stringMatching(/written down/) }]);
  });

  it('writes down what it knows when something happened, and each minute', () => {
    const world = started();
    world.saved.length = 0;
    world.pass(59_000);
    expect(world.saved.length).toBeLessThanOrEqual(1);
    world.pass(61_000);
    const count = world.saved.length;
    expect(count).toBeGreaterThanOrEqual(1);
    world.carrier(1, false);
    expect(world.saved.length).toBeGreaterThan(count);
    const restored = Uplink.restore(JSON.parse(world.saved.at(-1) ?? ''), world.now);
    expect(restored.steering()).toEqual(world.uplink.steering());
  });

  it('does nothing any more once it is closed', () => {
    const world = started();
    world.keeper.close();
    world.told.length = 0;
    world.probes.length = 0;
    world.pass(5000);
    world.carrier(1, false);
    expect([world.told, world.probes]).toEqual([[], []]);
  });

  it('puts what was restored into the kernel when it starts, and goes on', () => {
    const before = started();
    before.carrier(1, false);
    before.pass(2000);
    const text = JSON.stringify(before.uplink.save(before.now));
    const world = new World(Uplink.restore(JSON.parse(text), 50));
    world.now = 50;
    for (const name of ['fibre', 'dsl']) world.lines.set(name, before.line(name));
    world.keeper.start();
    expect(world.steers()).toEqual([{ atMs: 50, steering: before.uplink.steering() }]);
    world.pass(10_000);
    expect(world.selected()).toBe('dsl');
    expect(world.flushes()).toEqual([]);
  });

  it('hands inputs on one after the other where ports answer at once', () => {
    const seen: string[] = [];
    let keeper: UplinkKeeper;
    const ports: UplinkPorts = {
      clock: { now: () => 0, at: () => () => {} },
      probes: { ask: ({ id }) => void keeper.feed({ kind: 'answered', probe: id, rttMs: 1 }) },
      kernel: { steer: () => void seen.push('steer') },
      flows: { flush: ({ flush }) => void keeper.feed({ kind: 'flushed', flush, ended: 1 }) },
      tell: ({ kind }) => void seen.push(kind),
      book: { save: () => {} },
    };
    keeper = new UplinkKeeper(ports, new Uplink());
    const inputs: UplinkInput[] = [
      { kind: 'settings', settings: settingsOf([lineOf('fibre')]) },
      { kind: 'device', line: 1, device: { ifindex: 3, carrier: true } },
      { kind: 'interference', what: 'somebody removed a rule; it was put back' },
    ];
    for (const input of inputs) expect(keeper.feed(input)).toMatchObject({ ok: true });
    expect(seen).toEqual(['steer', 'steer', 'interference']);
  });
});
