// What users ask of a bond's own interface besides its being up: MTU, MAC address, routes over it.
import {
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
} from '../base/index.js';
import { addRoute, deleteRoute, getLink, isErrno, setLink } from '../linux/index.js';
import {
  AF_INET,
  AF_INET6,
  type Attribute,
  bytesAttribute,
  type Route,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTA,
  RTN_UNICAST,
  RTPROT_BOOT,
  u32Attribute,
} from '../netlink/index.js';
import type { LinkRequest, RouteRequest } from './api.js';
import type { BondRunner } from './bond-runner.js';
import type { Machine } from './machine.js';
import { systemRefusal } from './system-refusal.js';

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
    if (wish.mtu === undefined || after?.mtu === wish.mtu) return done;
    undo();
  } catch (error) {
    return err(systemRefusal(error, `${runner.name} was not changed`));
  }
  const message = `mtu ${wish.mtu} was refused: a member of ${runner.name} cannot have it; 'bondwire events' says which. Choose a smaller one.`;
  return err(refusal('invalid-value', 'EINVAL', message));
}

/** The MAC address in its plain form; null when no interface can have it (is_valid_ether_addr). */
function interfaceAddress(text: string): string | null {
  const parsed = parseMac(text);
  if (!parsed.ok || ((parsed.value[0] ?? 1) & 1) === 1 || parsed.value.every(byte => byte === 0)) return null;
  return formatMac(parsed.value);
}

/** Adds routes over the bond, all or none; one that is there already is no error. */
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
  const added: Route[] = [];
  for (const [at, route] of routes.entries()) {
    try {
      addRoute(netlink, route);
      added.push(route);
    } catch (error) {
      if (isErrno(error, 'EEXIST')) continue;
      for (const other of added.toReversed()) deleteRoute(netlink, other);
      const { to = '', via = '' } = wishes[at] ?? {};
      return err(
        systemRefusal(error, `The route to ${shown(to)} by ${shown(via)} was not added to ${runner.name}`),
      );
    }
  }
  return done;
}

function bytesOf(text: string): Uint8Array | null {
  const parsed = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  return parsed.ok ? parsed.value : null;
}

function routeOf({ to, via }: RouteRequest, ifindex: number): Route | null {
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
    flags: 0,
    attributes,
  };
}
