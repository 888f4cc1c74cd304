// The connection tracking table of a network namespace: flows with a mark are counted and ended. Calls walk over the whole table and take
// their time where it is long: not for a thread that has other things to do.
import { readFileSync } from 'node:fs';
import {
  CT_NEW,
  endFlow,
  endFlows,
  type FlowFilter,
  getFlows,
  parseFlow,
  type TrackedFlow,
} from '../netlink/index.js';
import { isErrno } from './errors.js';
import type { Rtnetlink } from './rtnetlink.js';

const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
/** Above this the flows are not counted one by one before they are ended: that takes longer than to end them. */
const MOST_COUNTED = 20_000;
const COUNT_FILE = '/proc/sys/net/netfilter/nf_conntrack_count';

/** Which flows are meant: all with the mark, those of TCP, or all but those. */
export type FlowTransport = 'tcp' | 'others' | 'all';

/** Flows that are left alone: those for which all of these hold. Prefixes are the bytes of an address and a length in bits. */
export interface KeptFlows {
  readonly from?: FlowPrefix;
  readonly to?: FlowPrefix;
  readonly sourcePorts?: readonly [number, number];
  readonly destinationPorts?: readonly [number, number];
}

export interface FlowPrefix {
  readonly bytes: Uint8Array;
  readonly length: number;
}

function isIn({ bytes, length }: FlowPrefix, address: Uint8Array): boolean {
  if (bytes.length !== address.length) return false;
  return bytes.every((byte, i) => {
    const bits = Math.min(8, Math.max(0, length - 8 * i));
    return bits === 0 || byte >> (8 - bits) === (address[i] ?? 0) >> (8 - bits);
  });
}

function isWithin(range: readonly [number, number] | undefined, port: number): boolean {
  return range === undefined || (port >= range[0] && port <= range[1]);
}

function isKept(flow: TrackedFlow, { from, to, sourcePorts, destinationPorts }: KeptFlows): boolean {
  return (
    (from === undefined || isIn(from, flow.source)) &&
    (to === undefined || isIn(to, flow.destination)) &&
    isWithin(sourcePorts, flow.sourcePort) &&
    isWithin(destinationPorts, flow.destinationPort)
  );
}

/** Flows with the mark, by a connection of `openNetfilter()`. Throws SystemError. */
export function listFlows(netfilter: Rtnetlink, filter: FlowFilter, transport: FlowTransport): TrackedFlow[] {
  return netfilter.dump(getFlows(filter), 'conntrack').flatMap(({ type, payload }) => {
    const flow = type === CT_NEW ? parseFlow(payload) : undefined;
    if (flow?.ok !== true || flow.value.family !== filter.family) return [];
    return isMeant(flow.value.protocol, transport) ? [flow.value] : [];
  });
}

function isMeant(protocol: number, transport: FlowTransport): boolean {
  return transport === 'all' || (protocol === IPPROTO_TCP) === (transport === 'tcp');
}

/** How many flows there are in the thread's namespace, with whatever mark; undefined where the kernel does not say. */
export function conntrackSize(): number | undefined {
  try {
    return Number(readFileSync(COUNT_FILE, 'latin1'));
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}

/**
 * Ends the flows and gives how many. Of a long table it is the difference in length, with what else began and ended meanwhile. The
 * thread has to be in the namespace of the connection. Throws SystemError.
 */
export function flushFlows(
  netfilter: Rtnetlink,
  filter: FlowFilter,
  transport: FlowTransport,
  keep: readonly KeptFlows[] = [],
): number {
  if (keep.length > 0) {
    const flows = listFlows(netfilter, filter, transport);
    return endThese(
      netfilter,
      flows.filter(flow => !keep.some(kept => isKept(flow, kept))),
    );
  }
  const before = conntrackSize();
  if (before !== undefined && before <= MOST_COUNTED) {
    const count = listFlows(netfilter, filter, transport).length;
    return count === 0 ? 0 : end(netfilter, filter, transport, count);
  }
  const ended = end(netfilter, filter, transport, 0);
  const after = conntrackSize();
  return before === undefined || after === undefined ? ended : Math.max(0, before - after);
}

/** `count` is what to answer when the kernel ends all of them at once, which it does not count. */
function end(netfilter: Rtnetlink, filter: FlowFilter, transport: FlowTransport, count: number): number {
  if (transport === 'all') {
    netfilter.request(endFlows(filter), 'conntrack');
    return count;
  }
  const protocol = transport === 'tcp' ? IPPROTO_TCP : IPPROTO_UDP;
  if (!endByProtocol(netfilter, { ...filter, protocol })) return endEach(netfilter, filter, transport);
  // Whatever else is neither TCP nor UDP: pings, tunnels. They are few.
  if (transport === 'others') endEach(netfilter, filter, transport);
  return count;
}

/** False where the kernel cannot (before 6.8). */
function endByProtocol(netfilter: Rtnetlink, filter: FlowFilter): boolean {
  try {
    netfilter.request(endFlows(filter), 'conntrack');
    return true;
  } catch (error) {
    if (isErrno(error, 'EOPNOTSUPP', 'EINVAL')) return false;
    throw error;
  }
}

function endEach(netfilter: Rtnetlink, filter: FlowFilter, transport: FlowTransport): number {
  return endThese(netfilter, listFlows(netfilter, filter, transport));
}

function endThese(netfilter: Rtnetlink, flows: readonly TrackedFlow[]): number {
  const outcomes = netfilter.requestAll(flows.map(flow => ({ ...endFlow(flow), target: 'conntrack' })));
  const failed = outcomes.find(error => error !== undefined && !isErrno(error, 'ENOENT'));
  if (failed !== undefined) throw failed;
  return outcomes.filter(error => error === undefined).length;
}
