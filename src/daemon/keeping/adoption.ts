// How a bond that an earlier daemon left is taken over, or given up where nothing works any more.
import type { BondDataPlane, KnownBond } from '../../dataplane/index.js';
import { giveUp as giveUpBond } from '../../keeper/index.js';
import { getLink } from '../../linux/index.js';
import { Bond } from '../../policy/index.js';
import { AddressFilters } from '../kernel/address-filters.js';
import { runBond } from '../bond-runner.js';
import { bookOf } from '../host/linux-host.js';
import { LinuxLinks } from '../host/linux-links.js';
import { wishedDataPlane } from '../kernel/data-planes.js';
import type { Journal } from './journal.js';
import type { Machine } from '../kernel/machine.js';
import { placesOf } from './places.js';
import type { Registry } from '../registry.js';
import type { SavedRunner } from './state-file.js';
import { removeVlanFilters } from '../kernel/vlan-follower.js';

/**
 * Takes over a bond that an earlier daemon looked after; false when it is gone, and its members have back what they had. Throws when
 * it is at work and cannot be taken over.
 */
export function adoptBond(machine: Machine, registry: Registry, saved: SavedRunner): boolean {
  const { netlink, planes, journal } = machine;
  const places = placesOf(machine.runDir, saved.pins);
  if (getLink(netlink, saved.bondIfindex) === undefined) {
    planes.sweep(netlink, places);
    giveUp(machine, saved);
    return false;
  }
  let policy: Bond;
  let plane: BondDataPlane | undefined;
  try {
    policy = Bond.restore(saved.policy, machine.now());
    plane = planes.adopt(netlink, places, knownOf(saved, policy), wishedDataPlane(policy.snapshot().options));
  } catch (error) {
    machine.log.error({ err: error, bond: saved.name }, 'a bond cannot be taken over');
    // To take away what works would cut off whoever uses it.
    throw leftAlone(machine, saved, error);
  }
  if (plane === undefined) {
    planes.sweep(netlink, places);
    giveUp(machine, saved);
    return false;
  }
  const runner = runBond({ machine, registry, plane, policy, pins: saved.pins, saved });
  registry.add(runner);
  journal.add(saved.name, {
    severity: 'info',
    type: 'daemon',
    message: `${saved.name} was found at work and is looked after again (daemon ${process.pid})`,
  });
  if (plane.renewed !== undefined) {
    const message = `The working parts of ${saved.name} were made anew and put in place of the old ones: ${plane.renewed}`;
    journal.add(saved.name, { severity: 'warning', type: 'data-plane', message });
  }
  tellLifetime(journal, saved.name, plane);
  mark(machine, saved.name, plane);
  return true;
}

/** The lower end says where it is looked after: an earlier version did not have it say so, and the run directory may have another name by now. */
function mark({ log }: Machine, name: string, plane: BondDataPlane): void {
  try {
    plane.renamed(name);
  } catch (error) {
    // It works without.
    log.warn({ err: error, bond: name }, 'the lower end cannot be marked');
  }
}

/** Says of a bond that packets of it end with the daemon, where they do. */
export function tellLifetime(journal: Journal, name: string, plane: BondDataPlane): void {
  if (plane.lifetimeProblem === undefined) return;
  const message = `${name} ends with the daemon: ${plane.lifetimeProblem}`;
  journal.add(name, { severity: 'warning', type: 'data-plane', message });
}

function knownOf(saved: SavedRunner, policy: Bond): KnownBond {
  const members = saved.members
    .filter(({ joining, leaving }) => !joining && leaving === undefined)
    .map(({ original }) => original.ifindex);
  const { bondIfindex, lowerIfindex, pins: lowerName } = saved;
  return { bondIfindex, lowerIfindex, lowerName, members, plan: policy.plan() };
}

/** Why a bond at work is not taken over. What it advises changes nothing at the bond. */
function leftAlone({ runDir }: Machine, { name }: SavedRunner, error: unknown): Error {
  const why = error instanceof Error ? error.message : String(error);
  return new Error(
    `${name} is at work and cannot be taken over: ${why}. It was left as it is, and goes on as it did. Start the daemon as the one before it was started, by the same Bondwire or a newer one, as root or with the same rights; or look after other bonds with another --run-dir than ${runDir}.`,
    { cause: error },
  );
}

/** A bond whose interface or programs are gone: its members get back what they had. */
function giveUp(machine: Machine, saved: SavedRunner): void {
  const { netlink, journal, log } = machine;
  const { name, bondIfindex } = saved;
  const filters = new AddressFilters(netlink, saved.filters);
  const links = new LinuxLinks({ machine, bondIfindex, bondName: () => name, warn: () => {} });
  const release = (member: number): void => {
    filters.release(member);
    removeVlanFilters(netlink, member);
  };
  giveUpBond({ links, intake: { release }, book: bookOf({ journal, log }, () => name) }, saved);
}
