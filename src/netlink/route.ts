// Route messages (struct rtmsg). All attributes are kept as they came, so that a route that the kernel told can be
// given back to it, unchanged or with another interface.
import { err, ok, type Result } from '../base/index.js';
import { ipAddress } from './address.js';
import { AF_INET, AF_INET6 } from './link-constants.js';
import {
  type Attribute,
  bytesAttribute,
  emitAttributes,
  findAttribute,
  parseAttributes,
  u32,
} from './attribute.js';

export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;

/** Attribute types of a route message. */
export const RTA = {
  RTA_DST: 1,
  RTA_SRC: 2,
  RTA_OIF: 4,
  RTA_GATEWAY: 5,
  RTA_PRIORITY: 6,
  RTA_PREFSRC: 7,
  RTA_METRICS: 8,
  RTA_MULTIPATH: 9,
  RTA_CACHEINFO: 12,
  RTA_TABLE: 15,
  RTA_VIA: 18,
  RTA_PREF: 20,
  RTA_NH_ID: 30,
} as const;

export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_BROADCAST = 3;
export const RTN_ANYCAST = 4;
export const RTN_MULTICAST = 5;
/** Made by the kernel itself, with the address that it belongs to. */
export const RTPROT_KERNEL = 2;
export const RTPROT_BOOT = 3;
export const RTPROT_STATIC = 4;
export const RTM_F_CLONED = 0x200;
export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;

/** RTNH_F_PERVASIVE and RTNH_F_ONLINK are wishes; the other next-hop flags are the kernel's news and refused in a request. */
const RTNH_F_WISHES = 0x02 | 0x04;
const RTMSG_LENGTH = 12;
const RTNEXTHOP_LENGTH = 8;

/** One route. */
export interface Route {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  readonly destinationLength: number;
  readonly sourceLength: number;
  readonly tos: number;
  /** Low byte of the table's number; see `routeTable()`. */
  readonly table: number;
  /** RTPROT_*. */
  readonly protocol: number;
  /** RT_SCOPE_*. */
  readonly scope: number;
  /** RTN_*. */
  readonly type: number;
  /** RTM_F_* and, for a single next hop, RTNH_F_*. */
  readonly flags: number;
  /** RTA_*, all of them, in the kernel's order. */
  readonly attributes: readonly Attribute[];
}

/** One way of a multipath route (struct rtnexthop). */
export interface NextHop {
  /** RTNH_F_*. */
  readonly flags: number;
  /** Weight minus one. */
  readonly hops: number;
  readonly ifindex: number;
  readonly attributes: readonly Attribute[];
}

/** Reads the payload of RTM_NEWROUTE, RTM_DELROUTE or RTM_GETROUTE. */
export function parseRoute(payload: Uint8Array): Result<Route, string> {
  if (payload.length < RTMSG_LENGTH) return err(`A route message of ${payload.length} bytes has no header`);
  const attributes = parseAttributes(payload, RTMSG_LENGTH);
  if (!attributes.ok) return attributes;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return ok({
    family: view.getUint8(0),
    destinationLength: view.getUint8(1),
    sourceLength: view.getUint8(2),
    tos: view.getUint8(3),
    table: view.getUint8(4),
    protocol: view.getUint8(5),
    scope: view.getUint8(6),
    type: view.getUint8(7),
    flags: view.getUint32(8, true),
    attributes: attributes.value,
  });
}

/** The source address that packets by this route have, where the kernel says. */
export function routeSource(route: Route): string | undefined {
  return address(route.attributes, RTA.RTA_PREFSRC);
}

/** A question for the route that packets to this address take. */
export function routeQuestion(destination: Uint8Array): Route {
  return {
    family: destination.length === 4 ? AF_INET : AF_INET6,
    destinationLength: 8 * destination.length,
    sourceLength: 0,
    tos: 0,
    table: 0,
    protocol: 0,
    scope: 0,
    type: 0,
    flags: 0,
    attributes: [bytesAttribute(RTA.RTA_DST, destination)],
  };
}

/** Payload of a route message. */
export function emitRoute(route: Route): Uint8Array {
  const attributes = emitAttributes(route.attributes);
  const payload = new Uint8Array(RTMSG_LENGTH + attributes.length);
  payload.set([
    route.family,
    route.destinationLength,
    route.sourceLength,
    route.tos,
    route.table,
    route.protocol,
    route.scope,
    route.type,
  ]);
  new DataView(payload.buffer).setUint32(8, route.flags, true);
  payload.set(attributes, RTMSG_LENGTH);
  return payload;
}

function number(route: Route, type: number): number | undefined {
  const attribute = findAttribute(route.attributes, type);
  return attribute === undefined ? undefined : u32.read(attribute.value);
}

function address(attributes: readonly Attribute[], type: number): string | undefined {
  const attribute = findAttribute(attributes, type);
  return attribute === undefined ? undefined : ipAddress.read(attribute.value);
}

/** Number of the table that the route is in, all 32 bits. */
export function routeTable(route: Route): number {
  return number(route, RTA.RTA_TABLE) ?? route.table;
}

/** Interface index that the route goes out by; undefined for multipath and for routes without interface. */
export function routeInterface(route: Route): number | undefined {
  return number(route, RTA.RTA_OIF);
}

/** Metric. */
export function routePriority(route: Route): number | undefined {
  return number(route, RTA.RTA_PRIORITY);
}

/** Destination as `address/length`; `default` for the default route. */
export function routeDestination(route: Route): string {
  const destination = address(route.attributes, RTA.RTA_DST);
  return destination === undefined ? 'default' : `${destination}/${route.destinationLength}`;
}

/** Gateway's address, when the route has one. */
export function routeGateway(route: Route): string | undefined {
  return address(route.attributes, RTA.RTA_GATEWAY);
}

/** Gateway of one way of a multipath route, when it has one. */
export function hopGateway(hop: NextHop): string | undefined {
  return address(hop.attributes, RTA.RTA_GATEWAY);
}

/** Ways of a multipath route; none for another route. */
export function routeNextHops(route: Route): NextHop[] {
  const attribute = findAttribute(route.attributes, RTA.RTA_MULTIPATH);
  return attribute === undefined ? [] : parseNextHops(attribute.value);
}

function parseNextHops(value: Uint8Array): NextHop[] {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const hops: NextHop[] = [];
  let at = 0;
  while (at + RTNEXTHOP_LENGTH <= value.length) {
    const length = view.getUint16(at, true);
    if (length < RTNEXTHOP_LENGTH || at + length > value.length) break;
    const attributes = parseAttributes(value, at + RTNEXTHOP_LENGTH, at + length);
    hops.push({
      flags: view.getUint8(at + 2),
      hops: view.getUint8(at + 3),
      ifindex: view.getInt32(at + 4, true),
      attributes: attributes.ok ? attributes.value : [],
    });
    at += (length + 3) & ~3;
  }
  return hops;
}

/** The attribute RTA_MULTIPATH for these ways. */
export function multipathAttribute(hops: readonly NextHop[]): Attribute {
  const bytes: number[] = [];
  for (const hop of hops) {
    const attributes = emitAttributes(hop.attributes);
    const header = new Uint8Array(RTNEXTHOP_LENGTH);
    const view = new DataView(header.buffer);
    view.setUint16(0, RTNEXTHOP_LENGTH + attributes.length, true);
    view.setUint8(2, hop.flags);
    view.setUint8(3, hop.hops);
    view.setInt32(4, hop.ifindex, true);
    bytes.push(...header, ...attributes);
  }
  return bytesAttribute(RTA.RTA_MULTIPATH, Uint8Array.from(bytes));
}

/** True when the route, or one of its ways, goes out by the interface. */
export function routeUses(route: Route, ifindex: number): boolean {
  return routeInterface(route) === ifindex || routeNextHops(route).some(hop => hop.ifindex === ifindex);
}

function rewriteHop(hop: NextHop, from: number, to: number): NextHop {
  return hop.ifindex === from ? { ...hop, ifindex: to } : hop;
}

function rewriteInterface(attribute: Attribute, from: number, to: number): Attribute {
  if (attribute.type === RTA.RTA_OIF && u32.read(attribute.value) === from) {
    return { ...attribute, value: u32.write(to) };
  }
  if (attribute.type !== RTA.RTA_MULTIPATH) return attribute;
  const hops = parseNextHops(attribute.value).map(hop => rewriteHop(hop, from, to));
  return { ...attribute, value: multipathAttribute(hops).value };
}

/** The route with every way that goes out by `from` going out by `to` instead. */
export function withInterface(route: Route, from: number, to: number): Route {
  return { ...route, attributes: route.attributes.map(attribute => rewriteInterface(attribute, from, to)) };
}

function wishedHop(hop: NextHop): NextHop {
  return { ...hop, flags: hop.flags & RTNH_F_WISHES };
}

function wishedAttribute(attribute: Attribute): Attribute {
  if (attribute.type !== RTA.RTA_MULTIPATH) return attribute;
  return { ...attribute, value: multipathAttribute(parseNextHops(attribute.value).map(wishedHop)).value };
}

/** Attributes of a route that its nexthop object holds. */
const SAID_BY_OBJECT: ReadonlySet<number> = new Set([
  RTA.RTA_OIF,
  RTA.RTA_GATEWAY,
  RTA.RTA_VIA,
  RTA.RTA_MULTIPATH,
]);

/** The route as it may be given back to the kernel: without what only the kernel says (dead, link down, age, use). */
export function asRequest(route: Route): Route {
  // A nexthop object says all that these say, and the kernel takes one or the other.
  const hasObject = route.attributes.some(({ type }) => type === RTA.RTA_NH_ID);
  const attributes = route.attributes
    .filter(({ type }) => type !== RTA.RTA_CACHEINFO && !(hasObject && SAID_BY_OBJECT.has(type)))
    .map(wishedAttribute);
  return { ...route, flags: route.flags & RTNH_F_WISHES, attributes };
}
