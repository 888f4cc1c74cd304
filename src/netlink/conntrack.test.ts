// Flows of the connection tracking table, with bytes that Linux 6.18 told, and requests as conntrack(8) sends them.
import { expect, test } from 'vitest';
import { parseAttributes } from './attribute.js';
import { endFlow, endFlows, getFlows, parseFlow } from './conntrack.js';
import { hex } from './testing.js';

/** udp src=192.0.2.9 dst=192.0.2.8 sport=1000 dport=2000 mark=0x1000000 */
const FLOW =
  '02000000340001801400018008000100c000020908000200c00002081c00028005000100110000000600020003e800000600030007d00000340002801400018008000100c000020808000200c00002091c00028005000100110000000600020007d000000600030003e800000800030000000008080008000100000008000c00dd616d0608000b000000000108000700000002551c001880080001000000000008000200000000000800030000000000';

/** CTA_MARK and CTA_MARK_MASK. */
const BY_MARK = '0800080001000000080015003f000000';
const FILTER = { family: 2, mark: 0x0100_0000, mask: 0x3f00_0000 };

test('a flow of the kernel, and the request that ends it and no other', () => {
  const flow = parseFlow(hex(FLOW));
  if (!flow.ok) throw new Error(flow.error);
  expect(flow.value).toMatchObject({ family: 2, protocol: 17, mark: 0x0100_0000 });
  expect(flow.value.identity.map(({ type }) => type)).toEqual([1, 12]);
  const { type, payload } = endFlow(flow.value);
  expect(type).toBe(0x102);
  const sent = parseAttributes(payload, 4);
  expect(sent.ok && sent.value).toEqual(flow.value.identity);
});

test('the question for flows with a mark is that of conntrack(8)', () => {
  // conntrack -D -m 0x1000000/0x3f000000, as strace shows it.
  expect(getFlows({ ...FILTER, family: 0 })).toEqual({
    type: 0x101,
    flags: 0,
    payload: hex(`00000000${BY_MARK}`),
  });
});

test('flows are ended by mark and family; of one protocol where that is said', () => {
  // Version 1: without it the family would not count.
  expect(endFlows(FILTER).payload).toEqual(hex(`02010000${BY_MARK}`));
  expect(endFlows({ ...FILTER, protocol: 6 }).payload).toEqual(
    hex(`02010000100001800c00028005000100060000000c0019800800010008000000${BY_MARK}`),
  );
});

test('what is no flow is refused', () => {
  for (const bytes of ['02000000', '0200000008000100', '020000000800080001000000'])
    expect(parseFlow(hex(bytes)).ok).toBe(false);
});
