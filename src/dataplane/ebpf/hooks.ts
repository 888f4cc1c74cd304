// What of Bondwire's hangs at the ingress of an interface, as the kernel tells it: programs are found so where no pin leads to them.
import {
  BPF_TCX_INGRESS,
  type BpfFilter,
  closeFd,
  isErrno,
  listBpfFilters,
  listQdiscs,
  programFdById,
  type ProgramInfo,
  programInfo,
  type Rtnetlink,
  tcxEntries,
} from '../../linux/index.js';
import { isBondwireFilter } from '../filter-place.js';
import type { AttachKind } from './attachment.js';

/** A program at the ingress of an interface. */
export interface Hooked {
  readonly kind: AttachKind;
  readonly programId: number;
  /** TCX: id of the link; 0 for one without. */
  readonly linkId: number;
  readonly name: string;
  /** Ids of its maps. */
  readonly mapIds: readonly number[];
}

/** With what the names of our programs begin. */
const OURS = 'bw_';

/** Our programs there, of whichever daemon; none where programs may not be looked at (CAP_SYS_ADMIN). */
export function hookedAt(netlink: Rtnetlink, ifindex: number): Hooked[] {
  const found: Hooked[] = [];
  const add = (kind: AttachKind, programId: number | undefined, linkId: number): void => {
    const info = programId === undefined ? undefined : infoOf(programId);
    if (info?.name.startsWith(OURS) === true)
      found.push({ kind, programId: info.id, linkId, name: info.name, mapIds: info.mapIds });
  };
  for (const { programId, linkId } of tcxEntries(ifindex, BPF_TCX_INGRESS)) add('tcx', programId, linkId);
  for (const filter of filtersAt(netlink, ifindex)) add('clsact', filter.programId, 0);
  return found;
}

/** True when filters can hang there. */
export function hasIngressQdisc(netlink: Rtnetlink, ifindex: number): boolean {
  return listQdiscs(netlink, ifindex).some(qdisc => ['clsact', 'ingress'].includes(qdisc.kind ?? ''));
}

function filtersAt(netlink: Rtnetlink, ifindex: number): BpfFilter[] {
  if (!hasIngressQdisc(netlink, ifindex)) return [];
  return listBpfFilters(netlink, ifindex, 'ingress').filter(isBondwireFilter);
}

function infoOf(programId: number): ProgramInfo | undefined {
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
