// Throw-away network namespaces for this room's tests.
import { createNamedNetns, deleteNamedNetns, withNetns } from './netns.js';
import { Rtnetlink } from './rtnetlink.js';

/** True where namespaces may be made. */
export const isRoot: boolean = process.getuid?.() === 0;

let count = 0;

/** A name that no other test process has. */
export function scratchName(): string {
  count++;
  return `bw${process.pid}n${count}`;
}

/** Runs `fn` in a new namespace, which goes afterwards, also on failure. */
export function inScratchNetns<T>(fn: (netlink: Rtnetlink, path: string) => T): T {
  const name = scratchName();
  const path = createNamedNetns(name);
  try {
    return withNetns(path, () => {
      const netlink = Rtnetlink.open();
      try {
        return fn(netlink, path);
      } finally {
        netlink.close();
      }
    });
  } finally {
    deleteNamedNetns(name);
  }
}
