// Where Bondwire's filters hang on an interface, and how they are known, whichever data plane put them there.
import { type BpfFilter, deleteClsact, hasFilters, type Rtnetlink } from '../linux/index.js';

/**
 * A preference of our own, so that nobody's filter is replaced; above those that tc gives by itself (49152 and down), so that
 * the user's filters on a member see its frames before the bond takes them, as with the driver.
 */
export const FILTER_PREFERENCE = 0xfb0d;
/** Name of those that have one; filters of classic BPF have none. */
export const FILTER_NAME = 'bondwire';

export function isBondwireFilter(filter: BpfFilter): boolean {
  const named = filter.name === FILTER_NAME || filter.classic !== undefined;
  return filter.preference === FILTER_PREFERENCE && named;
}

/** Takes a clsact qdisc off that nobody has filters in. */
export function deleteEmptyClsact(netlink: Rtnetlink, ifindex: number): void {
  const inUse = hasFilters(netlink, ifindex, 'ingress') || hasFilters(netlink, ifindex, 'egress');
  if (!inUse) deleteClsact(netlink, ifindex);
}
