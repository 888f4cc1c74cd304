// From what the kernel and others know of a device to how a line's packets leave: which address, which gateway.
import { parseIpv4, parseIpv6 } from '../../base/index.js';
import {
  type Address,
  AF_INET,
  AF_INET6,
  hopGateway,
  IFA_F,
  type Link,
  ownAddress,
  RT_TABLE_MAIN,
  type Route,
  routeGateway,
  routeInterface,
  routeNextHops,
  routePriority,
  routeTable,
} from '../../netlink/index.js';
import type { Family, LineAddress, LineDevice, LinePath } from '../../uplinks/index.js';

const IFF_UP = 0x1;
const IFF_POINTOPOINT = 0x10;
const SCOPE_UNIVERSE = 0;
/** Of IPv6 this is IFA_F_TEMPORARY: an address that is used for a day. */
const { IFA_F_SECONDARY, IFA_F_DEPRECATED, IFA_F_TENTATIVE, IFA_F_DADFAILED, IFA_F_OPTIMISTIC } = IFA_F;

/** What is known of one device. */
export interface DeviceFacts {
  readonly link: Link;
  readonly addresses: readonly Address[];
  /** Routes that go out by it. */
  readonly routes: readonly Route[];
  /** Gateways that DHCP clients noted of it. */
  readonly leased: readonly string[];
}

/** What a line's device is. `carrier` as the device itself says it, where it was asked. */
export function lineDevice({ flags, ifindex, carrier }: Link, asked: boolean | undefined): LineDevice {
  return { ifindex, carrier: (flags & IFF_UP) !== 0 && (asked ?? carrier ?? true) };
}

/**
 * How packets of this family leave by the device; null while it has no address of use, or nobody knows a gateway. The gateway is, of these,
 * the first that there is: `given` by the operator; of a default route in table main; none, for a device with one neighbour; of a lease;
 * `remembered`, when a prefix of the device still has it (a link that was set down and up loses its routes).
 */
export function linePath(
  family: Family,
  facts: DeviceFacts,
  given: string | null,
  remembered: string | null,
): LinePath | null {
  const addresses = usableAddresses(family, facts.addresses);
  if (addresses.length === 0) return null;
  const gateway = given ?? foundGateway(family, facts, addresses, remembered);
  if (gateway === undefined) return null;
  const first = addresses.find(each => gateway !== null && holds(each, gateway)) ?? addresses[0];
  if (first === undefined) return null;
  return {
    address: first.address,
    addresses,
    gateway,
    onLink: gateway !== null && !isLinkLocal(gateway) && !addresses.some(each => holds(each, gateway)),
  };
}

/** Undefined: nobody knows one. Null: none is needed. */
function foundGateway(
  family: Family,
  facts: DeviceFacts,
  addresses: readonly LineAddress[],
  remembered: string | null,
): string | null | undefined {
  const routed = routedGateway(family, facts);
  if (routed !== undefined) return routed;
  if ((facts.link.flags & IFF_POINTOPOINT) !== 0) return null;
  const isOfFamily = (address: string): boolean => address.includes(':') === (family === 'ipv6');
  const leased = facts.leased.find(isOfFamily);
  if (leased !== undefined) return leased;
  const isStillThere =
    remembered !== null && (isLinkLocal(remembered) || addresses.some(address => holds(address, remembered)));
  return isStillThere ? remembered : undefined;
}

/** Of the default routes of table main the one that the host would take. */
function routedGateway(family: Family, { link, routes }: DeviceFacts): string | null | undefined {
  const ways = routes
    .filter(
      route =>
        route.family === (family === 'ipv4' ? AF_INET : AF_INET6) &&
        route.destinationLength === 0 &&
        routeTable(route) === RT_TABLE_MAIN,
    )
    .toSorted((a, b) => (routePriority(a) ?? 0) - (routePriority(b) ?? 0))
    .flatMap(route => {
      const hop = routeNextHops(route).find(({ ifindex }) => ifindex === link.ifindex);
      if (hop !== undefined) return [hopGateway(hop)];
      return routeInterface(route) === link.ifindex ? [routeGateway(route)] : [];
    });
  if (ways.length === 0) return undefined;
  return ways.find(gateway => gateway !== undefined) ?? null;
}

/** Addresses that may be seen outside, the best first. */
function usableAddresses(family: Family, addresses: readonly Address[]): LineAddress[] {
  const wanted = family === 'ipv4' ? AF_INET : AF_INET6;
  return addresses
    .filter(({ family: own, scope, flags = 0 }) => {
      const isChecked =
        (flags & IFA_F_DADFAILED) === 0 &&
        ((flags & IFA_F_TENTATIVE) === 0 || (flags & IFA_F_OPTIMISTIC) !== 0);
      return own === wanted && scope === SCOPE_UNIVERSE && isChecked;
    })
    .toSorted((a, b) => rank(family, a) - rank(family, b))
    .flatMap(each => {
      const address = ownAddress(each);
      return address === undefined ? [] : [{ address, prefixLength: each.prefixLength }];
    });
}

/** The smaller, the better: in use rather than about to go, of the internet rather than of the site, lasting rather than temporary. */
function rank(family: Family, address: Address): number {
  const flags = address.flags ?? 0;
  const isDeprecated = (flags & IFA_F_DEPRECATED) !== 0;
  const isSecond = (flags & IFA_F_SECONDARY) !== 0;
  const isOfSite = family === 'ipv6' && /^f[cd]/i.test(ownAddress(address) ?? '');
  return (isDeprecated ? 4 : 0) + (isOfSite ? 2 : 0) + (isSecond ? 1 : 0);
}

function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}

function bytesOf(address: string): Uint8Array | undefined {
  const parsed = address.includes(':') ? parseIpv6(address) : parseIpv4(address);
  return parsed.ok ? parsed.value : undefined;
}

/** Whether the prefix of an address of the device has another address in it. */
function holds({ address, prefixLength }: LineAddress, other: string): boolean {
  const [a, b] = [bytesOf(address), bytesOf(other)];
  if (a === undefined || b?.length !== a.length) return false;
  return a.every((byte, i) => {
    const bits = Math.min(8, Math.max(0, prefixLength - 8 * i));
    return bits === 0 || byte >> (8 - bits) === (b[i] ?? 0) >> (8 - bits);
  });
}
