// Properties of the scenario language, as they are read from interfaces and from what the owner of a bond tells.
import type { Link } from '../netlink/index.js';
import { IFF } from '../netlink/index.js';
import { flagLetters, type Value } from '../simulator/index.js';
import type { BondView } from './bond-control.js';

const IFF_LOWER_UP = 1 << 16;

export function carrierOf(link: Link): boolean {
  return link.carrier ?? (link.flags & IFF_LOWER_UP) !== 0;
}

/** What the interface itself tells. */
export const OF_LINK: ReadonlySet<string> = new Set(['mac', 'mtu', 'admin-up', 'carrier']);

export function ofLink(link: Link | undefined, property: string): Value {
  switch (property) {
    case 'carrier':
      return link !== undefined && carrierOf(link);
    case 'mac':
      return link?.address ?? null;
    case 'mtu':
      return link?.mtu ?? null;
    case 'admin-up':
      return ((link?.flags ?? 0) & IFF.IFF_UP) !== 0;
    default:
      return null;
  }
}

/** What the owner of a bond tells of it. */
export function ofBondView(view: BondView | undefined, property: string): Value {
  switch (property) {
    case 'active':
      return view?.active ?? null;
    case 'aggregator':
      return view?.aggregator ?? null;
    case 'mii-status':
      return view?.miiStatus ?? null;
    case 'members':
      return view?.members.map(member => member.name).join(' ') ?? null;
    case 'proc':
      return view?.proc ?? null;
    default:
      return null;
  }
}

/** What the owners of a host's bonds tell of one of its interfaces, but for `state` where LACP decides on that. */
export function ofMemberView(views: readonly BondView[], name: string, property: string): Value {
  const view = views.find(each => each.members.some(member => member.name === name));
  const member = view?.members.find(each => each.name === name);
  const lacp = member?.lacp ?? null;
  switch (property) {
    case 'state':
      return member?.state ?? 'none';
    case 'link':
      return member?.link ?? null;
    case 'failures':
      return member?.failures ?? null;
    case 'aggregator':
      return lacp?.aggregator ?? null;
    case 'in-active-aggregator':
      return lacp === null ? null : lacp.aggregator === view?.aggregator;
    case 'port-priority':
      return lacp?.portPriority ?? null;
    case 'actor-flags':
      return lacp === null ? null : flagLetters(lacp.actorState);
    case 'partner-flags':
      return lacp === null ? null : flagLetters(lacp.partnerState);
    default:
      return null;
  }
}
