// The ARP monitor of active-backup in virtual time, on a switch that floods broadcasts, beside the times the driver showed.
import { describe, expect, it } from 'vitest';
import { BROADCAST_MAC } from '../../base/index.js';
import { Bond } from '../bond.js';
import type { Input, Output } from '../contract.js';
import { membersThat } from '../forwarding-plan.js';
import { Bench, linkOf, stackOf } from '../testing.js';

const TARGET = '192.0.2.254';
const OWN = '192.0.2.1';
type Probe = Extract<Output, { kind: 'probe' }>;

/** A bond whose members end at one switch, with targets behind it that answer or do not; frames take no time. */
class Network extends Bench {
  readonly answering = new Set<string>([TARGET]);
  /** Members whose port passes nothing, with the carrier on. */
  readonly silent = new Set<number>();
  readonly #members: readonly number[];
  #done = 0;

  constructor(options: Readonly<Record<string, string | number>>, members: readonly number[] = [1, 2]) {
    super({ miimon: 0, arp_interval: 200, arp_ip_target: TARGET, ...options }, members);
    this.#members = members;
    this.give({ kind: 'stack', devices: [stackOf({ ipv4: [OWN] })] });
    const targets = String(options['arp_ip_target'] ?? TARGET).split(',');
    this.give({
      kind: 'routes',
      routes: targets.map(target => ({ target, path: 'bond', sender: OWN, vlans: [] })),
    });
    this.up();
  }

  override forget(): void {
    super.forget();
    this.#done = 0;
  }

  get probes(): (Probe & { at: number })[] {
    return this.seen.flatMap(({ at, output }) => (output.kind === 'probe' ? [{ ...output, at }] : []));
  }

  #hears(member: number, isReply: boolean, sender: string, target: string): void {
    if (this.silent.has(member)) return;
    const at = this.now;
    this.give({ kind: 'heard', heard: [{ member, anyMs: at, probeLikeMs: at }] });
    this.give({
      kind: 'answer',
      answer: { member, atMs: at, protocol: 'arp', isReply, sender, target, destination: BROADCAST_MAC },
    });
  }

  /** Carries what was sent: a request to all other members, an answer to the one that asked. */
  override give(input: Input): string | null {
    const refused = super.give(input);
    if (input.kind !== 'time') return refused;
    while (this.#done < this.seen.length) {
      const output = this.seen[this.#done++]?.output;
      if (output?.kind !== 'probe' || this.silent.has(output.member)) continue;
      const { target, member } = output;
      for (const other of this.#members) if (other !== member) this.#hears(other, false, OWN, target);
      if (this.answering.has(target)) this.#hears(member, true, target, OWN);
    }
    return refused;
  }

  /** When an event of this type about `member` came, after `since`. */
  when(type: 'link' | 'recovered' | 'lost', since: number, member?: string): number[] {
    return this.seen.flatMap(({ at, output }) => {
      if (output.kind !== 'event' || output.event.type !== type || at < since) return [];
      return member === undefined || output.event.member === member ? [at - since] : [];
    });
  }
}

describe('active-backup with arp_validate=all', () => {
  it.each([
    [2, 600],
    [4, 1000],
  ])('arp_missed_max=%i: a target that falls silent is noticed after %i ms', (missed, bound) => {
    const net = new Network({ arp_validate: 'all', arp_missed_max: missed });
    net.run(2050);
    expect(net.active).toBe('eth1');
    expect(net.state(2)).toBe('up');
    net.answering.delete(TARGET);
    net.run(8000);
    // The last answer came at 2000; the driver showed 0.6 s and 1.05 s.
    const [first] = net.when('link', 2000, 'eth1');
    expect(first).toBe(bound);
    expect(net.when('lost', 2000).length).toBe(1);
    expect(net.bond.snapshot().carrier).toBe(false);
  });

  it('tries one candidate after the other without a member, and comes back when the target answers', () => {
    const net = new Network({ arp_validate: 'all' });
    net.run(1000);
    net.answering.delete(TARGET);
    net.run(6000);
    const asked = net.probes.filter(probe => probe.at > 5000).map(probe => probe.member);
    expect(asked).toEqual(asked[0] === 1 ? [1, 2, 1, 2, 1] : [2, 1, 2, 1, 2]);
    expect([net.state(1), net.state(2)].toSorted()).toEqual(['back', 'fail']);
    net.answering.add(TARGET);
    net.run(6450);
    expect(net.active).not.toBeNull();
    expect(net.bond.snapshot().carrier).toBe(true);
  });

  it('says which target did not answer, through which member, for how long', () => {
    const net = new Network({ arp_validate: 'all' });
    net.run(1000);
    net.silent.add(1);
    net.run(3000);
    const said = net.events('failover').at(-1);
    expect(said).toMatchObject({ from: 'eth1', to: 'eth2' });
    expect(said?.reason).toBe('no answer from 192.0.2.254 for 600 ms through eth1');
    expect(net.member(1)).toMatchObject({ link: 'down', linkFailureCount: 1, carrier: true });
  });

  it('moves back to a primary that hears again', () => {
    const net = new Network({ arp_validate: 'all', primary: 'eth1' });
    net.run(1000);
    net.silent.add(1);
    net.run(3000);
    expect(net.active).toBe('eth2');
    net.silent.delete(1);
    net.run(4000);
    expect(net.active).toBe('eth1');
  });
});

describe('active-backup with arp_validate=none', () => {
  it('is kept alive by its own requests for ever, member after member', () => {
    const net = new Network({ arp_validate: 'none' });
    net.run(1000);
    net.answering.delete(TARGET);
    net.forget();
    net.run(21_000);
    const moves = net.events('failover').length;
    expect(moves).toBeGreaterThanOrEqual(20_000 / 800 - 2);
    expect(moves).toBeLessThanOrEqual(20_000 / 600 + 2);
    expect(net.events('lost')).toEqual([]);
  });

  it('raises no alarm while all is well', () => {
    const net = new Network({ arp_validate: 'none' });
    net.run(600_000);
    expect(net.events('link')).toEqual([]);
    expect(net.probes.length).toBe(3001);
  });
});

describe('arp_all_targets', () => {
  const both = `${TARGET},192.0.2.253`;
  it.each([
    ['any', 'eth1', 0],
    ['all', null, 1],
  ])('%s, one of two targets silent', (all, active, failures) => {
    const net = new Network({ arp_validate: 'all', arp_all_targets: all, arp_ip_target: both });
    net.answering.add('192.0.2.253');
    net.run(1000);
    net.answering.delete('192.0.2.253');
    net.run(3000);
    expect(net.active).toBe(active);
    expect(net.member(1).linkFailureCount).toBe(failures);
  });

  it('gives a new target time to answer', () => {
    const net = new Network({ arp_validate: 'all', arp_all_targets: 'all' });
    net.answering.add('192.0.2.253');
    net.run(1000);
    expect(net.set('arp_ip_target', '+192.0.2.253')).toBeNull();
    net.run(10_000);
    expect(net.events('link')).toEqual([]);
  });
});

describe('routes', () => {
  it('asks nothing whose route goes elsewhere, and gives up for want of asking', () => {
    const net = new Network({ arp_validate: 'none' });
    net.run(1000);
    net.give({ kind: 'routes', routes: [{ target: TARGET, path: 'elsewhere' }] });
    net.forget();
    net.run(1900);
    expect(net.probes).toEqual([]);
    expect(net.member(1).linkFailureCount).toBe(1);
    expect(net.events('link')[0]?.message).toContain('nothing could be asked through eth1');
  });

  it('asks without a sender where there is no route, and warns once', () => {
    const net = new Network({ arp_validate: 'all' });
    const gone = { kind: 'routes', routes: [{ target: TARGET, path: 'none' }] } as const;
    net.forget();
    net.give(gone);
    net.give(gone);
    net.run(100);
    net.run(300);
    expect(net.probes.at(-1)).toMatchObject({ target: TARGET, sender: null, vlans: [] });
    expect(net.events('option').length).toBe(1);
  });

  it('asks through the VLAN that the route names', () => {
    const net = new Network({});
    const vlans = [
      { tpid: 0x88a8, tci: 3 },
      { tpid: 0x8100, tci: 4 },
    ];
    net.give({ kind: 'routes', routes: [{ target: TARGET, path: 'bond', sender: '198.51.100.1', vlans }] });
    net.run(500);
    expect(net.probes.at(-1)).toMatchObject({ sender: '198.51.100.1', vlans });
  });
});

describe('the monitors exclude each other', () => {
  it('ends with miimon, begins with arp_interval, and stops while the bond is down', () => {
    const net = new Network({ arp_validate: 'all' });
    net.run(500);
    net.set('miimon', 100);
    expect(net.bond.snapshot().options).toMatchObject({ arp_interval: 0, arp_validate: 'none' });
    net.forget();
    net.run(2000);
    expect(net.probes).toEqual([]);
    net.set('arp_interval', 100);
    expect(net.bond.snapshot().options.miimon).toBe(0);
    net.run(2500);
    expect(net.probes.length).toBe(6);
    net.up(false);
    expect(net.bond.deadline()).toBeNull();
  });

  it('a member without carrier joins as down, one with carrier as up', () => {
    const net = new Network({});
    net.join(3, { carrier: false });
    net.join(4);
    expect([net.state(3), net.state(4)]).toEqual(['down', 'up']);
  });

  it('a saved bond goes on an hour later without an alarm', () => {
    const net = new Network({ arp_validate: 'all' });
    net.run(1000);
    const later = Bond.restore(net.bond.save(net.now), 3_600_000);
    expect(later.deadline()).toBe(3_600_200);
    expect(later.handle({ kind: 'time' }, 3_600_200).ok).toBe(true);
    expect(later.snapshot().members.map(member => member.link)).toEqual(['up', 'up']);
    expect(linkOf(1).name).toBe(later.snapshot().options.active_slave);
  });
});

describe('a tick that comes late', () => {
  it('counts against nobody: nothing was asked in that time', () => {
    const net = new Network({ arp_validate: 'all' });
    net.run(2050);
    net.forget();
    net.now = 2800;
    net.give({ kind: 'time' });
    net.run(4000);
    expect(net.when('link', 0)).toEqual([]);
    expect(net.active).toBe('eth1');
  });

  it('does not hide a silence that goes on', () => {
    const net = new Network({ arp_validate: 'all' });
    net.run(2050);
    net.silent.add(1);
    net.now = 2800;
    net.give({ kind: 'time' });
    net.run(3600);
    expect(net.active).toBe('eth2');
  });
});

describe.each(['active-backup', 'balance-rr'])('a bond of mode %s that is set up', mode => {
  it.each(['none', 'all'])(
    'gives nobody up for what was not asked while it was down, arp_validate=%s',
    validate => {
      if (mode === 'balance-rr' && validate === 'all') return;
      const net = new Network({ mode, arp_validate: validate });
      net.run(2050);
      net.up(false);
      net.run(9000);
      net.forget();
      net.up();
      net.run(12_000);
      expect(net.when('link', 0)).toEqual([]);
      expect(membersThat(net.bond.plan(), ({ usable }) => usable)).toContain(1);
    },
  );

  it('gives one up in time that is silent when it comes up', () => {
    const net = new Network({ mode });
    net.run(2050);
    net.up(false);
    net.run(9000);
    net.silent.add(1);
    net.forget();
    net.up();
    net.run(12_000);
    expect(net.when('link', 9000, 'eth1')[0]).toBeGreaterThan(200);
    expect(net.when('link', 9000, 'eth1')[0]).toBeLessThanOrEqual(4 * 200);
  });
});

describe('balance-rr', () => {
  it('gives up a member that hears nothing after two and a half intervals, and takes it back at once', () => {
    const net = new Network({ mode: 'balance-rr' });
    net.run(2050);
    net.forget();
    net.silent.add(1);
    net.run(3000);
    expect(net.when('link', 2050, 'eth1')).toHaveLength(1);
    expect(net.when('link', 2050, 'eth1')[0]).toBeLessThanOrEqual(3.5 * 200);
    expect(membersThat(net.bond.plan(), ({ usable }) => usable)).toEqual([2]);
    net.silent.delete(1);
    net.run(3500);
    expect(net.when('recovered', 3000, 'eth1')[0]).toBeLessThanOrEqual(2 * 200);
    expect(membersThat(net.bond.plan(), ({ usable }) => usable)).toEqual([1, 2]);
  });
});
