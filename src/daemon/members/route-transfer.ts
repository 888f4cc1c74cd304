// Making many routes again, in the order in which they are missed, and so that nobody waits for them: many in one call of the
// kernel, and the event loop gets its turn between two calls.
import { addRoutes, isErrno, type Rtnetlink } from '../../linux/index.js';
import {
  AF_INET6,
  hopGateway,
  type Route,
  RTA,
  routeDestination,
  routeGateway,
  routeNextHops,
  routeSource,
  routeTable,
} from '../../netlink/index.js';

/** Routes made between two turns of the event loop: a few milliseconds of work. */
const AT_A_TIME = 256;

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

/** `default via 192.0.2.254`. */
export function routeText(route: Route): string {
  const gateway = routeGateway(route);
  return gateway === undefined ? routeDestination(route) : `${routeDestination(route)} via ${gateway}`;
}

/** What tells a route from others of the same family, but for its interface, as text to be looked up by. */
export function routeIdentity(route: Route): string {
  const metric = route.attributes.find(attribute => attribute.type === RTA.RTA_PRIORITY);
  const bytes = metric === undefined ? '' : metric.value.join('.');
  return `${route.family} ${route.tos} ${routeTable(route)} ${routeText(route)} ${bytes}`;
}

const isDefault = (route: Route): boolean => route.destinationLength === 0;

/** By which the route goes out: its own gateway, or those of its ways. */
function gateways(route: Route): Uint8Array[] {
  const own = route.attributes.find(({ type }) => type === RTA.RTA_GATEWAY);
  const ofHops = routeNextHops(route).flatMap(({ attributes }) =>
    attributes.filter(({ type }) => type === RTA.RTA_GATEWAY),
  );
  return [...(own === undefined ? [] : [own]), ...ofHops].map(({ value }) => value);
}

function hasGateway(route: Route): boolean {
  return routeGateway(route) !== undefined || routeNextHops(route).some(hop => hopGateway(hop) !== undefined);
}

/** True when the address lies in the route's destination. */
function covers(route: Route, address: Uint8Array): boolean {
  const destination = route.attributes.find(({ type }) => type === RTA.RTA_DST)?.value;
  if (destination === undefined || destination.length !== address.length) return false;
  const whole = route.destinationLength >> 3;
  for (let at = 0; at < whole; at++) if (destination[at] !== address[at]) return false;
  const mask = (0xff00 >> (route.destinationLength & 7)) & 0xff;
  return ((destination[whole] ?? 0) & mask) === ((address[whole] ?? 0) & mask);
}

/** Routes in the order in which they are to be made. */
export interface RouteOrder {
  /** Default routes, and before them what leads to their gateways. */
  readonly first: readonly Route[];
  /** Those without a gateway before the others, which need them. */
  readonly rest: readonly Route[];
}

/** Default routes are missed most; whatever else there is, they come first. */
export function routeOrder(routes: readonly Route[]): RouteOrder {
  const defaults = routes.filter(isDefault);
  const wanted = defaults.flatMap(gateways);
  const others = routes.filter(route => !isDefault(route));
  const direct = others.filter(route => !hasGateway(route));
  const isWay = (route: Route): boolean => wanted.some(gateway => covers(route, gateway));
  return {
    first: [
      ...direct.filter(isWay),
      ...defaults.filter(route => !hasGateway(route)),
      ...defaults.filter(hasGateway),
    ],
    rest: [...direct.filter(route => !isWay(route)), ...others.filter(hasGateway)],
  };
}

/** An IPv6 route that lost its source is still there. */
function mayBeThere(route: Route): boolean {
  return route.family === AF_INET6 && routeSource(route) !== undefined;
}

/** Makes routes, in this order. What fails does not keep the rest away. One that is there already is as wished. */
function make(netlink: Rtnetlink, routes: readonly Route[]): NotGiven[] {
  if (routes.length === 0) return [];
  const outcomes = addRoutes(netlink, routes, mayBeThere);
  return routes.flatMap((route, at) => {
    const error = outcomes[at];
    return error === undefined || isErrno(error, 'EEXIST') ? [] : [{ route, error }];
  });
}

/** Once more what failed: the way to its gateway came after it (a way through another table, say), or it was for a moment. */
function again(netlink: Rtnetlink, failed: readonly NotGiven[]): NotGiven[] {
  return make(
    netlink,
    failed.map(({ route }) => route),
  );
}

/** Makes routes at once. Gives those that could not be made. */
export function putRoutes(netlink: Rtnetlink, routes: readonly Route[]): NotGiven[] {
  const { first, rest } = routeOrder(routes);
  // One after the other: the first are not to wait until the messages for the rest are written.
  return again(netlink, [...make(netlink, first), ...make(netlink, rest)]);
}

/**
 * Makes routes with turns of the event loop in between, as long as `mayGoOn` says so, which is asked after each turn. Gives those
 * that could not be made; those that were not tried are not among them.
 */
export async function putRoutesInTurns(
  netlink: Rtnetlink,
  routes: readonly Route[],
  mayGoOn: () => boolean,
): Promise<NotGiven[]> {
  const failed: NotGiven[] = [];
  for (let at = 0; at < routes.length; at += AT_A_TIME) {
    await new Promise(resolve => setImmediate(resolve));
    if (!mayGoOn()) return failed;
    failed.push(...make(netlink, routes.slice(at, at + AT_A_TIME)));
  }
  return again(netlink, failed);
}
