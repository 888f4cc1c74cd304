// A bond's new MTU goes to the data plane and to all members, or to none (bond_change_mtu).
import type { BondDataPlane } from '../../dataplane/index.js';
import { isErrno, type Rtnetlink, setLink } from '../../linux/index.js';

/** Gives it to all; when one refuses, all get `before` back, as far as they take it, and why is returned. */
export function giveMtu(
  netlink: Rtnetlink,
  plane: BondDataPlane,
  members: readonly number[],
  mtu: number,
  before: number,
): string | undefined {
  const done: number[] = [];
  try {
    plane.setMtu(mtu);
    for (const member of members) {
      try {
        setLink(netlink, member, { mtu });
        done.push(member);
      } catch (error) {
        // One that is gone is no reason: the kernel's news of it come next.
        if (!isErrno(error, 'ENODEV')) throw error;
      }
    }
    return undefined;
  } catch (error) {
    const back = [
      ...done.map(member => () => setLink(netlink, member, { mtu: before })),
      () => plane.setMtu(before),
      () => setLink(netlink, plane.bondIfindex, { mtu: before }),
    ];
    for (const step of back) {
      try {
        step();
      } catch {
        // It is gone, or takes no MTU at all: the first error says what was wrong.
      }
    }
    return error instanceof Error ? error.message : String(error);
  }
}
