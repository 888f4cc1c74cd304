// Addresses, routes and settings of the lab's places, as an administrator would give them by hand.
import { writeFileSync } from 'node:fs';
import { parseIpv4, parseIpv6 } from '../../base/index.js';
import {
  addAddress,
  addNeighbour,
  addressFromText,
  addRoute,
  Ethtool,
  type Feature,
  requireLink,
  type Rtnetlink,
  writeSysctl,
} from '../../linux/index.js';
import {
  AF_INET,
  AF_INET6,
  bytesAttribute,
  NUD_PERMANENT,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTA,
  RTN_UNICAST,
  RTPROT_STATIC,
  u32Attribute,
} from '../../netlink/index.js';
import type { Place } from '../place.js';

/** A route by a gateway. */
export interface PlainRoute {
  /** ADDRESS/LENGTH, or `default`. */
  readonly to: string;
  readonly via: string;
  readonly device: string;
  readonly metric?: number;
  /** RTPROT_*. */
  readonly protocol?: number;
}

function addressBytes(text: string): Uint8Array {
  const parsed = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  if (!parsed.ok) throw new RangeError(parsed.error);
  return parsed.value;
}

function indexOf(netlink: Rtnetlink, device: string): number {
  return requireLink(netlink, device).ifindex;
}

/** Adds a route to `main`. Throws SystemError. */
export function addPlainRoute(netlink: Rtnetlink, route: PlainRoute): void {
  const [prefix = '', length] = route.to.split('/');
  const gateway = addressBytes(route.via);
  addRoute(netlink, {
    family: gateway.length === 4 ? AF_INET : AF_INET6,
    destinationLength: length === undefined ? 0 : Number(length),
    sourceLength: 0,
    tos: 0,
    table: RT_TABLE_MAIN,
    protocol: route.protocol ?? RTPROT_STATIC,
    scope: RT_SCOPE_UNIVERSE,
    type: RTN_UNICAST,
    flags: 0,
    attributes: [
      ...(length === undefined ? [] : [bytesAttribute(RTA.RTA_DST, addressBytes(prefix))]),
      bytesAttribute(RTA.RTA_GATEWAY, gateway),
      u32Attribute(RTA.RTA_OIF, indexOf(netlink, route.device)),
      ...(route.metric === undefined ? [] : [u32Attribute(RTA.RTA_PRIORITY, route.metric)]),
    ],
  });
}

/** Gives a device addresses such as `192.0.2.1/24`. */
export function giveAddresses(netlink: Rtnetlink, device: string, addresses: readonly string[]): void {
  for (const address of addresses) addAddress(netlink, addressFromText(indexOf(netlink, device), address));
}

/** Tells both ends of a link where the other one is for good, so that nothing has to be asked when the link was dead. */
export function meetForEver(
  ends: readonly [
    { readonly netlink: Rtnetlink; readonly device: string; readonly addresses: readonly string[] },
    { readonly netlink: Rtnetlink; readonly device: string; readonly addresses: readonly string[] },
  ],
): void {
  for (const [own, other] of [ends, ends.toReversed()] as (typeof ends)[]) {
    const far = requireLink(other.netlink, other.device);
    for (const destination of other.addresses) {
      addNeighbour(own.netlink, {
        family: destination.includes(':') ? AF_INET6 : AF_INET,
        ifindex: indexOf(own.netlink, own.device),
        state: NUD_PERMANENT,
        flags: 0,
        type: 0,
        destination,
        ...(far.address !== undefined && { address: far.address }),
        other: [],
      });
    }
  }
}

/** IPv6 addresses count at once: nobody here has the same one. */
export function withoutDuplicateCheck(place: Place): void {
  place.inside(() => {
    for (const which of ['default', 'all']) writeSysctl('ipv6', which, 'accept_dad', '0');
  });
}

/** Packets for others are passed on. `rpFilter`: what the IPv4 setting of that name is for devices to come. */
export function makeRouter(place: Place, rpFilter: 0 | 1 | 2 = 0): void {
  place.inside(() => {
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
    writeSysctl('ipv6', 'all', 'forwarding', '1');
    for (const which of ['default', 'all']) writeSysctl('ipv4', which, 'rp_filter', String(rpFilter));
  });
}

function isOffload(name: string, feature: Feature): boolean {
  return !feature.fixed && (/^tx-(?!vlan)/.test(name) || name === 'rx-gro' || name === 'rx-gro-list');
}

/** Frames leave the device as they would be on a cable: with their checksums, and none longer than the MTU. */
export function sendPlainFrames(place: Place, device: string): void {
  place.inside(() => {
    const ethtool = Ethtool.open();
    try {
      const offloads = [...(ethtool.features(device) ?? [])].filter(([name, feature]) =>
        isOffload(name, feature),
      );
      ethtool.setFeatures(device, Object.fromEntries(offloads.map(([name]) => [name, false])));
    } finally {
      ethtool.close();
    }
  });
}
