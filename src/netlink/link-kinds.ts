// What IFLA_INFO_DATA holds for the kinds of link that Bondwire makes or meets: veth, netkit, bridge, macvlan and VLAN;
// and the settings inside IFLA_AF_SPEC.
import {
  type Attribute,
  attributeList,
  be16,
  bytesAttribute,
  findAttribute,
  nestedAttribute,
  u8Attribute,
  u16,
  u16Attribute,
  u32Attribute,
} from './attribute.js';
import { emitLink, type Link, type LinkInfo } from './link.js';
import { ADDR_GEN_MODES, AF_INET, AF_INET6, type AddrGenMode } from './link-constants.js';

const VETH_INFO_PEER = 1;
const IFLA_NETKIT_PEER_INFO = 1;
const IFLA_NETKIT_POLICY = 3;
const IFLA_NETKIT_PEER_POLICY = 4;
const IFLA_NETKIT_MODE = 5;
/** NETKIT_L2: frames with Ethernet headers, and addresses of that kind. */
const NETKIT_L2 = 0;
/** NETKIT_PASS: where no program decides, what is sent at one end comes in at the other. */
const NETKIT_PASS = 0;
const IFLA_BR_FORWARD_DELAY = 1;
const IFLA_BR_HELLO_TIME = 2;
const IFLA_BR_STP_STATE = 5;
const IFLA_BR_VLAN_FILTERING = 7;
const IFLA_BR_MCAST_SNOOPING = 23;
const IFLA_MACVLAN_MODE = 1;
const IFLA_VLAN_ID = 1;
const IFLA_VLAN_FLAGS = 2;
const IFLA_VLAN_PROTOCOL = 5;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IFLA_INET_CONF = 1;
/** Position in include/uapi/linux/ip.h. */
const IPV4_DEVCONF_PROMOTE_SECONDARIES = 20;

/** A veth pair; `peer` is the other end as wanted (name, MTU, namespace, …). */
export function vethInfo(peer: Link): LinkInfo {
  return { kind: 'veth', data: [bytesAttribute(VETH_INFO_PEER, emitLink(peer))] };
}

/** A netkit pair (Linux 6.7) of Ethernet devices that pass on what no program takes; the link itself is the primary device. */
export function netkitInfo(peer: Link): LinkInfo {
  return {
    kind: 'netkit',
    data: [
      u32Attribute(IFLA_NETKIT_MODE, NETKIT_L2),
      u32Attribute(IFLA_NETKIT_POLICY, NETKIT_PASS),
      u32Attribute(IFLA_NETKIT_PEER_POLICY, NETKIT_PASS),
      bytesAttribute(IFLA_NETKIT_PEER_INFO, emitLink(peer)),
    ],
  };
}

/** True for devices that come in pairs: what they name as their link is the other end, not what they stand on. */
export function isOneOfTwo({ info }: Pick<Link, 'info'>): boolean {
  return info?.kind === 'veth' || info?.kind === 'netkit';
}

/** Settings of a new bridge; the kernel's defaults where absent. */
export interface BridgeOptions {
  readonly stp?: boolean;
  /** Seconds between what it says as the root of STP. */
  readonly helloSeconds?: number;
  /** Seconds that a port listens and learns before it forwards; 0 without STP. */
  readonly forwardDelaySeconds?: number;
  readonly vlanFiltering?: boolean;
  readonly multicastSnooping?: boolean;
}

/** A bridge. */
export function bridgeInfo(options: BridgeOptions = {}): LinkInfo {
  const data: Attribute[] = [];
  if (options.forwardDelaySeconds !== undefined) {
    // In 1/100 s (USER_HZ).
    data.push(u32Attribute(IFLA_BR_FORWARD_DELAY, options.forwardDelaySeconds * 100));
  }
  if (options.helloSeconds !== undefined)
    data.push(u32Attribute(IFLA_BR_HELLO_TIME, options.helloSeconds * 100));
  if (options.stp !== undefined) data.push(u32Attribute(IFLA_BR_STP_STATE, options.stp ? 1 : 0));
  if (options.vlanFiltering !== undefined) {
    data.push(u8Attribute(IFLA_BR_VLAN_FILTERING, options.vlanFiltering ? 1 : 0));
  }
  if (options.multicastSnooping !== undefined) {
    data.push(u8Attribute(IFLA_BR_MCAST_SNOOPING, options.multicastSnooping ? 1 : 0));
  }
  return { kind: 'bridge', data };
}

/** MACVLAN_MODE_* by name (linux/if_link.h). */
export const MACVLAN_MODES = { private: 1, vepa: 2, bridge: 4, passthru: 8, source: 16 } as const;

/** How macvlans on one device reach each other. */
export type MacvlanMode = keyof typeof MACVLAN_MODES;

/** A macvlan. */
export function macvlanInfo(mode: MacvlanMode): LinkInfo {
  return { kind: 'macvlan', data: [u32Attribute(IFLA_MACVLAN_MODE, MACVLAN_MODES[mode])] };
}

/** VLAN protocols (linux/if_ether.h). */
export const ETH_P_8021Q = 0x8100;
export const ETH_P_8021AD = 0x88a8;

/** VLAN_FLAG_LOOSE_BINDING: it does not go up and down with the device below. */
const LOOSE_BINDING = 4;

/** What makes a VLAN device. */
export interface VlanSettings {
  readonly id: number;
  /** ETH_P_8021Q (0x8100) or ETH_P_8021AD (0x88a8). */
  readonly protocol: number;
}

/** A VLAN device; `isLoose`: it stays down, or up, whatever the device below does. */
export function vlanInfo({ id, protocol }: VlanSettings, isLoose = false): LinkInfo {
  // struct ifla_vlan_flags: flags, mask.
  const flags = Uint8Array.of(LOOSE_BINDING, 0, 0, 0, LOOSE_BINDING, 0, 0, 0);
  return {
    kind: 'vlan',
    data: [
      u16Attribute(IFLA_VLAN_ID, id),
      ...(isLoose ? [bytesAttribute(IFLA_VLAN_FLAGS, flags)] : []),
      bytesAttribute(IFLA_VLAN_PROTOCOL, be16.write(protocol)),
    ],
  };
}

/** The settings of a VLAN device, or undefined for a link that is none. */
export function vlanSettingsOf(link: Link): VlanSettings | undefined {
  if (link.info?.kind !== 'vlan') return undefined;
  const data = link.info.data ?? [];
  const id = u16.read(findAttribute(data, IFLA_VLAN_ID)?.value ?? new Uint8Array(0));
  const protocol = be16.read(findAttribute(data, IFLA_VLAN_PROTOCOL)?.value ?? new Uint8Array(0));
  return id === undefined ? undefined : { id, protocol: protocol ?? ETH_P_8021Q };
}

/** IFLA_AF_SPEC that sets how the link makes its link-local IPv6 address. */
export function addrGenModeSettings(mode: AddrGenMode): readonly Attribute[] {
  return [nestedAttribute(AF_INET6, [u8Attribute(IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_MODES.indexOf(mode))])];
}

/** IFLA_AF_SPEC that says whether a further address of a network stays when the first one of it goes (ip-sysctl: promote_secondaries). */
export function promotionSettings(promotes: boolean): readonly Attribute[] {
  const value = u32Attribute(IPV4_DEVCONF_PROMOTE_SECONDARIES, promotes ? 1 : 0);
  return [nestedAttribute(AF_INET, [nestedAttribute(IFLA_INET_CONF, [value])])];
}

/** See `promotionSettings()`; false where the kernel does not tell. */
export function promotesSecondaries(link: Link): boolean {
  const inet = findAttribute(link.familySettings ?? [], AF_INET);
  const settings = inet === undefined ? undefined : attributeList.read(inet.value);
  // An array of 32-bit values whose first one has the number 1 (inet_fill_link_af).
  const values = findAttribute(settings ?? [], IFLA_INET_CONF)?.value ?? new Uint8Array(0);
  const at = (IPV4_DEVCONF_PROMOTE_SECONDARIES - 1) * 4;
  return values.subarray(at, at + 4).some(byte => byte !== 0);
}

/** How the link makes its link-local IPv6 address; undefined where IPv6 is off in the kernel. */
export function addrGenModeOf(link: Link): AddrGenMode | undefined {
  const inet6 = findAttribute(link.familySettings ?? [], AF_INET6);
  const settings = inet6 === undefined ? undefined : attributeList.read(inet6.value);
  const mode = findAttribute(settings ?? [], IFLA_INET6_ADDR_GEN_MODE)?.value[0];
  return mode === undefined ? undefined : ADDR_GEN_MODES[mode];
}
