// The site of a daemon: its bonds, their machine, and the operations that single requests are made of.
import { getLink } from '../../linux/index.js';
import { awaitedBy } from '../members/awaited-members.js';
import { carryOut, type Workshop } from './carry-out.js';
import { desiredBond, presentBond } from './present.js';
import type { Site } from './site.js';

export function daemonSite(shop: Workshop): Site {
  const { machine, registry } = shop;
  const { netlink, journal } = machine;
  return {
    isEmpty: () => registry.all().length === 0,
    has: bond => registry.named(bond) !== undefined,
    present: bond => {
      const runner = registry.named(bond);
      return runner === undefined ? undefined : presentBond(netlink, runner);
    },
    desired: bond => desiredBond(netlink, bond),
    company: bond => {
      const runner = registry.named(bond);
      return {
        members: runner?.policy.members().map(member => member.name) ?? [],
        awaited: runner === undefined ? [] : awaitedBy(runner).map(wanted => wanted.name),
      };
    },
    hasInterface: name => getLink(netlink, name) !== undefined,
    carryOut: (step, isNew) => carryOut(shop, step, isNew),
    rest: () => new Promise(resolve => setImmediate(resolve)),
    note: what => machine.note({}, what),
    save: () => machine.save({}),
    hold: () => machine.hold(),
    tell: (bond, event) => void journal.add(bond, event),
    listen: listener => journal.listen(listener),
  };
}
