// What of Bondwire's hangs at an interface, as the kernel tells it: programs are found so where no pin leads to them.
import {
  BPF_NETKIT_PRIMARY,
  BPF_TCX_INGRESS,
  type BpfFilter,
  closeFd,
  hasIngressQdisc,
  hookEntries,
  isErrno,
  listBpfFilters,
  programFdById,
  type ProgramInfo,
  programInfo,
  type Rtnetlink,
} from '../../linux/index.js';
import { isBondwireFilter } from '../filter-place.js';
import type { PairIndexes } from '../pair.js';
import type { Attachment, AttachKind } from './attachment.js';
import { TRANSMIT_PROGRAM } from './programs.js';

/** A program at an interface: at its ingress, or (netkit) at what it sends. */
export interface Hooked {
  readonly kind: AttachKind;
  readonly programId: number;
  /** Id of the link; 0 for one without. */
  readonly linkId: number;
  readonly name: string;
  /** Ids of its maps. */
  readonly mapIds: readonly number[];
}

/** With what the names of our programs begin. */
const OURS = 'bw_';

/** Our programs at its ingress, of whichever daemon; none where programs may not be looked at (CAP_SYS_ADMIN). */
export function hookedAt(netlink: Rtnetlink, ifindex: number): Hooked[] {
  const filters = filtersAt(netlink, ifindex).flatMap(({ programId }) => ours('clsact', programId, 0));
  return [...linksAt(ifindex, 'tcx', BPF_TCX_INGRESS), ...filters];
}

/** The same where what a bond sends passes: at its lower end, and at the bond itself where that is a netkit device. */
export function hookedAtPair(netlink: Rtnetlink, { bondIfindex, lowerIfindex }: PairIndexes): Hooked[] {
  // What is at the bond's ingress is another bond's, of which this one is a member.
  return [...linksAt(bondIfindex, 'netkit', BPF_NETKIT_PRIMARY), ...hookedAt(netlink, lowerIfindex)];
}

/** The same where something was attached. */
export function hookedBeside(
  netlink: Rtnetlink,
  { kind, ifindex }: Pick<Attachment, 'kind' | 'ifindex'>,
): Hooked[] {
  return kind === 'netkit' ? linksAt(ifindex, kind, BPF_NETKIT_PRIMARY) : hookedAt(netlink, ifindex);
}

function linksAt(ifindex: number, kind: AttachKind, attachType: number): Hooked[] {
  return hookEntries(ifindex, attachType).flatMap(({ programId, linkId }) => ours(kind, programId, linkId));
}

function ours(kind: AttachKind, programId: number | undefined, linkId: number): Hooked[] {
  const info = programId === undefined ? undefined : infoOf(programId);
  if (info?.name.startsWith(OURS) !== true) return [];
  return [{ kind, programId: info.id, linkId, name: info.name, mapIds: info.mapIds }];
}

function filtersAt(netlink: Rtnetlink, ifindex: number): BpfFilter[] {
  if (!hasIngressQdisc(netlink, ifindex)) return [];
  return listBpfFilters(netlink, ifindex, 'ingress').filter(isBondwireFilter);
}

/** What the kernel tells of a program; undefined when it is gone, or not to be looked at. */
export function infoOf(programId: number): ProgramInfo | undefined {
  try {
    const fd = programFdById(programId);
    if (fd === undefined) return undefined;
    try {
      return programInfo(fd);
    } finally {
      closeFd(fd);
    }
  } catch (error) {
    if (isErrno(error, 'EPERM', 'EACCES')) return undefined;
    throw error;
  }
}

/** True when a program of this name, or one that begins so, of any Bondwire daemon sits on the interface. */
export function hasProgram(netlink: Rtnetlink, ifindex: number, programName: string): boolean {
  if (filtersAt(netlink, ifindex).length > 0) return true;
  return hookedAt(netlink, ifindex).some(({ name }) => name.startsWith(programName));
}

/** True when a transmit program of any Bondwire daemon serves the bond. */
export function isTransmitted(netlink: Rtnetlink, pair: PairIndexes): boolean {
  if (hasProgram(netlink, pair.lowerIfindex, TRANSMIT_PROGRAM)) return true;
  return hookedAtPair(netlink, pair).some(({ name }) => name.startsWith(TRANSMIT_PROGRAM));
}
