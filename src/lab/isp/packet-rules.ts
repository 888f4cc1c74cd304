// What providers' routers let pass, as rules of classic BPF on the frames that come from the gateway.
import { parseIpv4, parseIpv6 } from '../../base/index.js';
import { type ClassicRule, type ClassicTest, TC_ACT_SHOT, TC_ACT_UNSPEC } from '../../netlink/index.js';

const IPV4: ClassicTest = { bytes: 2, at: 12, equals: 0x0800 };
const IPV6: ClassicTest = { bytes: 2, at: 12, equals: 0x86dd };
const TCP = 6;
const UDP = 17;
/** Of the IPv4 header without options, which nobody here sends, and of the IPv6 header. */
const PLACES = {
  ipv4: { is: IPV4, source: 14 + 12, protocol: 14 + 9, destinationPort: 14 + 20 + 2 },
  ipv6: { is: IPV6, source: 14 + 8, protocol: 14 + 6, destinationPort: 14 + 40 + 2 },
} as const;
const FAMILIES = ['ipv4', 'ipv6'] as const;

function pass(...tests: readonly ClassicTest[]): ClassicRule {
  return { tests, verdict: TC_ACT_UNSPEC };
}

function drop(...tests: readonly ClassicTest[]): ClassicRule {
  return { tests, verdict: TC_ACT_SHOT };
}

/** Tests that hold when the source address is in the prefix, such as `100.64.1.0/24`. */
function sourceIn(prefix: string): ClassicTest[] {
  const [address = '', bits = ''] = prefix.split('/');
  const family = address.includes(':') ? 'ipv6' : 'ipv4';
  const parsed = family === 'ipv6' ? parseIpv6(address) : parseIpv4(address);
  if (!parsed.ok) throw new RangeError(parsed.error);
  const view = new DataView(parsed.value.buffer, parsed.value.byteOffset, parsed.value.byteLength);
  const { is, source } = PLACES[family];
  const tests: ClassicTest[] = [is];
  for (let word = 0, left = Number(bits); left > 0; word += 4, left -= 32) {
    const mask = left >= 32 ? 0xffff_ffff : (0xffff_ffff << (32 - left)) >>> 0;
    tests.push({ bytes: 4, at: source + word, mask, equals: view.getUint32(word) & mask });
  }
  return tests;
}

/** Only these sources may use the line (BCP 38, RFC 2827), and of IPv6 what neighbours say to each other. */
export function sourceRules(prefixes: readonly string[]): readonly ClassicRule[] {
  const passing = [...prefixes, 'fe80::/10', '::/128'].map(prefix => pass(...sourceIn(prefix)));
  return [...passing, drop(IPV4), drop(IPV6)];
}

function protocolIs(family: 'ipv4' | 'ipv6', protocol: number, port?: number): ClassicTest[] {
  const places = PLACES[family];
  return [
    places.is,
    { bytes: 1, at: places.protocol, equals: protocol },
    ...(port === undefined ? [] : [{ bytes: 2, at: places.destinationPort, equals: port } as const]),
  ];
}

/** Questions for names vanish. */
export const NO_DNS: readonly ClassicRule[] = FAMILIES.flatMap(family => [
  drop(...protocolIs(family, UDP, 53)),
  drop(...protocolIs(family, TCP, 53)),
]);

/** Of TCP only HTTP passes, of UDP only DNS; pings do. */
export const PORTAL_ONLY: readonly ClassicRule[] = FAMILIES.flatMap(family => [
  pass(...protocolIs(family, TCP, 80)),
  drop(...protocolIs(family, TCP)),
  pass(...protocolIs(family, UDP, 53)),
  drop(...protocolIs(family, UDP)),
]);

/** Everything vanishes. */
export const NOTHING: readonly ClassicRule[] = [drop()];
