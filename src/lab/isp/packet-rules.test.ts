import { describe, expect, test } from 'vitest';
import { parseIpv4, parseIpv6 } from '../../base/index.js';
import { type ClassicRule, rulesProgram, TC_ACT_SHOT, TC_ACT_UNSPEC } from '../../netlink/index.js';
import { runClassic } from '../../netlink/testing.js';
import { NO_DNS, NOTHING, PORTAL_ONLY, sourceRules } from './packet-rules.js';

/** A frame with what the rules look at; the rest is zero. */
function frame(source: string, protocol = 0, destinationPort = 0): Uint8Array {
  const bytes = new Uint8Array(80);
  const view = new DataView(bytes.buffer);
  const isIpv6 = source.includes(':');
  const address = isIpv6 ? parseIpv6(source) : parseIpv4(source);
  if (!address.ok) throw new Error(address.error);
  view.setUint16(12, isIpv6 ? 0x86dd : 0x0800);
  bytes[isIpv6 ? 20 : 23] = protocol;
  bytes.set(address.value, isIpv6 ? 22 : 26);
  view.setUint16(isIpv6 ? 56 : 36, destinationPort);
  return bytes;
}

function arp(): Uint8Array {
  const bytes = new Uint8Array(42);
  new DataView(bytes.buffer).setUint16(12, 0x0806);
  return bytes;
}

function passes(rules: readonly ClassicRule[], bytes: Uint8Array): boolean {
  const verdict = runClassic(rulesProgram(rules, TC_ACT_UNSPEC), bytes);
  if (verdict !== TC_ACT_SHOT && verdict !== TC_ACT_UNSPEC >>> 0) throw new Error(`verdict ${verdict}`);
  return verdict !== TC_ACT_SHOT;
}

test.each([
  ['100.64.1.2', true],
  ['100.64.2.2', false],
  ['192.168.9.2', false],
  ['2001:db8:1::2', true],
  ['2001:db8:1:1::2', false],
  ['2001:db8:10:77::2', true],
  ['2001:db8:2::2', false],
  ['fd00:9::2', false],
  ['fe80::1', true],
  ['::', true],
  ['::1', false],
] as const)('sourceRules() of a line: what comes from %s passes: %s', (source, expected) => {
  const rules = sourceRules(['100.64.1.0/24', '2001:db8:1::/64', '2001:db8:10::/48']);
  expect(passes(rules, frame(source))).toBe(expected);
  expect(passes(rules, arp())).toBe(true);
});

describe.each(['100.64.1.2', '2001:db8:1::2'])('from %s', source => {
  const [icmp, tcp, udp] = [source.includes(':') ? 58 : 1, 6, 17];

  test.each([
    ['no DNS', NO_DNS, [icmp, 0], true],
    ['no DNS', NO_DNS, [udp, 53], false],
    ['no DNS', NO_DNS, [tcp, 53], false],
    ['no DNS', NO_DNS, [udp, 54], true],
    ['no DNS', NO_DNS, [tcp, 80], true],
    ['the portal', PORTAL_ONLY, [icmp, 0], true],
    ['the portal', PORTAL_ONLY, [tcp, 80], true],
    ['the portal', PORTAL_ONLY, [tcp, 443], false],
    ['the portal', PORTAL_ONLY, [udp, 53], true],
    ['the portal', PORTAL_ONLY, [udp, 7], false],
    ['nothing', NOTHING, [icmp, 0], false],
  ] as const)('%s: protocol and port %o', (_, rules, [protocol, port], expected) => {
    expect(passes(rules, frame(source, protocol, port))).toBe(expected);
  });
});

test('a portal and dead DNS let ARP pass, a dead router does not', () => {
  expect([NO_DNS, PORTAL_ONLY, NOTHING].map(rules => passes(rules, arp()))).toEqual([true, true, false]);
});
