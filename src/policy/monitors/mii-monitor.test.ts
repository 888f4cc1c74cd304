// The MII monitor: every row of its table with every delay, tick by tick; then the same through a bond.
import { describe, expect, it } from 'vitest';
import type { LinkState } from '../contract.js';
import { type Finding, inspect, MII_TABLE } from './mii-monitor.js';
import { Bench } from '../testing.js';

/** Ticks until DOWN or UP, with the state after each, carrier held. */
function follow(link: LinkState, carrier: boolean, delay: number, ignoreUpdelay = false): string[] {
  const seen: string[] = [];
  let state = link;
  let delayTicks = delay;
  for (let tick = 0; tick < 5; tick++) {
    const finding = inspect({
      link: state,
      carrier,
      delayTicks,
      updelayTicks: delay,
      downdelayTicks: delay,
      ignoreUpdelay,
    });
    state = finding.proposed ?? state;
    delayTicks = finding.delayTicks;
    seen.push(`${state} ${delayTicks}`);
    if (state === (carrier ? 'up' : 'down')) break;
  }
  return seen;
}

const one = (link: LinkState, carrier: boolean, delayTicks: number, ignoreUpdelay = false): Finding =>
  inspect({ link, carrier, delayTicks, updelayTicks: 3, downdelayTicks: 3, ignoreUpdelay });

describe('inspect()', () => {
  it('has a row for every state and carrier', () => {
    for (const row of Object.values(MII_TABLE)) expect(Object.keys(row).toSorted()).toEqual(['off', 'on']);
    expect(Object.keys(MII_TABLE).toSorted()).toEqual(['back', 'down', 'fail', 'up']);
  });

  it.each([
    ['up', true],
    ['down', false],
  ] as const)('%s with carrier %s: nothing', (link, carrier) => {
    for (const delay of [0, 1, 2, 3]) {
      expect(one(link, carrier, delay)).toEqual({
        proposed: null,
        delayTicks: delay,
        usedPrivilege: false,
        began: false,
      });
    }
  });

  it.each([
    [0, ['down 0']],
    [1, ['fail 0', 'down 0']],
    [2, ['fail 1', 'fail 0', 'down 0']],
    [3, ['fail 2', 'fail 1', 'fail 0', 'down 0']],
  ])('up without carrier, downdelay %i ticks', (delay, expected) => {
    expect(follow('up', false, delay)).toEqual(expected);
  });

  it.each([0, 1, 2, 3])('fail with carrier, %i ticks left: up again at once', delay => {
    expect(one('fail', true, delay)).toMatchObject({ proposed: 'up', usedPrivilege: false });
  });

  it.each([
    [0, 'down', 0],
    [1, null, 0],
    [2, null, 1],
    [3, null, 2],
  ])('fail without carrier, %i ticks left', (delay, proposed, left) => {
    expect(one('fail', false, delay)).toMatchObject({ proposed, delayTicks: left });
  });

  it.each([
    [0, ['up 0']],
    [1, ['back 0', 'up 0']],
    [2, ['back 1', 'back 0', 'up 0']],
    [3, ['back 2', 'back 1', 'back 0', 'up 0']],
  ])('down with carrier, updelay %i ticks', (delay, expected) => {
    expect(follow('down', true, delay)).toEqual(expected);
    expect(follow('down', true, delay, true)).toEqual(['up 0']);
  });

  it.each([0, 1, 2, 3])('back without carrier, %i ticks left: down again at once', delay => {
    expect(one('back', false, delay)).toMatchObject({ proposed: 'down' });
    expect(one('back', false, delay, true)).toMatchObject({ proposed: 'down' });
  });

  it.each([
    [0, 'up', 0],
    [1, null, 0],
    [2, null, 1],
    [3, null, 2],
  ])('back with carrier, %i ticks left', (delay, proposed, left) => {
    expect(one('back', true, delay)).toMatchObject({
      proposed,
      delayTicks: left,
      usedPrivilege: proposed === 'up',
    });
    expect(one('back', true, delay, true)).toMatchObject({
      proposed: 'up',
      delayTicks: 0,
      usedPrivilege: true,
    });
  });
});

describe('the monitor of a bond', () => {
  it('takes a dead member down on the downdelay-th tick after the one that saw it (300 ms at 100/300), H20 H22', () => {
    const bench = new Bench({ downdelay: 300 }, [1, 2]);
    bench.up();
    bench.run(50);
    bench.link(1, { carrier: false });
    bench.run(399);
    expect([bench.state(1), bench.active, bench.member(1).linkFailureCount]).toEqual(['fail', 'eth1', 0]);
    bench.run(400);
    expect([bench.state(1), bench.active, bench.member(1).linkFailureCount]).toEqual(['down', 'eth2', 1]);
  });

  it('sees a dead link at most miimon ms after it died, H20', () => {
    const bench = new Bench({}, [1, 2]);
    bench.up();
    bench.run(101);
    bench.link(1, { carrier: false });
    expect(bench.state(1)).toBe('up');
    bench.run(200);
    expect([bench.state(1), bench.active]).toEqual(['down', 'eth2']);
  });

  it('loses the carrier while all members are failing, and keeps the active one until downdelay ends', () => {
    const bench = new Bench({ downdelay: 200 }, [1, 2]);
    bench.up();
    bench.link(1, { carrier: false });
    bench.link(2, { carrier: false });
    bench.run(100);
    expect(bench.bond.snapshot().carrier).toBe(false);
    expect(bench.active).toBe('eth1');
    bench.run(200);
    expect(bench.active).toBeNull();
  });

  it('uses the first link that returns at once when all were lost; the others wait their updelay, H23', () => {
    const bench = new Bench({ updelay: 1000 }, [1, 2]);
    bench.up();
    bench.run(1500);
    for (const member of [1, 2]) bench.link(member, { carrier: false });
    bench.run(1600);
    expect(bench.active).toBeNull();
    for (const member of [1, 2]) bench.link(member, { carrier: true });
    bench.run(1700);
    expect([bench.state(1), bench.state(2), bench.active]).toEqual(['up', 'back', 'eth1']);
    bench.run(2600);
    expect(bench.state(2)).toBe('back');
    bench.run(2700);
    expect([bench.state(2), bench.active]).toEqual(['up', 'eth1']);
  });

  it.each([0, 200, 500, 1000, 2000, 5000, 10000])(
    'recovers within one tick with updelay %i when one link returns as the other dies',
    updelay => {
      const bench = new Bench({ updelay }, [1, 2]);
      bench.up();
      bench.run(20000);
      bench.link(1, { carrier: false });
      bench.run(22000);
      expect(bench.active).toBe('eth2');
      bench.link(1, { carrier: true });
      bench.link(2, { carrier: false });
      bench.run(22200);
      expect([bench.active, bench.bond.snapshot().carrier]).toEqual(['eth1', true]);
    },
  );

  it('promotes the member that began to wait first when the active one dies, H23', () => {
    const bench = new Bench({ updelay: 1000 }, [1, 2, 3]);
    bench.up();
    bench.run(3000);
    for (const member of [2, 3]) bench.link(member, { carrier: false });
    bench.run(3100);
    bench.link(3, { carrier: true });
    bench.run(3300);
    bench.link(2, { carrier: true });
    bench.run(3500);
    bench.link(1, { carrier: false });
    bench.run(3600);
    expect([bench.active, bench.state(2)]).toEqual(['eth3', 'back']);
    expect(bench.events('recovered').at(-1)?.message).toContain('before its updelay ends');
  });

  it('starts at once when miimon changes or the bond opens, and stops when it closes', () => {
    const bench = new Bench({ miimon: 1000 }, [1, 2]);
    expect(bench.bond.deadline()).toBeNull();
    bench.up();
    expect(bench.bond.deadline()).toBe(0);
    bench.run(10);
    expect(bench.bond.deadline()).toBe(1000);
    bench.set('miimon', 200);
    expect(bench.bond.deadline()).toBe(10);
    bench.run(20);
    expect(bench.bond.deadline()).toBe(210);
    bench.set('miimon', 0);
    expect(bench.bond.deadline()).toBeNull();
    bench.set('miimon', 100);
    bench.up(false);
    expect(bench.bond.deadline()).toBeNull();
  });

  it('notices nothing without miimon, and says so, H08 H56', () => {
    const bench = new Bench({ miimon: 0 }, [1, 2]);
    bench.up();
    bench.link(1, { carrier: false });
    bench.run(5000);
    expect([bench.state(1), bench.active]).toEqual(['up', 'eth1']);
    bench.set('miimon', 100);
    bench.run(5100);
    expect(bench.active).toBe('eth2');
    bench.set('miimon', 0);
    expect(bench.events('option').some(event => event.message.includes('miimon=100'))).toBe(true);
  });

  it('counts no failure beyond 32 bits and counts BACK to DOWN too', () => {
    const bench = new Bench({ updelay: 300 }, [1, 2]);
    bench.up();
    bench.run(500);
    bench.link(2, { carrier: false });
    bench.run(600);
    bench.link(2, { carrier: true });
    bench.run(700);
    expect(bench.state(2)).toBe('back');
    bench.link(2, { carrier: false });
    bench.run(800);
    expect([bench.state(2), bench.member(2).linkFailureCount]).toEqual(['down', 2]);
  });
});
