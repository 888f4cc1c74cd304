// Hears from the kernel when something of an uplink may be other than planned: by somebody else's doing, or by its own, as when a link
// goes down and takes its routes along.
import { unreachable } from '../../base/index.js';
import { isErrno, NFNLGRP_NFTABLES, openNetfilter, Rtnetlink } from '../../linux/index.js';
import {
  isOfTable,
  type NetlinkMessage,
  parseNews,
  type Route,
  RTNLGRP,
  type RtnetlinkNews,
  routeTable,
} from '../../netlink/index.js';
import { type KernelPlan, PROTOCOL, TABLE_NAME } from '../../uplinks/index.js';
import { isOurTable, isStranger } from './route-changes.js';

const GROUPS = [
  RTNLGRP.RTNLGRP_LINK,
  RTNLGRP.RTNLGRP_IPV4_IFADDR,
  RTNLGRP.RTNLGRP_IPV6_IFADDR,
  RTNLGRP.RTNLGRP_IPV4_ROUTE,
  RTNLGRP.RTNLGRP_IPV6_ROUTE,
  RTNLGRP.RTNLGRP_IPV4_RULE,
  RTNLGRP.RTNLGRP_IPV6_RULE,
  RTNLGRP.RTNLGRP_IPV4_NETCONF,
  RTNLGRP.RTNLGRP_IPV6_NETCONF,
];
const RTM_NEWNETCONF = 80;

/** What of an uplink somebody may have changed. */
export type Subject = 'rule' | 'route' | 'table' | 'setting';

/** Something may be other than planned. */
export interface Doubt {
  /** Absent: the kernel did it by itself, or an interface or an address changed. */
  readonly somebodys?: Subject;
  /** A route that somebody put in a table of ours. */
  readonly stranger?: Route;
}

/** What the watch asks and tells. */
export interface Watched {
  /** What is to be there. */
  readonly plan: () => KernelPlan;
  /** Ports that our own requests come from; news of those are no news. */
  readonly ports: () => readonly number[];
  readonly doubt: (doubt: Doubt) => void;
}

/** Watches the network namespace that the thread is in, until what it gives is called. Throws SystemError. */
export function watchKernel(watched: Watched): () => void {
  const netlink = Rtnetlink.open({ groups: GROUPS });
  netlink.onMessage(
    message => {
      const doubt = doubtOf(message, watched);
      if (doubt !== undefined) watched.doubt(doubt);
    },
    () => watched.doubt({}),
  );
  const endTables = watchTables(watched);
  return () => {
    netlink.close();
    endTables();
  };
}

/** Where there is no nf_tables nothing happens to its tables. */
function watchTables(watched: Watched): () => void {
  try {
    const netfilter = openNetfilter({ groups: [NFNLGRP_NFTABLES] });
    netfilter.onMessage(
      ({ type, payload, port }) => {
        if (!isOfTable(type, payload, TABLE_NAME) || watched.ports().includes(port)) return;
        watched.doubt({ somebodys: 'table' });
      },
      () => watched.doubt({}),
    );
    return () => netfilter.close();
  } catch (error) {
    if (isErrno(error, 'EPROTONOSUPPORT', 'EINVAL', 'EOPNOTSUPP', 'EPERM', 'ENOENT')) return () => {};
    throw error;
  }
}

function doubtOf(message: NetlinkMessage, { plan, ports }: Watched): Doubt | undefined {
  if (message.port !== 0 && ports().includes(message.port)) return undefined;
  if (message.type === RTM_NEWNETCONF) return { somebodys: 'setting' };
  const news = parseNews(message);
  if (!news.ok) return {};
  // Port 0: the kernel's own doing, as the routes of a link that goes down (inet6_rt_notify without a request).
  const isSomebodys = message.port !== 0;
  return doubtOfNews(news.value, isSomebodys, plan());
}

function doubtOfNews(news: RtnetlinkNews, isSomebodys: boolean, plan: KernelPlan): Doubt | undefined {
  switch (news.kind) {
    case 'rule': {
      if (news.rule.origin !== PROTOCOL) return undefined;
      return isSomebodys ? { somebodys: 'rule' } : {};
    }
    case 'route': {
      if (!isOurTable(routeTable(news.route))) return undefined;
      const stranger = !news.gone && isStranger(news.route) ? { stranger: news.route } : {};
      return isSomebodys ? { somebodys: 'route', ...stranger } : {};
    }
    case 'link':
      return isOfPlan(news.link.ifindex, plan) ? {} : undefined;
    case 'address':
      return isOfPlan(news.address.ifindex, plan) ? {} : undefined;
    case 'neighbour':
    case 'qdisc':
    case 'other':
      return undefined;
    default:
      return unreachable(news);
  }
}

function isOfPlan(ifindex: number, plan: KernelPlan): boolean {
  return plan.routes.some(({ way }) => way?.ifindex === ifindex);
}
