// The meter of bench:throughput between the two ends of a lab. Needs root; part of test:all, as each figure takes its second.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab } from '#lab';
import {
  datagramCost,
  datagramRoundTrip,
  endIn,
  meet,
  type PathEnd,
  streamRate,
  streamRoundTrip,
} from './path-meter.js';

let lab: Lab;
let host: PathEnd;
let peer: PathEnd;

beforeAll(async () => {
  lab = await Lab.create();
  lab.setUp('host', 'eth0', true);
  lab.addAddress('host', 'eth0', lab.hostAddress);
  host = endIn(lab.hostIp, lab.host);
  peer = endIn(lab.peerIp, lab.peer);
  await meet(host, peer);
});
afterAll(() => {
  lab.close();
});

function transmitted(): number {
  return lab.link('host', 'eth0')?.statistics?.txPackets ?? 0;
}

test('datagrams cost something, are as many as are told, and go the way that was asked for', () => {
  const before = transmitted();
  const out = datagramCost(host, peer, 18);
  expect(out.ns).toBeGreaterThan(0);
  expect(out.sent).toBeGreaterThan(10_000);
  const sent = transmitted() - before;
  expect(sent).toBeGreaterThanOrEqual(out.sent);
  const back = datagramCost(peer, host, 18);
  expect(transmitted() - before - sent).toBeLessThan(back.sent / 100);
});

test('round trips and streams give figures', async () => {
  expect(datagramRoundTrip(host, peer)).toBeGreaterThan(0);
  expect(await streamRoundTrip(host, peer)).toBeGreaterThan(0);
  expect(await streamRate(peer, host, 2)).toBeGreaterThan(0);
});

test('a path that loses is no quick path, but an error', async () => {
  lab.silence('eth0');
  expect(() => datagramCost(host, peer, 18)).toThrow('32 of 32 datagrams did not arrive');
  await expect(meet(host, peer)).rejects.toThrow('10.9.0.2 and 10.9.0.1 do not reach each other');
});
