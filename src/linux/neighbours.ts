// ARP and ND entries, and the addresses that a device's receive filter lets in beside its own, by rtnetlink.
import {
  AF_BRIDGE,
  AF_UNSPEC,
  emitNeighbour,
  type Neighbour,
  type NetlinkMessage,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NTF_SELF,
  NUD_PERMANENT,
  parseNeighbour,
  RTM_DELNEIGH,
  RTM_GETNEIGH,
  RTM_NEWNEIGH,
} from '../netlink/index.js';
import { isErrno } from './errors.js';
import type { Rtnetlink } from './rtnetlink.js';

const EMPTY: Neighbour = { family: AF_UNSPEC, ifindex: 0, state: 0, flags: 0, type: 0, other: [] };

function dump(netlink: Rtnetlink, filter: Neighbour): Neighbour[] {
  const neighbours: Neighbour[] = [];
  for (const message of netlink.dump({ type: RTM_GETNEIGH, flags: 0, payload: emitNeighbour(filter) })) {
    const neighbour = parseNeighbour(message.payload);
    if (message.type === RTM_NEWNEIGH && neighbour.ok) neighbours.push(neighbour.value);
  }
  return neighbours;
}

/** ARP and ND entries, all or of one interface. */
export function listNeighbours(netlink: Rtnetlink, filter: { readonly ifindex?: number } = {}): Neighbour[] {
  return dump(netlink, EMPTY).filter(
    ({ ifindex }) => filter.ifindex === undefined || ifindex === filter.ifindex,
  );
}

/** Adds an ARP or ND entry. */
export function addNeighbour(netlink: Rtnetlink, neighbour: Neighbour): void {
  const request = { type: RTM_NEWNEIGH, flags: NLM_F_CREATE | NLM_F_EXCL, payload: emitNeighbour(neighbour) };
  netlink.request(request, neighbour.destination ?? neighbour.address ?? '');
}

/** Deletes an ARP or ND entry; ENOENT when it is not there. */
export function deleteNeighbour(netlink: Rtnetlink, neighbour: Neighbour): void {
  const request = { type: RTM_DELNEIGH, flags: 0, payload: emitNeighbour(neighbour) };
  netlink.request(request, neighbour.destination ?? neighbour.address ?? '');
}

function deviceAddress(ifindex: number, mac: string): Neighbour {
  return { ...EMPTY, family: AF_BRIDGE, ifindex, state: NUD_PERMANENT, flags: NTF_SELF, address: mac };
}

/** Lets a unicast or multicast address in through the device's receive filter; false when it was let in already. */
export function addDeviceAddress(netlink: Rtnetlink, ifindex: number, mac: string): boolean {
  try {
    addNeighbour(netlink, deviceAddress(ifindex, mac));
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Takes back `addDeviceAddress()`; false when the address was not there. */
export function deleteDeviceAddress(netlink: Rtnetlink, ifindex: number, mac: string): boolean {
  try {
    deleteNeighbour(netlink, deviceAddress(ifindex, mac));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Unicast and multicast addresses, beside its own, that the device's receive filter lets in. */
export function listDeviceAddresses(netlink: Rtnetlink, ifindex: number): string[] {
  const addresses: string[] = [];
  for (const neighbour of dump(netlink, { ...EMPTY, family: AF_BRIDGE, ifindex })) {
    const isOurs = neighbour.ifindex === ifindex && (neighbour.flags & NTF_SELF) !== 0;
    if (isOurs && neighbour.address !== undefined) addresses.push(neighbour.address);
  }
  return addresses;
}

/** So few interfaces are asked for one by one: a list of all has the tables of bridges in it, which may be long. */
const FEW = 16;

/** Index, state and flags of an entry: struct ndmsg. */
const NDM = { ifindex: 4, flags: 10, length: 12 } as const;

/**
 * What the receive filters of these interfaces let in beside their own addresses, as text that is only to be compared: the same as
 * before where nothing changed. Missing: nothing.
 */
export function deviceAddressLists(netlink: Rtnetlink, interfaces: ReadonlySet<number>): Map<number, string> {
  const lists = new Map<number, string>();
  const asked = interfaces.size > FEW ? [0] : interfaces;
  for (const ifindex of asked) {
    const payload = emitNeighbour({ ...EMPTY, family: AF_BRIDGE, ifindex });
    for (const message of netlink.dump({ type: RTM_GETNEIGH, flags: 0, payload }))
      addEntry(lists, message, interfaces);
  }
  return lists;
}

function addEntry(
  lists: Map<number, string>,
  { type, payload }: NetlinkMessage,
  interfaces: ReadonlySet<number>,
): void {
  if (type !== RTM_NEWNEIGH || payload.length < NDM.length) return;
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (((bytes[NDM.flags] ?? 0) & NTF_SELF) === 0) return;
  const ifindex = bytes.readInt32LE(NDM.ifindex);
  if (interfaces.has(ifindex)) lists.set(ifindex, (lists.get(ifindex) ?? '') + bytes.toString('latin1'));
}
