// A bond's new MAC address goes to its members, or the bond has its old one back (bond_set_mac_address).
import { getLink, isErrno, type Rtnetlink, setLink } from '../../linux/index.js';
import type { MemberAddress } from '../../policy/index.js';

/** Gives each its address; when one refuses, all and the bond get back what they had, and why is returned. */
export function giveAddresses(
  netlink: Rtnetlink,
  bond: { readonly ifindex: number; readonly before: string },
  wishes: readonly MemberAddress[],
): string | undefined {
  const back: (() => void)[] = [() => setLink(netlink, bond.ifindex, { address: bond.before })];
  for (const { member, address } of wishes) {
    const link = getLink(netlink, member);
    // One that is gone is no reason: the kernel's news of it come next.
    if (link?.address === undefined || link.address === address) continue;
    const { name = String(member), address: before } = link;
    try {
      setLink(netlink, member, { address });
      back.push(() => setLink(netlink, member, { address: before }));
    } catch (error) {
      if (isErrno(error, 'ENODEV')) continue;
      for (const step of back.toReversed()) attempt(step);
      return `${name} refuses it (${error instanceof Error ? error.message : String(error)})`;
    }
  }
  return undefined;
}

/** It is gone, or takes no address at all: the first error says what was wrong. */
function attempt(step: () => void): void {
  try {
    step();
  } catch {}
}
