// The driver's files below /proc and /sys as a tree of texts and links: what stands where, whoever writes it down.
import type { BondSnapshot } from '../policy/index.js';
import { infoText } from './info-text.js';
import { procText, type ProcFacts } from './proc-text.js';
import { portOfMember } from './lacp.js';
import { sysfsMemberText, sysfsText } from './sysfs-text.js';

/** A file with its text, or a symbolic link. `isPrivate`: its owner alone may read it. */
export type TreeEntry = { readonly text: string; readonly isPrivate?: true } | { readonly link: string };

/** True when a reader would find the same. */
export function isSameEntry(one: TreeEntry | undefined, other: TreeEntry): boolean {
  if (one === undefined) return false;
  if ('link' in one) return 'link' in other && one.link === other.link;
  return 'text' in other && one.text === other.text && one.isPrivate === other.isPrivate;
}

/** Entries by path without a leading slash, such as `proc/net/bonding/bond0`. Directories are implied. */
export type FileTree = ReadonlyMap<string, TreeEntry>;

/** Files of /sys/class/net/BOND/bonding, in the order of `ls` (Linux 6.12). */
export const BOND_FILES = [
  'active_slave',
  'ad_actor_key',
  'ad_actor_sys_prio',
  'ad_actor_system',
  'ad_aggregator',
  'ad_num_ports',
  'ad_partner_key',
  'ad_partner_mac',
  'ad_select',
  'ad_user_port_key',
  'all_slaves_active',
  'arp_all_targets',
  'arp_interval',
  'arp_ip_target',
  'arp_missed_max',
  'arp_validate',
  'downdelay',
  'fail_over_mac',
  'lacp_active',
  'lacp_rate',
  'lp_interval',
  'mii_status',
  'miimon',
  'min_links',
  'mode',
  'num_grat_arp',
  'num_unsol_na',
  'packets_per_slave',
  'peer_notif_delay',
  'primary',
  'primary_reselect',
  'queue_id',
  'resend_igmp',
  'slaves',
  'tlb_dynamic_lb',
  'updelay',
  'use_carrier',
  'xmit_hash_policy',
] as const;

/** Those that the driver shows to CAP_NET_ADMIN alone, in 802.3ad: for anybody else they are empty there. */
const PRIVATE_FILES: ReadonlySet<string> = new Set<(typeof BOND_FILES)[number]>([
  'ad_actor_key',
  'ad_actor_sys_prio',
  'ad_actor_system',
  'ad_partner_key',
  'ad_partner_mac',
  'ad_user_port_key',
]);

/** Files of /sys/class/net/MEMBER/bonding_slave. */
export const MEMBER_FILES = [
  'ad_actor_oper_port_state',
  'ad_aggregator_id',
  'ad_partner_oper_port_state',
  'link_failure_count',
  'mii_status',
  'perm_hwaddr',
  'queue_id',
  'state',
] as const;

/** What one bond has below `sys/class/net`, the links between it and its members included. */
export function sysfsTree(bond: BondSnapshot): FileTree {
  const tree = new Map<string, TreeEntry>();
  const at = `sys/class/net/${bond.name}`;
  for (const file of BOND_FILES) {
    const text = sysfsText(bond, file) ?? '';
    const isPrivate = bond.mode === '802.3ad' && PRIVATE_FILES.has(file);
    tree.set(`${at}/bonding/${file}`, { text, ...(isPrivate && { isPrivate }) });
  }
  for (const member of bond.members) {
    const own = `sys/class/net/${member.name}`;
    const port = portOfMember(bond, member);
    for (const file of MEMBER_FILES) {
      tree.set(`${own}/bonding_slave/${file}`, { text: sysfsMemberText(member, file, port) ?? '' });
    }
    tree.set(`${at}/lower_${member.name}`, { link: `../${member.name}` });
    tree.set(`${own}/upper_${bond.name}`, { link: `../${bond.name}` });
    tree.set(`${own}/master`, { link: `../${bond.name}` });
  }
  return tree;
}

/** All files of one bond, for everybody to read: what the driver tells only CAP_NET_ADMIN is left out, or in files that are private. */
export function bondTree(bond: BondSnapshot, facts: ProcFacts): FileTree {
  const tree = new Map<string, TreeEntry>();
  tree.set(`proc/net/bonding/${bond.name}`, { text: procText(bond, { ...facts, reader: 'anybody' }) });
  tree.set(`proc/net/${bond.name}/info`, { text: infoText(bond) });
  for (const [path, entry] of sysfsTree(bond)) tree.set(path, entry);
  return tree;
}

/** The list of all bonds. Written last: who finds a name in it finds the bond's files too. */
export function mastersTree(names: readonly string[]): FileTree {
  return new Map([['sys/class/net/bonding_masters', { text: `${names.join(' ')}\n` }]]);
}

/** A tree as `grep -r . /sys/...` prints files, and `ls -l` links: a line for each, files without text too. */
export function treeText(tree: FileTree): string {
  const lines = Array.from(tree, ([path, entry]) => {
    if ('link' in entry) return `/${path} -> ${entry.link}`;
    return `/${path}:${entry.text.replace(/\n$/, '')}`;
  });
  return lines.length === 0 ? '' : `${lines.toSorted(compareText).join('\n')}\n`;
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
