// What an operator may want, what is refused, and how wishes end.
import { describe, expect, it } from 'vitest';
import type { UplinkInput, Wish } from './contract.js';
import { DEFAULT_TIMING, type UplinkSettings } from './settings.js';
import { lineOf, settingsOf, World } from './testing.js';
import { Uplink } from './uplink.js';

function started(): World {
  const world = new World();
  world.begin(settingsOf([lineOf('fibre'), lineOf('dsl')]));
  world.pass(3000);
  return world;
}

const wish = (world: World, wished: Wish) => world.feed({ kind: 'operator', wish: wished });

describe('use', () => {
  it('moves everything to the line, and back when its time is over', () => {
    const world = started();
    wish(world, { kind: 'use', line: 2, forMs: 10_000 });
    expect(world.selected()).toBe('dsl');
    expect(world.uplink.snapshot(world.now)?.use).toEqual({ line: 'dsl', forMs: 10_000 });
    expect(world.flushes()).toEqual([]);
    world.pass(9999);
    expect(world.selected()).toBe('dsl');
    world.pass(1);
    expect(world.selected()).toBe('fibre');
  });

  it('is as long as the line is viable', () => {
    const world = started();
    wish(world, { kind: 'use', line: 2, forMs: null });
    world.carrier(2, false);
    expect(world.selected()).toBe('fibre');
    world.carrier(2, true);
    world.pass(500);
    expect(world.selected()).toBe('dsl');
    wish(world, { kind: 'release' });
    expect(world.selected()).toBe('fibre');
  });
});

describe('drain', () => {
  it('takes the line out of use until it is released', () => {
    const world = started();
    wish(world, { kind: 'drain', line: 1, forMs: null });
    expect(world.selected()).toBe('dsl');
    expect(world.uplink.steering().selected.ipv4).toEqual([2]);
    world.pass(100_000);
    expect(world.selected()).toBe('dsl');
    wish(world, { kind: 'release', line: 1 });
    world.pass(500);
    expect(world.selected()).toBe('fibre');
  });

  it('ends by itself', () => {
    const world = started();
    wish(world, { kind: 'drain', line: 1, forMs: 5000 });
    world.pass(5500);
    expect(world.selected()).toBe('fibre');
  });

  it('of the only line that works changes nothing until there is another', () => {
    const world = started();
    world.carrier(2, false);
    world.told.length = 0;
    wish(world, { kind: 'drain', line: 1, forMs: null });
    world.pass(2000);
    expect(world.selected()).toBe('fibre');
    expect(world.flushes()).toEqual([]);
    expect(world.events('operator')[0]?.message).toMatch(/no other line can be used/);
    world.carrier(2, true);
    world.pass(500);
    expect(world.selected()).toBe('dsl');
  });

  it('ends a wish to use the same line, and the other way round', () => {
    const world = started();
    wish(world, { kind: 'use', line: 2, forMs: null });
    wish(world, { kind: 'drain', line: 2, forMs: null });
    expect(world.selected()).toBe('fibre');
    wish(world, { kind: 'use', line: 2, forMs: null });
    world.pass(500);
    expect(world.selected()).toBe('dsl');
  });
});

describe('refusals', () => {
  it.each([
    [{ kind: 'use', line: 9, forMs: null }, /uplink office has no line 9; it has 1 \(fibre\), 2 \(dsl\)/],
    [{ kind: 'drain', line: 1, forMs: 0 }, /drain for 0 ms cannot be; write a time/],
    [{ kind: 'use', line: 1, forMs: Number.NaN }, /use for NaN ms cannot be/],
    [{ kind: 'refill', line: 1 }, /fibre has no budget/],
    [{ kind: 'release', line: 3 }, /no line 3/],
  ] as const)('%j', (wished, why) => {
    const world = started();
    const before = JSON.stringify(world.uplink.save(world.now));
    const done = wish(world, wished);
    expect(done).toMatchObject({ ok: false, error: { message: expect.stringMatching(why) } });
    expect(JSON.stringify(world.uplink.save(world.now))).toBe(before);
  });

  it('of every input before there are settings, and of lines that there are not', () => {
    const uplink = new Uplink();
    expect(uplink.handle({ kind: 'time' }, 0)).toMatchObject({ ok: false });
    expect(uplink.snapshot(0)).toBeNull();
    expect(uplink.deadline()).toBeNull();
    const world = started();
    const input: UplinkInput = { kind: 'bytes', line: 3, received: 0, sent: 0 };
    expect(world.feed(input)).toMatchObject({ ok: false, error: { code: 'invalid-request' } });
  });

  const fibre = lineOf('fibre');
  const other = lineOf('dsl');
  it.each<[string, Partial<UplinkSettings>, RegExp]>([
    ['no lines', { lines: [] }, /has no lines; give it at least one/],
    ['too many lines', { lines: Array.from({ length: 63 }, (_, i) => lineOf(`l${i}`)) }, /room for 62/],
    ['a name twice', { lines: [fibre, lineOf('fibre', { device: 'x' })] }, /two lines have the name fibre/],
    [
      'a device twice',
      { lines: [fibre, lineOf('dsl', { device: 'fibre0' })] },
      /two lines have the device fibre0/,
    ],
    ['no targets', { lines: [lineOf('a', { targets: { ipv4: [], ipv6: [] } })] }, /no targets/],
    [
      'a target that is a name',
      { lines: [lineOf('a', { targets: { ipv4: ['example.org'], ipv6: [] } })] },
      /example\.org is no address of IPv4/,
    ],
    [
      'a target of the other family',
      { lines: [lineOf('a', { targets: { ipv4: [], ipv6: ['192.0.2.1'] } })] },
      /no address of IPv6/,
    ],
    [
      'HTTP to a name',
      { lines: [lineOf('a', { http: { url: 'http://example.org/', status: 200, body: '' } })] },
      /has a name for a host, and there are no DNS servers/,
    ],
    [
      'HTTPS',
      { lines: [lineOf('a', { http: { url: 'https://192.0.2.1/', status: 200, body: '' } })] },
      /http:\/\/ only/,
    ],
    ['DNS to a name', { lines: [lineOf('a', { dns: ['dns.example'] })] }, /has no address/],
    ['a weight', { lines: [lineOf('a', { weight: -1 })] }, /weight -1/],
    ['a budget', { lines: [lineOf('a', { budget: { bytes: 0, resetDay: null } })] }, /budget of 0 bytes/],
    ['a day', { lines: [lineOf('a', { budget: { bytes: 1, resetDay: 32 } })] }, /day 32/],
    [
      'a rule for nobody',
      { rules: [{ match: {}, use: ['fibr'], otherwise: 'drop' }] },
      /did you mean fibre\?/,
    ],
    ['a rule without lines', { rules: [{ match: {}, use: [], otherwise: 'drop' }] }, /may use no line/],
    ['a mask without room', { markMask: 0x100 }, /no room for 2 lines/],
    ['a mask with a hole', { markMask: 0x500 }, /no room for 2 lines/],
    ['return at 25:00', { return: { afterMs: 1, at: 1500 } }, /minute 1500/],
    ['an interval', { timing: { ...DEFAULT_TIMING, intervalMs: 1 } }, /would flood/],
    ['thresholds', { timing: { ...DEFAULT_TIMING, lossLeave: 20 } }, /not below lossEnter/],
    ['a time', { timing: { ...DEFAULT_TIMING, silenceMs: Number.NaN } }, /silenceMs is NaN/],
  ])('of settings: %s', (_, change, why) => {
    const world = started();
    const settings = settingsOf([fibre, other], change);
    expect(world.feed({ kind: 'settings', settings })).toMatchObject({
      ok: false,
      error: { message: expect.stringMatching(why) },
    });
    expect(world.uplink.settings()?.lines.map(({ name }) => name)).toEqual(['fibre', 'dsl']);
  });

  it('of none where DNS servers, TCP and HTTP are addresses with ports', () => {
    const line = lineOf('a', {
      dns: ['192.0.2.1', '192.0.2.1:5353', '[2001:db8::1]:53', '2001:db8::1'],
      tcp: '[2001:db8::1]:443',
      http: { url: 'http://[2001:db8::1]:8080/x', status: 200, body: 'x' },
    });
    expect(new Uplink().handle({ kind: 'settings', settings: settingsOf([line]) }, 0)).toMatchObject({
      ok: true,
    });
  });
});
