// What 802.3ad adds to the driver's texts.
import type { BondSnapshot, MemberSnapshot, PortSnapshot } from '../policy/index.js';

/** The port of a member, once it has an aggregator. */
export function portOfMember({ lacp }: BondSnapshot, { member }: MemberSnapshot): PortSnapshot | undefined {
  return lacp?.ports.find(port => port.member === member && port.aggregator !== null);
}

/** Who reads: one who may change networks (CAP_NET_ADMIN), or anybody, who is not told what a frame of LACP could be forged with. */
export type Reader = 'admin' | 'anybody';

/** Lines of a bond in mode 802.3ad (bond_info_show_master); none in another mode. */
export function lacpBondLines(
  { mode, name, address, options, lacp }: BondSnapshot,
  reader: Reader,
): string[] {
  if (mode !== '802.3ad') return [];
  const isOwn = /^(?:00:){5}00$/.test(options.ad_actor_system);
  const lines = [
    '',
    '802.3ad info',
    `LACP active: ${options.lacp_active}`,
    `LACP rate: ${options.lacp_rate}`,
    `Min links: ${options.min_links}`,
    `Aggregator selection policy (ad_select): ${options.ad_select}`,
  ];
  if (reader === 'anybody') return lines;
  lines.push(
    `System priority: ${lacp?.systemPriority ?? options.ad_actor_sys_prio}`,
    `System MAC address: ${lacp?.system ?? (isOwn ? address : options.ad_actor_system)}`,
  );
  const active = lacp?.active ?? null;
  if (active === null) return [...lines, `bond ${name} has no active aggregator`];
  return [
    ...lines,
    'Active Aggregator Info:',
    `\tAggregator ID: ${active.id}`,
    `\tNumber of ports: ${active.ports}`,
    `\tActor Key: ${active.actorKey}`,
    `\tPartner Key: ${active.partnerKey}`,
    `\tPartner Mac Address: ${active.partnerSystem}`,
  ];
}

/** Lines of a member in mode 802.3ad (bond_info_show_slave); none in another mode. */
export function lacpMemberLines(bond: BondSnapshot, member: MemberSnapshot, reader: Reader): string[] {
  if (bond.mode !== '802.3ad') return [];
  const port = portOfMember(bond, member);
  if (port === undefined) return ['Aggregator ID: N/A'];
  const lines = [
    `Aggregator ID: ${port.aggregator}`,
    `Actor Churn State: ${port.actorChurn}`,
    `Partner Churn State: ${port.partnerChurn}`,
    `Actor Churned Count: ${port.actorChurnedCount}`,
    `Partner Churned Count: ${port.partnerChurnedCount}`,
  ];
  if (reader === 'anybody') return lines;
  return [
    ...lines,
    'details actor lacp pdu:',
    ...endLines(port.actor, 'port key'),
    'details partner lacp pdu:',
    ...endLines(port.partner, 'oper key'),
  ];
}

/** The driver writes the actor's port before its state and after its key, and so the partner's. */
function endLines(end: PortSnapshot['actor'], keyName: string): string[] {
  return [
    `    system priority: ${end.systemPriority}`,
    `    system mac address: ${end.system}`,
    `    ${keyName}: ${end.key}`,
    `    port priority: ${end.portPriority}`,
    `    port number: ${end.port}`,
    `    port state: ${end.state}`,
  ];
}
