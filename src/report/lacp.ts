// What 802.3ad adds to the driver's texts: the facts, where there are any, and their lines.
import type { BondSnapshot, MemberSnapshot } from '../policy/index.js';

/** The aggregator that a bond uses. */
export interface AggregatorFacts {
  readonly id: number;
  readonly ports: number;
  readonly actorKey: number;
  readonly partnerKey: number;
  readonly partnerMac: string;
}

/** One end of a port's LACP, as its PDUs say. */
export interface LacpEnd {
  readonly systemPriority: number;
  readonly systemMac: string;
  readonly key: number;
  readonly portPriority: number;
  readonly portNumber: number;
  /** The eight flags of a port as one number. */
  readonly state: number;
}

/** A member's port, once it has an aggregator. */
export interface PortFacts {
  readonly aggregator: number;
  readonly actorChurn: 'monitoring' | 'churned' | 'none';
  readonly partnerChurn: 'monitoring' | 'churned' | 'none';
  readonly actorChurnedCount: number;
  readonly partnerChurnedCount: number;
  readonly actor: LacpEnd;
  readonly partner: LacpEnd;
}

/** What an 802.3ad bond has found out; ports by member. */
export interface LacpFacts {
  readonly active: AggregatorFacts | null;
  readonly ports: ReadonlyMap<number, PortFacts>;
}

/** Lines of a bond in mode 802.3ad as root sees them (bond_info_show_master); none in another mode. */
export function lacpBondLines(bond: BondSnapshot, facts: LacpFacts | undefined): string[] {
  if (bond.mode !== '802.3ad') return [];
  const { options } = bond;
  const own = /^(?:00:){5}00$/.test(options.ad_actor_system);
  const lines = [
    '',
    '802.3ad info',
    `LACP active: ${options.lacp_active}`,
    `LACP rate: ${options.lacp_rate}`,
    `Min links: ${options.min_links}`,
    `Aggregator selection policy (ad_select): ${options.ad_select}`,
    `System priority: ${options.ad_actor_sys_prio}`,
    `System MAC address: ${own ? bond.address : options.ad_actor_system}`,
  ];
  const active = facts?.active ?? null;
  if (active === null) return [...lines, `bond ${bond.name} has no active aggregator`];
  return [
    ...lines,
    'Active Aggregator Info:',
    `\tAggregator ID: ${active.id}`,
    `\tNumber of ports: ${active.ports}`,
    `\tActor Key: ${active.actorKey}`,
    `\tPartner Key: ${active.partnerKey}`,
    `\tPartner Mac Address: ${active.partnerMac}`,
  ];
}

/** Lines of a member in mode 802.3ad (bond_info_show_slave); none in another mode. */
export function lacpMemberLines(
  bond: BondSnapshot,
  member: MemberSnapshot,
  facts: LacpFacts | undefined,
): string[] {
  if (bond.mode !== '802.3ad') return [];
  const port = facts?.ports.get(member.member);
  if (port === undefined) return ['Aggregator ID: N/A'];
  return [
    `Aggregator ID: ${port.aggregator}`,
    `Actor Churn State: ${port.actorChurn}`,
    `Partner Churn State: ${port.partnerChurn}`,
    `Actor Churned Count: ${port.actorChurnedCount}`,
    `Partner Churned Count: ${port.partnerChurnedCount}`,
    'details actor lacp pdu:',
    ...endLines(port.actor, 'port key'),
    'details partner lacp pdu:',
    ...endLines(port.partner, 'oper key'),
  ];
}

/** The driver writes the actor's port before its state and after its key, and so the partner's. */
function endLines(end: LacpEnd, keyName: string): string[] {
  return [
    `    system priority: ${end.systemPriority}`,
    `    system mac address: ${end.systemMac}`,
    `    ${keyName}: ${end.key}`,
    `    port priority: ${end.portPriority}`,
    `    port number: ${end.portNumber}`,
    `    port state: ${end.state}`,
  ];
}
