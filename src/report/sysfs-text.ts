// Values as the files below /sys/class/net/BOND/bonding/ and SLAVE/bonding_slave/ print them (bond_sysfs.c).
import {
  type BondSnapshot,
  findOption,
  type LacpSnapshot,
  type MemberSnapshot,
  type PortSnapshot,
} from '../policy/index.js';
import { LINK_TEXT } from './driver-words.js';

type Aggregator = NonNullable<LacpSnapshot['active']>;

/** Read-only files of the active aggregator in mode 802.3ad; `null` while there is none. */
const AGGREGATOR: ReadonlyMap<string, (active: Aggregator | null) => string> = new Map([
  ['ad_aggregator', active => line(active?.id ?? 0)],
  ['ad_num_ports', active => line(active?.ports ?? 0)],
  ['ad_actor_key', active => line(active?.actorKey ?? 0)],
  ['ad_partner_key', active => line(active?.partnerKey ?? 0)],
  ['ad_partner_mac', active => (active === null ? '' : line(active.partnerSystem))],
]);

/** Options whose files are empty outside mode 802.3ad. */
const AD_ONLY: ReadonlySet<string> = new Set(['ad_actor_sys_prio', 'ad_actor_system', 'ad_user_port_key']);

function line(text: string | number): string {
  return `${text}\n`;
}

/** `a b c` and a newline; nothing when there is nothing. */
function list(values: readonly string[]): string {
  return values.length === 0 ? '' : line(values.join(' '));
}

function textOption(bond: BondSnapshot, name: string): string {
  switch (name) {
    case 'active_slave':
      return list(bond.members.filter(member => member.member === bond.active).map(member => member.name));
    case 'primary':
      return list(bond.members.map(member => member.name).filter(each => each === bond.options.primary));
    case 'slaves':
      return list(bond.options.slaves);
    case 'queue_id':
      return list(bond.options.queue_id);
    case 'ad_actor_system':
      return line(bond.options.ad_actor_system);
    default:
      return list(bond.options.arp_ip_target);
  }
}

/** The content of a bond's file, newline included; null when the driver has no file of that name. */
export function sysfsText(bond: BondSnapshot, file: string): string | null {
  if (file === 'mii_status') return line(bond.carrier ? 'up' : 'down');
  const aggregator = AGGREGATOR.get(file);
  if (aggregator !== undefined) return bond.mode === '802.3ad' ? aggregator(bond.lacp?.active ?? null) : '';
  if (AD_ONLY.has(file) && bond.mode !== '802.3ad') return '';
  const spec = findOption(file);
  // Of the aliases only num_unsol_na is a file as well.
  if (spec === undefined || spec.sysfs === null || (spec.name !== file && file !== 'num_unsol_na'))
    return null;
  if (spec.sysfs === 'text') return textOption(bond, file);
  const value = bond.options[spec.name];
  if (spec.sysfs === 'number') return line(Number(value));
  const word = spec.words.find(each => each.word === value);
  return line(`${word?.word ?? 'unknown'} ${word?.value ?? 0}`);
}

/**
 * The content of a member's file, newline included; null when the driver has no file of that name. `port`: its port in mode 802.3ad, once
 * it has an aggregator.
 */
export function sysfsMemberText(member: MemberSnapshot, file: string, port?: PortSnapshot): string | null {
  switch (file) {
    case 'state':
      return line(member.state);
    case 'mii_status':
      return line(LINK_TEXT[member.link]);
    case 'link_failure_count':
      return line(member.linkFailureCount);
    case 'perm_hwaddr':
      return line(member.permanentAddress);
    case 'queue_id':
      return line(member.queueId);
    case 'ad_aggregator_id':
      return line(port?.aggregator ?? 'N/A');
    case 'ad_actor_oper_port_state':
      return line(port?.actor.state ?? 'N/A');
    case 'ad_partner_oper_port_state':
      return line(port?.partner.state ?? 'N/A');
    default:
      return null;
  }
}
