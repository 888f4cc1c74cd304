// DNS, HTTP and TCP through a line: when their failures are the line's, and what they are called.
import { describe, expect, it } from 'vitest';
import { appTargets, familyOf } from './apps.js';
import type { ProbeFailure, ProbeKind } from './contract.js';
import type { LineSettings } from './settings.js';
import { lineOf, settingsOf, World } from './testing.js';

const ASKED: Partial<LineSettings> = {
  dns: ['192.0.2.53', '192.0.2.54', '2001:db8::53'],
  http: { url: 'http://192.0.2.80/known', status: 200, body: 'known' },
  tcp: '192.0.2.90:443',
};

function started(dsl: Partial<LineSettings> = {}): World {
  const world = new World();
  world.begin(settingsOf([lineOf('fibre', ASKED), lineOf('dsl', dsl)]), ['ipv4', 'ipv6']);
  world.pass(20_000);
  world.told.length = 0;
  return world;
}

function breakApp(world: World, kind: ProbeKind, why: ProbeFailure): void {
  world.line('fibre').app = probe => (probe.kind === kind ? why : 'good');
}

describe('familyOf()', () => {
  it.each([
    ['192.0.2.53', 'ipv4'],
    ['192.0.2.53:53', 'ipv4'],
    ['2001:db8::53', 'ipv6'],
    ['[2001:db8::53]:53', 'ipv6'],
    ['http://192.0.2.80/a:b:c', 'ipv4'],
    ['http://192.0.2.80:8080/', 'ipv4'],
    ['http://[2001:db8::80]/', 'ipv6'],
    ['[2001:db8::80]:80', 'ipv6'],
    ['http://example.org/a', null],
    ['http://example.org:8080/a', null],
  ] as const)('%s is of %s', (target, family) => {
    expect(familyOf(target)).toBe(family);
  });

  it('leaves names to both families', () => {
    const line = lineOf('fibre', {
      dns: ['192.0.2.53'],
      http: { url: 'http://example.org/', status: 204, body: '' },
    });
    expect([appTargets(line, 'ipv4', 'http'), appTargets(line, 'ipv6', 'http')]).toEqual([
      ['http://example.org/'],
      ['http://example.org/'],
    ]);
  });

  it('says which are asked in a family', () => {
    const line = lineOf('fibre', ASKED);
    expect(appTargets(line, 'ipv4', 'dns')).toEqual(['192.0.2.53', '192.0.2.54']);
    expect(appTargets(line, 'ipv6', 'dns')).toEqual(['2001:db8::53']);
    expect(appTargets(line, 'ipv6', 'http')).toEqual([]);
    expect(appTargets(line, 'ipv4', 'tcp')).toEqual(['192.0.2.90:443']);
  });
});

describe('questions to applications', () => {
  it('are asked every 5 s of DNS and TCP, every 15 s of HTTP, and in one family only where there is one', () => {
    const world = started();
    world.probes.length = 0;
    world.pass(30_000);
    const count = (kind: ProbeKind, family: string): number =>
      world.probes.filter(({ probe }) => probe.kind === kind && probe.family === family).length;
    expect([count('dns', 'ipv4'), count('tcp', 'ipv4'), count('http', 'ipv4')]).toEqual([6, 6, 2]);
    expect([count('dns', 'ipv6'), count('tcp', 'ipv6'), count('http', 'ipv6')]).toEqual([6, 0, 0]);
    const servers = world.probes.flatMap(({ probe }) =>
      probe.kind === 'dns' && probe.family === 'ipv4' ? [probe.target] : [],
    );
    expect(new Set(servers)).toEqual(new Set(['192.0.2.53', '192.0.2.54']));
  });

  it('are asked of a metered line that stands by every ten minutes', () => {
    const world = started({ dns: ['192.0.2.53'], metered: true });
    world.probes.length = 0;
    world.pass(1_200_000);
    expect(world.probes.filter(({ probe }) => probe.kind === 'dns' && probe.line === 2)).toHaveLength(2);
    const pings = world.probes.filter(({ probe }) => probe.kind === 'ping' && probe.line === 2);
    expect(pings.length).toBeLessThanOrEqual(2 * 121);
  });

  it('are given up when nobody tells what became of them', () => {
    const world = started();
    world.line('fibre').app = () => 'good';
    world.keeper.uplink.handle({ kind: 'time' }, world.now);
    const from = world.now;
    world.trouble = port => {
      if (port === 'ask' && world.now > from + 20_000) throw new Error('no socket');
    };
    world.pass(60_000);
    expect(world.events('failure').length).toBeGreaterThan(0);
    expect(world.uplink.snapshot(world.now)?.lines[0]?.families.ipv4.state).not.toBe('up');
  });
});

describe('a failing application', () => {
  it.each([
    ['dns', 'timeout', 'dns', 'dns'],
    ['http', 'redirected', 'portal', 'portal'],
    ['http', 'wrong', 'portal', 'portal'],
    ['http', 'timeout', 'http', 'unknown'],
    ['tcp', 'refused', 'tcp', 'unknown'],
  ] as const)('%s, %s: the line is left for %s', (kind, why, cause, place) => {
    const world = started();
    breakApp(world, kind, why);
    const from = world.now;
    world.pass(18_000);
    expect(world.selected()).toBe('dsl');
    expect(world.events('uplink-failover')).toMatchObject([
      { family: 'ipv4', cause, place },
      ...(kind === 'dns' ? [{ family: 'ipv6' }] : []),
    ]);
    const interval = kind === 'http' ? 15_000 : 5000;
    const [event] = world.events('uplink-failover');
    const moved = world.steers()[0];
    expect((moved?.atMs ?? 0) - from).toBeLessThanOrEqual(interval + 2 * 800 + 10);
    expect(event?.noticedMs).toBeLessThanOrEqual(1610);
  });

  it('that could not be asked is none: the name of its host may not be known', () => {
    const world = started();
    breakApp(world, 'http', 'unsent');
    world.pass(60_000);
    expect(world.selected()).toBe('fibre');
    expect(world.events()).toEqual([]);
  });

  it('once only is asked again at once, and is no fault of the line', () => {
    const world = started();
    let failures = 0;
    world.line('fibre').app = probe =>
      probe.kind === 'dns' && probe.family === 'ipv4' && failures++ === 0 ? 'timeout' : 'good';
    world.pass(30_000);
    expect(failures).toBeGreaterThan(1);
    expect(world.told.filter(told => 'event' in told)).toEqual([]);
  });

  it('leaves running flows alone where it is DNS, and flushes them where it is a portal', () => {
    const dns = started();
    breakApp(dns, 'dns', 'timeout');
    dns.pass(8000);
    expect(dns.selected()).toBe('dsl');
    expect(dns.flushes()).toEqual([]);
    const portal = started();
    breakApp(portal, 'http', 'redirected');
    portal.pass(17_000);
    expect(portal.events('portal')).toHaveLength(1);
    expect(
      portal
        .flushes()
        .map(({ transport }) => transport)
        .slice(0, 2),
    ).toEqual(['others', 'tcp']);
  });

  it('that is a portal besides takes its flows too', () => {
    const world = started();
    breakApp(world, 'dns', 'timeout');
    world.pass(8000);
    world.line('fibre').app = probe => (probe.kind === 'http' ? 'redirected' : 'timeout');
    world.pass(17_000);
    expect(world.uplink.snapshot(world.now)?.lines[0]?.families.ipv4.cause).toBe('portal');
    expect(world.flushes().some(({ family }) => family === 'ipv4')).toBe(true);
  });

  it('that works again lets the line return', () => {
    const world = started();
    breakApp(world, 'dns', 'timeout');
    world.pass(8000);
    world.line('fibre').app = () => 'good';
    world.pass(3000);
    expect(world.uplink.snapshot(world.now)?.lines[0]?.families.ipv4.state).toBe('returning');
    world.pass(31_000);
    expect(world.selected()).toBe('fibre');
  });

  it('on a line behind a portal at the start: it is bad as soon as it is proven', () => {
    const world = new World();
    world.lines.set('fibre', {
      rttMs: 10,
      loses: () => false,
      gatewayAnswers: true,
      app: () => 'redirected',
    });
    world.begin(settingsOf([lineOf('fibre', ASKED), lineOf('dsl')]));
    world.pass(3000);
    expect(world.selected()).toBe('dsl');
  });
});
