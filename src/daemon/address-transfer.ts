// Addresses and routes that move from an interface to the bond when it joins, and back when the bond goes: the only way
// into a machine can become a bond without being cut off.
import {
  addAddress,
  addRoute,
  deleteAddress,
  deleteRoute,
  isErrno,
  listAddresses,
  listRoutes,
  type Rtnetlink,
} from '../linux/index.js';
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
  RTM_F_CLONED,
  RTN_UNICAST,
  RTPROT_KERNEL,
  routeDestination,
  routeGateway,
  routeSource,
  routeTable,
  routeUses,
  withInterface,
} from '../netlink/index.js';
import { addressesOfPeople, routesOfPeople } from './join-checks.js';

/** What an interface carries. */
export interface Belongings {
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
  /** Routes over other interfaces that have one of the addresses as their source; see routesFrom(). */
  readonly sourced: readonly Route[];
}

/** The same as JSON: the kernel's own messages in hexadecimal. */
export interface SavedBelongings {
  readonly ifindex: number;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  readonly sourced?: readonly string[];
  /** True while they are given back: a daemon that finds it so goes on with that. */
  readonly returning?: boolean;
}

/** Addresses and routes of people on an interface. */
export function belongingsOf(netlink: Rtnetlink, link: Link): Belongings {
  const addresses = addressesOfPeople(listAddresses(netlink), link);
  const all = listRoutes(netlink).filter(route => (route.flags & RTM_F_CLONED) === 0);
  const routes = all.filter(route => routeUses(route, link.ifindex));
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

/** Makes such routes as they were, once their sources are where they go. Gives those that could not be made. */
export function restoreRoutes(netlink: Rtnetlink, routes: readonly Route[]): NotGiven[] {
  return putRoutes(netlink, routes);
}

/** A route that could not be made, and why. */
export interface NotGiven {
  readonly route: Route;
  readonly error: Error;
}

/** `the route default via 192.0.2.254 (...)`. */
export function notGivenText({ route, error }: NotGiven): string {
  const source = routeSource(route);
  const from = source === undefined ? '' : ` src ${source}`;
  return `the route ${routeText(route)}${from} could not be made again: ${error.message}`;
}

/** Makes routes, those without a gateway first, as the others need them. What fails does not keep the rest away. */
function putRoutes(netlink: Rtnetlink, routes: readonly Route[]): NotGiven[] {
  const direct = routes.filter(route => routeGateway(route) === undefined);
  const viaGateway = routes.filter(route => routeGateway(route) !== undefined);
  return [...direct, ...viaGateway].flatMap(route => {
    try {
      addRoute(netlink, route, route.family === AF_INET6 && routeSource(route) !== undefined);
      return [];
    } catch (error) {
      return isErrno(error, 'EEXIST') ? [] : [{ route, error: error as Error }];
    }
  });
}

/** `192.0.2.1/24`. */
export function addressText(address: Address): string {
  return `${ownAddress(address) ?? '?'}/${address.prefixLength}`;
}

/** `default via 192.0.2.254`. */
export function routeText(route: Route): string {
  const gateway = routeGateway(route);
  return gateway === undefined ? routeDestination(route) : `${routeDestination(route)} via ${gateway}`;
}

/** What tells a route from others, but for its interface. */
function routeIdentity(route: Route): string {
  const metric = route.attributes.find(attribute => attribute.type === RTA.RTA_PRIORITY);
  const bytes = metric === undefined ? '' : Buffer.from(metric.value).toString('hex');
  return [route.family, route.tos, routeTable(route), routeText(route), bytes].join(' ');
}

/** True when both say the same of the same destination, by whatever interface. */
export function sameRoute(a: Route, b: Route): boolean {
  return routeIdentity(a) === routeIdentity(b);
}

/** True for a route that hangs on a nexthop object, which names the interface itself and cannot be rewritten here. */
export function usesNexthopObject(route: Route): boolean {
  return route.attributes.some(attribute => attribute.type === RTA.RTA_NH_ID);
}

/** Takes the addresses off an interface; its routes go with them. */
export function removeAddresses(netlink: Rtnetlink, addresses: readonly Address[]): void {
  for (const address of addresses) {
    try {
      deleteAddress(netlink, address);
    } catch (error) {
      if (!isErrno(error, 'EADDRNOTAVAIL', 'ENODEV')) throw error;
    }
  }
}

/** Takes what came from an interface off the bond again. */
export function takeBack(netlink: Rtnetlink, belongings: Belongings, from: number, bond: number): void {
  for (const route of belongings.routes) {
    try {
      deleteRoute(netlink, asRequest(withInterface(route, from, bond)));
    } catch (error) {
      if (!isErrno(error, 'ESRCH', 'ENODEV')) throw error;
    }
  }
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
  for (const address of addresses) {
    const flags =
      (address.flags ?? 0) & ~(IFA_F.IFA_F_TENTATIVE | IFA_F.IFA_F_DADFAILED | IFA_F.IFA_F_SECONDARY);
    const { label, ...rest } = address;
    const moved: Address = {
      ...rest,
      ifindex: to.ifindex,
      flags: address.family === AF_INET6 ? flags | IFA_F.IFA_F_NODAD : flags,
      ...(label !== undefined && { label: labelFor(label, fromName, to.name) }),
    };
    try {
      addAddress(netlink, moved);
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
    }
  }
}

/** A label begins with the name of its interface: `eth0:web` becomes `bond0:web`. 15 characters at most. */
function labelFor(label: string, fromName: string, toName: string): string {
  return label.startsWith(fromName) ? `${toName}${label.slice(fromName.length)}`.slice(0, 15) : toName;
}

/** Gives routes to an interface that is up, instead of the one that they were over. Gives those that could not be made. */
export function giveRoutes(
  netlink: Rtnetlink,
  routes: readonly Route[],
  fromIfindex: number,
  toIfindex: number,
): NotGiven[] {
  return putRoutes(
    netlink,
    routes.map(route => withInterface(route, fromIfindex, toIfindex)),
  );
}

/** Belongings as JSON. */
export function saveBelongings(belongings: Belongings, link: Destination): SavedBelongings {
  return {
    ifindex: link.ifindex,
    name: link.name,
    addresses: belongings.addresses.map(address => Buffer.from(emitAddress(address)).toString('hex')),
    routes: belongings.routes.map(route => Buffer.from(emitRoute(route)).toString('hex')),
    sourced: belongings.sourced.map(route => Buffer.from(emitRoute(route)).toString('hex')),
  };
}

/** Belongings from JSON; what cannot be read is left out. */
export function loadBelongings(saved: SavedBelongings): Belongings {
  const addresses = saved.addresses.flatMap(hex => {
    const parsed = parseAddress(Buffer.from(hex, 'hex'));
    return parsed.ok ? [parsed.value] : [];
  });
  return { addresses, routes: loadRoutes(saved.routes), sourced: loadRoutes(saved.sourced ?? []) };
}

function loadRoutes(saved: readonly string[]): Route[] {
  return saved.flatMap(hex => {
    const parsed = parseRoute(Buffer.from(hex, 'hex'));
    return parsed.ok ? [parsed.value] : [];
  });
}
