// Interfaces of the other network namespaces, as far as they may be looked into: what stands on an interface may be there.
import { readdirSync, statSync } from 'node:fs';
import type { Link } from '../netlink/index.js';
import { isErrno } from './errors.js';
import { closeFd, openFd } from './ffi.js';
import { listLinks } from './links.js';
import { currentNetnsId, listNamedNetns, netnsIdOf, netnsPath, OWN_NETNS, withNetns } from './netns.js';
import { Rtnetlink } from './rtnetlink.js';

const O_RDONLY = 0;

/** What one other namespace holds. */
export interface LinksElsewhere {
  /** Inode number of the namespace. */
  readonly netns: number;
  /** What `linkNetnsId` of its links says for the namespace that was asked from; -1 when nothing there leads here. */
  readonly ourId: number;
  readonly links: readonly Link[];
}

/** Those that have a name for ip-netns(8) or a process; ones that must not be entered are left out. */
export function linksElsewhere(): LinksElsewhere[] {
  const found: LinksElsewhere[] = [];
  const seen = new Set<number>([currentNetnsId()]);
  const processes = readdirSync('/proc').filter(name => /^\d+$/.test(name));
  const paths = [...listNamedNetns().map(netnsPath), ...processes.map(pid => `/proc/${pid}/ns/net`)];
  const own = openFd(OWN_NETNS, O_RDONLY);
  try {
    for (const path of paths) {
      try {
        const { ino } = statSync(path);
        if (seen.has(ino)) continue;
        seen.add(ino);
        found.push({ netns: ino, ...withNetns(path, () => lookAround(own)) });
      } catch (error) {
        // Ended while we looked, not ours to enter, or a name without a namespace.
        if (!isErrno(error, 'ENOENT', 'EACCES', 'EPERM', 'ESRCH', 'EINVAL')) throw error;
      }
    }
  } finally {
    closeFd(own);
  }
  return found;
}

function lookAround(own: number): Omit<LinksElsewhere, 'netns'> {
  const netlink = Rtnetlink.open();
  try {
    return { ourId: netnsIdOf(netlink, own), links: listLinks(netlink) };
  } finally {
    netlink.close();
  }
}
