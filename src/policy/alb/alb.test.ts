// balance-alb of a whole bond: who is told what and when, at a member's death and return, with VLANs and a bridge, and across a restart.
// Its frames and times as the driver has them are in test/alb-recordings.test.ts.
import { describe, expect, test } from 'vitest';
import { parseEthernet } from '../../frames/index.js';
import { Bond } from '../index.js';
import { stackOf } from '../testing.js';
import { ALB_TICK_MS, DELAY_TICKS } from './alb-ticks.js';
import { AlbBench, clientMac } from './testing.js';

const own = (member: number): string => `02:00:00:00:00:0${member}`;

/** Three clients with a member each, told by now. */
function settled(inline: 0 | 1): AlbBench {
  const bench = new AlbBench({ inline_failover: inline });
  for (const client of [11, 12, 13]) bench.ask(client);
  bench.run(5000);
  expect(bench.told().map(({ ip, through, mac }) => [ip, through, mac])).toEqual([
    ['10.0.0.13', 3, own(3)],
    ['10.0.0.12', 2, own(2)],
    ['10.0.0.11', 1, own(1)],
  ]);
  bench.forget();
  return bench;
}

describe('a member is lost', () => {
  test('its clients are told at once where the bond may be quicker, and three times more', () => {
    const bench = settled(1);
    bench.link(2, { carrier: false });
    expect(bench.told()).toEqual([{ at: 5000, through: 1, ip: '10.0.0.12', mac: own(1) }]);
    expect(bench.table).toBe('13:3 12:1 11:1');
    bench.run(20_000);
    expect(bench.told()).toHaveLength(4);
  });

  test('or after two seconds, as by the driver', () => {
    const bench = settled(0);
    bench.link(2, { carrier: false });
    bench.run(5110);
    expect(bench.told()).toEqual([]);
    expect(bench.table).toBe('13:3 12:1 11:1');
    bench.run(20_000);
    const [first = 0, ...rest] = bench.told().map(({ at }) => at);
    expect(first - 5100).toBeGreaterThan((DELAY_TICKS - 1) * ALB_TICK_MS);
    expect(rest.map((at, nth) => at - ([first, ...rest][nth] ?? 0))).toEqual([2184, 2184, 2184]);
  });

  test('the plan with the new table is given out before anybody is told', () => {
    const bench = settled(1);
    bench.link(2, { carrier: false });
    const order = bench.seen.flatMap(({ output }) =>
      output.kind === 'forward' || (output.kind === 'send-through' && output.what === 'arp')
        ? [output.kind]
        : [],
    );
    expect(order.indexOf('send-through')).toBeGreaterThan(order.indexOf('forward'));
    expect(order.lastIndexOf('forward')).toBeLessThan(order.indexOf('send-through'));
  });

  test('the active one takes everything in for ten seconds, and the switch learns the address there', () => {
    const bench = settled(1);
    bench.link(2, { carrier: false });
    expect(bench.receivers.hearsAll).toBe(true);
    const learnt = bench.outputs('send-through').filter(({ what }) => what === 'learning');
    expect(learnt.map(({ member, frame }) => [member, frame[11]])).toEqual([[1, 2]]);
    bench.run(15_000);
    expect(bench.receivers.hearsAll).toBe(true);
    bench.run(15_600);
    expect(bench.receivers.hearsAll).toBe(false);
  });

  test('the active one itself: its address moves on, and clients of both are told', () => {
    const bench = settled(1);
    bench.link(1, { carrier: false });
    expect([1, 2, 3].map(member => bench.member(member).address)).toEqual([own(2), own(1), own(3)]);
    expect(bench.table).toBe('13:3 12:2 11:2');
    expect(bench.told().map(({ through, ip, mac }) => [through, ip, mac])).toEqual([
      [2, '10.0.0.12', own(1)],
      [2, '10.0.0.11', own(1)],
    ]);
    expect(bench.receivers.hearsAll).toBe(true);
    // It is not the first one any more that takes everything in.
    bench.link(1, { carrier: true });
    bench.link(2, { carrier: false });
    expect(bench.bond.snapshot().active).toBe(3);
  });

  test('the last one: nobody is told, until one is back', () => {
    const bench = settled(1);
    for (const member of [1, 2, 3]) bench.link(member, { carrier: false });
    bench.forget();
    bench.run(9000);
    expect(bench.told()).toEqual([]);
    expect(bench.receivers.next).toBe(null);
    bench.link(3, { carrier: true });
    bench.run(14_000);
    expect(new Set(bench.told().map(({ through }) => through))).toEqual(new Set([3]));
    expect(bench.table).toBe('13:3 12:3 11:3');
  });
});

test('a member that comes back: all are dealt out anew, and told when two seconds are over', () => {
  const bench = settled(1);
  bench.link(2, { carrier: false });
  bench.run(20_000);
  bench.forget();
  bench.link(2, { carrier: true });
  bench.run(20_300);
  expect(bench.table).toBe('13:2 12:3 11:1');
  expect(bench.told()).toEqual([]);
  bench.run(24_000);
  expect(bench.told().map(({ ip, through }) => [ip, through])).toEqual([
    ['10.0.0.13', 2],
    ['10.0.0.12', 3],
  ]);
});

test('our asking puts off what is to be told by two seconds', () => {
  const bench = new AlbBench();
  bench.answer(11);
  bench.ask(12, false);
  bench.run(2500);
  expect(bench.told()).toEqual([]);
  bench.run(4000);
  expect(bench.told().map(({ ip }) => ip)).toEqual(['10.0.0.11']);
});

test('a client of a VLAN is told with its tag, and forgotten with the VLAN', () => {
  const bench = new AlbBench();
  const bond = bench.bond.snapshot().address;
  const tag = { tpid: 0x8100, tci: 5 };
  const vlan = stackOf({ ifindex: 101, name: 'bond0.5', address: bond, taught: { kind: 'vlan', tag } });
  bench.give({ kind: 'stack', devices: [stackOf({ address: bond }), vlan] });
  bench.ask(11, true, [tag]);
  bench.run(4000);
  const frames = bench.outputs('send-through').filter(({ what }) => what === 'arp');
  expect(frames.map(({ frame }) => frame.length)).toEqual([46, 46]);
  const [first] = frames;
  expect(parseEthernet(first?.frame ?? new Uint8Array())).toMatchObject({ value: { vlanTags: [tag] } });
  bench.give({ kind: 'stack', devices: [stackOf({ address: bond })] });
  expect(bench.table).toBe('');
});

test('a port of a bridge gives out no members', () => {
  const bench = new AlbBench();
  const bond = bench.bond.snapshot().address;
  bench.ask(11);
  bench.give({
    kind: 'stack',
    devices: [
      stackOf({ address: bond }),
      stackOf({ ifindex: 102, name: 'br0', address: bond, isBridge: true }),
    ],
  });
  bench.ask(12);
  expect(bench.receivers).toMatchObject({ next: null, clients: [] });
  bench.run(6000);
  expect(bench.told()).toEqual([]);
});

test('ARP of others by way of the bond is theirs', () => {
  const bench = new AlbBench();
  const frame = Uint8Array.from({ length: 42 }, () => 0);
  frame.set([8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0xdd, 0, 0, 0, 1, 10, 0, 0, 9], 12);
  bench.give({ kind: 'arp-frame', member: null, frame });
  expect(bench.table).toBe('');
});

test('a bond that was down begins with an empty table', () => {
  const bench = settled(1);
  bench.up(false);
  expect(bench.receivers).toMatchObject({ next: null, clients: [] });
  bench.up();
  expect(bench.receivers).toMatchObject({ next: 1, clients: [] });
});

test('a bond that is restored goes on as if nothing had been between', () => {
  const bench = settled(0);
  bench.link(2, { carrier: false });
  bench.run(6000);
  const other = Bond.restore(JSON.parse(JSON.stringify(bench.bond.save(6000))), 6000);
  bench.forget();
  bench.run(12_000);
  const theirs: number[] = [];
  for (let at = other.deadline(); at !== null && at <= 12_000; at = other.deadline()) {
    other.handle({ kind: 'time' }, at);
    for (const output of other.outputs()) if (output.kind === 'send-through') theirs.push(at);
  }
  expect(theirs).toEqual(
    bench.seen.filter(({ output }) => output.kind === 'send-through').map(({ at }) => at),
  );
  expect(theirs.length).toBeGreaterThan(10);
});

test('a bond in which nothing happens ticks for its learning packets alone', () => {
  const bench = new AlbBench({ lp_interval: 60, inline_failover: 0 });
  bench.run(10_000);
  const before = bench.bond.revision();
  bench.run(50_000);
  expect(bench.bond.revision() - before).toBeLessThan(3);
  expect(clientMac(11)).toBe('02:cc:00:00:00:0b');
});

test('a shorter lp_interval counts from the next tick on', () => {
  const bench = new AlbBench({ lp_interval: 600 });
  bench.run(3000);
  bench.forget();
  bench.set('lp_interval', 1);
  bench.run(3200);
  expect(bench.outputs('send-through').map(({ member }) => member)).toEqual([1, 2, 3]);
});
