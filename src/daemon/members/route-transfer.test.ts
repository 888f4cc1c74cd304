// Order, plan and cost of giving routes back: pure functions on many routes, and the kernel's calls counted in a namespace of its
// own (that part needs root).
import { describe, expect, test, vi } from 'vitest';
import {
  addAddresses,
  addressFromText,
  addRoutes,
  createNamedNetns,
  createVeth,
  deleteNamedNetns,
  listAddresses,
  listRoutes,
  requireLink,
  Rtnetlink,
  withNetns,
} from '../../linux/index.js';
import { isRoot, scratchName } from '../../linux/testing.js';
import {
  AF_INET,
  AF_INET6,
  bytesAttribute,
  type Route,
  RTA,
  routeDestination,
  u32Attribute,
  withInterface,
} from '../../netlink/index.js';
import { saveBelongings } from './address-transfer.js';
import { BelongingsReturn, type Carried, planReturn } from './belongings-return.js';
import { putRoutesInTurns, routeOrder, routeText } from './route-transfer.js';

/** Interface 7; `metric` where it is to be told from others of the same destination. */
function route(
  destination: readonly number[],
  length: number,
  gateway: readonly number[] | null,
  metric?: number,
): Route {
  return {
    family: (gateway ?? destination).length === 16 ? AF_INET6 : AF_INET,
    destinationLength: length,
    sourceLength: 0,
    tos: 0,
    table: 254,
    protocol: 12,
    scope: gateway === null ? 253 : 0,
    type: 1,
    flags: 0,
    attributes: [
      ...(length === 0 ? [] : [bytesAttribute(RTA.RTA_DST, Uint8Array.from(destination))]),
      ...(gateway === null ? [] : [bytesAttribute(RTA.RTA_GATEWAY, Uint8Array.from(gateway))]),
      ...(metric === undefined ? [] : [u32Attribute(RTA.RTA_PRIORITY, metric)]),
      u32Attribute(RTA.RTA_OIF, 7),
    ],
  };
}

const manyRoutes = (count: number): Route[] =>
  Array.from({ length: count }, (_, nth) => route([10, 100, nth >> 8, nth & 255], 32, [10, 9, 0, 1]));

test('default routes come first, behind what leads to their gateways; then those without a gateway', () => {
  const { first, rest } = routeOrder([
    route([198, 51, 100, 0], 24, [203, 0, 113, 9]),
    route([198, 18, 0, 0], 15, null),
    route([0, 0, 0, 0], 0, [203, 0, 113, 9]),
    route([203, 0, 113, 8], 30, null),
    route([0, 0, 0, 0], 0, null, 9),
  ]);
  expect(first.map(routeText)).toEqual(['203.0.113.8/30', 'default', 'default via 203.0.113.9']);
  expect(rest.map(routeText)).toEqual(['198.18.0.0/15', '198.51.100.0/24 via 203.0.113.9']);
});

test('a gateway lies in a network bit for bit', () => {
  const way = (last: number, length: number): number =>
    routeOrder([route([0, 0, 0, 0], 0, [192, 0, 2, 129]), route([192, 0, 2, last], length, null)]).first
      .length;
  expect([way(128, 25), way(0, 25), way(129, 32), way(128, 32), way(128, 31)]).toEqual([2, 1, 2, 1, 2]);
});

test('planReturn() leaves away what was removed and adds what came, among 5000 routes', () => {
  const routes = manyRoutes(5000);
  const saved = saveBelongings({ addresses: [], routes, sourced: [] }, { ifindex: 3, name: 'eth0' });
  const onBond = [...routes.slice(5), route([10, 200, 0, 0], 16, [10, 9, 0, 1])];
  const carried: Carried = { addresses: [], routes: onBond, sourced: [], isUp: true };
  const [down, home] = planReturn(
    [{ ...saved, ifindex: 2, routes: [] }, saved],
    carried,
    7,
    ifindex => ifindex === 3,
  );
  expect(down?.routes).toEqual([]);
  expect(home?.routes.slice(0, -1)).toEqual(saved.routes.slice(5));
  expect(home?.routes).toHaveLength(5000 - 5 + 1);
  const [whole] = planReturn([saved], { ...carried, routes: [], isUp: false }, 7, () => true);
  expect(whole?.routes).toEqual(saved.routes);
  // Comparing each with each took half a minute.
}, 20_000);

/** An interface that is up, in a namespace that ends with the test. */
async function withHome(work: (netlink: Rtnetlink, ifindex: number) => Promise<void>): Promise<void> {
  const name = scratchName();
  const path = createNamedNetns(name);
  const netlink = withNetns(path, () => Rtnetlink.open());
  try {
    createVeth(netlink, { name: 'bwhome', peerName: 'bwpeer', up: true, peerUp: true });
    await work(netlink, requireLink(netlink, 'bwhome').ifindex);
  } finally {
    netlink.close();
    deleteNamedNetns(name);
  }
}

describe.skipIf(!isRoot)('giving back, which needs root', () => {
  test('takes a few calls of the kernel, however many routes there are, and default routes come at once', async () => {
    await withHome(async (netlink, ifindex) => {
      const addresses = [
        addressFromText(ifindex, '10.9.0.2/24'),
        addressFromText(ifindex, '2001:db8:5::2/64'),
        ...Array.from({ length: 300 }, (_, nth) =>
          addressFromText(ifindex, `10.77.${nth >> 8}.${nth & 255}/32`),
        ),
      ];
      const gateway6 = [0x20, 1, 0xd, 0xb8, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
      const routes = [
        ...manyRoutes(2000),
        route([0, 0, 0, 0], 0, [10, 9, 0, 1]),
        ...Array.from({ length: 1000 }, (_, nth) =>
          route([0x20, 1, 0xd, 0xb8, 0, 6, nth >> 8, nth & 255, 0, 0, 0, 0, 0, 0, 0, 0], 64, gateway6, 77),
        ),
        route(Array<number>(16).fill(0), 0, gateway6),
      ].map(each => withInterface(each, 7, ifindex));
      const saved = saveBelongings({ addresses, routes, sourced: [] }, { ifindex, name: 'bwhome' });
      const single = vi.spyOn(netlink, 'request');
      const many = vi.spyOn(netlink, 'requestAll');
      const dumps = vi.spyOn(netlink, 'dump');
      const homecoming = new BelongingsReturn(netlink, [saved], 99);
      homecoming.first();
      expect([single.mock.calls.length, many.mock.calls.length, dumps.mock.calls.length]).toEqual([1, 2, 0]);
      const defaults = listRoutes(netlink).filter(({ protocol }) => protocol === 12);
      expect(defaults.map(routeDestination)).toEqual(['default', 'default']);
      expect(listAddresses(netlink, { ifindex }).length).toBeGreaterThanOrEqual(302);
      let turns = 0;
      const counting = setInterval(() => (turns += 1), 0);
      expect(await homecoming.rest(() => true)).toEqual([]);
      clearInterval(counting);
      // Others had their turns, and nothing was asked for route by route.
      expect(turns).toBeGreaterThan(3);
      expect(single.mock.calls.length).toBe(1);
      expect(many.mock.calls.length).toBeLessThanOrEqual(2 + Math.ceil(3000 / 256) + 1);
      expect(listRoutes(netlink).filter(({ protocol }) => protocol === 12)).toHaveLength(3002);
    });
  }, 60_000);

  test('stops where it may not go on, and tells what failed without keeping the rest away', async () => {
    await withHome(async (netlink, ifindex) => {
      addAddresses(netlink, [addressFromText(ifindex, '10.9.0.2/24')]);
      const onIt = (each: Route): Route => withInterface(each, 7, ifindex);
      const bad = onIt(route([10, 200, 0, 0], 16, [192, 0, 2, 77]));
      const good = manyRoutes(300).map(onIt);
      expect(addRoutes(netlink, good.slice(0, 1))).toEqual([undefined]);
      const failed = await putRoutesInTurns(netlink, [bad, ...good], () => true);
      expect(failed.map(({ route: one }) => routeText(one))).toEqual(['10.200.0.0/16 via 192.0.2.77']);
      expect(listRoutes(netlink).filter(({ protocol }) => protocol === 12)).toHaveLength(300);
      const more = Array.from({ length: 600 }, (_, nth) =>
        onIt(route([10, 101, nth >> 8, nth & 255], 32, [10, 9, 0, 1])),
      );
      let asked = 0;
      expect(await putRoutesInTurns(netlink, more, () => ++asked < 2)).toEqual([]);
      expect(listRoutes(netlink).filter(({ protocol }) => protocol === 12)).toHaveLength(300 + 256);
    });
  }, 60_000);
});
