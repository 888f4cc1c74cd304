// Interfaces of one host with the same MAC address that do not belong together: on one network, the switch sends to either.
import { advice } from '../../base/index.js';
import { IFF, type Link } from '../../netlink/index.js';
import type { ShowBond } from '../api/api.js';
import type { Finding } from './doctor.js';
import { isLowerEndName } from '../keeping/places.js';
import { randomMac } from '../kernel/random-mac.js';

const ETHERNET = 1;
const NO_ADDRESS = '00:00:00:00:00:00';
/** What an interface of these kinds names as its link is what it stands on; with a veth it is the other end. */
const STANDS: ReadonlySet<string> = new Set([
  'vlan',
  'macvlan',
  'macvtap',
  'ipvlan',
  'ipvtap',
  'macsec',
  'hsr',
]);

/**
 * Findings: a warning where both are up. What stands on another (VLAN, macvlan), belongs to a master (bridge, bond, team) or to one
 * bond of ours shares an address by right. `links` is all of the namespace.
 */
export function twinFindings(
  links: readonly Link[],
  bonds: readonly Pick<ShowBond, 'name' | 'members'>[],
): Finding[] {
  const familyOf = families(links, bonds);
  const byAddress = new Map<string, Link[]>();
  for (const link of links) {
    const { address, name = '' } = link;
    if (link.hardwareType !== ETHERNET || address === undefined || address === NO_ADDRESS) continue;
    if (isLowerEndName(name)) continue;
    byAddress.set(address, [...(byAddress.get(address) ?? []), link]);
  }
  return Array.from(byAddress, ([address, sharing]) => finding(address, sharing, familyOf, bonds)).filter(
    found => found !== undefined,
  );
}

function finding(
  address: string,
  sharing: readonly Link[],
  familyOf: (link: Link) => number,
  bonds: readonly Pick<ShowBond, 'name' | 'members'>[],
): Finding | undefined {
  const all = new Map(sharing.map(link => [familyOf(link), link]));
  const [first, second] = [...all.values()].map(link => bestOf(sharing, link, familyOf, bonds));
  if (first === undefined || second === undefined) return undefined;
  const isBond = (link: Link): boolean => bonds.some(({ name }) => name === link.name);
  const [kept, other] = isBond(second) ? [second, first] : [first, second];
  const up = sharing.filter(link => (link.flags & IFF.IFF_UP) !== 0);
  const isBoth = new Set(up.map(familyOf)).size > 1;
  const both = `${kept.name} and ${other.name} have the same MAC address ${address}`;
  if (!isBoth)
    return {
      name: 'interfaces',
      ok: true,
      level: 'ok',
      detail: `${both}; that does no harm as long as one of them is down`,
    };
  return {
    name: 'interfaces',
    ok: false,
    level: 'warning',
    detail: `${both} and are both up: where both are on one network, the switch sends frames of either to the other`,
    fix: advice('ip link set dev {iface} address {mac}', { iface: other.name ?? '', mac: randomMac() }),
  };
}

/** Of a family the one that people know: the bond, what is at the bottom otherwise. */
function bestOf(
  sharing: readonly Link[],
  one: Link,
  familyOf: (link: Link) => number,
  bonds: readonly Pick<ShowBond, 'name'>[],
): Link {
  const family = sharing.filter(link => familyOf(link) === familyOf(one));
  return family.find(link => bonds.some(({ name }) => name === link.name)) ?? family[0] ?? one;
}

/** The least index of all that an interface belongs together with. */
function families(
  links: readonly Link[],
  bonds: readonly Pick<ShowBond, 'name' | 'members'>[],
): (link: Link) => number {
  const above = new Map<number, number>();
  const head = (ifindex: number): number => {
    const next = above.get(ifindex);
    return next === undefined ? ifindex : head(next);
  };
  const join = (a: number | undefined, b: number | undefined): void => {
    if (a === undefined || b === undefined) return;
    const [low, high] = [Math.min(head(a), head(b)), Math.max(head(a), head(b))];
    if (low !== high) above.set(high, low);
  };
  const indexOf = (name: string): number | undefined => links.find(link => link.name === name)?.ifindex;
  for (const link of links) {
    if ((link.master ?? 0) !== 0) join(link.ifindex, link.master);
    if (STANDS.has(link.info?.kind ?? '') && link.linkNetnsId === undefined) join(link.ifindex, link.link);
  }
  for (const { name, members } of bonds)
    for (const member of members) join(indexOf(name), indexOf(member.name));
  return link => head(link.ifindex);
}
