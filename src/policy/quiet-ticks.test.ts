// Which ticks of the MII monitor are left out, and which are not. (That the bond says and does the same: bond.property.test.ts.)
import { describe, expect, it } from 'vitest';
import { Bench } from './testing.js';

/** A bond of eth1 and eth2, whose ticks find nothing any more, at 10,000 ms: the next tick is 70 ms later. */
function settled(options: Readonly<Record<string, string | number>> = {}) {
  const bench = new Bench({ num_grat_arp: 2, resend_igmp: 0, ...options });
  bench.now = 70;
  bench.up();
  bench.join(1);
  bench.join(2);
  bench.run(10_000);
  return bench;
}

describe('Bond.rest()', () => {
  it('leaves out ticks until then, and not the first after it', () => {
    const { bond } = settled();
    expect(bond.deadline()).toBe(10_070);
    bond.rest(11_000);
    expect(bond.deadline()).toBe(11_070);
    bond.handle({ kind: 'time' }, 11_070);
    expect(bond.deadline()).toBe(11_170);
  });

  it('leaves none out that is later', () => {
    const { bond } = settled();
    bond.rest(10_069);
    expect(bond.deadline()).toBe(10_070);
    bond.rest(10_070);
    expect(bond.deadline()).toBe(10_170);
  });

  it('ends with whatever comes in: the next tick is where it would have been', () => {
    const bench = settled();
    const { bond } = bench;
    bond.rest(20_000);
    bond.handle({ kind: 'set-option', option: 'num_grat_arp', value: '1' }, 12_345);
    expect(bond.deadline()).toBe(12_370);
    bond.rest(20_000);
    bond.handle({ kind: 'stack', devices: [] }, 13_000);
    expect(bond.deadline()).toBe(20_070);
  });

  it('is not taken while a link is not what its carrier is, or peers are to be told again', () => {
    const lost = settled({ downdelay: 300 });
    lost.link(2, { carrier: false });
    lost.bond.rest(20_000);
    expect(lost.bond.deadline()).toBe(10_070);
    const moved = settled({ inline_failover: 1 });
    moved.link(1, { carrier: false });
    expect(moved.bond.facts().active).toBe(2);
    moved.bond.rest(20_000);
    expect(moved.bond.deadline()).toBe(10_070);
    moved.run(10_500);
    moved.bond.rest(20_000);
    expect(moved.bond.deadline()).toBe(20_070);
  });

  it('is not in what is written down', () => {
    const { bond } = settled();
    const before = bond.save(10_005);
    bond.rest(20_000);
    expect(bond.save(10_005)).toEqual(before);
    expect(bond.save(10_095).state.timers.mii).toBe(75);
    expect(bond.deadline()).toBe(20_070);
  });

  it('leaves the ARP monitor, and a bond without a monitor, as they are', () => {
    const { bond } = settled({ miimon: 0, arp_interval: 100, arp_ip_target: '192.0.2.9' });
    const dueMs = bond.deadline();
    bond.rest(20_000);
    expect(bond.deadline()).toBe(dueMs);
    const idle = settled({ miimon: 0 }).bond;
    idle.rest(20_000);
    expect(idle.deadline()).toBeNull();
  });
});
