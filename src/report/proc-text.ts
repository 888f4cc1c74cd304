// The text of /proc/net/bonding/BOND as the kernel driver prints it (bond_procfs.c), for the modes that exist.
import type { BondSnapshot, LinkState, MemberSnapshot } from '../policy/index.js';

/** Names of the modes in this text (bond_mode_name's long forms). */
const MODE_TEXT = {
  'balance-rr': 'load balancing (round-robin)',
  'active-backup': 'fault-tolerance (active-backup)',
  'balance-xor': 'load balancing (xor)',
  broadcast: 'fault-tolerance (broadcast)',
  '802.3ad': 'IEEE 802.3ad Dynamic link aggregation',
  'balance-tlb': 'transmit load balancing',
  'balance-alb': 'adaptive load balancing',
} as const;

/** Link states in this text and in sysfs (bond_slave_link_status). */
export const LINK_TEXT: Readonly<Record<LinkState, string>> = {
  up: 'up',
  fail: 'going down',
  down: 'down',
  back: 'going back',
};

function nameOf(bond: BondSnapshot, find: (member: MemberSnapshot) => boolean): string | null {
  return bond.members.find(find)?.name ?? null;
}

function modeLine(bond: BondSnapshot): string {
  const { fail_over_mac: word } = bond.options;
  const bracket = bond.mode === 'active-backup' && word !== 'none' ? ` (fail_over_mac ${word})` : '';
  return `Bonding Mode: ${MODE_TEXT[bond.mode]}${bracket}`;
}

function primaryLines(bond: BondSnapshot): string[] {
  if (!['active-backup', 'balance-tlb', 'balance-alb'].includes(bond.mode)) return [];
  const primary = nameOf(bond, member => member.name === bond.options.primary);
  const bracket = primary === null ? '' : ` (primary_reselect ${bond.options.primary_reselect})`;
  const active = nameOf(bond, member => member.member === bond.active);
  return [`Primary Slave: ${primary ?? 'None'}${bracket}`, `Currently Active Slave: ${active ?? 'None'}`];
}

/** ` a, b`: one blank before each, a comma between; nothing at all when there is none. */
function targetText(targets: readonly string[]): string {
  return targets.map(target => ` ${target}`).join(',');
}

function arpLines({ options }: BondSnapshot): string[] {
  if (options.arp_interval === 0) return [];
  return [
    `ARP Polling Interval (ms): ${options.arp_interval}`,
    `ARP Missed Max: ${options.arp_missed_max}`,
    `ARP IP target/s (n.n.n.n form):${targetText(options.arp_ip_target)}`,
    `NS IPv6 target/s (xx::xx form):${targetText(options.ns_ip6_target)}`,
  ];
}

function memberLines(member: MemberSnapshot): string[] {
  return [
    '',
    `Slave Interface: ${member.name}`,
    `MII Status: ${LINK_TEXT[member.link]}`,
    `Speed: ${member.speedMbps === null ? 'Unknown' : `${member.speedMbps} Mbps`}`,
    `Duplex: ${member.duplex ?? 'Unknown'}`,
    `Link Failure Count: ${member.linkFailureCount}`,
    `Permanent HW addr: ${member.permanentAddress}`,
    `Slave queue ID: ${member.queueId}`,
  ];
}

/** The whole file, newline at its end (H40). `kernelRelease` is what `uname -r` prints. */
export function procText(bond: BondSnapshot, { kernelRelease }: { readonly kernelRelease: string }): string {
  const { options } = bond;
  const lines = [
    `Ethernet Channel Bonding Driver: v${kernelRelease}`,
    '',
    modeLine(bond),
    ...primaryLines(bond),
    `MII Status: ${bond.carrier ? 'up' : 'down'}`,
    `MII Polling Interval (ms): ${options.miimon}`,
    `Up Delay (ms): ${options.updelay}`,
    `Down Delay (ms): ${options.downdelay}`,
    `Peer Notification Delay (ms): ${options.peer_notif_delay}`,
    ...arpLines(bond),
    ...bond.members.flatMap(memberLines),
  ];
  return `${lines.join('\n')}\n`;
}
