// The views of a daemon's bonds as texts in the driver's form.
import { release } from 'node:os';
import { unreachable } from '../../base/index.js';
import { getLink, listAddresses, type Rtnetlink } from '../../linux/index.js';
import { AF_INET, AF_INET6, type Address, IFF, type Link, ownAddress } from '../../netlink/index.js';
import {
  addCounters,
  grownBy,
  type IfconfigCounters,
  type IfconfigFacts,
  ifconfigText,
  infoText,
  NO_COUNTERS,
  procText,
  sysfsTree,
  treeText,
} from '../../report/index.js';
import type { BondRunner } from '../bond-runner.js';
import { countersOf } from '../kernel/member-counters.js';

/** Texts of one bond that a reader may ask for. */
export type TextView = 'proc' | 'info' | 'ifconfig' | 'sysfs';

/** One bond as text. */
export function textView(netlink: Rtnetlink, runner: BondRunner, view: TextView): string {
  const bond = runner.policy.snapshot();
  switch (view) {
    case 'proc':
      return procText(bond, { kernelRelease: release() });
    case 'info':
      return infoText(bond);
    case 'ifconfig':
      return ifconfigOf(netlink, runner);
    case 'sysfs':
      return treeText(sysfsTree(bond));
    default:
      return unreachable(view);
  }
}

function ifconfigOf(netlink: Rtnetlink, runner: BondRunner): string {
  const bond = runner.policy.snapshot();
  const addresses = listAddresses(netlink);
  const members = new Map<string, IfconfigFacts>();
  let sum: IfconfigCounters = { ...NO_COUNTERS, ...runner.departed };
  for (const { member, name } of bond.members) {
    const link = getLink(netlink, member);
    if (link === undefined) continue;
    const facts = factsOf(link, addresses, countersOf(link));
    members.set(name, facts);
    const before = { ...NO_COUNTERS, ...runner.records.get(member)?.counted };
    sum = addCounters(sum, grownBy(facts.counters, before));
  }
  const own = getLink(netlink, runner.plane.bondIfindex);
  if (own === undefined) return '';
  return ifconfigText(bond, { bond: factsOf(own, addresses, sum), members });
}

function factsOf(link: Link, addresses: readonly Address[], counters: IfconfigCounters): IfconfigFacts {
  const own = addresses.filter(address => address.ifindex === link.ifindex);
  const has = (flag: number): boolean => (link.flags & flag) !== 0;
  return {
    up: has(IFF.IFF_UP),
    running: has(IFF.IFF_RUNNING),
    promiscuous: has(IFF.IFF_PROMISC),
    allMulticast: has(IFF.IFF_ALLMULTI),
    multicast: has(IFF.IFF_MULTICAST),
    address: link.address ?? '',
    mtu: link.mtu ?? 0,
    queueLength: link.txQueueLength ?? 0,
    ipv4: own
      .filter(({ family }) => family === AF_INET)
      .map(address => ({
        address: ownAddress(address) ?? '',
        prefixLength: address.prefixLength,
        broadcast: address.broadcast ?? null,
      })),
    ipv6: own
      .filter(({ family }) => family === AF_INET6)
      .map(address => ({
        address: ownAddress(address) ?? '',
        prefixLength: address.prefixLength,
        scope: SCOPES.get(address.scope) ?? 'Unknown',
      })),
    counters,
  };
}

/** RT_SCOPE_* in net-tools' words. */
const SCOPES: ReadonlyMap<number, string> = new Map([
  [0, 'Global'],
  [200, 'Site'],
  [253, 'Link'],
  [254, 'Host'],
]);
