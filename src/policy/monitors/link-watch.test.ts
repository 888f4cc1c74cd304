// link_watch and passive_evidence in virtual time: members that a target answers or not, each by itself.
import { describe, expect, it } from 'vitest';
import type { Input, Output } from '../contract.js';
import { Bench, stackOf } from '../testing.js';

const TARGET = '192.0.2.254';
const OWN = '192.0.2.1';
type Probe = Extract<Output, { kind: 'probe' }>;

/** A target that answers every question at once, unless the member that asked is silent. */
class Watched extends Bench {
  readonly silent = new Set<number>();
  #done = 0;

  constructor(options: Readonly<Record<string, string | number>> = {}, members: readonly number[] = [1, 2]) {
    super({ miimon: 100, arp_interval: 100, arp_ip_target: TARGET, link_watch: 'any', ...options }, members);
    this.give({ kind: 'stack', devices: [stackOf({ ipv4: [OWN] })] });
    this.give({ kind: 'routes', routes: [{ target: TARGET, path: 'bond', sender: OWN, vlans: [] }] });
    this.up();
  }

  override forget(): void {
    super.forget();
    this.#done = 0;
  }

  get probes(): Probe[] {
    return this.outputs('probe');
  }

  override give(input: Input): string | null {
    const refused = super.give(input);
    if (input.kind !== 'time') return refused;
    while (this.#done < this.seen.length) {
      const output = this.seen[this.#done++]?.output;
      if (output?.kind !== 'probe' || this.silent.has(output.member)) continue;
      const { member, target, source = this.member(member).address } = output;
      const atMs = this.now;
      super.give({ kind: 'heard', heard: [{ member, anyMs: atMs, probeLikeMs: atMs }] });
      const answer = { member, atMs, protocol: 'arp', isReply: true, sender: target, target: OWN } as const;
      super.give({ kind: 'answer', answer: { ...answer, destination: source } });
    }
    return refused;
  }

  /** Milliseconds from `since` to the first failover. */
  failover(since: number): number | null {
    const found = this.seen.find(({ output }) => output.kind === 'event' && output.event.type === 'failover');
    return found === undefined ? null : found.at - since;
  }
}

describe('link_watch=any', () => {
  it('a silent member is left within arp_missed_max intervals and a half, and says why', () => {
    const net = new Watched();
    net.run(1030);
    net.forget();
    net.silent.add(1);
    net.run(2000);
    expect(net.failover(1030)).toBeLessThanOrEqual(350);
    expect(net.active).toBe('eth2');
    expect(net.events('failover')[0]?.reason).toMatch(
      /^no answer from 192\.0\.2\.254 through eth1 for \d+ ms$/,
    );
    expect(net.member(1).linkFailureCount).toBe(1);
    net.silent.clear();
    net.run(2500);
    expect(net.state(1)).toBe('up');
    expect(net.active).toBe('eth2');
  });

  it.each([0, 1, 13, 24, 25, 26, 50, 74, 99])(
    'with passive evidence a member that falls silent %i ms after a question is left in less than 300 ms',
    after => {
      const net = new Watched({ passive_evidence: 1 });
      net.run(2000 + after);
      net.forget();
      net.silent.add(1);
      net.run(3000);
      expect(net.failover(2000 + after)).toBeLessThan(300);
      expect(net.active).toBe('eth2');
    },
  );

  it('a target that answers nobody is no reason to leave a member', () => {
    const net = new Watched({ passive_evidence: 1 });
    net.run(1000);
    net.silent.add(1).add(2);
    net.run(60_000);
    expect(net.active).toBe('eth1');
    expect(net.bond.snapshot()).toMatchObject({ carrier: true });
    expect(net.member(1).linkFailureCount + net.member(2).linkFailureCount).toBe(0);
  });

  it('who is idle hears nothing else than its answers, and is never left', () => {
    const net = new Watched({ passive_evidence: 1 });
    net.run(600_000);
    expect(net.events('link')).toEqual([]);
    expect(net.events('failover')).toHaveLength(1);
  });

  it('a backup asks from an address of its own and without an address of the bond', () => {
    const net = new Watched();
    net.run(1000);
    const [active, backup] = [1, 2].map(member => net.probes.filter(each => each.member === member));
    expect(active?.every(({ sender, source }) => sender === OWN && source === undefined)).toBe(true);
    expect(backup?.length).toBeGreaterThan(5);
    expect(new Set(backup?.map(({ sender, source }) => `${sender} ${source}`))).toEqual(
      new Set(['null 02:00:00:00:00:02']),
    );
    expect(net.bond.plan().askingAddresses).toEqual(['02:00:00:00:00:02']);
    // The first member's own address is the bond's: as a backup it takes a spare one.
    net.set('active_slave', 'eth2');
    const [spare] = net.bond.plan().askingAddresses;
    expect(spare).not.toBe(net.bond.snapshot().address);
    expect(spare).toMatch(/^[0-9a-f]?[26ae]:/);
  });

  it('an answer that a trunk gives to another member counts for the one that asked', () => {
    const net = new Watched({ mode: 'balance-xor' });
    net.run(1000);
    net.silent.add(1);
    for (let at = 1050; at < 3000; at += 50) {
      net.run(at);
      const [asking = ''] = net.bond.plan().askingAddresses;
      const answer = {
        member: 2,
        atMs: at,
        protocol: 'arp',
        isReply: true,
        sender: TARGET,
        target: '0.0.0.0',
      } as const;
      net.give({ kind: 'answer', answer: { ...answer, destination: asking } });
    }
    expect(net.state(1)).toBe('up');
  });

  it('a lost carrier counts at once, and updelay and downdelay hold for silence too', () => {
    const net = new Watched({ updelay: 300, downdelay: 200, inline_failover: 1 });
    net.run(1000);
    net.silent.add(1);
    net.run(1400);
    expect(net.state(1)).toBe('fail');
    net.run(1800);
    expect(net.state(1)).toBe('down');
    net.silent.clear();
    net.run(2150);
    expect(net.state(1)).toBe('back');
    net.run(2500);
    expect(net.state(1)).toBe('up');
  });

  it('a tick that comes late accuses nobody', () => {
    const net = new Watched({ passive_evidence: 1 });
    net.run(1000);
    net.now = 4000;
    net.give({ kind: 'time' });
    net.run(4020);
    expect(net.active).toBe('eth1');
    expect(net.events('link')).toEqual([]);
  });
});

describe('link_watch=all', () => {
  it('silence alone is not enough, nor a lost carrier of one that is answered', () => {
    const net = new Watched({ link_watch: 'all' });
    net.run(1000);
    net.silent.add(1);
    net.run(3000);
    expect(net.active).toBe('eth1');
    net.link(1, { carrier: false });
    net.run(3200);
    expect(net.active).toBe('eth2');
  });
});

describe('options', () => {
  it('both monitors are refused without link_watch, in the order of the driver', () => {
    expect(() => new Watched({ link_watch: 'driver' })).toThrow(
      'ARP monitoring cannot be used with MII monitoring',
    );
  });

  it.each(['active-backup', 'balance-rr', 'balance-xor', 'broadcast', 'balance-tlb'])('%s has both', mode => {
    const net = new Watched({ mode });
    const { options } = net.bond.snapshot();
    expect(options).toMatchObject({ miimon: 100, arp_interval: 100, link_watch: 'any' });
    net.run(2000);
    expect([net.state(1), net.state(2)]).toEqual(['up', 'up']);
  });

  it('back to the driver only one monitor is left', () => {
    const net = new Watched();
    expect(net.set('link_watch', 'driver')).toBe(null);
    expect(net.bond.snapshot().options).toMatchObject({ miimon: 100, arp_interval: 0 });
    expect(net.set('link_watch', 'all')).toBe(null);
    expect(net.set('arp_interval', 200)).toBe(null);
    expect(net.bond.snapshot().options).toMatchObject({ miimon: 100, arp_interval: 200 });
  });

  it('balance-tlb has no ARP monitor without it', () => {
    const net = new Watched({ mode: 'balance-tlb' });
    expect(net.set('link_watch', 'driver')).toBe(null);
    expect(net.set('arp_interval', 100)).toBe('EACCES');
  });

  it('a member that was silent is still so after a restart', () => {
    const net = new Watched();
    net.run(1000);
    net.silent.add(1);
    net.run(2000);
    expect(net.active).toBe('eth2');
    const saved = net.bond.save(2000);
    expect(saved.state.members.map(member => member.watch.silent)).toEqual([true, false]);
  });
});

describe('when a monitor is taken away or comes back', () => {
  it('nobody is held for dead who was answered until then: link_watch=driver with the ARP monitor', () => {
    const net = new Watched();
    net.run(net.now + 3000);
    net.forget();
    expect(net.set('link_watch', 'driver')).toBeNull();
    expect(net.set('arp_interval', '100')).toBeNull();
    net.run(net.now + 1000);
    expect(net.failover(0)).toBeNull();
  });

  it('a member that was silent is not held for silent still', () => {
    const net = new Watched();
    expect(net.set('primary', 'eth1')).toBeNull();
    net.run(net.now + 2000);
    net.silent.add(1);
    net.run(net.now + 1000);
    expect(net.active).toBe('eth2');
    expect(net.set('miimon', '0')).toBeNull();
    net.silent.clear();
    // The backup hears the questions of the other, as a switch sends them everywhere.
    for (let turn = 0; turn < 60; turn++) {
      net.run(net.now + 50);
      net.give({ kind: 'heard', heard: [{ member: 1, anyMs: net.now, probeLikeMs: net.now }] });
    }
    expect(net.active).toBe('eth1');
    net.forget();
    expect(net.set('miimon', '100')).toBeNull();
    net.run(net.now + 1000);
    expect(net.failover(0)).toBeNull();
  });
});
