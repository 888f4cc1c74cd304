// The pair of interfaces that a bond is: people see the near end; what they send through it comes out of the far ("lower") end.
import { dirname } from 'node:path';
import {
  createNetkit,
  createVeth,
  deleteLink,
  getLink,
  isErrno,
  type PairOptions,
  requireLink,
  type Rtnetlink,
  setLink,
  writeSysctl,
} from '../linux/index.js';
import type { Link } from '../netlink/index.js';
import type { BondPlaces, NewBond } from './contract.js';

const ALIAS = 'Bondwire: lower end of';
const WARNING = '; its packets pass here, leave it alone';

/** Kinds of interface that a pair may be of, as the kernel calls them. */
export const PAIR_KINDS = ['netkit', 'veth'] as const;
export type PairKind = (typeof PAIR_KINDS)[number];

/** How a pair of each kind is made. */
const MAKERS: Readonly<Record<PairKind, (netlink: Rtnetlink, ends: PairOptions) => void>> = {
  netkit: createNetkit,
  veth: createVeth,
};

/** The pair by its indexes. */
export interface PairIndexes {
  readonly bondIfindex: number;
  readonly lowerIfindex: number;
}

/** The same with the name that the lower end was given. */
export interface KnownPair extends PairIndexes {
  readonly lowerName: string;
}

/** Text that marks the lower end: for people, and for daemons of the same run directory, when nothing is left in that. */
function lowerAlias(bondName: string, { partsFile }: Pick<BondPlaces, 'partsFile'>): string {
  return `${ALIAS} ${bondName} at ${dirname(partsFile)}${WARNING}`;
}

/** The run directory of the daemon that made a lower end; undefined where it does not say so (earlier versions), or is none. */
export function markedRunDir({ info, alias }: Pick<Link, 'info' | 'alias'>): string | undefined {
  if (kindOf(info) === undefined || alias?.startsWith(ALIAS) !== true || !alias.endsWith(WARNING))
    return undefined;
  return / at (\/.*)$/s.exec(alias.slice(ALIAS.length, -WARNING.length))?.[1];
}

/** True for an interface that bears our mark, or none. */
export function isLowerEnd({ info, alias }: Pick<Link, 'info' | 'alias'>): boolean {
  return kindOf(info) !== undefined && alias?.startsWith(ALIAS) !== false;
}

function kindOf(info: Link['info']): PairKind | undefined {
  return PAIR_KINDS.find(kind => kind === info?.kind);
}

/** Of which kind a pair is that is there; undefined where an end is gone, or its index another interface's by now. */
export function pairAt(
  netlink: Rtnetlink,
  { lowerName, bondIfindex, lowerIfindex }: KnownPair,
): PairKind | undefined {
  const lower = getLink(netlink, lowerIfindex);
  const isOurs = lower !== undefined && (lower.name === lowerName || lower.link === bondIfindex);
  return isOurs && getLink(netlink, bondIfindex) !== undefined ? kindOf(lower.info) : undefined;
}

/** The pair of one bond. */
export class Pair implements KnownPair {
  readonly kind: PairKind;
  readonly lowerName: string;
  readonly bondIfindex: number;
  readonly lowerIfindex: number;
  readonly #netlink: Rtnetlink;
  readonly #places: Pick<BondPlaces, 'partsFile'>;
  /** As it was set here last. */
  #carrier: boolean | undefined;

  private constructor(
    netlink: Rtnetlink,
    places: Pick<BondPlaces, 'partsFile'>,
    { lowerName, bondIfindex, lowerIfindex }: KnownPair,
    kind: PairKind,
  ) {
    this.#netlink = netlink;
    this.#places = places;
    this.lowerName = lowerName;
    this.bondIfindex = bondIfindex;
    this.lowerIfindex = lowerIfindex;
    this.kind = kind;
  }

  /** Makes one, the near end with `txQueues` transmit queues, the lower end silent; nothing is left when that fails. */
  static create(netlink: Rtnetlink, bond: Omit<NewBond, 'pins'>, kind: PairKind, txQueues = 1): Pair {
    const { name, lowerName, address, mtu } = bond;
    MAKERS[kind](netlink, {
      name,
      peerName: lowerName,
      mtu,
      numTxQueues: txQueues,
      peerNumTxQueues: 1,
      ...(address !== undefined && { address }),
    });
    try {
      const lower = requireLink(netlink, lowerName);
      setLink(netlink, lower.ifindex, { alias: lowerAlias(name, bond), noArp: true, addrGenMode: 'none' });
      try {
        writeSysctl('ipv6', lowerName, 'disable_ipv6', '1');
      } catch (error) {
        // Read-only in most containers: it has no IPv6 address all the same.
        if (!isErrno(error, 'EROFS', 'EACCES', 'EPERM')) throw error;
      }
      const bondIfindex = requireLink(netlink, name).ifindex;
      return new Pair(netlink, bond, { lowerName, bondIfindex, lowerIfindex: lower.ifindex }, kind);
    } catch (error) {
      deleteLink(netlink, name);
      throw error;
    }
  }

  /** Goes on with one that an earlier process made; undefined where it is gone. */
  static takeOver(
    netlink: Rtnetlink,
    places: Pick<BondPlaces, 'partsFile'>,
    known: KnownPair,
  ): Pair | undefined {
    const kind = pairAt(netlink, known);
    return kind === undefined ? undefined : new Pair(netlink, places, known, kind);
  }

  /** Deletes one of which only the name of the lower end is known. */
  static sweep(netlink: Rtnetlink, lowerName: string): void {
    const lower = getLink(netlink, lowerName);
    if (lower !== undefined && isLowerEnd(lower)) deleteLink(netlink, lower.ifindex);
  }

  /** The bond's carrier as others see it: a pair has one while both ends are up. */
  setCarrier(on: boolean): void {
    if (this.#carrier === on) return;
    setLink(this.#netlink, this.lowerIfindex, { up: on });
    this.#carrier = on;
  }

  /** The bond has another MTU. */
  setMtu(mtu: number): void {
    setLink(this.#netlink, this.lowerIfindex, { mtu });
  }

  /** The bond has another name. */
  renamed(bondName: string): void {
    setLink(this.#netlink, this.lowerIfindex, { alias: lowerAlias(bondName, this.#places) });
  }

  /** Deletes bond and lower end, the bond also when it is in another namespace by now: one end goes with the other. */
  destroy(): void {
    Pair.sweep(this.#netlink, this.lowerName);
    // Somebody gave it another name.
    const lower = getLink(this.#netlink, this.lowerIfindex);
    if (lower?.alias?.startsWith(ALIAS) === true) Pair.sweep(this.#netlink, lower.name ?? '');
  }
}
