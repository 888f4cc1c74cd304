// Routes by rtnetlink: list, add, delete; a listed route can be given back as it was, or with another interface.
import {
  AF_UNSPEC,
  asRequest,
  emitRoute,
  type NetlinkMessage,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  parseRoute,
  type Route,
  RTA,
  RTM_DELROUTE,
  RTM_F_CLONED,
  RTM_GETROUTE,
  RTM_NEWROUTE,
  routeDestination,
  routeQuestion,
  routeTable,
  routeUses,
  u32Attribute,
} from '../netlink/index.js';
import { isErrno, type SystemError } from './errors.js';
import type { NamedRequest, Rtnetlink } from './rtnetlink.js';

/** Which routes; all conditions hold. */
export interface RouteFilter {
  /** Goes out by this interface, by at least one of its ways. */
  readonly ifindex?: number;
  readonly table?: number;
  readonly family?: number;
  /** RTPROT_*: made by this one. */
  readonly protocol?: number;
}

/**
 * The kernel leaves out the others itself (since 4.20), so one table is quickly read beside a full one; of an interface or a table that
 * is not there, and of a family that the kernel does not have, there are none.
 */
function dumpOrNone(netlink: Rtnetlink, payload: Uint8Array, filter: RouteFilter): readonly NetlinkMessage[] {
  try {
    return netlink.dump({ type: RTM_GETROUTE, flags: 0, payload });
  } catch (error) {
    if (filter.ifindex !== undefined && isErrno(error, 'ENODEV')) return [];
    if (filter.table !== undefined && isErrno(error, 'ENOENT')) return [];
    if (filter.family !== undefined && isErrno(error, 'EAFNOSUPPORT', 'EOPNOTSUPP')) return [];
    throw error;
  }
}

/** Routes of all tables (cache entries left out). */
export function listRoutes(netlink: Rtnetlink, filter: RouteFilter = {}): Route[] {
  const payload = emitRoute({
    family: filter.family ?? AF_UNSPEC,
    destinationLength: 0,
    sourceLength: 0,
    tos: 0,
    table: 0,
    protocol: filter.protocol ?? 0,
    scope: 0,
    type: 0,
    flags: 0,
    attributes: [
      ...(filter.ifindex === undefined ? [] : [u32Attribute(RTA.RTA_OIF, filter.ifindex)]),
      // Without a family the kernel would answer with the tables of that number of each, or ENOENT where one lacks it.
      ...(filter.table === undefined || filter.family === undefined
        ? []
        : [u32Attribute(RTA.RTA_TABLE, filter.table)]),
    ],
  });
  const routes: Route[] = [];
  for (const message of dumpOrNone(netlink, payload, filter)) {
    const route = parseRoute(message.payload);
    if (message.type !== RTM_NEWROUTE || !route.ok || (route.value.flags & RTM_F_CLONED) !== 0) continue;
    if (filter.table !== undefined && routeTable(route.value) !== filter.table) continue;
    if (filter.protocol !== undefined && route.value.protocol !== filter.protocol) continue;
    if (filter.family !== undefined && route.value.family !== filter.family) continue;
    if (filter.ifindex !== undefined && !routeUses(route.value, filter.ifindex)) continue;
    routes.push(route.value);
  }
  return routes;
}

function addition(route: Route, replace: boolean): NamedRequest {
  const flags = NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
  return {
    type: RTM_NEWROUTE,
    flags,
    payload: emitRoute(asRequest(route)),
    target: routeDestination(route),
  };
}

function deletion(route: Route): NamedRequest {
  return {
    type: RTM_DELROUTE,
    flags: 0,
    payload: emitRoute(asRequest(route)),
    target: routeDestination(route),
  };
}

/** Adds a route, also one that `listRoutes()` gave; one that is there already throws EEXIST unless `replace`. */
export function addRoute(netlink: Rtnetlink, route: Route, replace = false): void {
  const request = addition(route, replace);
  netlink.request(request, request.target);
}

/** Adds routes in this order, many in one call of the kernel; gives the outcome of each. `replace` as in `addRoute()`. */
export function addRoutes(
  netlink: Rtnetlink,
  routes: readonly Route[],
  replace: (route: Route) => boolean = () => false,
): (SystemError | undefined)[] {
  return netlink.requestAll(routes.map(route => addition(route, replace(route))));
}

/** Deletes a route; ESRCH when it is not there. */
export function deleteRoute(netlink: Rtnetlink, route: Route): void {
  const request = deletion(route);
  netlink.request(request, request.target);
}

/** Deletes routes, many in one call of the kernel; gives the outcome of each. */
export function deleteRoutes(netlink: Rtnetlink, routes: readonly Route[]): (SystemError | undefined)[] {
  return netlink.requestAll(routes.map(deletion));
}

/** The route that packets to this address take (4 or 16 bytes, as `ip route get`); undefined when there is none. */
export function routeTo(netlink: Rtnetlink, destination: Uint8Array): Route | undefined {
  try {
    const request = { type: RTM_GETROUTE, flags: 0, payload: emitRoute(routeQuestion(destination)) };
    for (const message of netlink.request(request)) {
      const route = parseRoute(message.payload);
      if (message.type === RTM_NEWROUTE && route.ok) return route.value;
    }
    return undefined;
  } catch (error) {
    if (isErrno(error, 'ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL', 'EAGAIN')) return undefined;
    throw error;
  }
}
