// Addresses and routes that move from an interface to the bond when it joins, and back when the bond goes: the only way
// into a machine can become a bond without being cut off.
import type { SavedBelongings } from '../../keeper/index.js';
import {
  addAddresses,
  deleteAddresses,
  deleteRoutes,
  isErrno,
  listAddresses,
  listRoutes,
  type Rtnetlink,
} from '../../linux/index.js';
import {
  type Address,
  AF_INET6,
  asRequest,
  emitAddress,
  emitRoute,
  IFA_F,
  type Link,
  ownAddress,
  parseAddress,
  parseRoute,
  type Route,
  RTA,
  RTN_UNICAST,
  RTPROT_KERNEL,
  routeDestination,
  routeSource,
  routeUses,
  withInterface,
} from '../../netlink/index.js';
import { addressesOfPeople, routesOfPeople } from './join-checks.js';

/** What an interface carries. */
export interface Belongings {
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
  /** Routes over other interfaces that have one of the addresses as their source; see routesFrom(). */
  readonly sourced: readonly Route[];
}

/** Addresses and routes of people on an interface. */
export function belongingsOf(netlink: Rtnetlink, link: Link): Belongings {
  const { ifindex } = link;
  const addresses = addressesOfPeople(listAddresses(netlink, { ifindex }), link);
  // Routes over others matter where they may have one of its addresses as their source.
  const all = listRoutes(netlink, addresses.length === 0 ? { ifindex } : {});
  const routes = all.filter(route => routeUses(route, ifindex));
  return {
    addresses,
    routes: [...routesOfPeople(routes, () => true), ...subnetRoutes(routes, addresses)],
    sourced: routesFrom(all, addresses, link.ifindex),
  };
}

/**
 * Routes that a network manager made in the kernel's name (`proto kernel`) for addresses that it gave with `noprefixroute`: the
 * kernel makes none for those, wherever they go.
 */
function subnetRoutes(routes: readonly Route[], addresses: readonly Address[]): Route[] {
  const bare = addresses.filter(({ flags = 0 }) => (flags & IFA_F.IFA_F_NOPREFIXROUTE) !== 0);
  return routes.filter(
    route =>
      route.protocol === RTPROT_KERNEL &&
      route.type === RTN_UNICAST &&
      !routeDestination(route).startsWith('fe80:') &&
      bare.some(address => address.family === route.family),
  );
}

/**
 * Routes over other interfaces than this one that have one of its addresses as their source (`src`): the kernel drops them with
 * the address (fib_sync_down_addr), or, of IPv6, takes their source away (rt6_remove_prefsrc).
 */
function routesFrom(routes: readonly Route[], addresses: readonly Address[], ifindex: number): Route[] {
  const own = new Set(addresses.map(ownAddress));
  return routes.filter(
    route => route.protocol !== RTPROT_KERNEL && own.has(routeSource(route)) && !routeUses(route, ifindex),
  );
}

/** `192.0.2.1/24`. */
export function addressText(address: Address): string {
  return `${ownAddress(address) ?? '?'}/${address.prefixLength}`;
}

/** True for a route that hangs on a nexthop object, which names the interface itself and cannot be rewritten here. */
export function usesNexthopObject(route: Route): boolean {
  return route.attributes.some(attribute => attribute.type === RTA.RTA_NH_ID);
}

/** Takes the addresses off an interface; its routes go with them. */
export function removeAddresses(netlink: Rtnetlink, addresses: readonly Address[]): void {
  throwFirst(deleteAddresses(netlink, addresses), 'EADDRNOTAVAIL', 'ENODEV');
}

/** The first error that is none of these. */
function throwFirst(outcomes: readonly (Error | undefined)[], ...expected: readonly string[]): void {
  const error = outcomes.find(each => each !== undefined && !isErrno(each, ...expected));
  if (error !== undefined) throw error;
}

/** Takes what came from an interface off the bond again. */
export function takeBack(netlink: Rtnetlink, belongings: Belongings, from: number, bond: number): void {
  const routes = belongings.routes.map(route => asRequest(withInterface(route, from, bond)));
  throwFirst(deleteRoutes(netlink, routes), 'ESRCH', 'ENODEV');
  // Without the label, which is another one there and would have to fit.
  const onBond = belongings.addresses.map(({ label: _label, ...address }) => ({ ...address, ifindex: bond }));
  removeAddresses(netlink, onBond);
}

/** Where belongings go. */
export interface Destination {
  readonly ifindex: number;
  readonly name: string;
}

/** Gives addresses to an interface. IPv6 ones skip duplicate detection: the host has had them all along. */
export function giveAddresses(
  netlink: Rtnetlink,
  addresses: readonly Address[],
  fromName: string,
  to: Destination,
): void {
  const moved = addresses.map((address): Address => {
    const flags =
      (address.flags ?? 0) & ~(IFA_F.IFA_F_TENTATIVE | IFA_F.IFA_F_DADFAILED | IFA_F.IFA_F_SECONDARY);
    const { label, ...rest } = address;
    return {
      ...rest,
      ifindex: to.ifindex,
      flags: address.family === AF_INET6 ? flags | IFA_F.IFA_F_NODAD : flags,
      ...(label !== undefined && { label: labelFor(label, fromName, to.name) }),
    };
  });
  const outcomes = addAddresses(netlink, moved);
  // Once more: what a moment made fail is not to be lost.
  const failed = moved.filter((_, at) => outcomes[at] !== undefined && !isErrno(outcomes[at], 'EEXIST'));
  if (failed.length > 0) throwFirst(addAddresses(netlink, failed), 'EEXIST');
}

/** A label begins with the name of its interface: `eth0:web` becomes `bond0:web`. 15 characters at most. */
function labelFor(label: string, fromName: string, toName: string): string {
  return label.startsWith(fromName) ? `${toName}${label.slice(fromName.length)}`.slice(0, 15) : toName;
}

/** Thousands of routes take long to read, and are asked for at each step of joining. */
const loaded = new WeakMap<SavedBelongings, Belongings>();

/** Belongings as JSON. */
export function saveBelongings(belongings: Belongings, link: Destination): SavedBelongings {
  const saved = {
    ifindex: link.ifindex,
    name: link.name,
    addresses: belongings.addresses.map(address => Buffer.from(emitAddress(address)).toString('hex')),
    routes: belongings.routes.map(route => Buffer.from(emitRoute(route)).toString('hex')),
    sourced: belongings.sourced.map(route => Buffer.from(emitRoute(route)).toString('hex')),
  };
  loaded.set(saved, belongings);
  return saved;
}

/** Belongings from JSON; what cannot be read is left out. */
export function loadBelongings(saved: SavedBelongings): Belongings {
  const known = loaded.get(saved);
  if (known !== undefined) return known;
  const addresses = saved.addresses.flatMap(hex => {
    const parsed = parseAddress(Buffer.from(hex, 'hex'));
    return parsed.ok ? [parsed.value] : [];
  });
  const belongings = {
    addresses,
    routes: loadRoutes(saved.routes),
    sourced: loadRoutes(saved.sourced ?? []),
  };
  loaded.set(saved, belongings);
  return belongings;
}

function loadRoutes(saved: readonly string[]): Route[] {
  return saved.flatMap(hex => {
    const parsed = parseRoute(Buffer.from(hex, 'hex'));
    return parsed.ok ? [parsed.value] : [];
  });
}
