// The program of balance-tlb: who takes which flow is what LoadTable and transmitHash of src/policy say, over random frames, and
// what cannot be balanced goes by the active member.
import { afterEach, describe, expect, it } from 'vitest';
import { type Choosable, HASH_POLICIES, isBalanced, LoadTable, transmitHash } from '../../policy/index.js';
import { monotonicNs } from '../../linux/index.js';
import type { DeviceReader } from './program-parts.js';
import { randomFrame, randomNumbers } from './random-frames.js';
import { BROADCAST_FRAME, ProgramBench, VERDICT } from './testing.js';
import { Toolbox } from './toolbox.js';
import type { TransmitKind } from './transmit-kinds.js';

const isRoot = process.getuid?.() === 0;
const best: DeviceReader = isRoot ? Toolbox.probe().context.reader : 'none';
const readers = (['cast', 'probe'] as const).filter(reader => best === 'cast' || best === reader);

let bench: ProgramBench;

function open(reader: DeviceReader, count: number, kind: TransmitKind): readonly Choosable[] {
  bench = ProgramBench.open(Toolbox.probe({ reader }), count);
  bench.kind = kind;
  const members = Array.from({ length: count }, (_, slot) => ({
    member: bench.ifindex(slot),
    source: `02:00:00:00:00:0${slot}`,
    speedMbps: 1000,
  }));
  for (const [slot, { source, speedMbps }] of members.entries())
    bench.state.setBalanced(slot, { rank: slot, source, speedMbps });
  return members;
}

/** A frame of at least 64 bytes that is unicast over IPv4 and differs with `next`. */
function balancedFrame(next: () => number): Uint8Array {
  for (;;) {
    const { frame, vlanTci } = randomFrame(next);
    frame[0] = (frame[0] ?? 0) & 0xfe;
    if (vlanTci === 0 && frame.length >= 64 && isBalanced(frame)) return frame;
  }
}

describe.runIf(isRoot).each(readers)('balance-tlb, read by %s', reader => {
  afterEach(() => bench.close());

  it.each(HASH_POLICIES)('%s: the flow of a hash goes where TypeScript says, by load and by hash', policy => {
    const members = open(reader, 3, { mode: 'balance-tlb', hashPolicy: policy, byLoad: true });
    bench.state.current = 2;
    const table = new LoadTable();
    const next = randomNumbers(7);
    const sent = new Set<number>();
    for (let round = 0; round < 4; round++) {
      bench.state.rebalance(round + 1);
      table.rebalance(round + 1, 0);
      // However slow this machine is: until the next round it stays the same period.
      bench.state.beginPeriod(monotonicNs() + 1_000_000_000_000n);
      for (let i = 0; i < 150; i++) {
        const frame = balancedFrame(next);
        const hash = transmitHash(policy, frame);
        const chosen = table.choose(hash, frame.length, members, bench.ifindex(2), 0);
        const seen = bench.transmit(frame);
        if (seen !== chosen) expect.fail(`round ${round}, frame ${i}: ${seen}, not ${chosen}`);
        sent.add(seen);
      }
    }
    // In the first round nobody has a history, so the first member takes all; later ones spread.
    expect(sent.size).toBe(3);
    bench.kind = { mode: 'balance-tlb', hashPolicy: policy, byLoad: false };
    bench.state.setOrder([0, 1, 2], 3);
    for (let i = 0; i < 100; i++) {
      const frame = balancedFrame(next);
      expect(bench.transmit(frame)).toBe(bench.ifindex(transmitHash(policy, frame) % 3));
    }
  });

  it('what cannot be balanced goes by the active member', () => {
    open(reader, 3, { mode: 'balance-tlb', hashPolicy: 'layer2', byLoad: true });
    bench.state.current = 1;
    const next = randomNumbers(9);
    const frames = [BROADCAST_FRAME];
    while (frames.length < 300) {
      const { frame, vlanTci } = randomFrame(next);
      // BPF_PROG_TEST_RUN takes the protocol of a frame from its header, as the stack does.
      if (vlanTci === 0 && frame.length >= 64 && !isBalanced(frame)) frames.push(frame);
    }
    for (const frame of frames) {
      const seen = bench.transmit(frame);
      if (seen !== bench.ifindex(1)) expect.fail(`${Buffer.from(frame).toString('hex')}: ${seen}`);
    }
    bench.setCarrier(1, false);
    bench.state.order = [2, 0, 1];
    expect(bench.transmit()).toBe(bench.ifindex(2));
    expect(bench.state.current).toBe(2);
  });

  it('a member that cannot send is left at once, and told once', () => {
    const members = open(reader, 2, { mode: 'balance-tlb', hashPolicy: 'layer2', byLoad: true });
    const frame = balancedFrame(randomNumbers(3));
    bench.state.current = 1;
    expect(bench.transmit(frame)).toBe(members[0]?.member);
    bench.setCarrier(0, false);
    expect(bench.transmit(frame, 50)).toBe(members[1]?.member);
    expect(bench.records()).toHaveLength(1);
    bench.setCarrier(0, true);
    // It stays where it is until the flows are given out anew.
    expect(bench.transmit(frame)).toBe(members[1]?.member);
    bench.state.flags = 0;
    bench.setCarrier(1, false);
    expect(bench.transmit(frame)).toBe(members[0]?.member);
    expect(bench.state.takeLoss().packets).toBe(0);
    bench.setCarrier(0, false);
    bench.state.flags = 1;
    expect(bench.transmit(frame)).toBe(VERDICT.drop);
  });
});

describe('isBalanced', () => {
  const frame = (hex: string): Uint8Array =>
    new Uint8Array(Buffer.from(hex.replaceAll(' ', '').padEnd(128, '0'), 'hex'));
  it.each([
    ['unicast IPv4', '020000000001 020000000002 0800', true],
    ['broadcast IPv4', 'ffffffffffff 020000000002 0800', false],
    ['ARP', '020000000001 020000000002 0806', false],
    ['IPv6 UDP', '020000000001 020000000002 86dd 600000000008 11', true],
    ['neighbour solicitation', `020000000001 020000000002 86dd 600000000008 3a${'00'.repeat(33)} 87`, false],
    ['neighbour advertisement', `020000000001 020000000002 86dd 600000000008 3a${'00'.repeat(33)} 88`, false],
    ['ICMPv6 echo', `020000000001 020000000002 86dd 600000000008 3a${'00'.repeat(33)} 80`, true],
  ])('%s', (_, hex, balanced) => {
    expect(isBalanced(frame(hex))).toBe(balanced);
  });
});
