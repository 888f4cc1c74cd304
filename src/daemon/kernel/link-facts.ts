// The kernel's word on an interface, as the policy wants it.
import type { Ethtool } from '../../linux/index.js';
import { IFF, type Link } from '../../netlink/index.js';
import type { Input, MemberLink } from '../../policy/index.js';

const IFF_LOWER_UP = 1 << 16;

/** A member's link. The carrier is asked for afresh, which also makes the kernel deliver a held-back event at once. */
export function memberLinkOf(ethtool: Pick<Ethtool, 'linkSettings'>, link: Link): MemberLink {
  const name = link.name ?? '';
  const adminUp = (link.flags & IFF.IFF_UP) !== 0;
  const settings = adminUp ? ethtool.linkSettings(name) : undefined;
  return {
    name,
    address: link.address ?? '',
    mtu: link.mtu ?? 0,
    adminUp,
    carrier: carrierOf(link),
    speedMbps: settings?.speedMbps ?? null,
    duplex: settings?.duplex === 'full' || settings?.duplex === 'half' ? settings.duplex : null,
  };
}

/** netif_carrier_ok of a link that is up. */
export function carrierOf(link: Link): boolean {
  return link.carrier ?? (link.flags & IFF_LOWER_UP) !== 0;
}

/** The bond's own interface. */
export function bondLinkOf(link: Link): Extract<Input, { kind: 'bond-link' }> {
  return {
    kind: 'bond-link',
    name: link.name ?? '',
    adminUp: (link.flags & IFF.IFF_UP) !== 0,
    mtu: link.mtu ?? 0,
    address: link.address ?? '',
    promiscuous: (link.promiscuity ?? 0) > 0 || (link.flags & IFF.IFF_PROMISC) !== 0,
    allMulticast: (link.allMulticastCount ?? 0) > 0 || (link.flags & IFF.IFF_ALLMULTI) !== 0,
  };
}
