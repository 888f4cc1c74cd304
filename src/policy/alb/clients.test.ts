// The table of clients of balance-alb: places, who is given out next, and what becomes of an entry.
import { describe, expect, test } from 'vitest';
import {
  type AlbState,
  arpHeard,
  type ArpSeen,
  chooseMember,
  isNews,
  isStation,
  newAlbState,
  nextReceiver,
  placeOf,
  type Receiver,
} from './clients.js';
import { clientMac } from './testing.js';

const BOND = '02:00:00:00:00:01';
const NOBODY = '00:00:00:00:00:00';

function receiver(member: number, speedMbps: number | null = 1000): Receiver {
  return { member, speedMbps, address: `02:00:00:00:00:0${member}` };
}

function seen(targetIp: string, change: Partial<ArpSeen> = {}): ArpSeen {
  const ours = { senderMac: BOND, senderIp: '10.0.0.1' };
  return { isReply: false, ...ours, targetMac: NOBODY, targetIp, tci: 0, ...change };
}

const ABLE = [receiver(1), receiver(2)];

test('placeOf() is the exclusive or of the bytes', () => {
  expect([placeOf('10.0.0.11'), placeOf('10.0.1.10'), placeOf('255.255.255.0')]).toEqual([1, 1, 255]);
});

test('isStation() is true for one station alone', () => {
  expect([NOBODY, 'ff:ff:ff:ff:ff:ff', '01:80:c2:00:00:02', BOND].map(isStation)).toEqual([
    false,
    false,
    false,
    true,
  ]);
});

describe('nextReceiver()', () => {
  test.each<[string, (number | null)[], number | null, number | null]>([
    ['the first to begin with', [1000, 1000, 1000], null, 1],
    ['the one behind the last', [1000, 1000, 1000], 1, 2],
    ['the first again behind the end', [1000, 1000, 1000], 3, 1],
    ['the faster one behind', [1000, 1000, 10_000], 1, 3],
    ['a faster one from the start on', [10_000, 1000, 1000], 2, 1],
    ['the last one itself where it is the fastest', [1000, 10_000, 1000], 2, 2],
    ['the first where the last cannot send any more', [1000, 1000], 7, 1],
    ['one of unknown speed as the fastest', [1000, null, 1000], null, 2],
    ['none where nobody can send', [], 1, null],
  ])('gives %s', (_, speeds, last, next) => {
    const able = speeds.map((speed, nth) => receiver(nth + 1, speed));
    expect(nextReceiver(able, last)?.member ?? null).toBe(next);
  });
});

describe('chooseMember()', () => {
  test('keeps the member of a client, and takes its address from what we say to it', () => {
    const alb = newAlbState();
    chooseMember(alb, seen('10.0.0.11'), ABLE, 1);
    expect(alb.clients[0]).toMatchObject({ member: 1, mac: NOBODY, mustTell: false });
    chooseMember(alb, seen('10.0.0.12'), ABLE, 1);
    chooseMember(alb, seen('10.0.0.11', { targetMac: clientMac(11), isReply: true }), ABLE, 1);
    expect(alb.clients.map(({ ip, member, mac }) => [ip, member, mac])).toEqual([
      ['10.0.0.12', 2, NOBODY],
      ['10.0.0.11', 1, clientMac(11)],
    ]);
  });

  test('a client whom we answer is told, as its address is known', () => {
    const alb = newAlbState();
    chooseMember(alb, seen('10.0.0.11', { targetMac: clientMac(11), isReply: true }), ABLE, 1);
    expect([alb.mustTell, alb.clients[0]?.mustTell]).toEqual([true, true]);
  });

  test('of two clients of one place the first goes to the active member', () => {
    const alb: AlbState = { ...newAlbState(), lastGiven: 1 };
    chooseMember(alb, seen('10.0.0.11', { targetMac: clientMac(11), isReply: true }), ABLE, 1);
    expect(alb.clients[0]?.member).toBe(2);
    const moved = chooseMember(alb, seen('10.0.1.10'), ABLE, 1);
    expect(moved).toMatchObject({ ip: '10.0.0.11', member: 1, mac: clientMac(11) });
    expect(alb.clients.map(({ ip, member }) => [ip, member])).toEqual([['10.0.1.10', 1]]);
  });

  test('gives nobody where nobody can send', () => {
    const alb = newAlbState();
    expect(chooseMember(alb, seen('10.0.0.11'), [], null)).toBe(null);
    expect(alb.clients).toEqual([]);
  });
});

describe('ARP that comes in', () => {
  function known(): AlbState {
    const alb = newAlbState();
    chooseMember(alb, seen('10.0.0.11'), ABLE, 1);
    return alb;
  }
  const reply = (mac: string): ArpSeen => ({
    isReply: true,
    senderMac: mac,
    senderIp: '10.0.0.11',
    targetMac: BOND,
    targetIp: '10.0.0.1',
    tci: 0,
  });

  test('a reply brings the address of the client, which is told', () => {
    const alb = known();
    expect(isNews(alb, reply(clientMac(11)))).toBe(true);
    arpHeard(alb, reply(clientMac(11)));
    expect(alb.clients[0]).toMatchObject({ mac: clientMac(11), mustTell: true });
    expect(isNews(alb, reply(clientMac(11)))).toBe(false);
  });

  test('a request brings nothing', () => {
    const alb = known();
    const request = { ...reply(clientMac(11)), isReply: false };
    expect(isNews(alb, request)).toBe(false);
    arpHeard(alb, request);
    expect(alb.clients[0]?.mac).toBe(NOBODY);
  });

  test('who claims our address ends what was known of it; our own frames do not', () => {
    const alb = known();
    const ours = { ...reply(BOND), senderIp: '10.0.0.1' };
    expect(isNews(alb, ours)).toBe(false);
    arpHeard(alb, ours);
    expect(alb.clients).toHaveLength(1);
    const claim = { ...ours, senderMac: clientMac(99) };
    expect(isNews(alb, claim)).toBe(true);
    arpHeard(alb, claim);
    expect(alb.clients).toEqual([]);
  });
});
