// What an interface was like before it joined, so that it can be given back exactly so (invariant 2 of the house).
import {
  closeFd,
  Ethtool,
  findNetns,
  getLink,
  isErrno,
  readSysctl,
  Rtnetlink,
  setLink,
  withNetns,
  writeSysctl,
} from '../../linux/index.js';
import { twice } from '../../base/index.js';
import type { OriginalSettings } from '../../keeper/index.js';
import { setLargeReceive } from '../kernel/large-receive.js';
import { addrGenModeOf, IFF, type Link } from '../../netlink/index.js';

/** Reads them off a link. */
export function captureSettings(link: Link): OriginalSettings {
  return {
    ifindex: link.ifindex,
    name: link.name ?? '',
    address: link.address ?? '',
    mtu: link.mtu ?? 1500,
    up: (link.flags & IFF.IFF_UP) !== 0,
    promiscuous: (link.flags & IFF.IFF_PROMISC) !== 0,
    allMulticast: (link.flags & IFF.IFF_ALLMULTI) !== 0,
    disableIpv6: readSysctl('ipv6', link.name ?? '', 'disable_ipv6') ?? null,
    addrGenMode: addrGenModeOf(link) ?? null,
  };
}

/**
 * Makes a member silent for the host: no IPv6 of its own (driver: IFF_NO_ADDRCONF), so that it takes no address and
 * answers nothing. Where sysctls are read-only, at least no addresses are generated.
 */
export function silenceIpv6(netlink: Rtnetlink, original: OriginalSettings): void {
  if (original.addrGenMode !== null) setLink(netlink, original.ifindex, { addrGenMode: 'none' });
  if (original.disableIpv6 === null) return;
  try {
    writeSysctl('ipv6', original.name, 'disable_ipv6', '1');
  } catch (error) {
    if (!isErrno(error, 'EROFS', 'EACCES', 'EPERM')) throw error;
  }
}

/**
 * Gives an interface back as it was. Every step is tried; what failed comes back as sentences. `address` false leaves
 * the MAC alone (fail_over_mac=active never changed it).
 */
export function restoreSettings(
  netlink: Rtnetlink,
  original: OriginalSettings,
  restore: { readonly address: boolean },
): string[] {
  const problems: string[] = [];
  const attempt = (what: string, action: () => void): void => {
    try {
      twice(action);
    } catch (error) {
      problems.push(`${original.name}: ${what} could not be restored: ${(error as Error).message}`);
    }
  };
  const link = twice(() => getLink(netlink, original.ifindex));
  if (link === undefined) return problems;
  const { ifindex } = original;
  const name = link.name ?? original.name;
  // Down first: some drivers refuse another MAC while up, and the kernel takes IPv6 settings to heart when it comes up.
  attempt('its state', () => setLink(netlink, ifindex, { up: false }));
  if (restore.address && link.address !== original.address) {
    attempt('its MAC address', () => setLink(netlink, ifindex, { address: original.address }));
  }
  if (original.largeReceive === true) {
    attempt('its large receive offload', () => {
      const ethtool = Ethtool.open();
      try {
        setLargeReceive(ethtool, name, true);
      } finally {
        ethtool.close();
      }
    });
  }
  if (link.mtu !== original.mtu) attempt('its MTU', () => setLink(netlink, ifindex, { mtu: original.mtu }));
  attempt('its promiscuous mode', () =>
    setLink(netlink, ifindex, {
      promiscuous: original.promiscuous,
      allMulticast: original.allMulticast,
    }),
  );
  const { addrGenMode, disableIpv6 } = original;
  if (addrGenMode !== null) attempt('its IPv6 mode', () => setLink(netlink, ifindex, { addrGenMode }));
  if (disableIpv6 !== null) {
    attempt('its IPv6 switch', () => {
      if (readSysctl('ipv6', name, 'disable_ipv6') === disableIpv6) return;
      writeSysctl('ipv6', name, 'disable_ipv6', disableIpv6);
    });
  }
  if (original.up) attempt('its state', () => setLink(netlink, ifindex, { up: true }));
  return problems;
}

/**
 * Gives an interface back that was moved to another namespace, known here as `netnsId`: MAC, MTU and flags, which went
 * with it. IPv6 begins anew there by itself, and whether it is up is the other's affair. A sentence when it is not found.
 */
export function restoreInNetns(
  netlink: Rtnetlink,
  netnsId: number,
  original: OriginalSettings,
): string | undefined {
  const netns = findNetns(netlink, netnsId);
  if (netns === undefined) return `${original.name} keeps its MAC address: its new namespace was not found`;
  const { ifindex, address, mtu, promiscuous, allMulticast } = original;
  const there = withNetns(netns, () => Rtnetlink.open());
  try {
    setLink(there, ifindex, { mtu, promiscuous, allMulticast });
    try {
      setLink(there, ifindex, { address });
    } catch (error) {
      if (!isErrno(error, 'EBUSY')) throw error;
      // Up already, and of a kind that takes another address only while down.
      setLink(there, ifindex, { up: false });
      setLink(there, ifindex, { address });
      setLink(there, ifindex, { up: true });
    }
    return undefined;
  } finally {
    there.close();
    closeFd(netns);
  }
}
