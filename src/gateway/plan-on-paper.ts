// What an uplink would put into the kernel of this machine as it is now, if all its lines worked: nothing is changed.
import { getLink, listAddresses, listRoutes, Rtnetlink } from '../linux/index.js';
import { RT_TABLE_MAIN } from '../netlink/index.js';
import {
  FAMILIES,
  type Family,
  kernelPlan,
  type LineNumber,
  type LineSettings,
  type LineWay,
  planText,
  type Steering,
  type UplinkSettings,
} from '../uplinks/index.js';
import { leasedGateways } from './lines/leases.js';
import { linePath } from './lines/line-facts.js';

/** The text, for people: rules, routes, settings and the nftables table; with a comment for each line that has no way now. */
export function planOnPaper(settings: UplinkSettings): string {
  const ways = new Map<string, LineWay>();
  const notes: string[] = [];
  const netlink = Rtnetlink.open();
  try {
    for (const [at, line] of settings.lines.entries()) {
      const found = FAMILIES.flatMap(family => {
        const way = wayOf(netlink, line, family);
        if (way !== undefined) ways.set(`${at + 1} ${family}`, way);
        return way === undefined ? [] : [family];
      });
      if (found.length === 0)
        notes.push(
          `# ${line.name}: ${line.device} is not there now, or has no address with a known gateway; its routes come with them.`,
        );
    }
  } finally {
    netlink.close();
  }
  const has = (line: LineNumber, family: Family): boolean => ways.has(`${line} ${family}`);
  const numbers = settings.lines.map((_, at) => at + 1);
  const plan = kernelPlan(
    settings,
    (line, family) => ways.get(`${line} ${family}`) ?? null,
    allAtWork(settings, numbers, has),
    { nftables: true },
  );
  const names = new Map([...ways.values()].map(({ ifindex, device }) => [ifindex, device]));
  return [...notes, planText(plan, ifindex => names.get(ifindex) ?? String(ifindex))].join('\n');
}

/** Where packets go when nothing is wrong. */
function allAtWork(
  settings: UplinkSettings,
  numbers: readonly LineNumber[],
  has: (line: LineNumber, family: Family) => boolean,
): Steering {
  const usable = (family: Family): LineNumber[] => numbers.filter(line => has(line, family));
  const shares = (family: Family) =>
    settings.mode === 'share'
      ? usable(family).map(line => ({ line, weight: settings.lines[line - 1]?.weight ?? 1 }))
      : [];
  return {
    selected: { ipv4: usable('ipv4'), ipv6: usable('ipv6') },
    flows: FAMILIES.flatMap(family =>
      usable(family).map(line => ({ line, family, by: { tcp: line, others: line } })),
    ),
    policies: settings.rules.flatMap(({ use }, rule) =>
      use === undefined
        ? []
        : FAMILIES.map(family => ({
            rule,
            family,
            lines: usable(family).filter(line => use.includes(settings.lines[line - 1]?.name ?? '')),
          })),
    ),
    shares: { ipv4: shares('ipv4'), ipv6: shares('ipv6') },
  };
}

function wayOf(netlink: Rtnetlink, line: LineSettings, family: Family): LineWay | undefined {
  const link = getLink(netlink, line.device);
  if (link === undefined) return undefined;
  const { ifindex } = link;
  const facts = {
    link,
    addresses: listAddresses(netlink, { ifindex }),
    routes: listRoutes(netlink, { ifindex, table: RT_TABLE_MAIN }),
    leased: leasedGateways(line.device, ifindex),
  };
  const path = linePath(family, facts, line.gateway[family], null);
  return path === null ? undefined : { device: line.device, ifindex, path };
}
