// What the ARP monitor and LACP are given; what a failure cost; which options move traffic.
import { describe, expect, test } from 'vitest';
import type { HeardAnswer, Input } from '../policy/index.js';
import { ok } from '../base/index.js';
import { movesTraffic } from './moving.js';
import { outageOf } from './outage.js';
import type { Frames, Packets } from './ports.js';
import { hear, listen, sense, senseSilence } from './sensing.js';

/** A bond with two members that asks each second, unless something else is said. */
function asking(facts: object = {}, changed?: object) {
  const acts: string[] = [];
  const bond = {
    host: {
      frames: {
        listen: (members: readonly number[]) => acts.push(`ears ${members.join()}`),
        hearSlow: (members: readonly number[]) => {
          if (members.length > 0) acts.push(`slow ${members.join()}`);
        },
        hearArp: (members: readonly number[]) => {
          if (members.length > 0) acts.push(`arp ${members.join()}`);
        },
        changedRoutes: () => changed,
        heard: () => [],
        lastReceived: (member: number) => member * 10,
      },
      clock: { now: () => 5 },
    },
    policy: {
      facts: () => ({ arpIntervalMs: 1000, adminUp: true, targets: [], ...facts }),
      members: () => [{ member: 1 }, { member: 2 }],
      handle: ({ kind }: Input, now: number) => acts.push(`${kind} at ${now}`),
    },
    feed: ({ kind }: Input) => {
      acts.push(kind);
      return ok(undefined);
    },
  };
  return { acts, bond: bond as unknown as Parameters<typeof sense>[0] };
}

describe('sense()', () => {
  test('ears first, then ways that changed, then what was heard', () => {
    const { acts, bond } = asking({}, []);
    sense(bond);
    expect(acts).toEqual(['ears 1,2', 'routes', 'heard at 5']);
  });

  test('ways that did not change are not told again', () => {
    const { acts, bond } = asking();
    sense(bond);
    expect(acts).toEqual(['ears 1,2', 'heard at 5']);
  });

  test.each([{ arpIntervalMs: 0 }, { adminUp: false }])('no ears where nobody asks: %o', facts => {
    const { acts, bond } = asking(facts);
    listen(bond);
    expect(acts).toEqual(['ears ']);
  });
});

test('senseSilence(): when each member last received, and no ears of the ARP monitor', () => {
  const { acts, bond } = asking({ arpIntervalMs: 0 });
  const told: Input[] = [];
  bond.policy.handle = input => told.push(input);
  senseSilence(bond);
  const heard = [1, 2].map(member => ({ member, anyMs: member * 10, probeLikeMs: null }));
  expect([acts, told]).toEqual([[], [{ kind: 'heard', heard }]]);
});

describe('slow protocols and ARP', () => {
  test('are heard on the members of a bond that speaks LACP, or gives members to clients, while it is up', () => {
    const lacp = { mode: '802.3ad', arpIntervalMs: 0 };
    for (const [facts, expected] of [
      [lacp, ['ears ', 'slow 1,2']],
      [{ ...lacp, adminUp: false }, ['ears ']],
      [{ ...lacp, mode: 'balance-xor' }, ['ears ']],
      [{ ...lacp, mode: 'balance-alb' }, ['ears ', 'arp 1,2']],
      [{ ...lacp, mode: 'balance-alb', adminUp: false }, ['ears ']],
    ] as const) {
      const { acts, bond } = asking(facts);
      listen(bond);
      expect(acts).toEqual(expected);
    }
  });

  test('and answers become inputs', () => {
    const inputs: Input[] = [];
    const frame = Uint8Array.from([1, 2, 3]);
    const answer = { member: 7, atMs: 1, protocol: 'arp', isReply: true } as HeardAnswer;
    const frames: Pick<Frames, 'onAnswer' | 'onSlowFrame' | 'onArpFrame'> = {
      onAnswer: tell => tell(answer),
      onSlowFrame: tell => tell(7, frame),
      onArpFrame: tell => tell(null, frame),
    };
    hear({ frames: frames as Frames }, input => inputs.push(input));
    expect(inputs).toEqual([
      { kind: 'answer', answer },
      { kind: 'slow-frame', member: 7, frame },
      { kind: 'arp-frame', member: null, frame },
    ]);
  });
});

test('outageOf() is in hundredths of a millisecond, never negative, and 0 where nothing was lost', () => {
  const lost = (sinceNs: bigint | null) =>
    ({ checksCarrier: true, takeLoss: () => ({ packets: 3, sinceNs }) }) as unknown as Packets;
  expect(outageOf(lost(1_234_567n), 10)).toEqual({ outageMs: 8.76, lostPackets: 3 });
  expect(outageOf(lost(11_000_000n), 10)).toEqual({ outageMs: 0, lostPackets: 3 });
  expect(outageOf(lost(null), 10)).toEqual({ outageMs: 0, lostPackets: 3 });
});

test('movesTraffic() knows the options that may change who sends', () => {
  expect(['active_slave', 'primary', 'prio', 'miimon', 'nonsense'].map(name => movesTraffic(name))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});
