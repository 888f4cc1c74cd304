// Reads the machine for the agent: links and addresses by rtnetlink, speeds by ethtool, what belongs together from bonds.
import { hostname, release, type } from 'node:os';
import { type Ethtool, listAddresses, listLinks, type Rtnetlink } from '../linux/index.js';
import {
  AF_INET,
  AF_INET6,
  type Address,
  IFA_F,
  IFF,
  isOneOfTwo,
  type Link,
  ownAddress,
} from '../netlink/index.js';
import type { AddressFacts, BondFacts, InterfaceFacts, SystemFacts } from './facts.js';
import { assignIndexes, type IndexMemory } from './index-memory.js';

/** What is read from, and what is known besides. */
export interface Sources {
  readonly netlink: Rtnetlink;
  readonly ethtool: Ethtool;
  readonly bonds: readonly BondFacts[];
  readonly memory: IndexMemory;
  /** Hundredths of a second since the agent began, and since the machine did. */
  readonly upTime: number;
  readonly sinceBoot: number;
}

/** The machine now, with the index of every interface by name. */
export interface Gathered {
  readonly system: SystemFacts;
  readonly indexes: ReadonlyMap<string, number>;
}

/** Lower ends of bonds, what LACP is kept up with without a daemon, and VLAN devices that only their members' hardware filters need. */
const OF_BONDS = /^(?:bwl-[0-9a-f]{8}[bpe]?|bwv-[0-9a-z]+-[0-9a-z]+)$/;
const LINK_SCOPE = 253;

/** Looks once. The lower ends of bonds are left out: they are a part of the bond and no interface to manage. */
export function gather(sources: Sources): Gathered {
  const links = listLinks(sources.netlink).filter(link => !OF_BONDS.test(link.name ?? ''));
  const present = links.map(link => ({ name: link.name ?? '', ifindex: link.ifindex }));
  const indexes = assignIndexes(sources.memory, present);
  const byKernel = new Map(links.map(link => [link.ifindex, indexes.get(link.name ?? '') ?? 0]));
  const addresses = listAddresses(sources.netlink).flatMap(address => {
    const index = byKernel.get(address.ifindex);
    return index === undefined ? [] : [addressFacts(address, index, sources)];
  });
  return {
    indexes,
    system: {
      description: `${type()} ${release()}, interfaces and bonds as Bondwire knows them`,
      name: hostname(),
      upTime: sources.upTime,
      interfaces: links
        .map(link => interfaceFacts(link, links, { ...sources, indexes, byKernel }))
        .toSorted((one, other) => one.index - other.index),
      addresses,
    },
  };
}

interface Known extends Sources {
  readonly indexes: ReadonlyMap<string, number>;
  readonly byKernel: ReadonlyMap<number, number>;
}

function interfaceFacts(link: Link, links: readonly Link[], known: Known): InterfaceFacts {
  const name = link.name ?? '';
  const bond = known.bonds.find(each => each.name === name);
  const up = (link.flags & IFF.IFF_UP) !== 0;
  const kind = link.info?.kind;
  const speed = up && bond === undefined ? known.ethtool.linkSettings(name)?.speedMbps : bond?.speedMbps;
  const counters = link.statistics;
  return {
    index: known.indexes.get(name) ?? 0,
    name,
    alias: link.alias ?? '',
    type: bond === undefined ? typeOf(link) : 161,
    mtu: link.mtu ?? 0,
    speedMbps: speed ?? null,
    address: link.address ?? '',
    adminUp: up,
    operStatus: OPER_STATUS[link.operationalState ?? 'unknown'] ?? 4,
    promiscuous: (link.promiscuity ?? 0) > 0 || (link.flags & IFF.IFF_PROMISC) !== 0,
    physical: kind === undefined && (link.flags & IFF.IFF_LOOPBACK) === 0,
    counters: {
      rxPackets: counters?.rxPackets ?? 0,
      rxBytes: counters?.rxBytes ?? 0,
      rxErrors: counters?.rxErrors ?? 0,
      rxDropped: counters?.rxDropped ?? 0,
      multicast: counters?.multicast ?? 0,
      txPackets: counters?.txPackets ?? 0,
      txBytes: counters?.txBytes ?? 0,
      txErrors: counters?.txErrors ?? 0,
      txDropped: counters?.txDropped ?? 0,
    },
    below: below(link, links, bond, known),
  };
}

/** Members of a bond, ports of a bridge, and the device that a VLAN or macvlan is on. The other end of a pair is not below. */
function below(link: Link, links: readonly Link[], bond: BondFacts | undefined, known: Known): number[] {
  const members = (bond?.members ?? []).flatMap(name => known.indexes.get(name) ?? []);
  const ports = links
    .filter(other => other.master === link.ifindex)
    .flatMap(other => known.byKernel.get(other.ifindex) ?? []);
  const stacked = !isOneOfTwo(link) && link.linkNetnsId === undefined && link.link !== undefined;
  const base = stacked ? (known.byKernel.get(link.link) ?? []) : [];
  return [...new Set([...members, ...ports, ...[base].flat()])].filter(index => index !== 0);
}

/** IF-MIB's words for RFC 2863 states. */
const OPER_STATUS: Readonly<Record<string, number>> = {
  up: 1,
  down: 2,
  testing: 3,
  unknown: 4,
  dormant: 5,
  'not-present': 6,
  'lower-layer-down': 7,
};

/** IANAifType: softwareLoopback, bridge, l2vlan, ieee8023adLag, ethernetCsmacd, tunnel, other. */
function typeOf(link: Link): number {
  if (link.hardwareType === 772) return 24;
  const byKind: Readonly<Record<string, number>> = { bridge: 209, vlan: 135, bond: 161, team: 161 };
  const kind = byKind[link.info?.kind ?? ''];
  if (kind !== undefined) return kind;
  if (link.hardwareType === 1) return 6;
  return link.hardwareType === 0xfffe || (link.hardwareType >= 768 && link.hardwareType < 800) ? 131 : 1;
}

function addressFacts(address: Address, index: number, { upTime, sinceBoot }: Sources): AddressFacts {
  const flags = address.flags ?? 0;
  const linkLocal = address.family === AF_INET6 && address.scope === LINK_SCOPE;
  const permanent = (flags & IFA_F.IFA_F_PERMANENT) !== 0;
  /** The agent's clock at a moment of the machine's; 0 for what was before the agent. */
  const agentTime = (centiseconds: number | undefined): number =>
    Math.max(0, upTime - (sinceBoot - (centiseconds ?? 0)));
  return {
    index,
    address: ownAddress(address) ?? '',
    prefixLength: address.prefixLength,
    linkLocal,
    origin: linkLocal ? 5 : permanent ? 2 : address.family === AF_INET ? 4 : 5,
    status: statusOf(flags),
    broadcastBit: address.broadcast === undefined ? 0 : 1,
    created: agentTime(address.lifetimes?.createdCentiseconds),
    changed: agentTime(address.lifetimes?.updatedCentiseconds),
  };
}

function statusOf(flags: number): number {
  if ((flags & IFA_F.IFA_F_DADFAILED) !== 0) return 7;
  if ((flags & IFA_F.IFA_F_OPTIMISTIC) !== 0) return 8;
  if ((flags & IFA_F.IFA_F_TENTATIVE) !== 0) return 6;
  return (flags & IFA_F.IFA_F_DEPRECATED) !== 0 ? 2 : 1;
}
