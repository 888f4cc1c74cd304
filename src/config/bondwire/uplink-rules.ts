// One rule of an uplink: which packets, and by which lines they may go. (config)
import { badInterfaceName, nearestName, shown } from '../../base/index.js';
import type { UplinkRule } from '../../uplinks/index.js';
import { cidrText } from '../addresses.js';
import { durationMs } from '../durations.js';
import type { RuleText } from './uplink-schema.js';
import { type Complain, wholeNumber } from './uplink-texts.js';

const PROTOCOLS = ['tcp', 'udp', 'icmp', 'icmpv6'] as const;
const MOST_PORT = 65_535;
const MOST_UID = 4_294_967_294;
const MOST_DSCP = 63;

/** DSCP by the names of RFC 4594 and RFC 8622. */
const DSCP_NAMES: Readonly<Record<string, number>> = {
  ef: 46,
  va: 44,
  le: 1,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`cs${i}`, 8 * i])),
  ...Object.fromEntries(
    [1, 2, 3, 4].flatMap(group => [1, 2, 3].map(drop => [`af${group}${drop}`, 8 * group + 2 * drop])),
  ),
};

type Match = UplinkRule['match'];

/** The rule that the texts give; what is wrong is told, and left out. */
export function ruleOf(text: RuleText, lines: readonly string[], complain: Complain): UplinkRule {
  const { match, use, existing } = text;
  const wish = matchOf(match, complain);
  if (Object.keys(wish).length === 0 && Object.values(match).every(value => value === undefined))
    complain(
      ['match'],
      'A rule needs something to match: from, to, protocol, sport, dport, dscp, iif or uid.',
    );
  for (const name of use ?? []) {
    if (lines.includes(name)) continue;
    const near = nearestName(name, lines);
    const hint =
      near === undefined
        ? `; the lines are ${lines.map(line => shown(line)).join(', ')}`
        : `; did you mean ${shown(near)}?`;
    complain(['use'], `There is no line ${shown(name)}${hint}${near === undefined ? '.' : ''}`);
  }
  if (use?.length === 0)
    complain(['use'], 'A rule that uses no line lets nothing out: name one, or leave "use" out.');
  if (use === undefined && text.else === 'drop')
    complain(
      ['else'],
      '"else: drop" needs "use": it says what becomes of packets when none of those lines is up.',
    );
  if (use === undefined && existing === undefined)
    complain([], 'A rule needs "use" or "existing": without them it changes nothing.');
  const keepTcpMs = existing === undefined ? undefined : keepOf(existing.tcp, complain);
  return {
    match: wish,
    ...(use !== undefined && { use: use.filter(name => lines.includes(name)) }),
    otherwise: text.else,
    ...(keepTcpMs !== undefined && { keepTcpMs }),
  };
}

/** `keep 10s`, or `keep` for as long as it lives. */
function keepOf(text: string, complain: Complain): number | undefined {
  const time = /^keep\s+(?<time>.+)$/.exec(text.trim())?.groups?.['time'];
  const ms = time === undefined ? null : durationMs(time, 1000);
  if (ms !== null) return ms;
  complain(['existing', 'tcp'], `existing tcp ${shown(text)} must be "keep" and a time, such as keep 10s.`);
  return undefined;
}

function matchOf(text: RuleText['match'], complain: Complain): Match {
  const prefix = (key: 'from' | 'to'): string | undefined => {
    const value = text[key];
    if (value === undefined) return undefined;
    const cidr = cidrText(value, value.includes(':') ? 128 : 32);
    if (cidr === null)
      complain(['match', key], `${key} ${shown(value)} is no network, such as 192.168.9.0/24.`);
    return cidr ?? undefined;
  };
  const range = (key: 'sport' | 'dport' | 'uid', most: number): readonly [number, number] | undefined => {
    const value = text[key];
    if (value === undefined) return undefined;
    const [first = '', last = first, ...more] = value.split('-');
    const from = wholeNumber(first, key === 'uid' ? 0 : 1, most);
    const to = wholeNumber(last, key === 'uid' ? 0 : 1, most);
    if (from !== null && to !== null && from <= to && more.length === 0) return [from, to];
    complain(
      ['match', key],
      `${key} ${shown(value)} is no number up to ${most}, and no range such as 5000-6000.`,
    );
    return undefined;
  };
  const from = prefix('from');
  const to = prefix('to');
  if (from !== undefined && to !== undefined && from.includes(':') !== to.includes(':'))
    complain(['match'], `from ${from} and to ${to} are of two families, and no packet has both.`);
  const protocol = PROTOCOLS.find(each => each === text.protocol);
  if (text.protocol !== undefined && protocol === undefined)
    complain(['match', 'protocol'], `protocol ${shown(text.protocol)} is none of ${PROTOCOLS.join(', ')}.`);
  const sourcePorts = range('sport', MOST_PORT);
  const destinationPorts = range('dport', MOST_PORT);
  if ((sourcePorts ?? destinationPorts) !== undefined && (protocol === 'icmp' || protocol === 'icmpv6'))
    complain(['match'], `${protocol} has no ports.`);
  const dscp = text.dscp === undefined ? undefined : dscpOf(text.dscp, complain);
  const bad = text.iif === undefined ? null : badInterfaceName(text.iif);
  if (bad !== null)
    complain(['match', 'iif'], `"${shown(text.iif ?? '')}" cannot be the name of an interface: ${bad}.`);
  const uids = range('uid', MOST_UID);
  return {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(protocol !== undefined && { protocol }),
    ...(sourcePorts !== undefined && { sourcePorts }),
    ...(destinationPorts !== undefined && { destinationPorts }),
    ...(dscp !== undefined && { dscp }),
    ...(text.iif !== undefined && bad === null && { incoming: text.iif }),
    ...(uids !== undefined && { uids }),
  };
}

function dscpOf(text: string, complain: Complain): number | undefined {
  const value = DSCP_NAMES[text.toLowerCase()] ?? wholeNumber(text, 0, MOST_DSCP);
  if (value === null)
    complain(
      ['match', 'dscp'],
      `dscp ${shown(text)} is no number from 0 to ${MOST_DSCP} and no name such as ef or af41.`,
    );
  return value ?? undefined;
}
