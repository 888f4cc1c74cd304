// Flows in the connection tracking table are ended by mark, family and transport. Needs root.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AF_INET, AF_INET6, newFlow } from '../netlink/index.js';
import { parseIpv4, parseIpv6 } from '../base/index.js';
import { conntrackSize, flushFlows, type FlowTransport, listFlows } from './conntrack.js';
import { openNetfilter } from './netfilter.js';
import { createNamedNetns, deleteNamedNetns, withNetns } from './netns.js';
import type { Rtnetlink } from './rtnetlink.js';
import { scratchName } from './testing.js';

const name = scratchName();
const MASK = 0x3f00_0000;
const LINE1 = 0x0100_0000;
const LINE2 = 0x0200_0000;
const UDP = 17;
const GRE_LIKE = 4;
let path: string;
let netfilter: Rtnetlink;

beforeAll(() => {
  path = createNamedNetns(name);
  netfilter = withNetns(path, () => openNetfilter());
});

afterAll(() => {
  netfilter.close();
  deleteNamedNetns(name);
});

function bytesOf(text: string): Uint8Array {
  const parsed = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

/** Flows of both families, lines and of UDP and something that is neither UDP nor TCP; other bits of the mark are somebody else's. */
function fill(count: number): void {
  const requests = [LINE1, LINE2].flatMap(mark =>
    [UDP, GRE_LIKE].flatMap(protocol =>
      ['192.0.2.1', '2001:db8::1'].flatMap(address =>
        Array.from({ length: protocol === UDP ? count : 1 }, (_, port) => ({
          ...newFlow({
            source: bytesOf(address),
            destination: bytesOf(address.replace(/1$/, '2')),
            sourcePort: 1000 + port + (mark === LINE1 ? 0 : 20_000),
            destinationPort: 53,
            protocol,
            mark: mark | 7,
            seconds: 600,
          }),
          target: 'flow',
        })),
      ),
    ),
  );
  // Of the protocol without ports there can be one flow between two addresses, so the second line has none.
  for (const error of netfilter.requestAll(requests))
    if (error?.code !== 'EEXIST') expect(error).toBeUndefined();
}

function left(transport: FlowTransport = 'all'): number[] {
  return [LINE1, LINE2].flatMap(mark =>
    [AF_INET, AF_INET6].map(family => listFlows(netfilter, { family, mark, mask: MASK }, transport).length),
  );
}

test('flows of one line, family and transport are ended, and counted', () => {
  withNetns(path, () => {
    fill(20);
    expect(left()).toEqual([21, 21, 20, 20]);
    expect(flushFlows(netfilter, { family: AF_INET, mark: LINE1, mask: MASK }, 'tcp')).toBe(0);
    expect(left()).toEqual([21, 21, 20, 20]);
    expect(flushFlows(netfilter, { family: AF_INET, mark: LINE1, mask: MASK }, 'others')).toBe(21);
    expect(left()).toEqual([0, 21, 20, 20]);
    expect(flushFlows(netfilter, { family: AF_INET6, mark: LINE2, mask: MASK }, 'all')).toBe(20);
    expect(left()).toEqual([0, 21, 20, 0]);
    expect(flushFlows(netfilter, { family: AF_INET6, mark: LINE2, mask: MASK }, 'all')).toBe(0);
    expect(conntrackSize()).toBe(41);
  });
});

test('of a long table the number is told by its length', () => {
  withNetns(path, () => {
    fill(5500);
    const size = conntrackSize() ?? 0;
    expect(size).toBeGreaterThan(20_000);
    expect(flushFlows(netfilter, { family: AF_INET, mark: LINE1, mask: MASK }, 'all')).toBe(5501);
    expect(left()).toEqual([0, 5501, 5500, 5500]);
  });
});
