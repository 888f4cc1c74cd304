// Counters of members for the bond's sum: where each began when it joined, and what those that left have added (H41).
import type { Link } from '../../netlink/index.js';
import { IFCONFIG_COUNTERS, type IfconfigCounters, NO_COUNTERS } from '../../report/index.js';

/** Counters of a link as ifconfig prints them; 0 for one that is not there. */
export function countersOf(link: Link | undefined): IfconfigCounters {
  const statistics = link?.statistics;
  if (statistics === undefined) return NO_COUNTERS;
  return Object.fromEntries(IFCONFIG_COUNTERS.map(name => [name, statistics[name]])) as IfconfigCounters;
}
