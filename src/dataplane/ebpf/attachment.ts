// Programs on the ingress of interfaces: by TCX links where the kernel has them (6.6), else by clsact filters.
import { rmSync } from 'node:fs';
import {
  addBpfFilter,
  addClsact,
  closeFd,
  createTcxLink,
  deleteBpfFilter,
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
  updateLink,
} from '../../linux/index.js';
import { deleteEmptyClsact, FILTER_NAME, FILTER_PREFERENCE, isBondwireFilter } from '../filter-place.js';

const BPF_TCX_INGRESS = 46;
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

/**
 * Attaches: by TCX where the kernel has it, or as `wanted` says. `note` is told how before it is done, so that `detach` can undo
 * what was only begun.
 */
export function attachIngress(
  netlink: Rtnetlink,
  programFd: number,
  ifindex: number,
  pin: string,
  note: (attachment: Attachment) => void,
  wanted?: AttachKind,
): Attachment {
  if (wanted !== 'clsact') {
    const attachment: Attachment = { kind: 'tcx', pin, ifindex, ownsQdisc: false };
    note(attachment);
    try {
      attachLink(programFd, attachment);
      return attachment;
    } catch (error) {
      // EINVAL: a kernel before 6.6 does not know the attach type.
      if (wanted === 'tcx' || !isErrno(error, 'EINVAL')) throw error;
    }
  }
  const attachment: Attachment = { kind: 'clsact', pin, ifindex, ownsQdisc: !hasClsact(netlink, ifindex) };
  note(attachment);
  attachFilter(netlink, programFd, attachment);
  return attachment;
}

function attachLink(programFd: number, { ifindex, pin }: Attachment): void {
  const link = createTcxLink(programFd, ifindex, BPF_TCX_INGRESS);
  try {
    pinObject(link, pin);
  } catch (error) {
    detachLink(link);
    throw error;
  } finally {
    closeFd(link);
  }
}

/** Puts another program in the place of the one that is attached, between two frames. */
export function swapProgram(netlink: Rtnetlink, programFd: number, attachment: Attachment): void {
  if (attachment.kind === 'clsact') {
    addBpfFilter(netlink, filterPlace(attachment.ifindex), programFd, FILTER_NAME, true);
    return;
  }
  const link = getPinned(attachment.pin);
  if (link === undefined) throw new Error(`There is no link at ${attachment.pin}.`);
  try {
    updateLink(link, programFd);
  } finally {
    closeFd(link);
  }
}

function attachFilter(netlink: Rtnetlink, programFd: number, { ifindex, ownsQdisc }: Attachment): void {
  addClsact(netlink, ifindex);
  try {
    addBpfFilter(netlink, filterPlace(ifindex), programFd, FILTER_NAME, false);
  } catch (error) {
    if (ownsQdisc) deleteEmptyClsact(netlink, ifindex);
    throw error;
  }
}

/** Takes the program off. Quiet when the interface, or the pin, is gone already. */
export function detach(netlink: Rtnetlink, attachment: Attachment): void {
  if (attachment.kind === 'tcx') {
    const link = getPinned(attachment.pin);
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
  const { ifindex } = attachment;
  // Not there, or another one: the index may have gone to another interface.
  if (isAttached(netlink, attachment)) deleteBpfFilter(netlink, filterPlace(ifindex));
  if (attachment.ownsQdisc) deleteEmptyClsact(netlink, ifindex);
}

/** True when our program is still where it was put. */
export function isAttached(netlink: Rtnetlink, attachment: Attachment): boolean {
  if (attachment.kind === 'clsact') {
    return listBpfFilters(netlink, attachment.ifindex, 'ingress').some(isBondwireFilter);
  }
  const link = getPinned(attachment.pin);
  if (link === undefined) return false;
  try {
    return linkInfo(link).tcx?.ifindex === attachment.ifindex;
  } finally {
    closeFd(link);
  }
}

/** True when a program of this name, or one that begins so, of any Bondwire daemon sits on the interface. */
export function hasProgram(netlink: Rtnetlink, ifindex: number, programName: string): boolean {
  const filters = hasClsact(netlink, ifindex) ? listBpfFilters(netlink, ifindex, 'ingress') : [];
  if (filters.some(isBondwireFilter)) return true;
  return tcxProgramIds(ifindex, BPF_TCX_INGRESS).some(id => programNameOf(id)?.startsWith(programName));
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

function filterPlace(ifindex: number): {
  ifindex: number;
  direction: 'ingress';
  preference: number;
  handle: number;
} {
  return { ifindex, direction: 'ingress', preference: FILTER_PREFERENCE, handle: FILTER_HANDLE };
}
