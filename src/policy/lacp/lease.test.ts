// What goes on while nobody runs the policy, and how the next one goes on from there.
import { describe, expect, it } from 'vitest';
import { lacpduFrame, parseSlowFrame, PORT_STATE } from '../../frames/index.js';
import { Bond } from '../bond.js';
import type { Kept } from './lease.js';
import { LacpBench, PARTNER } from './testing.js';

/** Two ports that carry, with partners that know them. */
function agreed(options: Readonly<Record<string, string | number>> = {}): LacpBench {
  const bench = new LacpBench(options);
  bench.talk(6000);
  return bench;
}

function pduOf(frame: Uint8Array | undefined) {
  const read = parseSlowFrame(frame ?? new Uint8Array());
  if (!read.ok || read.value.kind !== 'lacpdu') throw new Error('no LACPDU');
  return read.value;
}

const leased = (bench: LacpBench): number[] | undefined =>
  bench.bond.lease()?.ports.map(({ member }) => member);

describe('lease()', () => {
  it('answers each port that carries as the bond itself would, and expects what its partner says', () => {
    const bench = agreed();
    const lease = bench.bond.lease();
    expect(lease?.forMs).toBe(60_000);
    expect(lease?.ports.map(({ member, silenceMs }) => [member, silenceMs])).toEqual([
      [1, 3120],
      [2, 3120],
    ]);
    const before = bench.slow().length;
    bench.talk(bench.now + 1100);
    for (const { member, answer, expected } of lease?.ports ?? []) {
      const own = bench.slow().findLast((sent, at) => at >= before && sent.member === member);
      expect(pduOf(answer)).toEqual(own?.frame);
      const { actor, partner } = pduOf(expected).pdu;
      expect(actor).toEqual({ ...PARTNER, port: member });
      expect(partner).toEqual(bench.port(member).actor);
    }
  });

  it('waits for a partner as long as it was told to speak', () => {
    const bench = agreed({ lacp_rate: 'slow' });
    expect(bench.bond.lease()?.ports.map(({ silenceMs }) => silenceMs)).toEqual([93_600, 93_600]);
  });

  it.each([
    ['not wanted', (bench: LacpBench) => void bench.set('lacp_lease', 0), undefined],
    ['of a bond that is down', (bench: LacpBench) => bench.up(false), undefined],
    [
      'of a port without carrier',
      (bench: LacpBench) => (bench.link(1, { carrier: false }), bench.run(bench.now + 200)),
      [2],
    ],
    ['of a partner that is not in sync', (bench: LacpBench) => bench.hear(1, { state: 0x37 }), [2]],
    ['of a partner that does not collect', (bench: LacpBench) => bench.hear(1, { state: 0x0f }), [2]],
    ['of a partner that is another now', (bench: LacpBench) => bench.hear(1, { key: 8 }), [2]],
    ['of a partner that fell silent', (bench: LacpBench) => bench.run(bench.now + 5000), undefined],
  ])('is none %s', (_, happens, left) => {
    const bench = agreed();
    expect(leased(bench)).toEqual([1, 2]);
    happens(bench);
    expect(leased(bench)).toEqual(left);
  });

  it('is none of a port that carries without LACP, as nobody answers, or is in no active aggregator', () => {
    const alone = new LacpBench();
    alone.run(5000);
    expect([alone.senders, leased(alone)]).toEqual(['eth1', undefined]);
    const two = new LacpBench();
    while (two.now < 6000) {
      two.hear(1);
      two.hear(2, { key: 10 });
      two.run(two.now + 1000);
    }
    expect(leased(two)).toEqual([1]);
  });

  it('is another one only where the revision is another', () => {
    const bench = new LacpBench();
    let [revision, text] = [bench.bond.revision(), JSON.stringify(bench.bond.lease())];
    const look = (): void => {
      const now = JSON.stringify(bench.bond.lease());
      if (now !== text) expect(bench.bond.revision()).not.toBe(revision);
      [revision, text] = [bench.bond.revision(), now];
    };
    for (const state of [0x07, 0x0f, 0x3f, 0x1f, 0x3f, 0x37, 0x3f]) {
      for (let turn = 0; turn < 30; turn++) {
        if (turn % 10 === 0) bench.hear(1, { state });
        look();
        bench.run(bench.now + 100);
        look();
      }
    }
    expect(leased(bench)).toEqual([1]);
  });

  it('takes 0 and 3 to 3600 seconds', () => {
    const bench = new LacpBench();
    expect(bench.set('lacp_lease', 2)).toBe('EINVAL');
    expect(bench.events('refused').at(-1)?.message).toContain('a number from 3 to 3600 or 0 (off)');
    expect([3, 3600, 'off'].map(value => bench.set('lacp_lease', value))).toEqual([null, null, null]);
  });
});

/** The next one, `awayMs` later, with what was kept up of the bond as it was left. */
function next(bench: LacpBench, awayMs: number, change: Partial<Kept['ports'][number]> = {}): LacpBench {
  const ports = bench.bond.lease()?.ports ?? [];
  const saved = JSON.parse(JSON.stringify(bench.bond.save(bench.now))) as ReturnType<Bond['save']>;
  const later = bench.now + awayMs;
  const bond = Bond.restore(saved, later);
  const after: LacpBench = Object.assign(Object.create(LacpBench.prototype) as LacpBench, bench, {
    bond,
    now: later,
    seen: [],
  });
  const kept: Kept = {
    awayMs,
    ports: ports.map(({ member, answer }) => {
      const asItWas = { member, answer, hasEnded: false, heardMs: later - 500, said: 40 };
      return member === 1 ? Object.assign(asItWas, change) : asItWas;
    }),
  };
  after.give({ kind: 'lacp-kept', kept });
  return after;
}

describe('lacp-kept', () => {
  it('changes nothing of what is said, and nothing of who sends', () => {
    const bench = agreed();
    const before = [1, 2].map(member => bench.port(member).actor);
    const after = next(bench, 40_000);
    after.talk(after.now + 4000);
    expect([1, 2].map(member => after.port(member).actor)).toEqual(before);
    for (const { member, frame } of after.slow()) {
      if (frame.kind !== 'lacpdu') continue;
      expect(frame.pdu).toEqual({
        actor: before[member - 1],
        partner: { ...PARTNER, port: member },
      });
    }
    expect(after.outputs('forward')).toEqual([]);
    expect(after.events('daemon').map(({ message }) => message)).toEqual([
      'No daemon was there for 40.0 s: the programs said 80 LACPDUs on eth1, eth2 meanwhile; their partners noticed nothing',
    ]);
  });

  it('speaks again at once, whenever it was written down', () => {
    for (let at = 0; at < 3000; at += 52) {
      const bench = agreed();
      bench.talk(bench.now + 1000);
      bench.run(bench.now + (at % 1000));
      if (at >= 1000) bench.talk(6000 + at);
      const after = next(bench, 40_000);
      after.run(after.now + 400);
      const spoke = new Set(after.slow().map(({ member }) => member));
      expect(spoke, `${at}`).toEqual(new Set([1, 2]));
    }
  });

  it('speaks at once where nothing was kept up, too', () => {
    const bench = agreed();
    const bond = Bond.restore(bench.bond.save(bench.now), bench.now);
    bond.handle({ kind: 'lacp-kept', kept: { awayMs: 0, ports: [] } }, bench.now);
    const spoke = new Set<number>();
    while ((bond.deadline() ?? Infinity) < bench.now + 400) {
      bond.handle({ kind: 'time' }, bond.deadline() ?? 0);
      for (const output of bond.outputs()) if (output.kind === 'send-through') spoke.add(output.member);
    }
    expect(spoke).toEqual(new Set([1, 2]));
  });

  it('counts silence from when the partner was heard', () => {
    const bench = agreed();
    const after = next(bench, 40_000, { heardMs: bench.now + 40_000 - 2500 });
    after.run(after.now + 500);
    expect(after.senders).toBe('eth1 eth2');
    after.run(after.now + 400);
    expect(after.senders).toBe('eth2');
    after.run(after.now + 2500);
    expect(after.senders).toBe('');
  });

  it('a partner that was not heard since counts as heard now', () => {
    const after = next(agreed(), 40_000, { heardMs: null });
    after.run(after.now + 2900);
    expect(after.senders).toBe('eth1');
  });

  it('nothing is sent at once through a port whose lease ended, and its partner is asked', () => {
    const after = next(agreed(), 40_000, { hasEnded: true, said: 3 });
    expect(after.senders).toBe('eth2');
    expect(after.port(1)).toMatchObject({ receive: 'expired', mux: 'attached' });
    expect(
      after
        .events('daemon')
        .map(({ message }) => message)
        .join('\n'),
    ).toContain('43 LACPDUs on eth1, eth2 meanwhile; it did not last on eth1');
    after.run(after.now + 500);
    const asked = after.slow().find(({ member }) => member === 1)?.frame;
    expect(asked?.kind === 'lacpdu' && asked.pdu.actor.state & PORT_STATE.EXPIRED).toBe(PORT_STATE.EXPIRED);
    after.talk(after.now + 1000);
    expect(after.senders).toBe('eth1 eth2');
  });

  it('an answer that is none of this port is not believed', () => {
    const bench = agreed();
    const other = lacpduFrame('02:00:00:00:00:01', {
      actor: { ...bench.port(1).actor, port: 77 },
      partner: PARTNER,
    });
    if (!other.ok) throw new Error(other.error);
    expect(next(bench, 100, { answer: other.value }).senders).toBe('eth2');
    expect(next(bench, 100, { answer: new Uint8Array(4) }).senders).toBe('eth1 eth2');
  });
});
