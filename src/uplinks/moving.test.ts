// Running flows by cause: who moves, who stays, whose entries are flushed, and when; and never without a line to go to.
import { describe, expect, it } from 'vitest';
import type { Steering, TimeMs, Wish } from './contract.js';
import type { UplinkSettings } from './settings.js';
import { lineOf, settingsOf, World } from './testing.js';

function started(wish: Partial<UplinkSettings> = {}, metered = false): World {
  const world = new World();
  const fibre = lineOf('fibre', {
    dns: ['192.0.2.53'],
    http: { url: 'http://192.0.2.80/', status: 200, body: 'x' },
    budget: { bytes: 1000, resetDay: null },
  });
  world.begin(settingsOf([fibre, lineOf('dsl', { metered })], wish));
  world.pass(10_000);
  world.told.length = 0;
  return world;
}

const operator = (world: World, wish: Wish): void => {
  expect(world.feed({ kind: 'operator', wish })).toMatchObject({ ok: true });
};

function fault(world: World, cause: string): void {
  const fibre = world.line('fibre');
  let n = 0;
  if (cause === 'carrier') world.carrier(1, false);
  if (cause === 'gone') world.feed({ kind: 'device', line: 1, device: null });
  if (cause === 'silent') fibre.rttMs = null;
  if (cause === 'loss') fibre.loses = () => n++ % 3 === 0;
  if (cause === 'latency') fibre.rttMs = 520;
  if (cause === 'dns') fibre.app = probe => (probe.kind === 'dns' ? 'timeout' : 'good');
  if (cause === 'portal') fibre.app = probe => (probe.kind === 'http' ? 'redirected' : 'good');
  if (cause === 'budget')
    for (const received of [0, 2000]) world.feed({ kind: 'bytes', line: 1, received, sent: 0 });
  if (cause === 'operator') operator(world, { kind: 'drain', line: 1, forMs: null });
}

/** By which line flows of the first one go. */
function by(world: World): Steering['flows'][number]['by'] | undefined {
  return world.uplink.steering().flows.find(({ line, family }) => line === 1 && family === 'ipv4')?.by;
}

/** When flows of each kind were first flushed, after the move. */
function firstFlushes(world: World, movedMs: TimeMs): Record<string, TimeMs | undefined> {
  const first = (kind: string): TimeMs | undefined => {
    const found = world.flushes().find(({ transport }) => transport === kind);
    return found === undefined ? undefined : found.atMs - movedMs;
  };
  return { others: first('others'), tcp: first('tcp') };
}

describe('flows of a line that is given up', () => {
  it.each([
    ['carrier', 0, 0],
    ['silent', 0, 0],
    ['gone', 0, 0],
    ['portal', 0, 0],
    ['loss', 0, 10_000],
    ['latency', 0, undefined],
    ['dns', undefined, undefined],
    ['budget', 0, 60_000],
    ['operator', 0, 60_000],
  ] as const)('for %s: others after %s ms, TCP after %s ms', (cause, others, tcp) => {
    const world = started();
    fault(world, cause);
    world.pass(90_000);
    const move = world.steers().find(({ steering }) => steering.selected.ipv4[0] === 2);
    expect(move).toBeDefined();
    expect(firstFlushes(world, move?.atMs ?? 0)).toEqual({ others, tcp });
    expect(by(world)).toEqual({ others: others === undefined ? 1 : 2, tcp: tcp === undefined ? 1 : 2 });
  });

  it('are flushed after the steering of the same moment', () => {
    const world = started();
    fault(world, 'carrier');
    const kinds = world.told.flatMap(told =>
      'event' in told ? [] : ['steering' in told ? 'steer' : 'flush'],
    );
    expect(kinds).toEqual(['steer', 'flush', 'flush']);
  });

  it('stay where nothing else is viable, and go as soon as something is', () => {
    const world = started();
    world.line('dsl').rttMs = null;
    world.pass(2000);
    world.told.length = 0;
    fault(world, 'silent');
    world.pass(10_000);
    expect([world.flushes(), world.steers()]).toEqual([[], []]);
    expect(by(world)).toEqual({ tcp: 1, others: 1 });
    world.line('dsl').rttMs = 30;
    world.pass(500);
    expect(world.selected()).toBe('dsl');
    expect(by(world)).toEqual({ tcp: 2, others: 2 });
    expect(
      world
        .flushes()
        .slice(0, 2)
        .map(({ line, transport }) => [line, transport]),
    ).toEqual([
      [1, 'others'],
      [1, 'tcp'],
    ]);
  });

  it('are not flushed again once no line is viable', () => {
    const world = started();
    fault(world, 'carrier');
    world.pass(50);
    world.carrier(2, false);
    world.told.length = 0;
    world.pass(2000);
    expect(world.flushes()).toEqual([]);
  });

  it('come home with their line as soon as it answers again', () => {
    const world = started();
    fault(world, 'silent');
    world.pass(3000);
    expect(by(world)).toEqual({ tcp: 2, others: 2 });
    world.line('fibre').rttMs = 20;
    world.pass(1000);
    expect(world.selected()).toBe('dsl');
    expect(by(world)).toEqual({ tcp: 1, others: 1 });
  });

  it('stay away from a line that has a carrier again, until it has proven itself', () => {
    const world = started();
    fault(world, 'carrier');
    world.pass(2000);
    world.told.length = 0;
    world.carrier(1, true);
    expect(by(world)).toEqual({ tcp: 2, others: 2 });
    world.pass(400);
    expect(by(world)).toEqual({ tcp: 1, others: 1 });
    expect(world.flushes()).toEqual([]);
  });

  it('go on to a third line when the second dies too', () => {
    const world = new World();
    world.begin(settingsOf([lineOf('a'), lineOf('b'), lineOf('c')]));
    world.pass(3000);
    world.carrier(1, false);
    world.pass(2000);
    world.told.length = 0;
    world.carrier(2, false);
    expect(world.selected()).toBe('c');
    const flows = world.uplink.steering().flows.map(({ line, by }) => [line, by.tcp, by.others]);
    expect(flows).toEqual([
      [1, 3, 3],
      [2, 3, 3],
      [3, 3, 3],
    ]);
    expect(world.flushes().map(({ line, transport }) => [line, transport])).toEqual([
      [1, 'others'],
      [1, 'tcp'],
      [2, 'others'],
      [2, 'tcp'],
    ]);
  });
});

describe('rules that keep connections', () => {
  it('keep theirs for their time, while the others are ended at once', () => {
    const world = started({
      rules: [
        { match: { destinationPorts: [22, 22] }, otherwise: 'selected', keepTcpMs: 10_000 },
        { match: { destinationPorts: [443, 443] }, otherwise: 'selected' },
        { match: { destinationPorts: [5432, 5432] }, otherwise: 'selected', keepTcpMs: 3000 },
      ],
    });
    fault(world, 'carrier');
    const from = world.now;
    expect(by(world)).toEqual({ tcp: 1, others: 2 });
    world.pass(20_000);
    const tcp = world.flushes().filter(({ transport }) => transport !== 'others');
    expect(tcp.map(({ atMs, keep, transport }) => [atMs - from, transport, keep])).toEqual([
      [0, 'tcp', [0, 2]],
      [100, 'tcp', [0, 2]],
      [400, 'tcp', [0, 2]],
      [700, 'tcp', [0, 2]],
      [3000, 'tcp', [0]],
      [3100, 'tcp', [0]],
      [3400, 'tcp', [0]],
      [3700, 'tcp', [0]],
      [10_000, 'tcp', undefined],
      [10_100, 'tcp', undefined],
      [10_400, 'tcp', undefined],
      [10_700, 'tcp', undefined],
    ]);
    expect(by(world)).toEqual({ tcp: 2, others: 2 });
  });

  it('let a connection live on where the line comes back in time', () => {
    const world = started({
      rules: [{ match: { destinationPorts: [22, 22] }, otherwise: 'selected', keepTcpMs: 10_000 }],
    });
    fault(world, 'silent');
    world.pass(3000);
    world.line('fibre').rttMs = 20;
    world.pass(30_000);
    expect(
      world.flushes().filter(({ transport, keep }) => transport === 'tcp' && keep === undefined),
    ).toEqual([]);
    expect(by(world)).toEqual({ tcp: 1, others: 1 });
  });
});

describe('flows of a line that is left', () => {
  it('stay where it is not metered', () => {
    const world = started();
    fault(world, 'carrier');
    world.pass(5000);
    world.carrier(1, true);
    world.told.length = 0;
    world.pass(40_000);
    expect(world.selected()).toBe('fibre');
    expect(world.flushes()).toEqual([]);
  });

  it('are taken off a metered one: others at once, connections after 60 s, and then it is itself again', () => {
    const world = started({}, true);
    fault(world, 'carrier');
    world.pass(5000);
    world.carrier(1, true);
    world.told.length = 0;
    world.pass(40_000);
    expect(world.selected()).toBe('fibre');
    const home = world.steers().find(({ steering }) => steering.selected.ipv4[0] === 1)?.atMs ?? 0;
    const of = (): unknown => world.uplink.steering().flows.find(({ line }) => line === 2)?.by;
    expect(of()).toEqual({ tcp: 2, others: 1 });
    world.pass(home + 60_500 - world.now);
    expect(of()).toEqual({ tcp: 1, others: 1 });
    world.pass(10_000);
    expect(of()).toEqual({ tcp: 2, others: 2 });
    expect(world.flushes().map(({ atMs, line, transport }) => [atMs - home, line, transport])).toEqual([
      [0, 2, 'others'],
      [100, 2, 'others'],
      [400, 2, 'others'],
      [700, 2, 'others'],
      [60_000, 2, 'tcp'],
      [60_100, 2, 'tcp'],
      [60_400, 2, 'tcp'],
      [60_700, 2, 'tcp'],
    ]);
  });
});

describe('another address', () => {
  it('ends the flows of the old one, and is told', () => {
    const world = started();
    const path = world.uplink.places()[0]?.paths.ipv4;
    if (path === null || path === undefined) throw new Error('no path');
    world.path(1, 'ipv4', { ...path, address: '203.0.113.77' });
    expect(world.events('gateway-changed')).toMatchObject([{ line: 'fibre', family: 'ipv4' }]);
    expect(world.steers()).toHaveLength(1);
    expect(world.flushes()).toMatchObject([{ line: 1, transport: 'all' }]);
    expect(world.selected()).toBe('fibre');
    world.path(1, 'ipv4', { ...path, address: '203.0.113.77', gateway: '203.0.113.1' });
    expect(world.steers()).toHaveLength(2);
    expect(world.flushes()).toHaveLength(1);
  });
});
