// Programs on the ingress of interfaces: by TCX links where the kernel has them (6.6), else by clsact filters.
import { existsSync, rmSync } from 'node:fs';
import {
  addBpfFilter,
  addClsact,
  closeFd,
  createTcxLink,
  deleteBpfFilter,
  deleteClsact,
  detachLink,
  getLink,
  getPinned,
  isErrno,
  linkInfo,
  listBpfFilters,
  listQdiscs,
  pinObject,
  programFdById,
  programInfo,
  type Rtnetlink,
  tcxProgramIds,
} from '../../linux/index.js';

const BPF_TCX_INGRESS = 46;
/** A preference of our own, so that nobody's filter is replaced. */
const FILTER_PREFERENCE = 0xb0d;
const FILTER_HANDLE = 1;

/** How programs are attached. */
export type AttachKind = 'tcx' | 'clsact';

/** Attaches one program to the ingress of one interface, and pins it so that it stays when we go. */
export interface Attachment {
  readonly kind: AttachKind;
  /** File of the pin (tcx), or of nothing (clsact: the kernel keeps the filter). */
  readonly pin: string;
  readonly ifindex: number;
  /** True when the clsact qdisc was made for us. */
  readonly ownsQdisc: boolean;
}

/** Attaches; the first call finds out what the kernel can do. */
export function attachIngress(
  netlink: Rtnetlink,
  programFd: number,
  ifindex: number,
  pin: string,
): Attachment {
  try {
    const link = createTcxLink(programFd, ifindex, BPF_TCX_INGRESS);
    try {
      pinObject(link, pin);
    } catch (error) {
      detachLink(link);
      throw error;
    } finally {
      closeFd(link);
    }
    return { kind: 'tcx', pin, ifindex, ownsQdisc: false };
  } catch (error) {
    // EINVAL: a kernel before 6.6 does not know the attach type.
    if (!isErrno(error, 'EINVAL')) throw error;
  }
  const ownsQdisc = addClsact(netlink, ifindex);
  try {
    addBpfFilter(netlink, filterPlace(ifindex), programFd, 'bondwire', false);
  } catch (error) {
    if (ownsQdisc) deleteClsact(netlink, ifindex);
    throw error;
  }
  return { kind: 'clsact', pin, ifindex, ownsQdisc };
}

/** Takes the program off. Quiet when the interface, or the pin, is gone already. */
export function detach(netlink: Rtnetlink, attachment: Attachment): void {
  if (attachment.kind === 'tcx') {
    const link = existsSync(attachment.pin) ? getPinned(attachment.pin) : undefined;
    if (link !== undefined) {
      // Detached explicitly: an interface that moved to another namespace would take the program with it.
      try {
        detachLink(link);
      } finally {
        closeFd(link);
      }
    }
    rmSync(attachment.pin, { force: true });
    return;
  }
  if (getLink(netlink, attachment.ifindex) === undefined) return;
  deleteBpfFilter(netlink, filterPlace(attachment.ifindex));
  if (attachment.ownsQdisc && !hasOtherFilters(netlink, attachment.ifindex)) {
    deleteClsact(netlink, attachment.ifindex);
  }
}

/** True when our program is still where it was put. */
export function isAttached(netlink: Rtnetlink, attachment: Attachment): boolean {
  if (attachment.kind === 'clsact') {
    return listBpfFilters(netlink, attachment.ifindex, 'ingress').some(
      filter => filter.preference === FILTER_PREFERENCE,
    );
  }
  const link = existsSync(attachment.pin) ? getPinned(attachment.pin) : undefined;
  if (link === undefined) return false;
  try {
    return linkInfo(link).tcx?.ifindex === attachment.ifindex;
  } finally {
    closeFd(link);
  }
}

/** True when a receive program of any Bondwire daemon sits on the interface. */
export function hasReceiveProgram(netlink: Rtnetlink, ifindex: number, programName: string): boolean {
  const filters = hasClsact(netlink, ifindex) ? listBpfFilters(netlink, ifindex, 'ingress') : [];
  if (filters.some(filter => filter.preference === FILTER_PREFERENCE)) return true;
  return tcxProgramIds(ifindex, BPF_TCX_INGRESS).some(id => programNameOf(id) === programName);
}

function programNameOf(id: number): string | undefined {
  const fd = programFdById(id);
  if (fd === undefined) return undefined;
  try {
    return programInfo(fd).name;
  } finally {
    closeFd(fd);
  }
}

function hasClsact(netlink: Rtnetlink, ifindex: number): boolean {
  return listQdiscs(netlink, ifindex).some(qdisc => qdisc.ifindex === ifindex && qdisc.kind === 'clsact');
}

function hasOtherFilters(netlink: Rtnetlink, ifindex: number): boolean {
  return (
    listBpfFilters(netlink, ifindex, 'ingress').length > 0 ||
    listBpfFilters(netlink, ifindex, 'egress').length > 0
  );
}

function filterPlace(ifindex: number): {
  ifindex: number;
  direction: 'ingress';
  preference: number;
  handle: number;
} {
  return { ifindex, direction: 'ingress', preference: FILTER_PREFERENCE, handle: FILTER_HANDLE };
}
