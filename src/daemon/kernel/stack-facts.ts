// What the kernel says of devices that may stand on a bond, in the namespace that the thread is in: links, addresses, and the multicast
// groups that it tells in /proc alone.
import { formatIpv6 } from '../../base/index.js';
import type { VlanTag } from '../../frames/index.js';
import {
  knownLinks,
  listAddresses,
  listIpv6Groups,
  ProcText,
  readSysctl,
  type Rtnetlink,
} from '../../linux/index.js';
import {
  type Address,
  AF_INET,
  AF_INET6,
  IFA_F,
  IFF,
  type Link,
  ownAddress,
  vlanSettingsOf,
} from '../../netlink/index.js';
import type { StackedDevice } from '../../policy/index.js';

export const STACKABLE: ReadonlySet<string> = new Set(['vlan', 'macvlan']);

/** What there is in the namespace, as far as it may stand on a bond. */
export interface Surroundings {
  readonly links: readonly Link[];
  readonly addressesOf: (ifindex: number) => readonly Address[];
  readonly igmpOf: (ifindex: number) => IgmpState | undefined;
  readonly mldOf: (ifindex: number) => readonly string[];
}

/** Everything is asked for at once: for whoever wants it of many devices. */
export function lookAround(netlink: Rtnetlink): Surroundings {
  const addresses = new Map<number, Address[]>();
  for (const address of listAddresses(netlink)) {
    const others = addresses.get(address.ifindex);
    if (others === undefined) addresses.set(address.ifindex, [address]);
    else others.push(address);
  }
  const [links, igmp, mld] = [knownLinks(netlink), readIgmp(), readMld()];
  return {
    links,
    addressesOf: ifindex => addresses.get(ifindex) ?? [],
    igmpOf: ifindex => igmp.get(ifindex),
    mldOf: ifindex => (mld.get(ifindex) ?? []).map(group => formatIpv6(Buffer.from(group, 'hex'))),
  };
}

/** Each device is asked for when its turn comes: for whoever wants it of few, however many there are. */
export function lookAtFew(netlink: Rtnetlink): Surroundings {
  let igmp: string | undefined;
  return {
    links: knownLinks(netlink),
    addressesOf: ifindex => listAddresses(netlink, { ifindex }),
    igmpOf: ifindex => parseIgmp(deviceLines((igmp ??= textOf(igmpFile)), ifindex)).get(ifindex),
    mldOf: ifindex => listIpv6Groups(netlink, ifindex),
  };
}

/** What peers and switches are told of one; called in its namespace. */
export function describe(link: Link, around: Surroundings): StackedDevice {
  const name = link.name ?? '';
  const usable = around
    .addressesOf(link.ifindex)
    .filter(address => ((address.flags ?? 0) & (IFA_F.IFA_F_TENTATIVE | IFA_F.IFA_F_DADFAILED)) === 0);
  const texts = (family: number): string[] =>
    usable.filter(address => address.family === family).map(address => ownAddress(address) ?? '');
  const groups = around.igmpOf(link.ifindex);
  return {
    ifindex: link.ifindex,
    name,
    address: link.address ?? '',
    adminUp: (link.flags & IFF.IFF_UP) !== 0,
    ipv4: texts(AF_INET),
    ipv6: texts(AF_INET6),
    forwarding: readSysctl('ipv6', name, 'forwarding') === '1',
    ipv4Groups: groups?.groups ?? [],
    igmpVersion: groups?.version ?? 3,
    ipv6Groups: around.mldOf(link.ifindex),
    mldVersion: 2,
  };
}

export function tagOf(link: Link): VlanTag | null {
  const vlan = vlanSettingsOf(link);
  return vlan === undefined ? null : { tpid: vlan.protocol, tci: vlan.id };
}

const igmpFile = new ProcText('/proc/thread-self/net/igmp');
const mldFile = new ProcText('/proc/thread-self/net/igmp6');

interface IgmpState {
  readonly version: 1 | 2 | 3;
  readonly groups: string[];
}

function textOf(file: ProcText): string {
  try {
    return file.read();
  } catch {
    return '';
  }
}

/** The lines of one device in /proc/net/igmp, found without reading all others. */
export function deviceLines(text: string, ifindex: number): string[] {
  const start = text.indexOf(`\n${ifindex}\t`) + 1;
  if (start === 0) return [];
  const lines: string[] = [];
  for (let at = start; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end === -1 ? text.length : end);
    if (at !== start && /^\d/.test(line)) break;
    lines.push(line);
    if (end === -1) break;
    at = end + 1;
  }
  return lines;
}

/** /proc/net/igmp: a line a device, then one indented line a group, the group as a number in the host's byte order. */
export function parseIgmp(lines: readonly string[]): Map<number, IgmpState> {
  const devices = new Map<number, IgmpState>();
  let current: IgmpState | undefined;
  for (const line of lines) {
    const device = /^(\d+)\t.*V([123])\s*$/.exec(line);
    if (device !== null) {
      current = { version: Number(device[2]) as 1 | 2 | 3, groups: [] };
      devices.set(Number(device[1]), current);
      continue;
    }
    const group = /^\s+([0-9A-F]{8})\s/.exec(line);
    if (group === null || current === undefined) continue;
    const number = Number.parseInt(group[1] ?? '0', 16);
    const quad = [number & 255, (number >>> 8) & 255, (number >>> 16) & 255, number >>> 24];
    current.groups.push(quad.join('.'));
  }
  return devices;
}

function readIgmp(): Map<number, IgmpState> {
  return parseIgmp(textOf(igmpFile).split('\n'));
}

/** /proc/net/igmp6: index, device, group as 32 hexadecimal digits, and more. By device its groups, as these digits. */
export function parseMld(lines: readonly string[]): Map<number, string[]> {
  const devices = new Map<number, string[]>();
  for (const line of lines) {
    const group = IN_MLD.exec(line)?.[1];
    if (group === undefined) continue;
    const index = Number.parseInt(line, 10);
    const groups = devices.get(index);
    if (groups === undefined) devices.set(index, [group]);
    else groups.push(group);
  }
  return devices;
}

const IN_MLD = /^\d+\s+\S+\s+([0-9a-f]{32})\s/;

function readMld(): Map<number, string[]> {
  return parseMld(textOf(mldFile).split('\n'));
}

/** The groups of each device by its index, as text to compare. */
export type GroupTable = ReadonlyMap<number, string>;

let lastGroups: { readonly text: string; readonly table: GroupTable } | undefined;

/** Which groups are joined in the namespace now; the same table as before where the kernel says the same. */
export function readGroups(): GroupTable {
  const text = `${textOf(igmpFile)}\n${textOf(mldFile)}`;
  if (lastGroups?.text !== text) lastGroups = { text, table: groupTable() };
  return lastGroups.table;
}

function groupTable(): GroupTable {
  const [igmp, mld] = [readIgmp(), readMld()];
  const devices = new Set([...igmp.keys(), ...mld.keys()]);
  return new Map(
    Array.from(devices, ifindex => [ifindex, JSON.stringify([igmp.get(ifindex), mld.get(ifindex)])]),
  );
}

/** Indexes of the devices whose groups differ. */
export function changedGroups(before: GroupTable, now: GroupTable): number[] {
  if (before === now) return [];
  const devices = new Set([...before.keys(), ...now.keys()]);
  return [...devices].filter(ifindex => before.get(ifindex) !== now.get(ifindex));
}
