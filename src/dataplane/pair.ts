// The pair of interfaces that a bond is: people see the near end; what they send through it comes out of the far ("lower") end.
import { dirname } from 'node:path';
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
import type { BondPlaces, NewBond } from './contract.js';

const ALIAS = 'Bondwire: lower end of';
const WARNING = '; its packets pass here, leave it alone';

/** Text that marks the lower end: for people, and for daemons of the same run directory, when nothing is left in that. */
export function lowerAlias(bondName: string, { partsFile }: Pick<BondPlaces, 'partsFile'>): string {
  return `${ALIAS} ${bondName} at ${dirname(partsFile)}${WARNING}`;
}

/** The run directory of the daemon that made a lower end; undefined where it does not say so (earlier versions), or is none. */
export function markedRunDir({ info, alias }: Pick<Link, 'info' | 'alias'>): string | undefined {
  if (info?.kind !== 'veth' || alias?.startsWith(ALIAS) !== true || !alias.endsWith(WARNING))
    return undefined;
  return / at (\/.*)$/s.exec(alias.slice(ALIAS.length, -WARNING.length))?.[1];
}

/** The pair by its indexes. */
export interface Pair {
  readonly bondIfindex: number;
  readonly lowerIfindex: number;
}

/** Makes the pair, the near end with `txQueues` transmit queues, the lower end silent; nothing is left when that fails. */
export function createPair(
  netlink: Rtnetlink,
  bond: Pick<NewBond, 'name' | 'lowerName' | 'address' | 'mtu' | 'partsFile'>,
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
    setLink(netlink, lower.ifindex, { alias: lowerAlias(name, bond), noArp: true, addrGenMode: 'none' });
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
