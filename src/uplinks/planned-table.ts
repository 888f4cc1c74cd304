// The nftables table of an uplink: which flow belongs to which line, who gets which address, what may not leave by which line. (uplinks)
import { unreachable } from '../base/index.js';
import { FAMILIES, type Family, type LineNumber } from './contract.js';
import { markOf, type PlannedChain, type PlannedTable, type Statement } from './kernel-plan.js';
import type { Planning } from './make-kernel-plan.js';
import { lineNumbers } from './planned-routes.js';
import { IP_PROTOCOLS } from './planned-rules.js';
import { mayMatch } from './rule-families.js';
import type { LineSettings, UplinkRule, UplinkSettings } from './settings.js';

type NftRule = readonly Statement[];

/** Priorities of netfilter (NF_IP_PRI_*). A flow is marked behind `mangle`; addresses are changed where everybody does. */
const MANGLE = -150;
const SOURCE_NAT = 100;

/** The chain that counts answers to flows of TCP and UDP: whether anybody still hears us by a line. */
export const HEARD_CHAIN = 'heard';
const COUNTED_PROTOCOLS = [IP_PROTOCOLS.tcp, IP_PROTOCOLS.udp] as const;

/** What each rule of that chain counts, in order. */
export function heardOrder(
  settings: UplinkSettings,
): { readonly line: LineNumber; readonly family: Family }[] {
  return settings.lines.flatMap((_, at) =>
    FAMILIES.flatMap(family => COUNTED_PROTOCOLS.map(() => ({ line: at + 1, family }))),
  );
}

/** Answers alone: what strangers send by a line says nothing of our own packets. */
function heardRules({ settings }: Planning): NftRule[] {
  return settings.lines.flatMap(({ device }) =>
    FAMILIES.flatMap(family =>
      COUNTED_PROTOCOLS.map(protocol => [
        { kind: 'incoming', is: true, device } as const,
        { kind: 'family', family } as const,
        { kind: 'transport', protocol } as const,
        { kind: 'reply' } as const,
        { kind: 'count' } as const,
      ]),
    ),
  );
}

/** Chains without rules are left out. */
export function plannedTable(planning: Planning): PlannedTable {
  const chains: readonly PlannedChain[] = [
    chain(HEARD_CHAIN, 'filter', 'prerouting', MANGLE - 2, heardRules(planning)),
    chain('share', 'filter', 'prerouting', MANGLE - 1, shareRules(planning)),
    chain('pre', 'filter', 'prerouting', MANGLE, preRules(planning)),
    chain(
      'out',
      'route',
      'output',
      MANGLE,
      lineNumbers(planning).map(line => keepLine(planning, line)),
    ),
    chain('clamp', 'filter', 'forward', MANGLE, clampRules(planning)),
    chain('guard', 'filter', 'postrouting', MANGLE, guardRules(planning)),
    chain('post', 'filter', 'postrouting', MANGLE + 1, postRules(planning)),
    chain('nat', 'nat', 'postrouting', SOURCE_NAT, natRules(planning)),
  ];
  return { chains: chains.filter(({ rules }) => rules.length > 0) };
}

function chain(
  name: string,
  type: PlannedChain['type'],
  hook: PlannedChain['hook'],
  priority: number,
  rules: readonly NftRule[],
): PlannedChain {
  return { name, type, hook, priority, rules };
}

function deviceOf({ settings }: Planning, line: LineNumber): string {
  return settings.lines[line - 1]?.device ?? '';
}

/** What comes from the internet needs no more of the chain; the rules behind see what comes from the inside of the gateway. */
function leaveToInside(device: string): NftRule {
  return [{ kind: 'incoming', is: true, device }, { kind: 'accept' }];
}

/** The packet of a known flow goes by the line of its flow. */
function keepLine({ settings: { markMask: mask } }: Planning, line: LineNumber): NftRule {
  const value = markOf(line, mask);
  return [
    { kind: 'flow-mark', mask, value },
    { kind: 'set-packet-mark', mask, value },
  ];
}

/** A flow without a line that passes the device belongs to its line: the route decides, the mark only records it. */
function takeLine(planning: Planning, line: LineNumber, way: 'incoming' | 'outgoing'): NftRule {
  const { markMask: mask } = planning.settings;
  return [
    { kind: way, is: true, device: deviceOf(planning, line) },
    { kind: 'flow-mark', mask, value: 0 },
    { kind: 'set-flow-mark', mask, value: markOf(line, mask) },
  ];
}

function preRules(planning: Planning): NftRule[] {
  const lines = lineNumbers(planning);
  return [
    ...lines.map(line => takeLine(planning, line, 'incoming')),
    ...planning.settings.lines.map(({ device }) => leaveToInside(device)),
    ...lines.map(line => keepLine(planning, line)),
  ];
}

function postRules(planning: Planning): NftRule[] {
  return lineNumbers(planning).map(line => takeLine(planning, line, 'outgoing'));
}

/** New flows from the inside get the mark of a line by weight; those that a rule of the operator is about do not. */
function shareRules(planning: Planning): NftRule[] {
  const { settings, steering } = planning;
  if (settings.mode !== 'share') return [];
  const rules = FAMILIES.flatMap(family => {
    const shares = reduced(steering.shares[family].filter(({ weight }) => weight > 0));
    if (shares.length === 0) return [];
    const fresh: NftRule = [{ kind: 'family', family }, { kind: 'new-flow' }];
    const excepted = steering.policies
      .filter(policy => policy.family === family)
      .filter(({ lines, rule }) => lines.length > 0 || settings.rules[rule]?.otherwise === 'drop')
      .flatMap(({ rule }) => matches(settings.rules[rule], family))
      .map(match => fresh.concat(match, { kind: 'accept' }));
    return [...excepted, ...spread(planning, family, fresh, shares)];
  });
  return rules.length === 0 ? [] : [...settings.lines.map(({ device }) => leaveToInside(device)), ...rules];
}

interface Share {
  readonly line: LineNumber;
  readonly weight: number;
}

/** The same shares in the smallest whole numbers. */
function reduced(shares: readonly Share[]): readonly Share[] {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  const common = shares.reduce((sum, { weight }) => divisor(sum, weight), 0);
  return shares.map(({ line, weight }) => ({ line, weight: weight / common }));
}

/**
 * One rule a line, each for what those before it left. A client's number is the same in each, so it is compared with the sum of the
 * weights up to here; chance is thrown anew in each, so it is one among what is left.
 */
function spread(planning: Planning, family: Family, fresh: NftRule, shares: readonly Share[]): NftRule[] {
  const { markMask: mask, sticky: by } = planning.settings;
  const total = shares.reduce((sum, { weight }) => sum + weight, 0);
  let before = 0;
  return shares.map(({ line, weight }, place) => {
    const of = by === 'client' ? total : total - before;
    const below = by === 'client' ? before + weight : weight;
    before += weight;
    const share: NftRule = place === shares.length - 1 ? [] : [{ kind: 'share', by, family, of, below }];
    const mark: Statement = { kind: 'set-packet-mark', mask, value: markOf(line, mask) };
    return [...fresh, { kind: 'packet-mark', mask, value: 0 }, ...share, mark];
  });
}

/**
 * What a rule lets out by some lines only does not leave by the others: neither a flow that was moved with its line, nor one that
 * somebody else's rule sends there.
 */
function guardRules(planning: Planning): NftRule[] {
  const { lines, rules } = planning.settings;
  return rules.flatMap(rule => {
    const { use } = rule;
    if (use === undefined || rule.otherwise !== 'drop') return [];
    const closed = lines.filter(({ name }) => !use.includes(name));
    return FAMILIES.flatMap(family => matches(rule, family)).flatMap(match =>
      closed.map(({ device }): NftRule => {
        const leaving: NftRule = [{ kind: 'outgoing', is: true, device }];
        return leaving.concat(match, { kind: 'drop' });
      }),
    );
  });
}

/** What a rule matches in one family, as one rule of nftables or as two: ports without a protocol are those of TCP and of UDP. */
function matches(rule: UplinkRule | undefined, family: Family): NftRule[] {
  if (rule === undefined || !mayMatch(rule, family)) return [];
  const { match } = rule;
  const hasPorts = match.sourcePorts !== undefined || match.destinationPorts !== undefined;
  const open = hasPorts ? (['tcp', 'udp'] as const) : ([undefined] as const);
  const protocols = match.protocol === undefined ? open : [match.protocol];
  const ofPackets: Statement[] = [{ kind: 'family', family }];
  if (match.incoming !== undefined) ofPackets.push({ kind: 'incoming', is: true, device: match.incoming });
  if (match.from !== undefined) ofPackets.push({ kind: 'source-in', family, prefix: match.from });
  if (match.to !== undefined) ofPackets.push({ kind: 'destination-in', family, prefix: match.to });
  if (match.dscp !== undefined) ofPackets.push({ kind: 'dscp', family, value: match.dscp });
  if (match.uids !== undefined) ofPackets.push({ kind: 'uids', first: match.uids[0], last: match.uids[1] });
  return protocols.map(protocol => ofPackets.concat(transportMatch(rule, protocol)));
}

function transportMatch({ match }: UplinkRule, protocol: keyof typeof IP_PROTOCOLS | undefined): Statement[] {
  const statements: Statement[] = [];
  if (protocol !== undefined) statements.push({ kind: 'transport', protocol: IP_PROTOCOLS[protocol] });
  for (const [kind, ports] of [
    ['source-ports', match.sourcePorts],
    ['destination-ports', match.destinationPorts],
  ] as const)
    if (ports !== undefined) statements.push({ kind, first: ports[0], last: ports[1] });
  return statements;
}

/** Both ways: an internet server's answer to a SYN says how long the segments may be that we are to send. */
function clampRules({ settings }: Planning): NftRule[] {
  if (!settings.clampMss) return [];
  return settings.lines.flatMap(({ device }): NftRule[] => [
    [{ kind: 'outgoing', is: true, device }, { kind: 'clamp-mss' }],
    [{ kind: 'incoming', is: true, device }, { kind: 'clamp-mss' }],
  ]);
}

function natRules({ settings }: Planning): NftRule[] {
  return settings.lines.flatMap(line => FAMILIES.flatMap(family => natRule(line, family)));
}

function natRule({ device, nat }: LineSettings, family: Family): NftRule[] {
  const kind = nat[family];
  const leaving: NftRule = [
    { kind: 'outgoing', is: true, device },
    { kind: 'family', family },
  ];
  switch (kind.kind) {
    case 'none':
      return [];
    case 'masquerade':
      return [[...leaving, { kind: 'masquerade' }]];
    case 'prefix': {
      const { inside, outside } = kind;
      return [
        [...leaving, { kind: 'source-in', family, prefix: inside }, { kind: 'map-prefix', inside, outside }],
      ];
    }
    default:
      return unreachable(kind);
  }
}
