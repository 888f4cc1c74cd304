// Interfaces whose MAC address is fixed (H31, H33): the driver's bond_enslave looks for ndo_set_mac_address, and takes
// one that has none only with fail_over_mac=active.
import type { MacText } from '../../base/index.js';
import { getLink, isErrno, type Rtnetlink, setLink, SystemError } from '../../linux/index.js';

/**
 * Whether an interface, which is down, takes another MAC address. The kernel tells nobody; but it refuses to set even
 * the present one with EOPNOTSUPP where there is no such operation (dev_set_mac_address). A device that has the operation and then
 * refuses the address fails when it is set.
 */
export function takesAddress(netlink: Rtnetlink, ifindex: number): boolean {
  const address = getLink(netlink, ifindex)?.address;
  if (address === undefined) return true;
  try {
    setLink(netlink, ifindex, { address });
    return true;
  } catch (error) {
    if (isErrno(error, 'EOPNOTSUPP')) return false;
    throw error;
  }
}

/** Gives a member another MAC address. A SystemError says when its driver refuses it, and what can be done. */
export function giveMacAddress(netlink: Rtnetlink, member: number, address: MacText): void {
  try {
    setLink(netlink, member, { address });
  } catch (error) {
    if (!(error instanceof SystemError) || isErrno(error, 'ENODEV')) throw error;
    const advice = 'mode=active-backup with fail_over_mac=active changes no address of a member';
    throw new SystemError(`setting its MAC address to ${address}`, error.errno, '', advice);
  }
}
