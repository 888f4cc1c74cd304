// Flows of a line are ended by a thread of their own. Needs root.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  createNamedNetns,
  deleteNamedNetns,
  listFlows,
  openNetfilter,
  type Rtnetlink,
  withNetns,
} from '../linux/index.js';
import { AF_INET, newFlow } from '../netlink/index.js';
import { DEFAULT_MARK_MASK, markOf } from '../uplinks/index.js';
import { FlowFlusher } from './flow-flusher.js';

const name = `bw${process.pid}f`;
const MASK = DEFAULT_MARK_MASK;
let path: string;
let netfilter: Rtnetlink;
let flusher: FlowFlusher;
const failures: string[] = [];

beforeAll(() => {
  path = createNamedNetns(name);
  netfilter = withNetns(path, () => openNetfilter());
  flusher = withNetns(path, () => new FlowFlusher(MASK, { failed: sentence => failures.push(sentence) }));
});

afterAll(async () => {
  await flusher.close();
  netfilter.close();
  deleteNamedNetns(name);
});

beforeEach(() => void failures.splice(0));

function begin(line: number, port: number): void {
  const addresses = { source: Uint8Array.of(192, 0, 2, 1), destination: Uint8Array.of(192, 0, 2, 2) };
  const request = newFlow({
    ...addresses,
    sourcePort: port,
    destinationPort: 53,
    protocol: 17,
    mark: markOf(line, MASK),
    seconds: 600,
  });
  netfilter.request(request, 'flow');
}

function left(line: number): number {
  return listFlows(netfilter, { family: AF_INET, mark: markOf(line, MASK), mask: MASK }, 'all').length;
}

test('flush() gives how many flows of the line it has ended, and leaves the others', async () => {
  for (const port of [1, 2, 3]) begin(1, port);
  begin(2, 4);
  expect(await flusher.flush(1, 'ipv4', 'others')).toBe(3);
  expect([left(1), left(2)]).toEqual([0, 1]);
  expect(await flusher.flush(1, 'ipv6', 'all')).toBe(0);
  expect(failures).toEqual([]);
});

test('a flow that begins just after a flush is ended too, unless the line is spared', async () => {
  await flusher.flush(1, 'ipv4', 'all');
  begin(1, 5);
  await expect.poll(() => left(1)).toBe(0);
  await flusher.flush(1, 'ipv4', 'all');
  flusher.spare(1, 'ipv4');
  begin(1, 6);
  await new Promise(resolve => setTimeout(resolve, 900));
  expect(left(1)).toBe(1);
});

test('what is asked of one that is closed is answered with null', async () => {
  const closed = withNetns(path, () => new FlowFlusher(MASK, { failed: () => {} }));
  const asked = closed.flush(1, 'ipv4', 'all');
  await closed.close();
  await closed.close();
  expect([0, 1, 2, null]).toContain(await asked);
  expect(await closed.flush(1, 'ipv4', 'all')).toBeNull();
});
