// The text of /proc/net/bonding/BOND as the kernel driver prints it (bond_procfs.c), in every mode: for who has CAP_NET_ADMIN, and for anybody.
import { type BondSnapshot, findOption, type MemberSnapshot } from '../policy/index.js';
import { activeName, LINK_TEXT, MODE_TEXT, nameOf, usesActive } from './driver-words.js';
import { lacpBondLines, lacpMemberLines, type Reader } from './lacp.js';

function modeLine(bond: BondSnapshot): string {
  const { fail_over_mac: word } = bond.options;
  const bracket = bond.mode === 'active-backup' && word !== 'none' ? ` (fail_over_mac ${word})` : '';
  return `Bonding Mode: ${MODE_TEXT[bond.mode]}${bracket}`;
}

/** Modes 2 and 4 hash always, 5 and 6 when they do not balance by load (bond_mode_uses_xmit_hash). */
function hashLines({ mode, options }: BondSnapshot): string[] {
  const hashes =
    mode === 'balance-xor' ||
    mode === '802.3ad' ||
    ((mode === 'balance-tlb' || mode === 'balance-alb') && options.tlb_dynamic_lb === 0);
  if (!hashes) return [];
  const word = options.xmit_hash_policy;
  const number = findOption('xmit_hash_policy')?.words.find(each => each.word === word)?.value;
  return [`Transmit Hash Policy: ${word} (${number ?? 0})`];
}

function primaryLines(bond: BondSnapshot): string[] {
  if (!usesActive(bond.mode)) return [];
  const primary = nameOf(bond, member => member.name === bond.options.primary);
  const bracket = primary === null ? '' : ` (primary_reselect ${bond.options.primary_reselect})`;
  return [
    `Primary Slave: ${primary ?? 'None'}${bracket}`,
    `Currently Active Slave: ${activeName(bond) ?? 'None'}`,
  ];
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

/** What the text needs besides the bond. */
export interface ProcFacts {
  /** What `uname -r` prints. */
  readonly kernelRelease: string;
  /** Who reads it; `admin` unless it is said. */
  readonly reader?: Reader;
}

/** The whole file, newline at its end (H40). */
export function procText(bond: BondSnapshot, { kernelRelease, reader = 'admin' }: ProcFacts): string {
  const { options } = bond;
  const lines = [
    `Ethernet Channel Bonding Driver: v${kernelRelease}`,
    '',
    modeLine(bond),
    ...hashLines(bond),
    ...primaryLines(bond),
    `MII Status: ${bond.carrier ? 'up' : 'down'}`,
    `MII Polling Interval (ms): ${options.miimon}`,
    `Up Delay (ms): ${options.updelay}`,
    `Down Delay (ms): ${options.downdelay}`,
    `Peer Notification Delay (ms): ${options.peer_notif_delay}`,
    ...arpLines(bond),
    ...lacpBondLines(bond, reader),
    ...bond.members.flatMap(member => [...memberLines(member), ...lacpMemberLines(bond, member, reader)]),
  ];
  return `${lines.join('\n')}\n`;
}
