// Reads what the machine has of a bond, and puts what a file says into the machine's own words: what the difference is taken of.
import { addressFromText, getLink, listAddresses, type Rtnetlink } from '../../linux/index.js';
import { emitAddress, emitRoute } from '../../netlink/index.js';
import type { ConfigBond } from '../api/api.js';
import { inKernelsWords, inOwnWords, plainRoutes, routesOn } from '../api/described.js';
import type { BondRunner } from '../bond-runner.js';
import { addressText } from '../members/address-transfer.js';
import { awaitedBy } from '../members/awaited-members.js';
import { addressesOfPeople, routesOfPeople } from '../members/join-checks.js';
import type { DesiredBond, PresentBond } from './difference.js';

/** The bond of a file, its members by their own names. */
export function desiredBond(netlink: Rtnetlink, bond: ConfigBond): DesiredBond {
  return {
    ...bond,
    addresses: bond.addresses.map(text => addressText(addressFromText(0, text))),
    routes: bond.routes.map(inKernelsWords),
    members: bond.members.map(({ name: asked, options }) => ({
      name: getLink(netlink, asked)?.name ?? asked,
      asked,
      options,
    })),
  };
}

/** What is of a bond's own interface and no matter of course: hexadecimal messages of the kernel's. */
export function belongingsNow(netlink: Rtnetlink, runner: BondRunner): PresentBond['had'] {
  const { bondIfindex: ifindex } = runner.plane;
  const link = getLink(netlink, ifindex);
  if (link === undefined) return { addresses: [], routes: [] };
  const addresses = addressesOfPeople(listAddresses(netlink, { ifindex }), link);
  const routes = routesOfPeople(routesOn(netlink, runner), () => true);
  return {
    addresses: addresses.map(address => Buffer.from(emitAddress(address)).toString('hex')),
    routes: routes.map(route => Buffer.from(emitRoute(route)).toString('hex')),
  };
}

/** A bond as it is now. */
export function presentBond(netlink: Rtnetlink, runner: BondRunner): PresentBond {
  const { adminUp, mtu, address, options, members } = runner.policy.snapshot();
  const { bondIfindex: ifindex } = runner.plane;
  return {
    options,
    adminUp,
    mtu,
    address,
    members: members.map(({ name, member }) => ({
      name,
      forget: runner.records.get(member)?.forget === true,
    })),
    wanted: runner.wanted,
    awaited: awaitedBy(runner).map(({ name }) => name),
    addresses: listAddresses(netlink, { ifindex }).map(addressText),
    routes: plainRoutes(routesOn(netlink, runner)),
    described: inOwnWords(netlink, runner.host.described),
    had: belongingsNow(netlink, runner),
  };
}
