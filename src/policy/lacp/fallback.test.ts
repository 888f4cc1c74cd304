// lacp_fallback: who carries while nobody speaks LACP, when it ends, and what the carrier is by then.
import { describe, expect, it } from 'vitest';
import { LacpBench } from './testing.js';

type Options = Readonly<Record<string, string | number>>;

/** A bond with three ports that nobody has answered for a while. */
function alone(options: Options): LacpBench {
  const bench = new LacpBench({ miimon: 100, ...options }, [1, 2, 3]);
  bench.run(8000);
  return bench;
}
const carrier = (bench: LacpBench): boolean => bench.bond.snapshot().carrier;
const heard = (bench: LacpBench): number[] =>
  bench.bond
    .members()
    .filter(({ inactive }) => !inactive)
    .map(({ member }) => member);
const warnings = (bench: LacpBench): string[] =>
  bench.events('option').flatMap(({ severity, message }) => (severity === 'warning' ? [message] : []));

describe('while nobody speaks', () => {
  it.each([
    ['off', '', [], false],
    ['one', 'eth1', [1], true],
    ['static', 'eth1 eth2 eth3', [1, 2, 3], true],
  ] as const)('%s sends through "%s", and hears as many', (fallback, senders, members, on) => {
    const bench = alone({ lacp_fallback: fallback });
    expect([bench.senders, heard(bench), carrier(bench)]).toEqual([senders, members, on]);
  });

  it('off lets no port carry for a moment, whatever links do', () => {
    const bench = alone({ lacp_fallback: 'off' });
    bench.link(1, { carrier: false });
    bench.run(bench.now + 150);
    bench.link(1, { carrier: true });
    bench.run(bench.now + 3000);
    const plans = bench.seen.flatMap(({ output }) => (output.kind === 'forward' ? [output.plan] : []));
    expect(plans.length).toBeGreaterThan(0);
    expect(plans.flatMap(({ members }) => members).filter(({ usable }) => usable)).toEqual([]);
    expect(bench.bond.members().filter(({ state }) => state === 'active')).toEqual([]);
  });

  it('one is what the driver does, and the default', () => {
    expect(alone({}).bond.snapshot().options.lacp_fallback).toBe('one');
    expect(alone({}).seen).toEqual(alone({ lacp_fallback: 'one' }).seen);
  });

  it('static has all links that are up, and no carrier without any', () => {
    const bench = alone({ lacp_fallback: 'static' });
    bench.link(1, { carrier: false });
    bench.run(bench.now + 200);
    expect([bench.senders, carrier(bench)]).toEqual(['eth2 eth3', true]);
    for (const member of [2, 3]) bench.link(member, { carrier: false });
    bench.run(bench.now + 200);
    expect([bench.senders, carrier(bench)]).toEqual(['', false]);
    bench.link(2, { carrier: true });
    bench.run(bench.now + 200);
    expect([bench.senders, carrier(bench)]).toEqual(['eth2', true]);
  });

  it('another value counts at the next tick', () => {
    const bench = alone({ lacp_fallback: 'static' });
    const after = (value: string): string => {
      bench.set('lacp_fallback', value);
      bench.run(bench.now + 210);
      return bench.senders;
    };
    expect([after('off'), carrier(bench)]).toEqual(['', false]);
    expect([after('one'), carrier(bench)]).toEqual(['eth1', true]);
    expect([after('static'), carrier(bench)]).toEqual(['eth1 eth2 eth3', true]);
    expect(after('one')).toBe('eth1');
  });
});

describe('when a partner speaks', () => {
  it('off has its carrier once a port is in sync, and loses it when the last one is not', () => {
    const bench = alone({ lacp_fallback: 'off' });
    bench.hear(2, { state: 0x07 });
    bench.run(bench.now + 900);
    expect([bench.senders, carrier(bench)]).toEqual(['', false]);
    bench.hear(2);
    bench.run(bench.now + 104);
    expect([bench.senders, carrier(bench)]).toEqual(['eth2', true]);
    bench.talk(bench.now + 4000);
    expect([bench.senders, carrier(bench)]).toEqual(['eth1 eth2 eth3', true]);
    bench.forget();
    for (const member of [1, 2, 3]) bench.hear(member, { state: 0x07 });
    bench.run(bench.now + 104);
    expect([bench.senders, carrier(bench)]).toEqual(['', false]);
    expect(bench.events('carrier').map(({ message }) => message)).toEqual([
      'bond0 has lost its carrier: no port is in sync with a partner (lacp_fallback=off)',
    ]);
  });

  it('static leaves all ports but the one that it speaks on, at the next tick', () => {
    const bench = alone({ lacp_fallback: 'static' });
    bench.hear(2);
    bench.run(bench.now + 104);
    expect([bench.senders, heard(bench)]).toEqual(['eth2', [2]]);
    bench.talk(bench.now + 4000);
    expect([bench.senders, carrier(bench)]).toEqual(['eth1 eth2 eth3', true]);
  });

  it('and falls silent, static carries on all ports again, off on none', () => {
    for (const [fallback, senders] of [
      ['static', 'eth1 eth2 eth3'],
      ['off', ''],
    ] as const) {
      const bench = alone({ lacp_fallback: fallback });
      bench.talk(bench.now + 4000);
      bench.run(bench.now + 7000);
      expect([bench.senders, carrier(bench)]).toEqual([senders, fallback === 'static']);
    }
  });

  it('with off, a port that begins anew as its speed changed does not carry until it is in sync again', () => {
    for (const [fallback, senders] of [
      ['off', ''],
      ['one', 'eth1'],
    ] as const) {
      const bench = new LacpBench({ miimon: 100, lacp_fallback: fallback }, [1]);
      bench.talk(4000);
      expect(bench.senders).toBe('eth1');
      bench.link(1, { speedMbps: 10_000 });
      bench.run(bench.now + 300);
      expect(bench.senders).toBe(senders);
    }
  });
});

describe('min_links', () => {
  it('counts the one port of the driver, and nothing with static, which is told', () => {
    expect(carrier(alone({ min_links: 2 }))).toBe(false);
    const bench = alone({ min_links: 2, lacp_fallback: 'static' });
    expect(carrier(bench)).toBe(true);
    expect(warnings(bench)).toEqual([
      'lacp_fallback=static of bond0 gives it carrier with any port while nobody speaks LACP, and min_links=2 counts for nothing then; set lacp_fallback=off if it must count',
    ]);
    bench.talk(bench.now + 4000);
    bench.link(3, { carrier: false });
    bench.run(bench.now + 200);
    expect(carrier(bench)).toBe(true);
    bench.link(2, { carrier: false });
    bench.run(bench.now + 200);
    expect(carrier(bench)).toBe(false);
  });

  it('counts ports that are negotiated with lacp_strict, which static does not change', () => {
    const bench = alone({ min_links: 1, lacp_strict: 'on', lacp_fallback: 'static' });
    expect(carrier(bench)).toBe(false);
    expect(warnings(bench)).toEqual([
      'lacp_fallback=static of bond0 gives it no carrier, as lacp_strict=on counts no port without LACP towards min_links=1; set lacp_strict=off or min_links=0',
    ]);
    bench.talk(bench.now + 4000);
    expect(carrier(bench)).toBe(true);
  });

  it('is warned of when it is set later', () => {
    const bench = alone({ lacp_fallback: 'static' });
    expect(warnings(bench)).toEqual([]);
    bench.set('min_links', 2);
    expect(warnings(bench)).toHaveLength(1);
  });
});
