// Addresses and routes go back from a bond at its end to the interfaces that they were taken from.
import { getLink, type Rtnetlink } from '../linux/index.js';
import { type Address, AF_INET, IFF, type Link, type Route } from '../netlink/index.js';
import {
  addressText,
  type Belongings,
  belongingsOf,
  giveAddresses,
  giveRoutes,
  loadBelongings,
  type SavedBelongings,
  sameRoute,
} from './address-transfer.js';

/** What a bond had at its end. */
export interface Carried extends Belongings {
  /** False: the kernel has removed its routes and IPv6 addresses, so that they are missing says nothing. */
  readonly isUp: boolean;
}

/** What the bond's own interface has. */
export function carriedBy(netlink: Rtnetlink, bond: Link): Carried {
  return { ...belongingsOf(netlink, bond), isUp: (bond.flags & IFF.IFF_UP) !== 0 };
}

/**
 * Gives each interface its own; what could not be done comes back as sentences. `carried` is what the bond had at its
 * end: what was removed from it meanwhile stays away, and routes that were added go to the first interface.
 */
export function returnBelongings(
  netlink: Rtnetlink,
  taken: readonly SavedBelongings[],
  carried: Carried | undefined,
  bondIfindex: number,
): string[] {
  const problems: string[] = [];
  const returns = taken.flatMap(saved => {
    const link = getLink(netlink, saved.ifindex);
    return link === undefined ? [] : [{ saved, link, was: loadBelongings(saved) }];
  });
  const isOld = (route: Route): boolean =>
    returns.some(({ was }) => was.routes.some(old => sameRoute(old, route)));
  let added = carried?.routes.filter(route => !isOld(route)) ?? [];
  const still = carried?.addresses.map(addressText);
  const isRemoved = (address: Address): boolean =>
    still !== undefined &&
    !still.includes(addressText(address)) &&
    (carried?.isUp !== false || address.family === AF_INET);
  const isRemovedRoute = (route: Route): boolean =>
    carried?.isUp === true && !carried.routes.some(now => sameRoute(now, route));
  for (const { saved, link, was } of returns) {
    const addresses = was.addresses.filter(address => !isRemoved(address));
    const routes = was.routes.filter(route => !isRemovedRoute(route));
    const home = { ifindex: link.ifindex, name: link.name ?? saved.name };
    try {
      giveAddresses(netlink, addresses, saved.name, home);
      if ((link.flags & IFF.IFF_UP) === 0) continue;
      giveRoutes(netlink, routes, saved.ifindex, home.ifindex);
      giveRoutes(netlink, added, bondIfindex, home.ifindex);
      added = [];
    } catch (error) {
      problems.push(`${home.name}: ${(error as Error).message}`);
    }
  }
  return problems;
}
