// What the keeper's links say of interfaces of a namespace, and when one counts as used by somebody else. Needs root.
import { describe, expect, test, vi } from 'vitest';
import {
  addAddresses,
  addressFromText,
  addRoutes,
  createBridge,
  createVeth,
  deleteAddresses,
  Ethtool,
  listAddresses,
  listRoutes,
  monotonicMs,
  requireLink,
  type Rtnetlink,
  setLink,
  SystemError,
} from '../../linux/index.js';
import { inScratchNetns, isRoot } from '../../linux/testing.js';
import {
  AF_INET,
  bytesAttribute,
  IFA_F,
  IFF,
  type Route,
  routeDestination,
  routeUses,
  RTA,
  RTM_NEWROUTE,
  u32Attribute,
} from '../../netlink/index.js';
import type { SavedBelongings } from '../../keeper/index.js';
import { addressText, belongingsOf, saveBelongings } from '../members/address-transfer.js';
import { linkOf } from '../../policy/testing.js';
import type { MemberSnapshot } from '../../policy/index.js';
import { LinuxLinks } from './linux-links.js';

const EIO = 5;

/** `bwlink`, up, with a wire whose other end is up; the bond itself is `bwbond`. */
function withLinks(work: (links: LinuxLinks, netlink: Rtnetlink, ifindex: number) => void): void {
  inScratchNetns(netlink => {
    const ethtool = Ethtool.open();
    try {
      createVeth(netlink, { name: 'bwbond', peerName: 'bwlower' });
      createVeth(netlink, { name: 'bwlink', peerName: 'bwfar', up: true, peerUp: true });
      const [bond, { ifindex }] = [requireLink(netlink, 'bwbond'), requireLink(netlink, 'bwlink')];
      const links = new LinuxLinks({
        machine: { netlink, ethtool, now: monotonicMs },
        bondIfindex: bond.ifindex,
        bondName: () => 'bwbond',
        warn: () => {},
      });
      work(links, netlink, ifindex);
    } finally {
      ethtool.close();
    }
  });
}

describe.runIf(isRoot)('LinuxLinks', () => {
  test('what a tick finds is what was read last; one that is as it was known is not read', () =>
    withLinks((links, netlink, ifindex) => {
      const known = links.member(ifindex);
      expect(known?.carrier).toBe(true);
      const snapshot = { ...linkOf(1), ...known, member: ifindex } as unknown as MemberSnapshot;
      const asksAlways = { readsCarrierFlag: false, miimonMs: 100 };
      links.follow(asksAlways as Parameters<LinuxLinks['follow']>[0]);
      expect(links.news(snapshot)).toBeUndefined();
      setLink(netlink, requireLink(netlink, 'bwfar').ifindex, { up: false });
      expect(links.news(snapshot)).toMatchObject({ name: 'bwlink', carrier: false });
      expect(links.lastRead(ifindex)?.carrier).toBe(false);
      links.forget(ifindex);
      expect(links.lastRead(ifindex)).toBeUndefined();
    }));

  test('one that is gone is nobody', () =>
    withLinks((links, _netlink, ifindex) => {
      const gone = ifindex + 100;
      expect([links.read(gone), links.member(gone), links.opened(gone)]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      expect(links.isUsedOtherwise(gone)).toBe(false);
    }));

  test('an interface is used otherwise with an address, a route, or a master, and by nothing of the kernel’s own', () =>
    withLinks((links, netlink, ifindex) => {
      expect(links.isUsedOtherwise(ifindex)).toBe(false);
      const bridge = createBridge(netlink, { name: 'bwbridge' });
      setLink(netlink, ifindex, { master: bridge.ifindex });
      expect(links.isUsedOtherwise(ifindex)).toBe(true);
      setLink(netlink, ifindex, { master: 0 });
      expect(links.isUsedOtherwise(ifindex)).toBe(false);
      const address = addressFromText(ifindex, '10.77.0.1/24');
      addAddresses(netlink, [address]);
      expect(links.isUsedOtherwise(ifindex)).toBe(true);
      deleteAddresses(netlink, [address]);
      expect(links.isUsedOtherwise(ifindex)).toBe(false);
      expect(addRoutes(netlink, [{ ...viaGateway(ifindex, [], [10, 99, 0, 0]), scope: 253 }])).toEqual([
        undefined,
      ]);
      expect(links.isUsedOtherwise(ifindex)).toBe(true);
    }));

  test('one that opens is asked for its link first, as its news may be held back', () =>
    withLinks((links, _netlink, ifindex) => {
      const asked = vi.spyOn(Ethtool.prototype, 'linkDetected');
      expect(links.opened(ifindex)).toMatchObject({ name: 'bwlink', carrier: true });
      expect(asked.mock.calls).toEqual([['bwlink']]);
      asked.mockRestore();
    }));
});

/** What people gave `bwlink`, as it is noted before it joins. */
function belongingsOfLink(netlink: Rtnetlink, ifindex: number): SavedBelongings {
  addAddresses(netlink, [
    { ...addressFromText(ifindex, '10.77.0.1/24'), label: 'bwlink:web' },
    addressFromText(ifindex, '2001:db8:77::1/64', IFA_F.IFA_F_NODAD),
  ]);
  const added = addRoutes(netlink, [viaGateway(ifindex, [10, 77, 0, 254])]);
  expect(added).toEqual([undefined]);
  return saveBelongings(belongingsOf(netlink, requireLink(netlink, 'bwlink')), { ifindex, name: 'bwlink' });
}

/** `default via …`, or to a network of 16 bits; without a gateway where that is empty. */
function viaGateway(ifindex: number, gateway: readonly number[], to?: readonly number[]): Route {
  return {
    family: AF_INET,
    destinationLength: to === undefined ? 0 : 16,
    sourceLength: 0,
    tos: 0,
    table: 254,
    protocol: 4,
    scope: 0,
    type: 1,
    flags: 0,
    attributes: [
      ...(to === undefined ? [] : [bytesAttribute(RTA.RTA_DST, Uint8Array.from(to))]),
      ...(gateway.length === 0 ? [] : [bytesAttribute(RTA.RTA_GATEWAY, Uint8Array.from(gateway))]),
      u32Attribute(RTA.RTA_OIF, ifindex),
    ],
  };
}

/** Addresses of people on an interface, and destinations of routes that a person made over it. */
function has(netlink: Rtnetlink, name: string): readonly string[] {
  const { ifindex } = requireLink(netlink, name);
  const addresses = listAddresses(netlink, { ifindex }).map(addressText);
  const routes = listRoutes(netlink).filter(route => route.protocol === 4 && routeUses(route, ifindex));
  return [...addresses.filter(text => !text.startsWith('fe80:')), ...routes.map(routeDestination)];
}

const ALL = ['10.77.0.1/24', '2001:db8:77::1/64', 'default'];

describe.runIf(isRoot)('what an interface has', () => {
  test('goes to the bond when it joins: IPv4 at once, IPv6 and routes when the bond is up, and comes back', () =>
    withLinks((links, netlink, ifindex) => {
      const saved = belongingsOfLink(netlink, ifindex);
      expect(has(netlink, 'bwlink')).toEqual(ALL);
      links.takeOver(saved);
      expect([has(netlink, 'bwlink'), has(netlink, 'bwbond')]).toEqual([[], ['10.77.0.1/24']]);
      const rest = links.bring(saved);
      rest();
      expect(has(netlink, 'bwbond')).toEqual(ALL);
      expect(requireLink(netlink, 'bwbond').flags & IFF.IFF_UP).not.toBe(0);
      links.takeBack(saved);
      expect(has(netlink, 'bwbond')).toEqual([]);
      expect(links.giveBack(saved)).toEqual([]);
      expect(has(netlink, 'bwlink')).toEqual(ALL);
    }));

  test('comes back under the name that it has by then', () =>
    withLinks((links, netlink, ifindex) => {
      const saved = belongingsOfLink(netlink, ifindex);
      links.takeOver(saved);
      links.takeBack(saved);
      setLink(netlink, ifindex, { name: 'bwhome' });
      expect(links.giveBack(saved)).toEqual([]);
      const labels = listAddresses(netlink, { ifindex }).flatMap(({ label }) => label ?? []);
      expect(labels).toEqual(['bwhome:web']);
    }));

  test('an address that cannot be given back keeps no route away, and is told', () =>
    withLinks((links, netlink, ifindex) => {
      const bad = { ...addressFromText(ifindex, '10.88.0.1/24'), prefixLength: 99 };
      addAddresses(netlink, [addressFromText(ifindex, '10.77.0.1/24')]);
      const routes = [viaGateway(ifindex, [10, 77, 0, 254])];
      const saved = saveBelongings({ addresses: [bad], routes, sourced: [] }, { ifindex, name: 'bwlink' });
      expect(links.giveBack(saved)).toEqual([
        expect.stringMatching(/^bwlink did not get back all that it had: /),
      ]);
      expect(has(netlink, 'bwlink')).toEqual(['10.77.0.1/24', 'default']);
    }));

  test('a route that cannot be made on the bond fails the joining; one that could not be for a moment does not', () =>
    withLinks((links, netlink, ifindex) => {
      const saved = belongingsOfLink(netlink, ifindex);
      links.takeOver(saved);
      const real = netlink.requestAll.bind(netlink);
      const asked = vi.spyOn(netlink, 'requestAll').mockImplementation(requests => {
        const isRoute = requests.some(({ type }) => type === RTM_NEWROUTE);
        return isRoute ? requests.map(() => new SystemError('a route', EIO)) : real(requests);
      });
      const rest = links.bring(saved);
      expect(rest).toThrow('EIO');
      asked.mockRestore();
      rest();
      expect(has(netlink, 'bwbond')).toEqual(ALL);
    }));

  test('of a bond that is gone all goes back that came', () =>
    withLinks((links, netlink, ifindex) => {
      const saved = belongingsOfLink(netlink, ifindex);
      const gone = new LinuxLinks({
        machine: { netlink, ethtool: {} as Ethtool, now: monotonicMs },
        bondIfindex: 4321,
        bondName: () => 'bwgone',
        warn: () => {},
      });
      expect(gone.planReturn([saved], () => true)).toEqual([saved]);
      expect(links.planReturn([saved], () => true)).toMatchObject([{ addresses: [saved.addresses[1]] }]);
    }));
});
