// Addresses and routes go back from a bond at its end to the interfaces that they were taken from.
import { getLink, type Rtnetlink } from '../linux/index.js';
import {
  type Address,
  AF_INET,
  IFF,
  type Link,
  ownAddress,
  type Route,
  routeSource,
  routeUses,
} from '../netlink/index.js';
import {
  addressText,
  type Belongings,
  belongingsOf,
  type Destination,
  giveAddresses,
  giveRoutes,
  loadBelongings,
  notGivenText,
  restoreRoutes,
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

/** An interface that gets its own back. */
interface Return {
  readonly home: Destination;
  readonly isUp: boolean;
  readonly saved: SavedBelongings;
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
}

/**
 * Gives each interface its own; what could not be done comes back as sentences. `carried` is what the bond had at its
 * end: what was removed from it meanwhile stays away, and routes that were added go to the first interface. First all
 * addresses, then all routes: one interface's route may have an address of another as its source.
 */
export function returnBelongings(
  netlink: Rtnetlink,
  taken: readonly SavedBelongings[],
  carried: Carried | undefined,
  bondIfindex: number,
): string[] {
  const was = taken.map(saved => loadBelongings(saved));
  const returns = taken.flatMap((saved, at): Return[] => {
    const link = getLink(netlink, saved.ifindex);
    if (link === undefined) return [];
    return [
      {
        home: { ifindex: link.ifindex, name: link.name ?? saved.name },
        isUp: (link.flags & IFF.IFF_UP) !== 0,
        saved,
        addresses: was[at]?.addresses.filter(address => !isRemoved(address, carried)) ?? [],
        routes: was[at]?.routes.filter(route => !isRemovedRoute(route, carried)) ?? [],
      },
    ];
  });
  const problems = returns.flatMap(({ home, saved, addresses }) => {
    try {
      giveAddresses(netlink, addresses, saved.name, home);
      return [];
    } catch (error) {
      return [`${home.name}: ${(error as Error).message}`];
    }
  });
  const isOld = (route: Route): boolean =>
    was.some(({ routes }) => routes.some(old => sameRoute(old, route)));
  let added = carried?.routes.filter(route => !isOld(route)) ?? [];
  for (const { home, isUp, saved, routes } of returns) {
    if (!isUp) continue;
    const failed = [
      ...giveRoutes(netlink, routes, saved.ifindex, home.ifindex),
      ...giveRoutes(netlink, added, bondIfindex, home.ifindex),
    ];
    added = [];
    problems.push(...failed.map(each => `${home.name}: ${notGivenText(each)}`));
  }
  const given = new Set(returns.flatMap(({ addresses }) => addresses.map(ownAddress)));
  const sourced = (carried?.sourced ?? was.flatMap(each => Array.from(each.sourced))).filter(
    route => given.has(routeSource(route)) && !routeUses(route, bondIfindex),
  );
  return [...problems, ...restoreRoutes(netlink, sourced).map(notGivenText)];
}

function isRemoved(address: Address, carried: Carried | undefined): boolean {
  if (carried === undefined || carried.addresses.map(addressText).includes(addressText(address)))
    return false;
  return carried.isUp || address.family === AF_INET;
}

function isRemovedRoute(route: Route, carried: Carried | undefined): boolean {
  return carried?.isUp === true && !carried.routes.some(now => sameRoute(now, route));
}
