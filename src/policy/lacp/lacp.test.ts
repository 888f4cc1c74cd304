// 802.3ad through a bond: what the recordings of the driver do not show, and what we do better than it.
import { describe, expect, it } from 'vitest';
import { lacpduFrame, PORT_STATE } from '../../frames/index.js';
import { LacpBench, PARTNER } from './testing.js';

const { ACTIVITY, AGGREGATION, SYNCHRONIZATION, COLLECTING } = PORT_STATE;

/** A bond that has agreed with its partners on both ports. */
function agreed(options: Readonly<Record<string, string | number>> = {}): LacpBench {
  const bench = new LacpBench(options);
  bench.talk(4000);
  return bench;
}

describe('an aggregate', () => {
  it('forms, and the plan sends and hears on both ports', () => {
    const bench = agreed();
    expect(bench.senders).toBe('eth1 eth2');
    const { active, members, mode } = bench.bond.plan();
    expect([mode, active]).toEqual(['802.3ad', 1]);
    expect(members.map(({ member, heardBesides }) => [member, heardBesides])).toEqual([
      [1, false],
      [2, true],
    ]);
    expect(bench.bond.snapshot().lacp?.active).toMatchObject({ id: 1, ports: 2, partnerKey: 9 });
  });

  it('is left by a port whose partner drops Sync, at the next tick, and the frames of that port are not heard', () => {
    const bench = agreed();
    bench.hear(2, { state: 0x07 });
    bench.run(bench.now + 104);
    expect(bench.senders).toBe('eth1');
    expect(bench.bond.plan().members.find(({ member }) => member === 2)?.heardBesides).toBe(false);
  });

  it('hears all ports with all_slaves_active', () => {
    const bench = new LacpBench({ all_slaves_active: 1 });
    bench.run(500);
    const heard = bench.bond.plan().members.filter(({ heardBesides }) => heardBesides);
    expect([bench.senders, heard.map(({ member }) => member)]).toEqual(['eth1', [2]]);
  });

  it('shrinks at once with inline failover when a link is lost', () => {
    const bench = agreed({ inline_failover: 1 });
    bench.link(1, { carrier: false });
    expect(bench.senders).toBe('eth2');
  });

  it('loses its carrier below min_links, and with lacp_strict counts ports that are negotiated', () => {
    const bench = agreed({ min_links: 2 });
    expect(bench.bond.snapshot().carrier).toBe(true);
    bench.hear(2, { state: 0x07 });
    bench.run(bench.now + 104);
    expect(bench.bond.snapshot().carrier).toBe(true);
    bench.set('lacp_strict', 'on');
    expect(bench.bond.snapshot().carrier).toBe(false);
    bench.set('min_links', 1);
    expect(bench.bond.snapshot().carrier).toBe(true);
  });

  it('tells its partner when a member leaves, and not of one that is gone', () => {
    const bench = agreed();
    bench.forget();
    bench.leave(1);
    const [farewell] = bench.slow();
    expect(farewell).toMatchObject({ member: 1, frame: { kind: 'lacpdu' } });
    if (farewell?.frame.kind === 'lacpdu')
      expect(farewell.frame.pdu.actor.state & (AGGREGATION | SYNCHRONIZATION | COLLECTING)).toBe(0);
    expect(bench.seen.findIndex(({ output }) => output.kind === 'send-through')).toBeLessThan(
      bench.seen.findIndex(({ output }) => output.kind === 'detach-member'),
    );
    bench.forget();
    bench.leave(2, 'gone');
    expect(bench.slow()).toEqual([]);
    expect(bench.bond.snapshot().lacp).toBeUndefined();
  });

  it('costs nothing while it has no members, and ticks as if it always had some', () => {
    const bench = new LacpBench({}, []);
    bench.set('miimon', 100_000);
    bench.run(30_050);
    expect(bench.bond.deadline()).toBeGreaterThan(60_000);
    bench.join(1);
    // A multiple of a tick since it was set up.
    expect(bench.bond.deadline()).toBe(289 * 104);
    bench.run(40_000);
    expect(bench.slow().length).toBeGreaterThan(5);
    expect(new Set(bench.slow().map(({ at }) => at % 104))).toEqual(new Set([0]));
  });

  it('counts as changed only when something is seen that is new', () => {
    const bench = agreed({ miimon: 100_000 });
    const before = bench.bond.revision();
    bench.talk(bench.now + 20_000);
    expect(bench.bond.revision()).toBe(before);
    bench.hear(2, { key: 7 });
    expect(bench.bond.revision()).toBe(before + 1);
  });

  it('numbers ports and aggregators from 1 again when it was empty', () => {
    const bench = agreed();
    bench.leave(1);
    bench.join(3);
    expect(bench.port(3).actor.port).toBe(3);
    for (const member of [2, 3]) bench.leave(member);
    bench.join(1);
    bench.run(bench.now + 300);
    expect([bench.port(1).actor.port, bench.port(1).aggregator]).toEqual([1, 1]);
  });
});

describe('keys', () => {
  it.each([
    [10, 'full', 2],
    [1000, 'full', 4],
    [800_000, 'full', 17],
    [80_000, 'full', 18],
    [123, 'full', 0],
    [1000, 'half', 4],
  ] as const)('of %i Mbit/s, %s duplex', (speedMbps, duplex, number) => {
    const bench = new LacpBench({ ad_user_port_key: 5 }, []);
    bench.join(1, { speedMbps, duplex });
    expect(bench.port(1).actor.key).toBe((5 << 6) | (number << 1) | Number(duplex === 'full'));
  });

  it('keep ports of two speeds in two aggregates, and it is told why', () => {
    const bench = new LacpBench({}, [1]);
    bench.join(2, { speedMbps: 10_000 });
    bench.talk(4000);
    expect(bench.senders).toBe('eth1');
    expect(bench.port(2).explanation?.text).toBe(
      'eth2 runs at 10000 Mbit/s, the aggregate at 1000: ports of one aggregate have one speed',
    );
  });

  it('a member whose speed becomes unknown is not used', () => {
    const bench = agreed();
    bench.link(2, { speedMbps: null });
    bench.talk(bench.now + 1000);
    expect(bench.senders).toBe('eth1');
    bench.link(2, { speedMbps: 1000 });
    bench.talk(bench.now + 4000);
    expect(bench.senders).toBe('eth1 eth2');
  });
});

describe('ad_select', () => {
  /** Members 1 and 2 with one partner, 3 to 5 with another. */
  function twoPartners(options: Readonly<Record<string, string>>): LacpBench {
    const bench = new LacpBench(options, [1, 2, 3, 4, 5]);
    return bench;
  }
  function talkToTwo(bench: LacpBench, until: number): void {
    while (bench.now < until) {
      for (const member of [1, 2]) bench.hear(member);
      for (const member of [3, 4, 5]) bench.hear(member, { system: '02:cc:00:00:00:01' });
      bench.run(bench.now + 1000);
    }
  }

  it.each([
    ['stable', 'eth1 eth2'],
    ['bandwidth', 'eth3 eth4 eth5'],
    ['count', 'eth3 eth4 eth5'],
  ])('%s chooses %s', (word, senders) => {
    const bench = twoPartners({ ad_select: word });
    talkToTwo(bench, 6000);
    expect(bench.senders).toBe(senders);
  });

  it('actor_port_prio chooses by the sum of the ports’ priorities', () => {
    const bench = twoPartners({ ad_select: 'actor_port_prio' });
    bench.set('actor_port_prio', 'eth1:2000');
    talkToTwo(bench, 6000);
    expect(bench.senders).toBe('eth1 eth2');
    expect(bench.port(1).actor.portPriority).toBe(2000);
  });
});

describe('coupled_control=off', () => {
  function collecting(options: Readonly<Record<string, string | number>>): LacpBench {
    const bench = new LacpBench({ coupled_control: 'off', ...options });
    bench.talk(4000, { state: 0x0f });
    return bench;
  }

  it('collects first, and distributes when the partner collects', () => {
    const bench = collecting({});
    expect([bench.port(1).mux, bench.senders]).toEqual(['collecting', '']);
    bench.talk(bench.now + 1100, { state: 0x1f });
    expect([bench.port(1).mux, bench.senders]).toEqual(['distributing', 'eth1 eth2']);
  });

  it('takes in what comes while it collects, which the driver drops', () => {
    const heard = (bench: LacpBench): number[] =>
      bench.bond.plan().members.flatMap(({ member, heardBesides }) => (heardBesides ? [member] : []));
    expect(heard(collecting({}))).toEqual([1, 2]);
    expect(heard(collecting({ lacp_quirks: 1 }))).toEqual([]);
    // And the data plane is told.
    const told = collecting({}).outputs('forward').at(-1)?.plan.members ?? [];
    expect(told.map(({ heardBesides, usable }) => [heardBesides, usable])).toEqual([
      [true, false],
      [true, false],
    ]);
  });
});

describe('better than the driver', () => {
  it('a port that gave its partner up asks every second', () => {
    for (const [quirks, most] of [
      [0, 40],
      [1, 8],
    ] as const) {
      const bench = new LacpBench({ lacp_quirks: quirks }, [1]);
      bench.run(40_000);
      const count = bench.slow().length;
      if (quirks === 0) expect(count).toBeGreaterThan(30);
      expect(count).toBeLessThanOrEqual(most);
    }
  });

  it('LACPDUs of its own are silence of the partner, and it is told', () => {
    for (const [quirks, state] of [
      [0, 'defaulted'],
      [1, 'current'],
    ] as const) {
      const bench = agreed({ lacp_quirks: quirks });
      while (bench.now < 15_000) {
        bench.hear(1, { system: bench.port(1).actor.system });
        bench.hear(2);
        bench.run(bench.now + 1000);
      }
      expect(bench.port(1).receive).toBe(state);
      expect(bench.senders).toBe(quirks === 0 ? 'eth2' : 'eth1 eth2');
      expect(bench.events('link').some(({ message }) => message.includes('its cable is looped'))).toBe(true);
    }
  });

  it('LACPDUs with a VLAN tag are not taken, but for one that has a priority only', () => {
    const taken = (quirks: 0 | 1, tci: number): boolean => {
      const bench = new LacpBench({ lacp_quirks: quirks });
      bench.run(300);
      bench.hear(1, {}, null, [{ tpid: 0x8100, tci }]);
      return bench.port(1).receive === 'current';
    };
    expect([taken(0, 5), taken(0, 0xe000), taken(1, 5)]).toEqual([false, true, true]);
  });

  it('ten markers are answered at once, and ten a second', () => {
    const marker = Uint8Array.from([
      1,
      0x80,
      0xc2,
      0,
      0,
      2,
      2,
      0xbb,
      0,
      0,
      0,
      1,
      0x88,
      9,
      2,
      1,
      1,
      16,
      ...new Uint8Array(106).fill(7),
    ]);
    for (const [quirks, answers] of [
      [0, 19],
      [1, 100],
    ] as const) {
      const bench = agreed({ lacp_quirks: quirks });
      bench.forget();
      for (let at = 0; at < 100; at++) {
        bench.give({ kind: 'slow-frame', member: 1, frame: marker });
        bench.run(bench.now + 10);
      }
      expect(bench.slow().filter(({ frame }) => frame.kind === 'marker').length).toBe(answers);
      expect(bench.port(1).counts).toMatchObject({ markerIn: 100, markerResponseOut: answers });
    }
  });

  it('partners are told the system address when the bond gets another MAC address', () => {
    for (const [quirks, told] of [
      [0, '02:00:00:00:00:77'],
      [1, '02:00:00:00:00:01'],
    ] as const) {
      const bench = agreed({ lacp_quirks: quirks });
      const { name, mtu } = bench.bond.facts();
      const flags = { promiscuous: false, allMulticast: false, adminUp: true };
      bench.give({ kind: 'bond-link', name, mtu, address: '02:00:00:00:00:77', ...flags });
      expect(bench.port(1).actor.system).toBe(told);
    }
  });

  it('two passive ends say nothing any more once they heard each other', () => {
    const counts = ([0, 1] as const).map(quirks => {
      const bench = new LacpBench({ lacp_active: 'off', lacp_quirks: quirks }, [1]);
      bench.run(400);
      bench.forget();
      while (bench.now < 10_000) {
        bench.talk(bench.now + 1000, { state: 0x3f & ~ACTIVITY });
        bench.talk(bench.now + 1000, { state: 0x07 & ~ACTIVITY });
      }
      return bench.slow().length;
    });
    expect(counts[0]).toBeLessThanOrEqual(1);
    expect(counts[1]).toBeGreaterThan(5);
  });
});

describe('options', () => {
  it('are of this mode alone, and some wait until the bond is down', () => {
    const bench = agreed();
    expect(bench.set('lacp_rate', 'slow')).toBe('EBUSY');
    expect(bench.set('coupled_control', 'off')).toBe('EBUSY');
    expect(bench.set('lacp_quirks', 1)).toBeNull();
    expect(bench.set('actor_port_prio', 'eth1:7')).toBeNull();
    expect(bench.port(1).actor.portPriority).toBe(7);
  });

  it('of the system are told at once', () => {
    const bench = agreed();
    bench.forget();
    bench.set('ad_actor_sys_prio', 100);
    bench.set('ad_actor_system', '02:dd:00:00:00:01');
    bench.run(bench.now + 400);
    for (const member of [1, 2]) {
      const sent = bench.slow().find(each => each.member === member);
      expect(sent?.frame.kind === 'lacpdu' && sent.frame.pdu.actor).toMatchObject({
        systemPriority: 100,
        system: '02:dd:00:00:00:01',
      });
    }
  });

  it('of the rate change flags while the bond is down, and its ticks go on from where they ended', () => {
    const bench = agreed();
    bench.up(false);
    expect(bench.bond.deadline()).toBeNull();
    bench.hear(1, { state: 0x07 });
    expect(bench.port(1).partner.state).toBe(0x3f);
    expect(bench.set('lacp_rate', 'slow')).toBeNull();
    bench.run(bench.now + 60_000);
    bench.up();
    bench.talk(bench.now + 1000);
    expect([bench.port(1).actor.state, bench.senders]).toEqual([0x3d, 'eth1 eth2']);
  });
});

describe('what is told', () => {
  it('names the switch ports that are not in one channel group', () => {
    const bench = agreed();
    bench.hear(2, { key: 7 });
    bench.run(bench.now + 200);
    expect(bench.events('link').at(-1)?.message).toBe(
      "The partner of eth2 is port 2 of 02:bb:00:00:00:01 with key 7, that of eth1 is port 1 with key 9: the switch's ports are not in one channel group",
    );
    bench.talk(bench.now + 4000);
    expect(bench.events('link').at(-1)?.message).toBe('eth2 speaks LACP with port 2 of 02:bb:00:00:00:01');
  });

  it('says why a port carries no traffic', () => {
    const bench = agreed();
    bench.run(bench.now + 7000);
    expect(bench.events('link').map(({ message }) => message)).toContainEqual(
      expect.stringContaining('eth1 hears no LACPDUs'),
    );
  });
});

describe('frames that are none', () => {
  it('change nothing but counts', () => {
    const bench = agreed();
    const before = bench.port(1);
    const good = lacpduFrame('02:bb:00:00:00:0f', { actor: PARTNER, partner: before.actor });
    if (!good.ok) throw new Error(good.error);
    bench.give({ kind: 'slow-frame', member: 1, frame: good.value.subarray(0, 60) });
    bench.give({ kind: 'slow-frame', member: 9, frame: good.value });
    const other = good.value.slice();
    other[14] = 10;
    bench.give({ kind: 'slow-frame', member: 1, frame: other });
    const { counts, ...after } = bench.port(1);
    expect({ ...after, counts: before.counts }).toEqual(before);
    expect(counts).toMatchObject({ illegalIn: 1, unknownIn: 1, lacpduIn: before.counts.lacpduIn });
  });
});
