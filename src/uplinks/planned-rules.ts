// The rules of the policy routing database: which packets look at which table of the uplink, in which order. (uplinks)
import { FAMILIES, type Family, type LineNumber } from './contract.js';
import { MOST_POLICIES, markOf, type PlannedRule, PREFERENCES, TABLES } from './kernel-plan.js';
import type { Planning } from './make-kernel-plan.js';
import { lineNumbers } from './planned-routes.js';
import { mayMatch } from './rule-families.js';
import type { UplinkRule } from './settings.js';

/** RT_TABLE_MAIN. */
const MAIN_TABLE = 254;
export const IP_PROTOCOLS = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;
const HOST_LENGTH = { ipv4: 32, ipv6: 128 } as const;

/** Of a family in which no line has a path there are none. */
export function plannedRules(planning: Planning): PlannedRule[] {
  return FAMILIES.filter(family => isUsed(planning, family)).flatMap(family => rulesOf(planning, family));
}

function isUsed(planning: Planning, family: Family): boolean {
  return lineNumbers(planning).some(line => planning.wayOf(line, family) !== null);
}

function rulesOf(planning: Planning, family: Family): PlannedRule[] {
  const lines = lineNumbers(planning);
  return [
    // Whatever is nearer than the internet first: else an answer to the LAN that bears the mark of a line would go to the ISP.
    { family, preference: PREFERENCES.main, table: MAIN_TABLE, suppressPrefixLength: 0 },
    ...lines.map(line => outgoing(planning, family, line)),
    ...lines.map(line => marked(planning, family, line, true)),
    ...lines.map(line => marked(planning, family, line, false)),
    ...lines.flatMap(line => fromAddresses(planning, family, line)),
    ...policies(planning, family),
    { family, preference: PREFERENCES.selected, table: TABLES.selected },
  ];
}

/** Sockets that are bound to the device, as those that ask questions through the line: it never moves. */
function outgoing({ settings }: Planning, family: Family, line: LineNumber): PlannedRule {
  const device = settings.lines[line - 1]?.device ?? '';
  return {
    family,
    preference: PREFERENCES.outgoing + line,
    table: TABLES.line + line,
    outgoing: device,
  };
}

function marked({ settings }: Planning, family: Family, line: LineNumber, isTcp: boolean): PlannedRule {
  return {
    family,
    preference: (isTcp ? PREFERENCES.tcpMark : PREFERENCES.mark) + line,
    table: (isTcp ? TABLES.tcpFlows : TABLES.flows) + line,
    mark: { value: markOf(line, settings.markMask), mask: settings.markMask },
    ...(isTcp && { protocol: IP_PROTOCOLS.tcp }),
  };
}

/** To the table that moves with the flows, not to the line's own: WireGuard's socket would stay on the dead line for ever. */
function fromAddresses(planning: Planning, family: Family, line: LineNumber): PlannedRule[] {
  const addresses = planning.wayOf(line, family)?.path.addresses ?? [];
  return addresses
    .filter(({ address }) => !isLinkLocal(address))
    .map(({ address }) => ({
      family,
      preference: PREFERENCES.from + line,
      table: TABLES.flows + line,
      from: `${address}/${HOST_LENGTH[family]}`,
    }));
}

function isLinkLocal(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(address);
}

function policies({ settings, steering }: Planning, family: Family): PlannedRule[] {
  return steering.policies
    .filter(policy => policy.family === family && policy.rule < MOST_POLICIES)
    .flatMap(({ rule: place }) => {
      const rule = settings.rules[place];
      if (rule === undefined || !mayMatch(rule, family)) return [];
      return [
        {
          family,
          preference: PREFERENCES.policies + place,
          table: TABLES.policies + place,
          ...matchOf(rule),
        },
      ];
    });
}

function matchOf({ match }: UplinkRule): Partial<PlannedRule> {
  return {
    ...(match.from !== undefined && { from: match.from }),
    ...(match.to !== undefined && { to: match.to }),
    ...(match.incoming !== undefined && { incoming: match.incoming }),
    ...(match.protocol !== undefined && { protocol: IP_PROTOCOLS[match.protocol] }),
    ...(match.sourcePorts !== undefined && { sourcePorts: match.sourcePorts }),
    ...(match.destinationPorts !== undefined && { destinationPorts: match.destinationPorts }),
    ...(match.uids !== undefined && { uids: match.uids }),
    ...(match.dscp !== undefined && { dscp: match.dscp }),
  };
}
