// Programs on the ingress of interfaces, by TCX links where the kernel has them (6.6), else by clsact filters; and on the egress of a
// bond that is a netkit device.
import { basename } from 'node:path';
import {
  addBpfFilter,
  addClsact,
  BPF_TCX_INGRESS,
  closeFd,
  createNetkitLink,
  createTcxLink,
  deleteBpfFilter,
  detachLink,
  getLink,
  hasIngressQdisc,
  isErrno,
  linkFdById,
  linkInfo,
  listBpfFilters,
  type Rtnetlink,
  updateLink,
} from '../../linux/index.js';
import { deleteEmptyClsact, FILTER_NAME, FILTER_PREFERENCE, isBondwireFilter } from '../filter-place.js';
import { doAll } from '../quietly.js';
import { hookedBeside, infoOf } from './hooks.js';
import type { Pins } from './pins.js';

const FILTER_HANDLE = 1;

/** How programs are attached at the ingress of an interface. */
export const INGRESS_KINDS = ['tcx', 'clsact'] as const;
export type IngressKind = (typeof INGRESS_KINDS)[number];
/** The same, and by a link at what the primary device of a netkit pair sends. */
export type AttachKind = IngressKind | 'netkit';

/** One program at one interface. A filter stays by itself; a link (tcx, netkit) stays as long as it is pinned, or open. */
export interface Attachment {
  readonly kind: AttachKind;
  /** File of the pin of a link, or of nothing (clsact: the kernel keeps the filter). */
  readonly pin: string;
  readonly ifindex: number;
  /** True when the clsact qdisc was made for us. */
  readonly ownsQdisc: boolean;
}

/** What it takes to find and change attachments of a bond. */
export interface Hooks {
  readonly netlink: Rtnetlink;
  readonly pins: Pins;
  /** Id of the state map of its programs, by which they are told from another bond's; undefined: not known. */
  readonly mapId: number | undefined;
}

/** Where a program goes. */
export interface AttachWish {
  readonly ifindex: number;
  /** Name of the pin. */
  readonly pin: string;
  /** At the ingress, by TCX where the kernel has it, when absent. */
  readonly kind?: AttachKind;
}

/**
 * Attaches: at the ingress by TCX where the kernel has it, or as wished. `note` is told how before it is done, so that `detach` can undo
 * what was only begun.
 */
export function attachProgram(
  hooks: Pick<Hooks, 'netlink' | 'pins'>,
  programFd: number,
  { ifindex, pin, kind }: AttachWish,
  note: (attachment: Attachment) => void,
): Attachment {
  const noted = hooks.pins.pathOf(pin);
  if (kind !== 'clsact') {
    const attachment: Attachment = { kind: kind ?? 'tcx', pin: noted, ifindex, ownsQdisc: false };
    note(attachment);
    try {
      attachLink(hooks.pins, programFd, attachment, pin);
      return attachment;
    } catch (error) {
      // EINVAL: a kernel before 6.6 does not know the attach type.
      if (kind !== undefined || !isErrno(error, 'EINVAL')) throw error;
    }
  }
  const ownsQdisc = !hasIngressQdisc(hooks.netlink, ifindex);
  const attachment: Attachment = { kind: 'clsact', pin: noted, ifindex, ownsQdisc };
  note(attachment);
  attachFilter(hooks.netlink, programFd, attachment);
  return attachment;
}

function attachLink(pins: Pins, programFd: number, { kind, ifindex }: Attachment, pin: string): void {
  const link =
    kind === 'netkit'
      ? createNetkitLink(programFd, ifindex)
      : createTcxLink(programFd, ifindex, BPF_TCX_INGRESS);
  try {
    pins.pin(link, pin);
  } catch (error) {
    detachLink(link);
    throw error;
  } finally {
    closeFd(link);
  }
}

/** Puts another program in the place of the one that is attached, between two frames. */
export function swapProgram(hooks: Hooks, programFd: number, attachment: Attachment): void {
  if (attachment.kind === 'clsact') {
    addBpfFilter(hooks.netlink, filterPlace(attachment.ifindex), programFd, FILTER_NAME, true);
    return;
  }
  const link = linkOf(hooks, attachment);
  if (link === undefined) throw new Error(`There is no link at ${attachment.pin}.`);
  try {
    updateLink(link, programFd);
  } finally {
    closeFd(link);
  }
}

/** The tag of the program that a link holds, if that has this bond's map; undefined for a filter, and where it may not be looked at. */
export function attachedTag(hooks: Hooks, attachment: Attachment): string | undefined {
  const link = attachment.kind === 'clsact' ? undefined : linkOf(hooks, attachment);
  if (link === undefined) return undefined;
  try {
    const info = infoOf(linkInfo(link).programId);
    return hooks.mapId !== undefined && info?.mapIds.includes(hooks.mapId) === true ? info.tag : undefined;
  } finally {
    closeFd(link);
  }
}

/** Pins the link here where it is not: where it was pinned may be out of sight. */
export function keepPinned(hooks: Hooks, attachment: Attachment): void {
  if (attachment.kind === 'clsact') return;
  const name = basename(attachment.pin);
  const link = linkOf(hooks, attachment);
  if (link === undefined) return;
  try {
    if (!hooks.pins.has(name)) hooks.pins.pin(link, name);
  } finally {
    closeFd(link);
  }
}

/** A descriptor of the link: by its pin or, where that is gone or cannot be seen, by its id. The caller closes it. */
export function linkOf({ netlink, pins, mapId }: Hooks, attachment: Attachment): number | undefined {
  const pinned = pins.get(basename(attachment.pin));
  if (pinned !== undefined || mapId === undefined) return pinned;
  const hooked = hookedBeside(netlink, attachment).find(
    ({ kind, linkId, mapIds }) => kind === attachment.kind && linkId !== 0 && mapIds.includes(mapId),
  );
  return hooked === undefined ? undefined : linkFdById(hooked.linkId);
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

/**
 * Takes the program off; once more when a call fails, which may have been for a moment only (SystemError: it failed again). Quiet when
 * the interface, or the link, is gone already.
 */
export function detach(hooks: Hooks, attachment: Attachment): void {
  doAll([() => takeOff(hooks, attachment)]);
}

function takeOff(hooks: Hooks, attachment: Attachment): void {
  const { netlink, pins } = hooks;
  if (attachment.kind !== 'clsact') {
    const link = linkOf(hooks, attachment);
    if (link !== undefined) {
      // Detached explicitly: an interface that moved to another namespace would take the program with it.
      try {
        detachLink(link);
      } finally {
        closeFd(link);
      }
    }
    pins.remove(basename(attachment.pin));
    return;
  }
  if (getLink(netlink, attachment.ifindex) === undefined) return;
  const { ifindex } = attachment;
  // Not there, or another one: the index may have gone to another interface.
  if (listBpfFilters(netlink, ifindex, 'ingress').some(isBondwireFilter))
    deleteBpfFilter(netlink, filterPlace(ifindex));
  if (attachment.ownsQdisc) deleteEmptyClsact(netlink, ifindex);
}

/** True when our program is still where it was put, and has this bond's map, as far as that may be looked at. */
export function isAttached(hooks: Hooks, attachment: Attachment): boolean {
  const { netlink, mapId } = hooks;
  const { kind, ifindex } = attachment;
  if (kind === 'clsact' && !listBpfFilters(netlink, ifindex, 'ingress').some(isBondwireFilter)) return false;
  if (kind !== 'clsact') {
    const link = linkOf(hooks, attachment);
    if (link === undefined) return false;
    try {
      if (linkInfo(link).hook?.ifindex !== ifindex) return false;
    } finally {
      closeFd(link);
    }
  }
  const hooked = hookedBeside(netlink, attachment);
  if (mapId === undefined || hooked.length === 0) return true;
  return hooked.some(each => each.kind === kind && each.mapIds.includes(mapId));
}

function filterPlace(ifindex: number): {
  ifindex: number;
  direction: 'ingress';
  preference: number;
  handle: number;
} {
  return { ifindex, direction: 'ingress', preference: FILTER_PREFERENCE, handle: FILTER_HANDLE };
}
