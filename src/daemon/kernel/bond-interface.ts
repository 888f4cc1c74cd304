// What users ask of a bond's own interface besides its being up: MTU, MAC address, routes over it.
import {
  advice,
  err,
  formatMac,
  ok,
  parseIpv4,
  parseIpv6,
  parseMac,
  type Refusal,
  refusal,
  type Result,
  shown,
} from '../../base/index.js';
import {
  addRoutes,
  deleteRoutes,
  getLink,
  isErrno,
  listRoutes,
  type Rtnetlink,
  setLink,
} from '../../linux/index.js';
import {
  AF_INET,
  AF_INET6,
  type Attribute,
  bytesAttribute,
  hopGateway,
  type Route,
  routeDestination,
  routeGateway,
  routeInterface,
  routeNextHops,
  routePriority,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTA,
  RTN_UNICAST,
  RTPROT_BOOT,
  u32Attribute,
} from '../../netlink/index.js';
import type { LinkRequest, RouteRequest } from '../api/api.js';
import type { BondRunner } from '../bond-runner.js';
import type { Machine } from './machine.js';
import { systemRefusal } from './system-refusal.js';

/** `onlink`: the gateway is not looked for in the networks of the interface. */
const RTNH_F_ONLINK = 4;
/** Metric of an IPv6 route for which none was given. */
const IP6_RT_PRIO_USER = 1024;

type Done = Result<undefined, Refusal>;

const done: Done = ok(undefined);

/** Sets MTU and MAC address, as `ip link set` does: members follow (H07), or it is as it was. */
export function setBondInterface({ netlink }: Machine, runner: BondRunner, wish: LinkRequest): Done {
  const { bondIfindex } = runner.plane;
  const before = getLink(netlink, bondIfindex);
  const address = wish.address === undefined ? undefined : interfaceAddress(wish.address);
  if (address === null) {
    const message = `The MAC address ${shown(wish.address ?? '')} was not given to ${runner.name}: an interface cannot have it; write it as 02:00:00:00:00:01.`;
    return err(refusal('invalid-value', 'EADDRNOTAVAIL', message));
  }
  const undo = (): void => {
    setLink(netlink, bondIfindex, {
      ...(wish.mtu !== undefined && before?.mtu !== undefined && { mtu: before.mtu }),
      ...(address !== undefined && before?.address !== undefined && { address: before.address }),
    });
    runner.resync();
  };
  try {
    setLink(netlink, bondIfindex, {
      ...(wish.mtu !== undefined && { mtu: wish.mtu }),
      ...(address !== undefined && { address }),
    });
    runner.resync();
    const after = getLink(netlink, bondIfindex);
    // A member that cannot follow takes the MTU of the bond back with it (bond_change_mtu).
    const hasMtu = wish.mtu === undefined || after?.mtu === wish.mtu;
    const { mode, options } = runner.policy.snapshot();
    // With fail_over_mac the driver says nothing when it does not follow.
    const isChosen = mode === 'active-backup' && options.fail_over_mac !== 'none';
    const hasAddress = address === undefined || isChosen || after?.address === address;
    if (hasMtu && hasAddress) return done;
    undo();
    if (hasMtu) return err(addressRefused(runner.name, wish.address ?? ''));
  } catch (error) {
    return err(systemRefusal(error, `${runner.name} was not changed`));
  }
  const message = `mtu ${wish.mtu} was refused: a member of ${runner.name} cannot have it; '${advice('bondwire events --bond {bond}', { bond: runner.name })}' says which. Choose a smaller one.`;
  return err(refusal('invalid-value', 'EINVAL', message));
}

/** A member did not let the bond have it (bond_set_mac_address). */
function addressRefused(bondName: string, address: string): Refusal {
  const message = `The MAC address ${shown(address)} was not given to ${bondName}: a member refuses it; '${advice('bondwire events --bond {bond}', { bond: bondName })}' says which. A card that takes no other address while it is up gets one when it joins: release the members, set the address, enslave them again.`;
  return refusal('invalid-value', 'EBUSY', message);
}

/** The MAC address in its plain form; null when no interface can have it (is_valid_ether_addr). */
function interfaceAddress(text: string): string | null {
  const parsed = parseMac(text);
  if (!parsed.ok || ((parsed.value[0] ?? 1) & 1) === 1 || parsed.value.every(byte => byte === 0)) return null;
  return formatMac(parsed.value);
}

/**
 * Adds routes over the bond, all or none. One that is there already is no error; one whose destination has another way is: the
 * kernel would take a second one of the same metric only in its place.
 */
export function addBondRoutes(
  { netlink }: Machine,
  runner: BondRunner,
  wishes: readonly RouteRequest[],
): Done {
  const routes: Route[] = [];
  for (const wish of wishes) {
    const route = routeOf(wish, runner.plane.bondIfindex);
    if (route === null) {
      const message = `The route to ${shown(wish.to)} by ${shown(wish.via)} was not added to ${runner.name}: "to" must be default or a network such as 192.0.2.0/24, and "via" an address of the same family.`;
      return err(refusal('invalid-value', 'EINVAL', message));
    }
    routes.push(route);
  }
  const outcomes = addRoutes(netlink, routes);
  // Read once, however many are there already.
  const there = outcomes.some(exists) ? listRoutes(netlink, { table: RT_TABLE_MAIN }) : [];
  const byWay = new Map<string, Route[]>();
  for (const other of there) byWay.set(wayKey(other), [...(byWay.get(wayKey(other)) ?? []), other]);
  const at = routes.findIndex((route, nth) => {
    if (outcomes[nth] === undefined) return false;
    const others = exists(outcomes[nth]) ? (byWay.get(wayKey(route)) ?? []) : [];
    return !others.some(other => hasWay(other, route));
  });
  const refused = routes[at];
  if (refused === undefined) return done;
  deleteRoutes(netlink, routes.filter((_, nth) => outcomes[nth] === undefined).toReversed());
  const { to = '', via = '' } = wishes[at] ?? {};
  const what = `The route to ${shown(to)} by ${shown(via)} was not added to ${runner.name}`;
  const [other] = exists(outcomes[at]) ? (byWay.get(wayKey(refused)) ?? []) : [];
  if (other === undefined) return err(systemRefusal(outcomes[at], what));
  const way = wayText(netlink, other);
  // Whoever is asked to make the other one go is given it back when the file is refused for something else.
  const swap = advice(
    'ip {family} route del {to} {way} && (bondwire apply FILE || ip {family} route add {to} {way})',
    { family: other.family === AF_INET6 ? ['-6'] : [], to, way: wayWords(netlink, other) },
  );
  const message = `${what}: there is another one${way}. Let this one take its place ('${swap}'), or leave this one out.`;
  return err(refusal('exists', 'EEXIST', message));
}

function exists(error: unknown): boolean {
  return isErrno(error, 'EEXIST');
}

/** Metric of a route for which none was given. */
export function usualMetric({ family }: Route): number {
  return family === AF_INET6 ? IP6_RT_PRIO_USER : 0;
}

export function metricOf(route: Route): number {
  return routePriority(route) ?? usualMetric(route);
}

/** Routes of the main table for which this is the same keep each other from being added. */
function wayKey(route: Route): string {
  return `${route.family} ${routeDestination(route)} ${route.tos} ${metricOf(route)}`;
}

/** True when a route is the wished one, or has its gateway and interface among several ways. */
function hasWay(other: Route, wish: Route): boolean {
  const [gateway, ifindex] = [routeGateway(wish), routeInterface(wish)];
  if (routeGateway(other) === gateway && routeInterface(other) === ifindex) return true;
  return routeNextHops(other).some(hop => hop.ifindex === ifindex && hopGateway(hop) === gateway);
}

/** ` via 192.0.2.1 dev eth0`, as ip(8) takes it. */
function wayText(netlink: Rtnetlink, route: Route): string {
  return wayWords(netlink, route)
    .map(word => ` ${word}`)
    .join('');
}

function wayWords(netlink: Rtnetlink, route: Route): string[] {
  const gateway = routeGateway(route);
  const ifindex = routeInterface(route);
  const name = ifindex === undefined ? undefined : getLink(netlink, ifindex)?.name;
  return [...(gateway === undefined ? [] : ['via', gateway]), ...(name === undefined ? [] : ['dev', name])];
}

function bytesOf(text: string): Uint8Array | null {
  const parsed = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  return parsed.ok ? parsed.value : null;
}

/** The route that is wished; null for texts that say none. */
export function routeOf({ to, via, onLink = false }: RouteRequest, ifindex: number): Route | null {
  const gateway = bytesOf(via);
  const [network = '', length = ''] = to.split('/');
  const destination = to === 'default' ? null : bytesOf(network);
  if (gateway === null || (to !== 'default' && destination === null)) return null;
  const longest = gateway.length * 8;
  const destinationLength = to === 'default' ? 0 : Number(length);
  const fits = to === 'default' || (/^\d{1,3}$/.test(length) && destinationLength <= longest);
  if (!fits || (destination !== null && destination.length !== gateway.length)) return null;
  const attributes: Attribute[] = [
    ...(destination === null ? [] : [bytesAttribute(RTA.RTA_DST, destination)]),
    bytesAttribute(RTA.RTA_GATEWAY, gateway),
    u32Attribute(RTA.RTA_OIF, ifindex),
  ];
  return {
    family: gateway.length === 4 ? AF_INET : AF_INET6,
    destinationLength,
    sourceLength: 0,
    tos: 0,
    table: RT_TABLE_MAIN,
    protocol: RTPROT_BOOT,
    scope: RT_SCOPE_UNIVERSE,
    type: RTN_UNICAST,
    flags: onLink ? RTNH_F_ONLINK : 0,
    attributes,
  };
}
