// What stands on a bond: the bond itself, VLANs, macvlans and a bridge above it, with the addresses and groups that
// peers and switches must be told of after a failover (kernel: NETDEV_NOTIFY_PEERS and NETDEV_RESEND_IGMP go the same way).
import { readFileSync } from 'node:fs';
import type { VlanTag } from '../frames/index.js';
import { listAddresses, listLinks, readSysctl, type Rtnetlink } from '../linux/index.js';
import {
  type Address,
  AF_INET,
  AF_INET6,
  IFA_F,
  IFF,
  type Link,
  ownAddress,
  vlanSettingsOf,
} from '../netlink/index.js';
import type { StackedDevice, Taught } from '../policy/index.js';

const STACKABLE: ReadonlySet<string> = new Set(['vlan', 'macvlan']);

/** What there is in the namespace, as far as it may stand on a bond. */
interface Surroundings {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  readonly igmp: ReadonlyMap<number, IgmpState>;
  readonly mld: ReadonlyMap<number, readonly string[]>;
}

function lookAround(netlink: Rtnetlink): Surroundings {
  const [links, addresses] = [listLinks(netlink), listAddresses(netlink)];
  return { links, addresses, igmp: readIgmp(), mld: readMld() };
}

/** The devices that stand on the bond, the bond first. */
export function collectStack(netlink: Rtnetlink, bondIfindex: number): StackedDevice[] {
  return stackIn(lookAround(netlink), bondIfindex);
}

const looks = new WeakMap<Rtnetlink, Surroundings>();

/**
 * The same for all bonds that ask in one turn of the event loop: they share one look, as each event makes all of them ask. What
 * changes meanwhile has an event of its own, which is handled after the look is forgotten (immediates run in order).
 */
export function collectStackInTurn(netlink: Rtnetlink, bondIfindex: number): StackedDevice[] {
  let look = looks.get(netlink);
  if (look === undefined) {
    look = lookAround(netlink);
    looks.set(netlink, look);
    setImmediate(() => looks.delete(netlink));
  }
  return stackIn(look, bondIfindex);
}

function stackIn({ links, addresses, igmp, mld }: Surroundings, bondIfindex: number): StackedDevice[] {
  return stackOn(links, bondIfindex).map(stacked => {
    const { link } = stacked;
    const name = link.name ?? '';
    const own = addresses.filter(address => address.ifindex === link.ifindex);
    const usable = own.filter(
      address => ((address.flags ?? 0) & (IFA_F.IFA_F_TENTATIVE | IFA_F.IFA_F_DADFAILED)) === 0,
    );
    const texts = (family: number): string[] =>
      usable.filter(address => address.family === family).map(address => ownAddress(address) ?? '');
    const groups = igmp.get(link.ifindex);
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
      ipv6Groups: mld.get(link.ifindex) ?? [],
      mldVersion: 2,
      taught: taughtBy(stacked, bondIfindex),
    };
  });
}

/** A device on the bond, and the tag that its frames have on the members from the VLAN device directly on the bond. */
interface Stacked {
  readonly link: Link;
  readonly tag: VlanTag | null;
}

function tagOf(link: Link): VlanTag | null {
  const vlan = vlanSettingsOf(link);
  return vlan === undefined ? null : { tpid: vlan.protocol, tci: vlan.id };
}

/** How a switch is taught where a device on the bond is (alb_upper_dev_walk, bond_verify_device_path). */
function taughtBy({ link, tag }: Stacked, bondIfindex: number): Taught | undefined {
  const kind = link.info?.kind;
  if (kind === 'macvlan') return { kind, tag };
  return kind === 'vlan' && link.link === bondIfindex ? { kind, tag } : undefined;
}

/** The bond and what stands on it, directly or not, in this namespace. */
function stackOn(links: readonly Link[], bondIfindex: number): Stacked[] {
  const found = new Map<number, Stacked>();
  const add = (ifindex: number, below: VlanTag | null): void => {
    const link = links.find(other => other.ifindex === ifindex);
    if (link === undefined || found.has(ifindex)) return;
    const tag = link.link === bondIfindex ? tagOf(link) : below;
    found.set(ifindex, { link, tag });
    const master = links.find(other => other.ifindex === link.master);
    if (master?.info?.kind === 'bridge') add(master.ifindex, tag);
    for (const upper of links) {
      if (upper.link !== ifindex || upper.linkNetnsId !== undefined) continue;
      if (STACKABLE.has(upper.info?.kind ?? '')) add(upper.ifindex, tag);
    }
  };
  add(bondIfindex, null);
  return [...found.values()];
}

interface IgmpState {
  readonly version: 1 | 2 | 3;
  readonly groups: string[];
}

function readTable(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').split('\n');
  } catch {
    return [];
  }
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
  return parseIgmp(readTable('/proc/net/igmp'));
}

/** /proc/net/igmp6: index, device, group as 32 hexadecimal digits, and more. */
export function parseMld(lines: readonly string[]): Map<number, string[]> {
  const devices = new Map<number, string[]>();
  for (const line of lines) {
    const fields = /^(\d+)\s+\S+\s+([0-9a-f]{32})\s/.exec(line);
    if (fields === null) continue;
    const index = Number(fields[1]);
    const text = (fields[2] ?? '').match(/.{4}/g)?.join(':') ?? '';
    devices.set(index, [...(devices.get(index) ?? []), text]);
  }
  return devices;
}

function readMld(): Map<number, string[]> {
  return parseMld(readTable('/proc/net/igmp6'));
}

/** The groups of each device by its index, as text to compare. */
export type GroupTable = ReadonlyMap<number, string>;

/** Which groups are joined in the namespace now. */
export function readGroups(): GroupTable {
  const [igmp, mld] = [readIgmp(), readMld()];
  const devices = new Set([...igmp.keys(), ...mld.keys()]);
  return new Map(
    Array.from(devices, ifindex => [ifindex, JSON.stringify([igmp.get(ifindex), mld.get(ifindex)])]),
  );
}

/** Indexes of the devices whose groups differ. */
export function changedGroups(before: GroupTable, now: GroupTable): number[] {
  const devices = new Set([...before.keys(), ...now.keys()]);
  return [...devices].filter(ifindex => before.get(ifindex) !== now.get(ifindex));
}
