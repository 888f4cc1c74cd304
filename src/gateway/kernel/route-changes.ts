// Planned routes as messages, and what is to change so that the kernel's tables have these and no others of ours.
import {
  AF_INET,
  AF_INET6,
  type Attribute,
  bytesAttribute,
  findAttribute,
  ipAddress,
  type Route,
  RTA,
  RTN_UNICAST,
  routeDestination,
  routeGateway,
  routeInterface,
  routePriority,
  routeSource,
  routeTable,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  u32Attribute,
} from '../../netlink/index.js';
import {
  type Family,
  MOST_LINES,
  MOST_POLICIES,
  type PlannedRoute,
  PROTOCOL,
  TABLES,
} from '../../uplinks/index.js';

const RTN_BLACKHOLE = 6;
const RTNH_F_ONLINK = 4;
export const AF: Readonly<Record<Family, number>> = { ipv4: AF_INET, ipv6: AF_INET6 };

/** Attributes that the kernel adds, or that `signature` has by other means; a route with more is not one of ours. */
const EXPECTED: ReadonlySet<number> = new Set([
  RTA.RTA_OIF,
  RTA.RTA_GATEWAY,
  RTA.RTA_PRIORITY,
  RTA.RTA_PREFSRC,
  RTA.RTA_CACHEINFO,
  RTA.RTA_TABLE,
  RTA.RTA_PREF,
]);

/** True for the numbers of tables that are ours. */
export function isOurTable(table: number): boolean {
  return (
    [TABLES.line, TABLES.flows, TABLES.tcpFlows].some(
      first => table >= first && table <= first + MOST_LINES,
    ) ||
    (table >= TABLES.policies && table < TABLES.policies + MOST_POLICIES)
  );
}

/** The route as the kernel is asked for it. */
export function routeOf({ family, table, metric, way }: PlannedRoute): Route {
  const attributes: Attribute[] = [
    u32Attribute(RTA.RTA_TABLE, table),
    u32Attribute(RTA.RTA_PRIORITY, metric),
  ];
  if (way !== undefined) {
    attributes.push(u32Attribute(RTA.RTA_OIF, way.ifindex));
    if (way.gateway !== null) attributes.push(bytesAttribute(RTA.RTA_GATEWAY, ipAddress.write(way.gateway)));
    if (way.source !== null) attributes.push(bytesAttribute(RTA.RTA_PREFSRC, ipAddress.write(way.source)));
  }
  return {
    family: AF[family],
    destinationLength: 0,
    sourceLength: 0,
    tos: 0,
    table: table < 256 ? table : 0,
    protocol: PROTOCOL,
    scope: way?.gateway === null && family === 'ipv4' ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
    type: way === undefined ? RTN_BLACKHOLE : RTN_UNICAST,
    flags: way?.onLink === true ? RTNH_F_ONLINK : 0,
    attributes,
  };
}

/** Routes with the same key exclude each other: a new one takes the place of the old one at once. */
function keyOf(route: Route): string {
  return `${route.family} ${routeTable(route)} ${routePriority(route) ?? 0} ${routeDestination(route)} ${route.tos}`;
}

/** The same text for routes that do the same. */
function signature(route: Route): string {
  const strange = route.attributes.filter(({ type }) => !EXPECTED.has(type)).map(({ type }) => type);
  // IPv6 says `lo` of a black hole.
  const isBlackhole = route.type === RTN_BLACKHOLE;
  const way = isBlackhole
    ? ''
    : `${routeInterface(route)} ${routeGateway(route)} ${routeSource(route)} ${route.flags & RTNH_F_ONLINK}`;
  return `${keyOf(route)} ${route.sourceLength} ${route.type} ${route.protocol} ${way} ${strange.join(',')}`;
}

/** What is to be done, in this order. */
export interface RouteChanges {
  readonly put: readonly PlannedRoute[];
  readonly stale: readonly Route[];
  /** More than one stands where one is to be put, and IPv6 exchanges only one of the same kind: another look is needed afterwards. */
  readonly hasLeftovers: boolean;
}

/** `there` are the routes of ours in the kernel. */
export function routeChanges(there: readonly Route[], planned: readonly PlannedRoute[]): RouteChanges {
  const wanted = new Map(planned.map(route => [keyOf(routeOf(route)), signature(routeOf(route))]));
  const present = new Set(there.map(signature));
  const put = planned.filter(route => !present.has(signature(routeOf(route))));
  const stale = there.filter(route => {
    const signed = wanted.get(keyOf(route));
    // While the planned one is not there yet, it takes the place of this one.
    return signed === undefined || (signed !== signature(route) && present.has(signed));
  });
  const hasLeftovers = put.some(route => {
    const old = there.filter(one => keyOf(one) === keyOf(routeOf(route)));
    const isBare = route.way?.gateway === null;
    return old.length > 1 || old.some(one => (routeGateway(one) === undefined) !== isBare);
  });
  return { put, stale, hasLeftovers };
}

/** True for a device's route that somebody else added to a table of ours. */
export function isStranger(route: Route): boolean {
  return route.protocol !== PROTOCOL && isOurTable(routeTable(route));
}

/** A kernel's route in words. */
export function toldRoute(route: Route): string {
  const gateway = findAttribute(route.attributes, RTA.RTA_GATEWAY) && routeGateway(route);
  const via = gateway === undefined ? '' : ` via ${gateway}`;
  return `${routeDestination(route)}${via} in table ${routeTable(route)}`;
}
