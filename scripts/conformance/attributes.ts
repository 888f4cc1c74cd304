// The driver's netlink attributes by option (IFLA_BOND_*, IFLA_BOND_SLAVE_* of linux/if_link.h): number, type, and how a value
// in text becomes one.

/** How the value of an option travels. */
type AttributeType = 'u8' | 'u16' | 'u32' | 's32' | 'interface' | 'ipv4-list' | 'ipv6-list' | 'mac';

/** One attribute. */
export interface AttributeSpec {
  readonly option: string;
  readonly number: number;
  readonly type: AttributeType;
  /** True for those of a member. */
  readonly perMember: boolean;
}

function ofBond(option: string, number: number, type: AttributeType): AttributeSpec {
  return { option, number, type, perMember: false };
}

function ofMember(option: string, number: number, type: AttributeType): AttributeSpec {
  return { option, number, type, perMember: true };
}

export const ATTRIBUTES: readonly AttributeSpec[] = [
  ofBond('mode', 1, 'u8'),
  ofBond('active_slave', 2, 'interface'),
  ofBond('miimon', 3, 'u32'),
  ofBond('updelay', 4, 'u32'),
  ofBond('downdelay', 5, 'u32'),
  ofBond('use_carrier', 6, 'u8'),
  ofBond('arp_interval', 7, 'u32'),
  ofBond('arp_ip_target', 8, 'ipv4-list'),
  ofBond('arp_validate', 9, 'u32'),
  ofBond('arp_all_targets', 10, 'u32'),
  ofBond('primary', 11, 'interface'),
  ofBond('primary_reselect', 12, 'u8'),
  ofBond('fail_over_mac', 13, 'u8'),
  ofBond('xmit_hash_policy', 14, 'u8'),
  ofBond('resend_igmp', 15, 'u32'),
  ofBond('num_grat_arp', 16, 'u8'),
  ofBond('all_slaves_active', 17, 'u8'),
  ofBond('min_links', 18, 'u32'),
  ofBond('lp_interval', 19, 'u32'),
  ofBond('packets_per_slave', 20, 'u32'),
  ofBond('lacp_rate', 21, 'u8'),
  ofBond('ad_select', 22, 'u8'),
  ofBond('ad_actor_sys_prio', 24, 'u16'),
  ofBond('ad_user_port_key', 25, 'u16'),
  ofBond('ad_actor_system', 26, 'mac'),
  ofBond('tlb_dynamic_lb', 27, 'u8'),
  ofBond('peer_notif_delay', 28, 'u32'),
  ofBond('lacp_active', 29, 'u8'),
  ofBond('arp_missed_max', 30, 'u8'),
  ofBond('ns_ip6_target', 31, 'ipv6-list'),
  ofBond('coupled_control', 32, 'u8'),
  ofBond('broadcast_neighbor', 33, 'u8'),
  ofBond('lacp_strict', 34, 'u8'),
  ofMember('queue_id', 5, 'u16'),
  ofMember('prio', 9, 's32'),
  ofMember('actor_port_prio', 10, 'u16'),
];

/** The range of a type of number; null where it is none. */
export function rangeOf(type: AttributeType): readonly [min: number, max: number] | null {
  switch (type) {
    case 'u8':
      return [0, 0xff];
    case 'u16':
      return [0, 0xffff];
    case 'u32':
      return [0, 0xffffffff];
    case 's32':
      return [-0x80000000, 0x7fffffff];
    case 'interface':
    case 'ipv4-list':
    case 'ipv6-list':
    case 'mac':
      return null;
    default:
      return type satisfies never;
  }
}
