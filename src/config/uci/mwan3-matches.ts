// What a rule of mwan3 is about, as matches of rules here: one of ours has one network and one range of ports each, so one of
// mwan3's may become several. (config)
import { shown } from '../../base/index.js';
import type { RuleText } from '../bondwire/uplink-schema.js';
import { cidrText } from '../addresses.js';
import type { Family } from './mwan3-lines.js';
import { deviceOf } from './openwrt-network.js';
import { type Telling, valueOf, valuesOf } from './telling.js';
import type { UciSection } from './uci-file.js';

export interface RuleMatches {
  readonly family: Family | 'any';
  /** It is about all packets of its family. */
  readonly isAll: boolean;
  readonly matches: readonly RuleText['match'][];
}

/** Words for a protocol of mwan3, which takes what iptables takes. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  tcp: 'tcp',
  '6': 'tcp',
  udp: 'udp',
  '17': 'udp',
  icmp: 'icmp',
  '1': 'icmp',
  icmpv6: 'icmpv6',
  'ipv6-icmp': 'icmpv6',
  '58': 'icmpv6',
};
const EVERYWHERE = { ipv4: '0.0.0.0/0', ipv6: '::/0' } as const;
const MOST_PORT = 65_535;

/** Null: it cannot be had here, which was told. */
export function matchesOf(
  section: UciSection,
  network: readonly UciSection[] | null,
  telling: Telling,
): RuleMatches | null {
  const leaveOut = (names: readonly string[], why: string): null => {
    telling.about(section, names, 'warning', `The rule ${shown(section.name ?? '')} was left out: ${why}.`);
    return null;
  };
  const ipset = valueOf(section, 'ipset');
  if (ipset !== undefined)
    return leaveOut(
      ['ipset'],
      `it is about the ipset ${shown(ipset)}, and rules here are about networks; write those as "to"`,
    );
  const from = networksOf(section, 'src_ip');
  const to = networksOf(section, 'dest_ip');
  const bad = from.bad ?? to.bad;
  if (bad !== null) return leaveOut([from.bad === null ? 'dest_ip' : 'src_ip'], bad);
  const family = familyOf(section, [...from.texts, ...to.texts, ...from.whole, ...to.whole]);
  if (family === null)
    return leaveOut(
      ['family', 'src_ip', 'dest_ip'],
      'its addresses are of another family than it says, or of both, so no packet fits',
    );
  const proto = valueOf(section, 'proto') ?? 'all';
  const isAnyProtocol = proto === 'all' || proto === '' || proto === '0';
  const protocol = Object.hasOwn(PROTOCOLS, proto.toLowerCase()) ? PROTOCOLS[proto.toLowerCase()] : undefined;
  if (!isAnyProtocol && protocol === undefined)
    return leaveOut(['proto'], `proto ${shown(proto)} is none of tcp, udp, icmp and icmpv6`);
  const hasPorts = protocol === 'tcp' || protocol === 'udp';
  if (!hasPorts)
    telling.ofGiven(
      section,
      ['src_port', 'dest_port'],
      'warning',
      given => `${given}: mwan3 looks at ports with proto tcp or udp alone, so these were left out.`,
    );
  const sports = hasPorts ? portsOf(section, 'src_port') : [undefined];
  const dports = hasPorts ? portsOf(section, 'dest_port') : [undefined];
  if (sports === null || dports === null)
    return leaveOut(
      [sports === null ? 'src_port' : 'dest_port'],
      'its ports are no numbers up to 65535, ranges such as 5000:6000, or lists of these',
    );
  const source = valueOf(section, 'src_iface');
  const found = source === undefined ? null : deviceOf(source, network, new Set());
  if (found?.doubt != null) telling.about(section, ['src_iface'], 'warning', found.doubt);
  const isAll = from.texts.length + to.texts.length === 0 && isAnyProtocol && found === null;
  const isTold = from.texts.length + to.texts.length > 0 || (family !== 'any' && isOf(protocol, family));
  const base = {
    ...(protocol !== undefined && { protocol }),
    ...(found !== null && { iif: found.device }),
    // Rules here have no family but that of their networks.
    ...(!isTold && family !== 'any' && { to: EVERYWHERE[family] }),
  };
  const matches = combined(base, { from: from.texts, to: to.texts, sports, dports });
  telling.mark(section, ['src_ip', 'dest_ip', 'src_port', 'dest_port', 'proto', 'family', 'src_iface']);
  return { family, isAll, matches };
}

/** ICMP says the family by itself. */
function isOf(protocol: string | undefined, family: Family): boolean {
  return protocol === (family === 'ipv4' ? 'icmp' : 'icmpv6');
}

/** A match for each network and range of ports. */
function combined(
  base: RuleText['match'],
  parts: {
    readonly from: readonly string[];
    readonly to: readonly string[];
    readonly sports: readonly (string | undefined)[];
    readonly dports: readonly (string | undefined)[];
  },
): RuleText['match'][] {
  const networks = eachWith(eachWith([base], 'from', either(parts.from)), 'to', either(parts.to));
  return eachWith(eachWith(networks, 'sport', parts.sports), 'dport', parts.dports);
}

/** Each match with each value; undefined adds nothing. */
function eachWith(
  matches: readonly RuleText['match'][],
  key: 'from' | 'to' | 'sport' | 'dport',
  values: readonly (string | undefined)[],
): RuleText['match'][] {
  return matches.flatMap(match =>
    values.map(value => (value === undefined ? match : { ...match, [key]: value })),
  );
}

function either(texts: readonly string[]): readonly (string | undefined)[] {
  return texts.length === 0 ? [undefined] : texts;
}

function isWhole(network: string): boolean {
  return network.endsWith('/0');
}

interface Networks {
  /** Without those that are everywhere. */
  readonly texts: readonly string[];
  /** Those that are everywhere. */
  readonly whole: readonly string[];
  /** Why they cannot be had. */
  readonly bad: string | null;
}

function networksOf(section: UciSection, name: 'src_ip' | 'dest_ip'): Networks {
  const words = valuesOf(section, name).flatMap(({ text }) => text.split(',').filter(word => word !== ''));
  const negated = words.find(word => word.startsWith('!'));
  if (negated !== undefined)
    return {
      texts: [],
      whole: [],
      bad: `${name} ${shown(words.join(' '))} is about all other networks, which rules here cannot say`,
    };
  const read = words.map(word => cidrText(word, word.includes(':') ? 128 : 32));
  const wrong = words[read.indexOf(null)];
  if (wrong !== undefined)
    return { texts: [], whole: [], bad: `${name} ${shown(wrong)} is no address and no network` };
  const networks = read.filter(text => text !== null);
  return { texts: networks.filter(text => !isWhole(text)), whole: networks.filter(isWhole), bad: null };
}

/** Null: no packet can fit. */
function familyOf(section: UciSection, networks: readonly string[]): Family | 'any' | null {
  const text = valueOf(section, 'family') ?? 'any';
  const given = networks.map((network): Family => (network.includes(':') ? 'ipv6' : 'ipv4'));
  const [first] = given;
  if (given.some(family => family !== first)) return null;
  if (text !== 'ipv4' && text !== 'ipv6') return first ?? 'any';
  return first === undefined || first === text ? text : null;
}

/** Ports of a list as `a` or `a-b`; undefined is any; null: one is none. */
function portsOf(
  section: UciSection,
  name: 'src_port' | 'dest_port',
): readonly (string | undefined)[] | null {
  const words = valuesOf(section, name).flatMap(({ text }) => text.split(',').filter(word => word !== ''));
  const ranges = words.map(word => {
    const [first = '', last = first, ...more] = word.split(/[:-]/);
    const isRange = [first, last].every(port => /^\d{1,5}$/.test(port) && Number(port) <= MOST_PORT);
    if (!isRange || more.length > 0 || Number(first) > Number(last) || Number(last) === 0) return null;
    if (Number(first) <= 1 && Number(last) === MOST_PORT) return undefined;
    const from = Math.max(1, Number(first));
    return from === Number(last) ? String(from) : `${from}-${Number(last)}`;
  });
  if (ranges.includes(null)) return null;
  const own = ranges.filter(range => range !== null);
  return own.length === 0 || own.includes(undefined) ? [undefined] : own;
}
