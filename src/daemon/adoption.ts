// How a bond that an earlier daemon left is taken over, or given up where nothing works any more.
import { type BondDataPlane, hasProgram, TRANSMIT_PROGRAM } from '../dataplane/index.js';
import { getLink, type Rtnetlink, setLink } from '../linux/index.js';
import type { Link } from '../netlink/index.js';
import { Bond } from '../policy/index.js';
import { AddressFilters } from './address-filters.js';
import { belongingsOf } from './address-transfer.js';
import { returnBelongings } from './belongings-return.js';
import { BondRunner } from './bond-runner.js';
import type { Machine } from './machine.js';
import { restoreSettings } from './original-settings.js';
import { placesOf } from './places.js';
import type { Registry } from './registry.js';
import type { SavedRunner } from './state-file.js';
import { removeVlanFilters } from './vlan-follower.js';

/**
 * Takes over a bond that an earlier daemon looked after; false when it is gone, and its members have back what they had. Throws when
 * it is at work and cannot be taken over.
 */
export function adoptBond(machine: Machine, registry: Registry, saved: SavedRunner): boolean {
  const { netlink, planes, journal } = machine;
  const places = placesOf(machine.runDir, saved.pins);
  let plane: BondDataPlane | undefined;
  let policy: Bond | undefined;
  let obstacle = planes.obstacle(places);
  try {
    policy = Bond.restore(saved.policy, machine.now());
  } catch (error) {
    obstacle ??= (error as Error).message;
  }
  // To take away what works would cut off whoever uses it.
  const isThere = getLink(netlink, saved.bondIfindex) !== undefined;
  if (obstacle !== undefined && isThere) {
    throw cannotTakeOver(
      saved,
      obstacle,
      'Start the Bondwire that made it, with the rights that it had, or when that is mended',
    );
  }
  try {
    if (policy !== undefined) plane = planes.adopt(netlink, places);
  } catch (error) {
    machine.log.error({ err: error, bond: saved.name }, 'a bond cannot be adopted');
    if (isThere) throw cannotTakeOver(saved, (error as Error).message, 'Start again when that is mended');
  }
  if (plane === undefined && isThere && isCarried(netlink, saved.lowerIfindex)) {
    throw cannotTakeOver(
      saved,
      `${places.pins} or ${places.partsFile} is not whole`,
      'Start again when it is',
    );
  }
  if (plane === undefined || policy === undefined) {
    planes.sweep(netlink, places);
    giveUp(machine, saved);
    return false;
  }
  const runner = new BondRunner({
    machine,
    plane,
    policy,
    pins: saved.pins,
    members: saved.members,
    taken: saved.taken,
    filters: saved.filters,
    ...(saved.departed !== undefined && { departed: saved.departed }),
    ...(saved.wanted !== undefined && { wanted: saved.wanted }),
    ...(saved.heldDown !== undefined && { heldDown: saved.heldDown }),
  });
  runner.ending = saved.ending;
  for (const member of plane.members()) if (!runner.records.has(member)) plane.removeMember(member);
  registry.add(runner);
  journal.add(saved.name, {
    severity: 'info',
    type: 'daemon',
    message: `${saved.name} was found at work and is looked after again (daemon ${process.pid})`,
  });
  return true;
}

function cannotTakeOver({ name }: SavedRunner, why: string, remedy: string): Error {
  return new Error(`${name} is at work and cannot be taken over: ${why}. It was left as it is. ${remedy}.`);
}

/** True while a program of the eBPF data plane sends what comes out of the lower end. */
function isCarried(netlink: Rtnetlink, lowerIfindex: number): boolean {
  return getLink(netlink, lowerIfindex) !== undefined && hasProgram(netlink, lowerIfindex, TRANSMIT_PROGRAM);
}

/** A bond whose interface or programs are gone: its members get back what they had. */
function giveUp(machine: Machine, saved: SavedRunner): void {
  const { netlink, journal } = machine;
  const filters = new AddressFilters(netlink, saved.filters);
  let others = 0;
  for (const { original } of saved.members) {
    filters.release(original.ifindex);
    removeVlanFilters(netlink, original.ifindex);
    const link = getLink(netlink, original.ifindex);
    if (link !== undefined && isUsedOtherwise(netlink, link)) {
      const message = `${original.name} is in use without ${saved.name} by now and was left as it is, with the MAC address and MTU that it has`;
      journal.add(saved.name, { severity: 'warning', type: 'left', message });
      others += 1;
      continue;
    }
    for (const message of restoreSettings(netlink, original, { address: true })) {
      journal.add(saved.name, { severity: 'error', type: 'left', message });
    }
  }
  for (const ifindex of saved.heldDown ?? [])
    if (getLink(netlink, ifindex) !== undefined) setLink(netlink, ifindex, { up: true });
  for (const problem of returnBelongings(netlink, saved.taken, saved.bondIfindex)) {
    const message = `${saved.name} could not give everything back: ${problem}`;
    journal.add(saved.name, { severity: 'error', type: 'left', message });
  }
  const message = `${saved.name} was gone when the daemon started; its ${others > 0 ? 'other ' : ''}members are as they were before`;
  journal.add(saved.name, { severity: 'warning', type: 'left', message });
}

/** True when somebody gave the interface addresses, routes or a master since its bond ended. */
function isUsedOtherwise(netlink: Rtnetlink, link: Link): boolean {
  const { addresses, routes } = belongingsOf(netlink, link);
  return addresses.length + routes.length > 0 || (link.master ?? 0) !== 0;
}
