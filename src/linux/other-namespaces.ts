// The other network namespaces, as far as they may be looked into: what stands on an interface may be there.
import type { Link } from '../netlink/index.js';
import { isErrno } from './errors.js';
import { closeFd } from './ffi.js';
import { listLinks } from './links.js';
import { currentNetnsId, netnsIdOf, openOwnNetns, visitNetns, withNetns } from './netns.js';
import { Rtnetlink } from './rtnetlink.js';

/** A namespace that the thread is in while it is looked into. */
export interface OtherNamespace {
  /** Inode number of the namespace. */
  readonly netns: number;
  /** Closed afterwards: a socket would keep a namespace that everybody else has left. */
  readonly netlink: Rtnetlink;
  /** What `linkNetnsId` of its links says for the namespace that was asked from; -1 when nothing there leads here. */
  readonly ourId: () => number;
}

/**
 * What is found in all namespaces but the thread's: those that have a name for ip-netns(8) or a process. One that ended meanwhile, or
 * where we may not ask, has nothing. Throws SystemError.
 */
export function inOtherNamespaces<T>(look: (there: OtherNamespace) => readonly T[]): T[] {
  const own = openOwnNetns();
  const ownInode = currentNetnsId();
  const found: T[] = [];
  try {
    visitNetns((fd, netns) => {
      if (netns !== ownInode) found.push(...withNetns(fd, () => lookInto(netns, own, look)));
      return false;
    });
  } finally {
    closeFd(own);
  }
  return found;
}

function lookInto<T>(
  netns: number,
  own: number,
  look: (there: OtherNamespace) => readonly T[],
): readonly T[] {
  const netlink = Rtnetlink.open();
  try {
    return look({ netns, netlink, ourId: () => netnsIdOf(netlink, own) });
  } catch (error) {
    if (isErrno(error, 'EPERM', 'EACCES', 'ENODEV')) return [];
    throw error;
  } finally {
    netlink.close();
  }
}

/** What one other namespace holds. */
export interface LinksElsewhere {
  /** Inode number of the namespace. */
  readonly netns: number;
  /** What `linkNetnsId` of its links says for the namespace that was asked from; -1 when nothing there leads here. */
  readonly ourId: number;
  readonly links: readonly Link[];
}

/** The interfaces of the other namespaces, of those that are wanted. */
export function linksElsewhere(isWanted: (link: Link) => boolean): LinksElsewhere[] {
  return inOtherNamespaces(({ netns, netlink, ourId }) => [
    { netns, ourId: ourId(), links: listLinks(netlink).filter(isWanted) },
  ]);
}
