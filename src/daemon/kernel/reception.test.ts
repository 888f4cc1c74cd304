import { expect, test } from 'vitest';
import { type MemberCounts, Reception } from './reception.js';

/** Looks once a second at two members, the first of which carries; `at` gives their counters after so many seconds. */
function looked(
  seconds: number,
  at: (second: number) => readonly [rx0: number, tx0: number, rx1: number],
  carries = true,
): Reception {
  const reception = new Reception();
  for (let second = 0; second <= seconds; second++) {
    const [rx0, tx0, rx1] = at(second);
    const counts: MemberCounts[] = [
      { member: 1, carries, waits: false, rxPackets: rx0, txPackets: tx0 },
      { member: 2, carries: false, waits: carries, rxPackets: rx1, txPackets: 0 },
    ];
    reception.look(counts, second * 1000);
  }
  return reception;
}

test('a member that is heard is not silent, and when it was heard last is known to a second', () => {
  const reception = looked(30, second => [Math.min(second, 20), second * 10, 0]);
  expect(reception.silence(1, 30_000)).toBeNull();
  expect(reception.sinceReceivedMs(1, 30_000)).toBe(10_000);
  expect(reception.sinceReceivedMs(2, 30_000)).toBeNull();
});

test('one that sends and hears nothing while others do is told of soon', () => {
  const reception = looked(8, second => [2, second * 2, second]);
  expect(reception.silence(1, 8000)).toEqual({ sent: 16, forMs: 8000, othersReceived: 8 });
});

test('alone it takes longer, and more', () => {
  expect(looked(10, second => [2, second * 2, 0]).silence(1, 10_000)).toBeNull();
  expect(looked(20, second => [2, second * 2, 0]).silence(1, 20_000)).toEqual({
    sent: 40,
    forMs: 20_000,
    othersReceived: 0,
  });
});

test('a quiet network is no fault: nothing sent, or a word now and then', () => {
  expect(looked(600, () => [2, 2, 0]).silence(1, 600_000)).toBeNull();
  expect(looked(600, second => [2, Math.floor(second / 20), 0]).silence(1, 600_000)).toBeNull();
  // Others hear broadcasts, and this one did not send.
  expect(looked(600, second => [2, 2, second]).silence(1, 600_000)).toBeNull();
});

test('a member that does not carry is not judged, and one that begins to is from then on', () => {
  expect(looked(60, second => [2, second * 2, second], false).silence(1, 60_000)).toBeNull();
  const reception = looked(60, second => [2, second * 2, second], false);
  const look = (second: number): void =>
    reception.look(
      [
        { member: 1, carries: true, waits: false, rxPackets: 2, txPackets: second * 2 },
        { member: 2, carries: false, waits: true, rxPackets: second, txPackets: 0 },
      ],
      second * 1000,
    );
  look(61);
  look(62);
  expect(reception.silence(1, 62_000)).toBeNull();
  for (let second = 63; second < 70; second++) look(second);
  expect(reception.silence(1, 69_000)).toMatchObject({ forMs: 9000 });
});

test('one that waits and hears nothing of much that the active one hears is told of after a minute', () => {
  expect(looked(59, second => [second * 5, 0, 7]).deafness(2, 59_000)).toBeNull();
  expect(looked(61, second => [second * 5, 0, 7]).deafness(2, 61_000)).toEqual({
    forMs: 61_000,
    activeReceived: 305,
  });
  // Heard once, its time begins anew.
  expect(looked(80, second => [second * 5, 0, Math.min(second, 30)]).deafness(2, 80_000)).toBeNull();
});

test('one that waits is not called deaf on a quiet network, when it hears a little, or when nobody carries', () => {
  expect(looked(600, second => [Math.floor(second / 10), 0, 0]).deafness(2, 600_000)).toBeNull();
  expect(looked(600, second => [second * 5, 0, Math.floor(second / 30)]).deafness(2, 600_000)).toBeNull();
  expect(looked(600, second => [second * 5, 0, 0], false).deafness(2, 600_000)).toBeNull();
  expect(looked(600, second => [second * 5, 0, 0]).deafness(1, 600_000)).toBeNull();
});

test('what came in while another one carried counts, and one that begins to wait has its time from then', () => {
  const reception = new Reception();
  const look = (second: number, active: number): void =>
    reception.look(
      [1, 2, 3].map(member => ({
        member,
        carries: member === active,
        waits: member !== active,
        rxPackets: member === active ? second * 4 : 0,
        txPackets: 0,
      })),
      second * 1000,
    );
  for (let second = 0; second < 40; second++) look(second, 1);
  for (let second = 40; second <= 70; second++) look(second, 2);
  expect(reception.deafness(1, 70_000)).toBeNull();
  expect(reception.deafness(2, 70_000)).toBeNull();
  expect(reception.deafness(3, 70_000)).toMatchObject({ forMs: 70_000 });
});

test('what the active one received before a member was heard last does not count against it', () => {
  // 5 a second until the last word at 100 s, then 1 a second.
  const active = (second: number): number => 5 * Math.min(second, 100) + Math.max(0, second - 100);
  const heard = (until: number): Reception =>
    looked(until, second => [active(second), 0, Math.min(second, 100)]);
  expect(heard(190).deafness(2, 190_000)).toBeNull();
  expect(heard(201).deafness(2, 201_000)).toEqual({ forMs: 101_000, activeReceived: 101 });
});

test('a member that is looked at no more is forgotten', () => {
  const reception = looked(5, second => [second, 0, second]);
  const counts = { member: 1, carries: true, waits: false, rxPackets: 9, txPackets: 0 };
  reception.look([counts], 6000);
  expect(reception.sinceReceivedMs(1, 6000)).toBe(0);
  expect(reception.sinceReceivedMs(2, 6000)).toBeNull();
});
