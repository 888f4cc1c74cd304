// The clsact qdisc and its eBPF filters by rtnetlink: programs on packets for kernels without TCX links.
import {
  type BpfFilterOptions,
  bpfFilterAt,
  bpfFilterOptions,
  type ClassicStep,
  classicFilterAt,
  clsactQdisc,
  dropFilterAt,
  emitTrafficControl,
  type FilterDirection,
  type FilterPlace,
  filterAt,
  filterParent,
  filterPreference,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  parseTrafficControl,
  RTM_DELQDISC,
  RTM_DELTFILTER,
  RTM_GETQDISC,
  RTM_GETTFILTER,
  RTM_NEWQDISC,
  RTM_NEWTFILTER,
  type TagRange,
  type TrafficControl,
} from '../netlink/index.js';
import { isErrno } from './errors.js';
import type { Rtnetlink } from './rtnetlink.js';

function dump(netlink: Rtnetlink, type: number, filter: TrafficControl): TrafficControl[] {
  const found: TrafficControl[] = [];
  const request = { type, flags: 0, payload: emitTrafficControl(filter) };
  for (const message of netlink.dump(request, `interface ${filter.ifindex}`)) {
    const parsed = parseTrafficControl(message.payload);
    if (parsed.ok && (filter.ifindex === 0 || parsed.value.ifindex === filter.ifindex))
      found.push(parsed.value);
  }
  return found;
}

/** All qdiscs, or those of one interface. */
export function listQdiscs(netlink: Rtnetlink, ifindex = 0): TrafficControl[] {
  return dump(netlink, RTM_GETQDISC, { ifindex, handle: 0, parent: 0, info: 0, other: [] });
}

/** By connection: the interfaces with a qdisc at their ingress, as of this turn of the event loop. */
const ingress = new WeakMap<Rtnetlink, ReadonlySet<number>>();

/**
 * True when filters can hang at the ingress of an interface. The kernel lists qdiscs of all interfaces only, so that is done once in a
 * turn of the event loop; what this connection changes is seen.
 */
export function hasIngressQdisc(netlink: Rtnetlink, ifindex: number): boolean {
  let found = ingress.get(netlink);
  if (found === undefined) {
    const qdiscs = listQdiscs(netlink).filter(({ kind }) => kind === 'clsact' || kind === 'ingress');
    found = new Set(qdiscs.map(qdisc => qdisc.ifindex));
    ingress.set(netlink, found);
    setImmediate(() => ingress.delete(netlink));
  }
  return found.has(ifindex);
}

/** Gives the interface a clsact qdisc; false when it had one. */
export function addClsact(netlink: Rtnetlink, ifindex: number): boolean {
  const payload = emitTrafficControl(clsactQdisc(ifindex));
  ingress.delete(netlink);
  try {
    netlink.request(
      { type: RTM_NEWQDISC, flags: NLM_F_CREATE | NLM_F_EXCL, payload },
      `interface ${ifindex}`,
    );
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Takes the clsact qdisc off, with all its filters; false when there was none. */
export function deleteClsact(netlink: Rtnetlink, ifindex: number): boolean {
  ingress.delete(netlink);
  const payload = emitTrafficControl(clsactQdisc(ifindex));
  try {
    netlink.request({ type: RTM_DELQDISC, flags: 0, payload }, `interface ${ifindex}`);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EINVAL', 'ENODEV')) return false;
    throw error;
  }
}

/**
 * Runs the program on the interface's packets (direct action); the interface has a clsact qdisc. With `replace` and
 * the same `handle`, the program of a filter that is there is swapped without a gap; otherwise that throws EEXIST.
 */
export function addBpfFilter(
  netlink: Rtnetlink,
  place: FilterPlace,
  programFd: number,
  name: string,
  replace = false,
): void {
  const flags = NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
  const payload = emitTrafficControl(bpfFilterAt(place, programFd, name));
  netlink.request({ type: RTM_NEWTFILTER, flags, payload }, `interface ${place.ifindex}`);
}

/**
 * Drops every packet of the interface there, but for those with one of the VLAN tags; the interface has a clsact qdisc. With
 * `replace` one that is there is swapped without a gap; otherwise that throws EEXIST.
 */
export function addDropFilter(
  netlink: Rtnetlink,
  place: FilterPlace,
  except: readonly TagRange[] = [],
  replace = false,
): void {
  const payload = emitTrafficControl(dropFilterAt(place, except));
  const flags = NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
  netlink.request({ type: RTM_NEWTFILTER, flags, payload }, `interface ${place.ifindex}`);
}

/** Runs classic BPF on the interface's packets, whose results are actions; the interface has a clsact qdisc. EEXIST when there is one. */
export function addClassicFilter(
  netlink: Rtnetlink,
  place: FilterPlace,
  steps: readonly ClassicStep[],
): void {
  const payload = emitTrafficControl(classicFilterAt(place, steps));
  const flags = NLM_F_CREATE | NLM_F_EXCL;
  netlink.request({ type: RTM_NEWTFILTER, flags, payload }, `interface ${place.ifindex}`);
}

/** Takes a filter off; false when it was not there. */
export function deleteBpfFilter(netlink: Rtnetlink, place: FilterPlace): boolean {
  const payload = emitTrafficControl(filterAt(place));
  try {
    netlink.request({ type: RTM_DELTFILTER, flags: 0, payload }, `interface ${place.ifindex}`);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV', 'EINVAL')) return false;
    throw error;
  }
}

/** One BPF filter of an interface. */
export interface BpfFilter extends BpfFilterOptions {
  readonly preference: number;
  readonly handle: number;
}

/** BPF filters of an interface in one direction; none when it has no clsact qdisc. */
export function listBpfFilters(netlink: Rtnetlink, ifindex: number, direction: FilterDirection): BpfFilter[] {
  const filters: BpfFilter[] = [];
  const chain = { ifindex, handle: 0, parent: filterParent(direction), info: 0, other: [] };
  for (const message of dumpFilters(netlink, chain)) {
    const options = bpfFilterOptions(message);
    if (options !== undefined && message.handle !== 0) {
      filters.push({ ...options, preference: filterPreference(message), handle: message.handle });
    }
  }
  return filters;
}

/** True when the interface has filters of any kind in this direction. */
export function hasFilters(netlink: Rtnetlink, ifindex: number, direction: FilterDirection): boolean {
  const chain = { ifindex, handle: 0, parent: filterParent(direction), info: 0, other: [] };
  return dumpFilters(netlink, chain).length > 0;
}

function dumpFilters(netlink: Rtnetlink, chain: TrafficControl): TrafficControl[] {
  try {
    return dump(netlink, RTM_GETTFILTER, chain);
  } catch (error) {
    if (isErrno(error, 'EINVAL', 'ENOENT')) return [];
    throw error;
  }
}
