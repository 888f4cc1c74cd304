// The programs of balance-alb: flows, ARP and reception are what src/policy says, over random frames. Needs root.
import { afterEach, describe, expect, it } from 'vitest';
import { parseMac } from '../../base/index.js';
import { monotonicNs } from '../../linux/index.js';
import {
  arpWay,
  type Choosable,
  flowPlace,
  LoadTable,
  readdressed,
  type ReceiversPlan,
  transmitHash,
} from '../../policy/index.js';
import type { DeviceReader } from './program-parts.js';
import { randomFrame, randomNumbers } from './random-frames.js';
import { MEMBER_FLAGS, SHARED_FLAGS } from './shared-state.js';
import { ProgramBench, VERDICT } from './testing.js';
import { Toolbox } from './toolbox.js';

const isRoot = process.getuid?.() === 0;
const best: DeviceReader = isRoot ? Toolbox.probe().context.reader : 'none';
const readers = (['cast', 'probe'] as const).filter(reader => best === 'cast' || best === reader);

const BOND = '02:00:00:00:00:00';
const CLIENT = '02:cc:00:00:00:0b';

let bench: ProgramBench;

const macOf = (slot: number): string => `02:00:00:00:00:0${slot}`;
const bytesOf = (mac: string): Uint8Array => {
  const parsed = parseMac(mac);
  return parsed.ok ? parsed.value : new Uint8Array(6);
};

/** Three members; that of slot 0 has the bond's address. */
function open(reader: DeviceReader, byLoad = true): readonly Choosable[] {
  bench = ProgramBench.open(Toolbox.probe({ reader }), 3);
  bench.kind = { mode: 'balance-alb', hashPolicy: 'layer2', byLoad };
  bench.state.flags = SHARED_FLAGS.divert | SHARED_FLAGS.ownAddresses;
  const members = [0, 1, 2].map(slot => ({ member: bench.ifindex(slot), speedMbps: 1000 }));
  for (const slot of [0, 1, 2])
    bench.state.setBalanced(slot, { rank: slot, source: macOf(slot), speedMbps: 1000 });
  return members;
}

/** Clients 10.0.0.11 and 10.0.0.12 are at the members of slots 1 and 2; the next one gets that of slot 2. */
function receivers(): ReceiversPlan {
  const client = (number: number, slot: number): ReceiversPlan['clients'][number] => {
    const place = 10 ^ number;
    return { place, ourIp: '10.0.0.1', ip: `10.0.0.${number}`, member: bench.ifindex(slot) };
  };
  const plan = { bondAddress: BOND, clients: [client(11, 1), client(12, 2)], hearsAll: false };
  return { ...plan, next: bench.ifindex(2) };
}

/** Unicast IP and everything else that a host sends. */
function anyFrame(next: () => number): Uint8Array {
  for (;;) {
    const { frame, vlanTci } = randomFrame(next);
    if (vlanTci !== 0 || frame.length < 64 || (frame[12] === 8 && frame[13] === 6)) continue;
    const kind = next() % 8;
    if (kind === 0) frame.fill(0xff, 0, 6);
    if (kind === 1) frame.set([0x33, 0x33, 0, 0, 0, 1]);
    if (kind === 2) frame.fill(0, 22, 38);
    if (kind === 3) frame.fill(0xff, 30, 34);
    return frame;
  }
}

/** ARP in which little is as it should be, now and then. */
function arpFrame(next: () => number): Uint8Array {
  const frame = new Uint8Array(64).fill(0xff, 0, 6);
  const pick = <T>(first: T, ...rest: readonly T[]): T => rest[(next() % (rest.length + 1)) - 1] ?? first;
  frame.set(bytesOf(BOND), 6);
  frame.set([8, 6, 0, pick(1, 1, 1, 6), 8, 0, 6, pick(4, 4, 4, 16), 0, pick(1, 1, 2, 2, 3)], 12);
  frame.set(bytesOf(pick(BOND, BOND, BOND, macOf(7))), 22);
  frame.set([10, 0, 0, pick(1, 1, 1, 2)], 28);
  frame.set(bytesOf(CLIENT), 32);
  frame.set(pick([10, 0, 0, 11], [10, 0, 0, 12], [10, 0, 0, 13], [10, 0, 1, 10]), 38);
  return frame;
}

describe.runIf(isRoot).each(readers)('balance-alb, read by %s', reader => {
  afterEach(() => bench.close());

  it('flows go by where they go to, by load and by hash; what is not balanced by the active member', () => {
    const members = open(reader);
    const table = new LoadTable();
    bench.state.rebalance(1);
    table.rebalance(1, 0);
    bench.state.beginPeriod(monotonicNs() + 1_000_000_000_000n);
    const next = randomNumbers(5);
    const kinds = new Set<boolean>();
    const loads: number[] = [];
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 200; i++) {
        const frame = anyFrame(next);
        const place = flowPlace(frame);
        kinds.add(place === null);
        if (place === null) table.countUnbalanced(frame.length);
        const chosen =
          place === null ? bench.ifindex(0) : table.choose(place, frame.length, members, bench.ifindex(0), 0);
        const seen = bench.transmit(frame);
        if (seen !== chosen) expect.fail(`${Buffer.from(frame).toString('hex')}: ${seen}, not ${chosen}`);
        loads.push(seen);
      }
      bench.state.rebalance(round + 2);
      table.rebalance(round + 2, 0);
      bench.state.beginPeriod(monotonicNs() + 1_000_000_000_000n);
    }
    expect([kinds.size, new Set(loads).size]).toEqual([2, 3]);
    bench.kind = { mode: 'balance-alb', hashPolicy: 'layer2', byLoad: false };
    bench.state.setOrder([0, 1, 2], 3);
    for (let i = 0; i < 100; i++) {
      const frame = anyFrame(next);
      const slot = flowPlace(frame) === null ? 0 : transmitHash('layer2', frame) % 3;
      expect(bench.transmit(frame)).toBe(bench.ifindex(slot));
    }
  });

  it('ARP of the host leaves by the member of its client, which replies name', () => {
    open(reader);
    bench.state.setReceivers(receivers());
    const next = randomNumbers(11);
    const ways = new Set<string>();
    for (let i = 0; i < 300; i++) {
      const frame = arpFrame(next);
      const way = arpWay(receivers(), frame);
      const to = way?.member ?? bench.ifindex(0);
      const slot = [0, 1, 2].find(each => bench.ifindex(each) === to) ?? 0;
      const isReply = way?.isReply === true;
      const expected = readdressed(frame, bytesOf(macOf(slot)), { isActive: slot === 0, isReply });
      expect(bench.transmitted(frame)).toEqual({ to, frame: expected });
      ways.add(`${slot} ${isReply}`);
    }
    expect(ways.size).toBe(5);
  });

  it('ARP goes by the active member, unchanged, where nobody is given out or the member cannot send', () => {
    open(reader);
    const request = arpFrame(() => 0);
    bench.state.setReceivers(receivers());
    expect(bench.transmit(request)).toBe(bench.ifindex(1));
    bench.setCarrier(1, false);
    expect(bench.transmitted(request)).toEqual({ to: bench.ifindex(0), frame: request });
    bench.setCarrier(1, true);
    bench.state.setReceivers({ ...receivers(), next: null, clients: [] });
    expect(bench.transmitted(request)).toEqual({ to: bench.ifindex(0), frame: request });
  });

  it('a member takes in what is for its own address, the active one also what is for one that was lost', () => {
    open(reader);
    bench.state.setReceivers(receivers());
    const to = (mac: string): Uint8Array => {
      const frame = new Uint8Array(64);
      frame.set(bytesOf(mac));
      frame.set(bytesOf(CLIENT), 6);
      return frame;
    };
    const taken = { to: bench.lowerIfindex, frame: to(BOND) };
    expect(bench.received(0, to(BOND))).toEqual(taken);
    expect(bench.received(1, to(macOf(1)))).toEqual(taken);
    expect(bench.received(2, to(macOf(2)))).toEqual(taken);
    // A switch that does not know where an address is sends it to all ports.
    for (const [slot, mac] of [
      [1, BOND],
      [1, macOf(2)],
      [1, 'ff:ff:ff:ff:ff:ff'],
      [2, '01:00:5e:00:00:01'],
    ] as const)
      expect(bench.receive(slot, to(mac))).toBe(VERDICT.drop);
    expect(bench.received(0, to(macOf(2)))).toEqual({ to: bench.lowerIfindex, frame: to(macOf(2)) });
    expect(bench.received(0, to('ff:ff:ff:ff:ff:ff')).to).toBe(bench.lowerIfindex);
    bench.state.setMemberFlags(2, 0);
    expect(bench.received(0, to(macOf(2)))).toEqual(taken);
    expect(bench.receive(1, to(macOf(2)))).toBe(VERDICT.drop);
    bench.state.vacate(2);
    expect(bench.received(0, to(macOf(2)))).toEqual({ to: bench.lowerIfindex, frame: to(macOf(2)) });
    bench.state.setMemberFlags(1, MEMBER_FLAGS.acceptAlways | MEMBER_FLAGS.usable);
    expect(bench.received(1, to('ff:ff:ff:ff:ff:ff')).to).toBe(bench.lowerIfindex);
    expect(bench.received(1, to(macOf(1)))).toEqual(taken);
  });
});
