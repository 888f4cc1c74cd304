// What members carry although only their bond can use it: addresses and routes, each with the command that moves it. To take away
// alone would lose routes, and may be the end of the connection over which it is typed.
import { advice } from '../../base/index.js';
import { listAddresses, listRoutes, type Rtnetlink } from '../../linux/index.js';
import {
  AF_INET6,
  ownAddress,
  type Route,
  RT_TABLE_MAIN,
  routeDestination,
  routeGateway,
  routePriority,
  routeSource,
  routeTable,
} from '../../netlink/index.js';
import { warn } from './doctor-links.js';
import type { Finding } from './doctor.js';

/** A route over a member. */
export interface MemberRoute {
  readonly to: string;
  readonly isIpv6: boolean;
  /** What follows the interface, as `ip route` takes it: via, metric, table, src. */
  readonly rest: readonly string[];
}

/** What one member carries; CIDR texts. */
export interface MemberBelongings {
  readonly addresses: readonly string[];
  readonly routes: readonly MemberRoute[];
}

/** RTN_UNICAST, RTPROT_KERNEL. */
const UNICAST = 1;
const BY_KERNEL = 2;

/** Every interface with IPv6 has these. */
function isLinkLocal(text: string): boolean {
  return text.startsWith('fe80:') || text.startsWith('ff');
}

/** What an interface carries that people gave it. */
export function belongingsOnMember(netlink: Rtnetlink, ifindex: number): MemberBelongings {
  return {
    addresses: listAddresses(netlink, { ifindex })
      .map(address => `${ownAddress(address) ?? ''}/${address.prefixLength}`)
      .filter(text => !isLinkLocal(text)),
    routes: listRoutes(netlink, { ifindex })
      // Those that the kernel made for an address go with it.
      .filter(route => route.type === UNICAST && route.protocol !== BY_KERNEL)
      .map(memberRoute)
      .filter(({ to }) => !isLinkLocal(to)),
  };
}

function said(word: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [word, String(value)];
}

function memberRoute(route: Route): MemberRoute {
  const table = routeTable(route);
  return {
    to: routeDestination(route),
    isIpv6: route.family === AF_INET6,
    rest: [
      ...said('via', routeGateway(route)),
      ...said('src', routeSource(route)),
      ...said('metric', routePriority(route)),
      ...said('table', table === RT_TABLE_MAIN ? undefined : table),
    ],
  };
}

/** The one that takes its place, before it is gone. */
function routeAdvice({ to, isIpv6, rest }: MemberRoute, bond: string): string {
  return advice('ip {family} route replace {to} dev {bond} {rest}', {
    family: isIpv6 ? ['-6'] : [],
    to,
    bond,
    rest,
  });
}

/** Findings of one member of a bond. */
export function belongingsFindings(
  bond: string,
  iface: string,
  { addresses, routes }: MemberBelongings,
): Finding[] {
  const moved = (isIpv6: boolean): string[] =>
    routes.filter(route => route.isIpv6 === isIpv6).map(route => routeAdvice(route, bond));
  return [
    ...addresses.map(address => {
      const isIpv6 = address.includes(':');
      const given = advice('ip addr replace {address} dev {bond} {flags}', {
        address,
        bond,
        // The bond would find the member's own to be somebody else's.
        flags: isIpv6 ? ['nodad'] : [],
      });
      const taken = advice('ip addr del {address} dev {iface}', { address, iface });
      return warn(
        bond,
        `member ${iface} carries the address ${address}, which cannot be used there`,
        [given, ...moved(isIpv6), taken].join('; '),
      );
    }),
    // H26: such a route supersedes the bond's.
    ...routes.map(route =>
      warn(
        bond,
        `a route to ${route.to} goes through member ${iface} and takes traffic away from ${bond}`,
        routeAdvice(route, bond),
      ),
    ),
  ];
}
