// What Linux takes as an address of an interface and as a route over it, so that a file is refused before anything is done. (config)
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6, shown } from '../base/index.js';
import type { RouteWish } from './wishes.js';

/** Below it an interface has no IPv6 (IPV6_MIN_MTU). */
export const LEAST_IPV6_MTU = 1280;

function bytesOf(text: string): Uint8Array | null {
  const parsed = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  return parsed.ok ? parsed.value : null;
}

/** Splits `ADDRESS/LENGTH`; null for another text. */
function splitCidr(cidr: string): { readonly bytes: Uint8Array; readonly length: number } | null {
  const [address = '', length = ''] = cidr.split('/');
  const bytes = bytesOf(address);
  return bytes === null || !/^\d{1,3}$/.test(length) ? null : { bytes, length: Number(length) };
}

/** A network without the bits behind its length (`10.1.2.3/8` is `10.0.0.0/8`); other texts as they are. */
export function networkText(cidr: string): string {
  const split = splitCidr(cidr);
  if (split === null) return cidr;
  const { bytes, length } = split;
  const masked = bytes.map((byte, at) => byte & ~(0xff >> Math.min(8, Math.max(0, length - 8 * at))));
  return `${masked.length === 4 ? formatIpv4(masked) : formatIpv6(masked)}/${length}`;
}

/** What no interface but a loopback can have as its address, as the rest of a sentence; null of a good one. */
export function badAddress(cidr: string): string | null {
  const bytes = splitCidr(cidr)?.bytes;
  if (bytes === undefined) return null;
  if (bytes.every(byte => byte === 0)) return 'it means "no address"';
  const [first = 0] = bytes;
  if (bytes.length === 4) {
    if (first >= 224) return first < 240 ? 'it is one of a multicast group' : 'it is of a reserved range';
    return first === 0 ? 'it means a host of the network that it is in' : null;
  }
  if (first === 0xff) return 'it is one of a multicast group';
  return bytes.every((byte, at) => byte === (at === 15 ? 1 : 0))
    ? 'it is that of the loopback interface'
    : null;
}

/** What is wrong with a route, as a sentence; null of a good one. */
export function badRoute({ to, via }: RouteWish): string | null {
  const gateway = bytesOf(via);
  const network = to === 'default' ? gateway : (splitCidr(to)?.bytes ?? null);
  if (gateway === null || network === null) return null;
  if (gateway.length !== network.length)
    return `The route to ${shown(to)} has the gateway ${shown(via)} of the other family; both must be IPv4 or both IPv6.`;
  const bad = badAddress(`${via}/${gateway.length * 8}`);
  if (bad !== null) return `The route to ${shown(to)} cannot go by ${shown(via)}: ${bad}.`;
  const masked = networkText(to);
  if (to === 'default' || masked === to) return null;
  return `The route to ${shown(to)} has bits behind the length of its network; write it as ${masked}.`;
}

/** The network that a bond's address is in, as CIDR, when the address is in it. */
function holds(cidr: string, address: string): boolean {
  const length = cidr.split('/')[1] ?? '';
  return networkText(`${address}/${length}`) === networkText(cidr);
}

/** True of an address that one of these networks has in it. */
export function isIn(address: string, networks: readonly string[]): boolean {
  return networks.some(cidr => cidr.includes(':') === address.includes(':') && holds(cidr, address));
}

/** True of 0.0.0.0 and ::, with a length or without: no address, no gateway. */
export function isNone(text: string): boolean {
  return /^(?:0\.0\.0\.0|::)(?:\/\d+)?$/.test(text);
}

/** The last address of an IPv4 network. */
function broadcastOf(cidr: string): string {
  const split = splitCidr(cidr);
  if (split === null) return '';
  return formatIpv4(
    split.bytes.map((byte, at) => byte | (0xff >> Math.min(8, Math.max(0, split.length - 8 * at)))),
  );
}

/** True when a gateway is a neighbour by one of the addresses. */
export function isNeighbour(via: string, addresses: readonly string[]): boolean {
  const isSix = via.includes(':');
  if (isSix && /^fe[89ab]/i.test(via)) return true;
  return isIn(via, addresses);
}

/** What Linux has against a route over a bond with these addresses; null when it takes it. */
export function wrongWay(
  { to, via, onLink = false }: RouteWish,
  addresses: readonly string[],
): { readonly level: 'error' | 'warning'; readonly message: string } | null {
  const what = `The route to ${shown(to)} by ${shown(via)}`;
  const isFour = !via.includes(':');
  const own = addresses.find(cidr => cidr.split('/')[0] === via);
  // IPv4 has such a route stand for neighbours.
  if (own !== undefined && !isFour)
    return { level: 'error', message: `${what} has the bond's own address as its gateway.` };
  const networks = addresses.filter(
    cidr => isFour === !cidr.includes(':') && Number(cidr.split('/')[1]) < 31,
  );
  const at = networks.find(cidr => isFour && broadcastOf(cidr) === via);
  if (at !== undefined)
    return {
      level: 'error',
      message: `${what} has the broadcast address of ${networkText(at)} as its gateway.`,
    };
  if (isFour && networks.some(cidr => networkText(cidr) === to))
    return {
      level: 'error',
      message: `${what} is to the network that the bond is in, which needs no gateway.`,
    };
  if (onLink || isNeighbour(via, addresses)) return null;
  return {
    level: 'warning',
    message: `${what} has a gateway that is in no network of the bond: Linux refuses it, unless the bond gets such an address otherwise, or on_link: true takes it for a neighbour.`,
  };
}

/** Of two bonds, both with a way to one destination, Linux takes one: the name of the first, and its gateway. */
export function otherBond(
  bonds: readonly { readonly name: string; readonly routes: readonly RouteWish[] }[],
  route: RouteWish,
): { readonly name: string; readonly via: string } | null {
  for (const { name, routes } of bonds) {
    const same = routes.find(
      ({ to, via }) => to === route.to && via.includes(':') === route.via.includes(':'),
    );
    if (same !== undefined) return { name, via: same.via };
  }
  return null;
}

/** A sentence for a route that would have another meaning in the main table. */
export function ofAnotherTable(to: string, table: string): string {
  return `The route to ${shown(to || 'default')} in the table ${shown(table)} is not carried over; add it by "ip route add" after the bond is made.`;
}

/** A sentence for a route that sends nothing to its gateway. */
export function ofAnotherType(to: string, type: string): string {
  return `The route to ${shown(to || 'default')} of the type ${shown(type)} is not carried over; add it by "ip route add" after the bond is made.`;
}

/** True for the table of which one speaks when one speaks of none. */
export function isMainTable(table: string): boolean {
  return ['', '0', '254', 'main'].includes(table);
}

/** The first route of two to one destination by two gateways, of which the kernel takes one. */
export function otherWay(routes: readonly RouteWish[], at: number): RouteWish | null {
  const route = routes[at];
  if (route === undefined) return null;
  return (
    routes
      .slice(0, at)
      .find(
        each =>
          each.to === route.to &&
          each.via !== route.via &&
          each.via.includes(':') === route.via.includes(':'),
      ) ?? null
  );
}
