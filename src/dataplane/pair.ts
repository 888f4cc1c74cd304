// The pair of interfaces that a bond is: people see the near end; what they send through it comes out of the far ("lower") end.
import {
  createVeth,
  deleteLink,
  getLink,
  isErrno,
  type Rtnetlink,
  setLink,
  writeSysctl,
} from '../linux/index.js';
import type { Link } from '../netlink/index.js';
import type { NewBond } from './contract.js';

const ALIAS = 'Bondwire: lower end of';

/** Text that marks the lower end for people. */
export function lowerAlias(bondName: string): string {
  return `${ALIAS} ${bondName}; its packets pass here, leave it alone`;
}

/** The pair by its indexes. */
export interface Pair {
  readonly bondIfindex: number;
  readonly lowerIfindex: number;
}

/** Makes the pair, the near end with `txQueues` transmit queues, the lower end silent; nothing is left when that fails. */
export function createPair(
  netlink: Rtnetlink,
  bond: Pick<NewBond, 'name' | 'lowerName' | 'address' | 'mtu'>,
  txQueues = 1,
): Pair {
  const { name, lowerName, mtu, address } = bond;
  const near = createVeth(netlink, {
    name,
    peerName: lowerName,
    mtu,
    numTxQueues: txQueues,
    peerNumTxQueues: 1,
    ...(address !== undefined && { address }),
  });
  try {
    const lower = getLink(netlink, lowerName);
    if (near === undefined || lower === undefined) throw new Error(`The pair of ${name} did not appear.`);
    setLink(netlink, lower.ifindex, { alias: lowerAlias(name), noArp: true, addrGenMode: 'none' });
    try {
      writeSysctl('ipv6', lowerName, 'disable_ipv6', '1');
    } catch (error) {
      // Read-only in most containers: it has no IPv6 address all the same.
      if (!isErrno(error, 'EROFS', 'EACCES', 'EPERM')) throw error;
    }
    return { bondIfindex: near.ifindex, lowerIfindex: lower.ifindex };
  } catch (error) {
    deleteLink(netlink, name);
    throw error;
  }
}

/** True for an interface that bears our mark. */
export function isLowerEnd({ info, alias }: Pick<Link, 'info' | 'alias'>): boolean {
  return info?.kind === 'veth' && alias?.startsWith(ALIAS) !== false;
}

/** Deletes bond and lower end, the bond also when it is in another namespace by now: one end goes with the other. */
export function deletePair(netlink: Rtnetlink, lowerName: string): void {
  const lower = getLink(netlink, lowerName);
  if (lower === undefined || !isLowerEnd(lower)) return;
  deleteLink(netlink, lower.ifindex);
}
