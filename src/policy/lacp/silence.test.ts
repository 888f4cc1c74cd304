// lacp_fast_silence: what raises a suspicion, what confirms it, and everything that must not count as silence.
import { describe, expect, it } from 'vitest';
import { HELLO } from '../../frames/index.js';
import { Bond } from '../bond.js';
import { type Behaviour, LacpBench, LOOK_MS, type Sent, SILENCE_MS, Watched } from './testing.js';

/** Both ports carry, and their partner has been tried. */
function settled(behaviours?: readonly Partial<Behaviour>[], options?: object): Watched {
  const bench = new Watched(behaviours, options);
  bench.live(9000);
  bench.forget();
  return bench;
}

const RATE = { windowMs: 1000, most: 5 };
/** The most markers in any second. */
function mostInASecond(sent: readonly Sent[]): number {
  return Math.max(
    0,
    ...sent.map(({ at }) => sent.filter(other => other.at >= at && other.at < at + RATE.windowMs).length),
  );
}

describe('a silent fault', () => {
  it('is noticed within the time and a look, LACP stays as it is, and the next LACPDU ends it', () => {
    for (let phase = 0; phase < 8; phase++) {
      const bench = settled();
      bench.live(phase * 5);
      bench.change(2, { arrives: false });
      const left = bench.untilLeft('eth2', 1000);
      expect(left).toBeGreaterThanOrEqual(SILENCE_MS - LOOK_MS);
      expect(left).toBeLessThanOrEqual(SILENCE_MS + LOOK_MS + 5);
      expect(bench.markers(2)).toHaveLength(3);
      expect(bench.port(2)).toMatchObject({ mux: 'collecting-distributing', receive: 'current' });
      expect(bench.port(2).explanation?.code).toBe('unanswered');
      expect(bench.alarms).toEqual([
        'The partner of eth2 fell silent although the link is up: it answers no markers, and does on other members',
      ]);
      bench.change(2, { arrives: true });
      bench.live(1000);
      expect(bench.senders).toBe('eth1 eth2');
      expect(bench.port(2).explanation).toBeNull();
    }
  });

  it('is ended by an answer to a marker too, which asks every second', () => {
    const bench = settled([{}, {}], { lacp_rate: 'slow' });
    bench.change(2, { arrives: false });
    expect(bench.untilLeft('eth2', 1000)).toBeDefined();
    bench.forget();
    bench.live(2200);
    expect(bench.markers(2)).toHaveLength(2);
    bench.change(2, { arrives: true, lacpEachMs: 30_000 });
    bench.live(1100);
    expect(bench.senders).toBe('eth1 eth2');
  });

  it('on a port without traffic is noticed, with at most five markers a second', () => {
    const bench = settled([{}, { trafficEachMs: 0 }]);
    bench.live(5000);
    expect(bench.alarms).toEqual([]);
    expect(mostInASecond(bench.markers(2))).toBeLessThanOrEqual(RATE.most);
    expect(mostInASecond(bench.markers(1))).toBeLessThanOrEqual(RATE.most);
    bench.change(2, { arrives: false });
    expect(bench.untilLeft('eth2', 1000)).toBeLessThan(800);
    expect(mostInASecond(bench.markers(2))).toBeLessThanOrEqual(RATE.most);
  });

  it('of all ports leaves all in use: none of them is better', () => {
    const bench = settled();
    for (const member of [1, 2]) bench.change(member, { arrives: false });
    bench.live(1500);
    expect([bench.senders, bench.alarms]).toEqual(['eth1 eth2', []]);
  });

  it('is noticed on a bond whose other ports are quiet, when the traffic that it had ends', () => {
    const bench = settled([{ trafficEachMs: 0 }, {}]);
    bench.change(2, { arrives: false });
    expect(bench.untilLeft('eth2', 1000)).toBeLessThanOrEqual(SILENCE_MS + LOOK_MS + 5);
  });
});

describe('no silence is', () => {
  it('a bond on which nothing happens: it asks seldom', () => {
    const bench = settled([{ trafficEachMs: 0 }, { trafficEachMs: 0 }]);
    bench.live(60_000);
    expect([bench.senders, bench.alarms]).toEqual(['eth1 eth2', []]);
    // A trial every half a minute; a suspicion where traffic ended before.
    expect(bench.markers(2).length).toBeLessThanOrEqual(6);
  });

  it('a partner that never answers markers: it is asked four times, and then once in half a minute', () => {
    const bench = new Watched([{ burst: 0 }, { burst: 0, trafficEachMs: 0 }]);
    bench.live(65_000);
    expect(bench.alarms).toEqual([]);
    expect(bench.markers(2)).toHaveLength(5);
    bench.change(2, { arrives: false });
    // LACP finds it in its own time.
    expect(bench.untilLeft('eth2', 10_000)).toBeGreaterThan(2000);
    expect(bench.alarms).toEqual([]);
  });

  it.each([
    [1, 1],
    [3, 1],
    [3, 2],
    [5, 2],
    [10, 2.5],
    [4, 0.2],
  ])('a partner that answers %d markers at once and %d a second', (burst, perSecond) => {
    const limit = { burst, perSecond };
    const bench = new Watched([limit, { ...limit, trafficEachMs: 0 }, { ...limit, trafficEachMs: 400 }]);
    bench.live(80_000);
    expect(bench.alarms).toEqual([]);
    expect(bench.senders).toBe('eth1 eth2 eth3');
  });

  it('a partner that answers on one port alone', () => {
    const bench = new Watched([{}, { burst: 0, trafficEachMs: 0 }]);
    bench.live(30_000);
    expect(bench.alarms).toEqual([]);
  });

  it('a partner that stands still for two and a half seconds, though its traffic goes on', () => {
    const bench = settled([{}, { trafficEachMs: 0 }]);
    for (const member of [1, 2]) bench.change(member, { burst: 0, perSecond: 0 });
    bench.live(2500);
    expect(bench.alarms).toEqual([]);
  });

  it('a daemon of our own that stands still for two and a half seconds', () => {
    for (let phase = 0; phase < 6; phase++) {
      const bench = settled([{}, { trafficEachMs: 0 }, { hello: 0 }, { hello: 0 }]);
      bench.live(phase * 20);
      bench.blocked = true;
      bench.live(2500);
      bench.blocked = false;
      bench.live(2000);
      expect([bench.senders, bench.alarms]).toEqual(['eth1 eth2 eth3 eth4', []]);
    }
  });

  it('what a daemon that starts again has not heard', () => {
    const bench = settled();
    const saved = JSON.parse(JSON.stringify(bench.bond.save(bench.now))) as ReturnType<Bond['save']>;
    const later = Bond.restore(saved, bench.now + 60_000);
    const names = later.plan().members.filter(({ usable }) => usable);
    expect(names).toHaveLength(2);
    later.handle({ kind: 'time' }, bench.now + 60_010);
    expect(later.plan().members.filter(({ usable }) => usable)).toHaveLength(2);
  });
});

describe('hellos', () => {
  const greeting = { hello: 0, burst: 0 };

  it('are said five times and then seldom where nobody says any', () => {
    const bench = new Watched();
    bench.live(30_000);
    expect(bench.hellos(1)).toHaveLength(6);
    bench.live(25_000);
    expect(bench.hellos(1)).toHaveLength(7);
  });

  it('are said ten times a second to one that says them, and never more', () => {
    const bench = settled([greeting, greeting]);
    bench.live(10_000);
    expect(bench.hellos(1).length).toBeGreaterThanOrEqual(99);
    expect(bench.hellos(1).length).toBeLessThanOrEqual(101);
    const [first, second] = bench.hellos(1);
    expect(second).toEqual({ ...first, sequence: (first?.sequence ?? 0) + 2 });
  });

  it('that come on other members alone tell silence within the time and a look, and our own say so', () => {
    for (let phase = 0; phase < 10; phase++) {
      const bench = settled([greeting, { ...greeting, trafficEachMs: 0 }]);
      bench.live(phase * 5);
      bench.change(2, { arrives: false });
      expect(bench.untilLeft('eth2', 1000)).toBeLessThanOrEqual(SILENCE_MS + LOOK_MS + 5);
      expect(bench.alarms).toEqual([
        'The partner of eth2 fell silent although the link is up: its hellos come on other members alone',
      ]);
      bench.live(150);
      expect(bench.hellos(2).at(-1)?.flags).toBe(HELLO.DEAF);
      bench.change(2, { arrives: true });
      bench.live(1200);
      expect(bench.senders).toBe('eth1 eth2');
      expect(bench.hellos(2).at(-1)?.flags).toBe(0);
    }
  });

  it('of which one is lost are no silence', () => {
    const bench = settled([greeting, { ...greeting, trafficEachMs: 0 }]);
    for (let times = 0; times < 10; times++) {
      bench.live(100 - (bench.now % 100) - 5);
      bench.change(2, { hello: null });
      bench.live(10);
      bench.change(2, { hello: 0 });
      bench.live(300);
    }
    expect(bench.alarms).toEqual([]);
  });

  it('that end with the daemon on all ports mean nothing, while LACPDUs come', () => {
    const bench = settled([greeting, { ...greeting, trafficEachMs: 0 }]);
    for (const member of [1, 2]) bench.change(member, { hello: null });
    bench.live(60_000);
    expect([bench.senders, bench.alarms]).toEqual(['eth1 eth2', []]);
  });

  it('that said they end mean nothing, on one port too', () => {
    const bench = settled([greeting, { ...greeting, trafficEachMs: 0 }]);
    bench.hello(2, HELLO.ENDS);
    bench.change(2, { hello: null });
    bench.live(20_000);
    expect([bench.senders, bench.alarms]).toEqual(['eth1 eth2', []]);
  });

  it('that end on one port without a word are missed once, and not again while LACPDUs come', () => {
    const bench = settled([greeting, { ...greeting, trafficEachMs: 0 }]);
    bench.change(2, { hello: null });
    bench.live(20_000);
    expect(bench.alarms).toHaveLength(1);
    expect(bench.senders).toBe('eth1 eth2');
  });

  it('that tell of deafness put a port out of use for as long as they do', () => {
    const bench = settled([greeting, greeting]);
    bench.change(2, { hello: HELLO.DEAF });
    bench.live(200);
    expect(bench.senders).toBe('eth1');
    bench.live(3000);
    expect([bench.senders, bench.port(2).explanation?.text]).toEqual([
      'eth1',
      'the partner of eth2 hears nothing of it: what it sends is lost on the way (a link in one direction)',
    ]);
    bench.change(2, { hello: 0 });
    bench.live(200);
    expect(bench.senders).toBe('eth1 eth2');
    bench.change(2, { hello: HELLO.DEAF });
    bench.live(200);
    for (const member of [1, 2]) bench.change(member, { hello: null });
    bench.live(1500);
    expect(bench.senders).toBe('eth1 eth2');
  });

  it('of our own that come back are nobody’s', () => {
    const bench = settled();
    const { system, port } = bench.port(1).actor;
    for (let times = 0; times < 10; times++) {
      bench.hello(1, 0, { system, port });
      bench.live(100);
    }
    expect(bench.hellos(1).length).toBeLessThanOrEqual(2);
  });

  it.each([
    ['the bond is set down', (bench: Watched) => bench.up(false)],
    ['the option is taken away', (bench: Watched) => void bench.set('lacp_fast_silence', 0)],
    ['a member leaves', (bench: Watched) => void bench.leave(1)],
  ])('end with one that says so when %s', (_, end) => {
    const bench = settled([greeting, greeting]);
    bench.forget();
    end(bench);
    expect(bench.hellos(1).map(({ flags }) => flags)).toEqual([HELLO.ENDS]);
    bench.run(bench.now + 1000);
    expect(bench.hellos(1)).toHaveLength(1);
  });
});

describe('without the option', () => {
  it('nothing is asked, and nothing wakes up', () => {
    const bench = new LacpBench({ miimon: 100 });
    bench.talk(5000);
    const kinds = bench.slow().map(({ frame }) => frame.kind);
    expect(new Set(kinds)).toEqual(new Set(['lacpdu']));
    expect(bench.bond.facts().watchesSilence).toBe(false);
    expect(bench.bond.plan().timesReception).toBe(false);
  });

  it('a value that is too short to tell anything is refused', () => {
    const bench = new LacpBench({ miimon: 100 });
    expect(bench.set('lacp_fast_silence', 50)).toBe('EINVAL');
    expect(bench.set('lacp_fast_silence', 'off')).toBeNull();
  });
});
