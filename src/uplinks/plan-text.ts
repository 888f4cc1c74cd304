// A plan as the lines that an administrator would type or read: sysctl, ip rule, ip route, nft. (uplinks)
import { unreachable } from '../base/index.js';
import {
  type KernelPlan,
  type PlannedChain,
  type PlannedRoute,
  type PlannedRule,
  type PlannedSysctl,
  PROTOCOL,
  type Statement,
  TABLE_NAME,
} from './kernel-plan.js';

const PROTOCOL_NAMES: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp' };
const WORD = { ipv4: 'ip', ipv6: 'ip6' } as const;

/** The plan, a line an object; `nameOf` gives the name of a device. */
export function planText(plan: KernelPlan, nameOf: (ifindex: number) => string): string {
  const lines = [
    ...plan.sysctls.map(sysctlText),
    ...plan.routes.map(route => `${ipCommand(route)} route replace ${routeText(route, nameOf)}`),
    ...plan.rules.map(rule => `${ipCommand(rule)} rule add ${ruleText(rule)}`),
  ];
  return `${lines.join('\n')}\n${plan.table === null ? '' : tableText(plan.table.chains)}`;
}

function ipCommand({ family }: PlannedRoute | PlannedRule): string {
  return family === 'ipv4' ? 'ip' : 'ip -6';
}

/** As a line of sysctl.d(5), with slashes, as a device's name may have a dot. */
function sysctlText({ family, device, setting, value }: PlannedSysctl): string {
  return `net/${family}/conf/${device}/${setting} = ${value}`;
}

/** As `ip route` takes it. */
function routeText(route: PlannedRoute, nameOf: (ifindex: number) => string): string {
  const { way } = route;
  const tail = `table ${route.table} metric ${route.metric} proto ${PROTOCOL}`;
  if (way === undefined) return `blackhole default ${tail}`;
  const words = [
    'default',
    ...(way.gateway === null ? [] : [`via ${way.gateway}`]),
    `dev ${nameOf(way.ifindex)}`,
    ...(way.onLink ? ['onlink'] : []),
    ...(way.source === null ? [] : [`src ${way.source}`]),
  ];
  return `${words.join(' ')} ${tail}`;
}

function rangeText([first, last]: readonly [number, number]): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function maskText(value: number): string {
  return `0x${value.toString(16)}`;
}

/** As `ip rule` takes it. */
export function ruleText(rule: PlannedRule): string {
  const { mark, protocol } = rule;
  const words = [
    `pref ${rule.preference}`,
    rule.from === undefined ? 'from all' : `from ${rule.from}`,
    rule.to !== undefined && `to ${rule.to}`,
    mark !== undefined && `fwmark ${maskText(mark.value)}/${maskText(mark.mask)}`,
    rule.incoming !== undefined && `iif ${rule.incoming}`,
    rule.outgoing !== undefined && `oif ${rule.outgoing}`,
    rule.uids !== undefined && `uidrange ${rule.uids[0]}-${rule.uids[1]}`,
    protocol !== undefined && `ipproto ${PROTOCOL_NAMES[protocol] ?? protocol}`,
    rule.sourcePorts !== undefined && `sport ${rangeText(rule.sourcePorts)}`,
    rule.destinationPorts !== undefined && `dport ${rangeText(rule.destinationPorts)}`,
    rule.dscp !== undefined && `dscp ${rule.dscp}`,
    `lookup ${rule.table === 254 ? 'main' : rule.table}`,
    rule.suppressPrefixLength !== undefined && `suppress_prefixlength ${rule.suppressPrefixLength}`,
    `protocol ${PROTOCOL}`,
  ];
  return words.filter(word => word !== false).join(' ');
}

/** As `nft list table` shows it. */
function tableText(chains: readonly PlannedChain[]): string {
  const bodies = chains.map(({ name, type, hook, priority, rules }) => {
    const lines = [
      `type ${type} hook ${hook} priority ${priority}; policy accept;`,
      ...rules.map(rule => rule.map(statementText).join(' ')),
    ];
    return `  chain ${name} {\n${lines.map(line => `    ${line}\n`).join('')}  }\n`;
  });
  return `table inet ${TABLE_NAME} {\n${bodies.join('\n')}}\n`;
}

function hex32(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

function setText(what: string, mask: number, value: number): string {
  return `${what} set ${what} & ${hex32(~mask >>> 0)} | ${hex32(value)}`;
}

function deviceText(word: string, is: boolean, device: string): string {
  return `${word} ${is ? '' : '!= '}"${device}"`;
}

/** One statement as nft writes it. */
function statementText(statement: Statement): string {
  if (isAct(statement)) return actText(statement);
  switch (statement.kind) {
    case 'incoming':
      return deviceText('iifname', statement.is, statement.device);
    case 'outgoing':
      return deviceText('oifname', statement.is, statement.device);
    case 'family':
      return `meta nfproto ${statement.family}`;
    case 'transport':
      return `meta l4proto ${PROTOCOL_NAMES[statement.protocol] ?? statement.protocol}`;
    case 'new-flow':
      return 'ct state new';
    case 'reply':
      return 'ct direction reply';
    case 'flow-mark':
      return `ct mark & ${hex32(statement.mask)} == ${hex32(statement.value)}`;
    case 'packet-mark':
      return `meta mark & ${hex32(statement.mask)} == ${hex32(statement.value)}`;
    case 'set-flow-mark':
      return setText('ct mark', statement.mask, statement.value);
    case 'set-packet-mark':
      return setText('meta mark', statement.mask, statement.value);
    case 'share':
      return `${shareText(statement.by, WORD[statement.family])} mod ${statement.of} < ${statement.below}`;
    case 'source-in':
      return `${WORD[statement.family]} saddr ${statement.prefix}`;
    case 'destination-in':
      return `${WORD[statement.family]} daddr ${statement.prefix}`;
    case 'source-ports':
      return `th sport ${rangeText([statement.first, statement.last])}`;
    case 'destination-ports':
      return `th dport ${rangeText([statement.first, statement.last])}`;
    case 'dscp':
      return `${WORD[statement.family]} dscp ${statement.value}`;
    case 'uids':
      return `meta skuid ${rangeText([statement.first, statement.last])}`;
    default:
      return unreachable(statement);
  }
}

type Act = Extract<
  Statement,
  { kind: 'masquerade' | 'map-prefix' | 'clamp-mss' | 'count' | 'accept' | 'drop' }
>;

function isAct(statement: Statement): statement is Act {
  return ['masquerade', 'map-prefix', 'clamp-mss', 'count', 'accept', 'drop'].includes(statement.kind);
}

function actText(act: Act): string {
  switch (act.kind) {
    case 'masquerade':
      return 'masquerade';
    case 'map-prefix':
      return `snat ${act.outside.includes(':') ? 'ip6' : 'ip'} prefix to ${act.outside}`;
    case 'clamp-mss':
      return 'tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu';
    case 'count':
      return 'counter';
    case 'accept':
      return 'accept';
    case 'drop':
      return 'drop';
    default:
      return unreachable(act);
  }
}

function shareText(by: 'client' | 'flow', word: string): string {
  return by === 'client' ? `jhash ${word} saddr` : 'numgen random';
}
