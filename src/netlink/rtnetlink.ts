// All rtnetlink messages that Bondwire reads, as one union: what an event socket delivers.
import { ok, type Result } from '../base/index.js';
import { type Address, parseAddress, RTM_DELADDR, RTM_NEWADDR } from './address.js';
import { type Link, parseLink } from './link.js';
import { RTM_DELLINK, RTM_NEWLINK } from './link-constants.js';
import type { NetlinkMessage } from './message.js';
import { type Neighbour, parseNeighbour, RTM_DELNEIGH, RTM_NEWNEIGH } from './neighbour.js';
import { parseRoute, type Route, RTM_DELROUTE, RTM_NEWROUTE } from './route.js';
import { parseRule, RTM_DELRULE, RTM_NEWRULE, type Rule } from './rule.js';
import { parseTrafficControl, RTM_DELQDISC, RTM_NEWQDISC, type TrafficControl } from './traffic-control.js';

/** Multicast groups to subscribe to (RTNLGRP_*, linux/rtnetlink.h). */
export const RTNLGRP = {
  RTNLGRP_LINK: 1,
  RTNLGRP_NEIGH: 3,
  RTNLGRP_TC: 4,
  RTNLGRP_IPV4_IFADDR: 5,
  RTNLGRP_IPV4_ROUTE: 7,
  RTNLGRP_IPV4_RULE: 8,
  RTNLGRP_IPV6_IFADDR: 9,
  RTNLGRP_IPV6_ROUTE: 11,
  RTNLGRP_IPV6_RULE: 19,
  RTNLGRP_IPV4_NETCONF: 24,
  RTNLGRP_IPV6_NETCONF: 25,
} as const;

/** News of the kernel: something is new or changed, or it is gone. */
export type RtnetlinkNews =
  | { readonly kind: 'link'; readonly gone: boolean; readonly link: Link }
  | { readonly kind: 'address'; readonly gone: boolean; readonly address: Address }
  | { readonly kind: 'route'; readonly gone: boolean; readonly route: Route }
  | { readonly kind: 'neighbour'; readonly gone: boolean; readonly neighbour: Neighbour }
  | { readonly kind: 'rule'; readonly gone: boolean; readonly rule: Rule }
  | { readonly kind: 'qdisc'; readonly gone: boolean; readonly qdisc: TrafficControl }
  | { readonly kind: 'other'; readonly message: NetlinkMessage };

/** Reads a message of any of the types above; another type is kept as `other`. */
export function parseNews(message: NetlinkMessage): Result<RtnetlinkNews, string> {
  const { type, payload } = message;
  switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const link = parseLink(payload);
      return link.ok ? ok({ kind: 'link', gone: type === RTM_DELLINK, link: link.value }) : link;
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const address = parseAddress(payload);
      return address.ok
        ? ok({ kind: 'address', gone: type === RTM_DELADDR, address: address.value })
        : address;
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const route = parseRoute(payload);
      return route.ok ? ok({ kind: 'route', gone: type === RTM_DELROUTE, route: route.value }) : route;
    }
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH: {
      const neighbour = parseNeighbour(payload);
      if (!neighbour.ok) return neighbour;
      return ok({ kind: 'neighbour', gone: type === RTM_DELNEIGH, neighbour: neighbour.value });
    }
    case RTM_NEWRULE:
    case RTM_DELRULE: {
      const rule = parseRule(payload);
      return rule.ok ? ok({ kind: 'rule', gone: type === RTM_DELRULE, rule: rule.value }) : rule;
    }
    case RTM_NEWQDISC:
    case RTM_DELQDISC: {
      const qdisc = parseTrafficControl(payload);
      return qdisc.ok ? ok({ kind: 'qdisc', gone: type === RTM_DELQDISC, qdisc: qdisc.value }) : qdisc;
    }
    default:
      return ok({ kind: 'other', message });
  }
}
