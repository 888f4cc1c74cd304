// Addresses, routes, neighbours and filters, with bytes that Linux 6.18 told.
import { expect, test } from 'vitest';
import { emitAddress, ownAddress, parseAddress } from './address.js';
import { emitNeighbour, parseNeighbour } from './neighbour.js';
import {
  asRequest,
  emitRoute,
  parseRoute,
  routeDestination,
  routeInterface,
  routeNextHops,
  routePriority,
  routeTable,
  routeUses,
  withInterface,
} from './route.js';
import { hex } from './testing.js';
import {
  bpfFilterAt,
  bpfFilterOptions,
  emitTrafficControl,
  filterPreference,
  parseTrafficControl,
} from './traffic-control.js';

const IPV4_ADDRESS =
  '021880000300000008000100c000020108000200c00002010800030062776100080008008002000014000600ffffffffffffffffa8f30300a8f30300';
const IPV6_ADDRESS =
  '0a408200030000001400010020010db800000000000000000000000114000600ffffffffffffffffa8f30300a8f303000800080082000000';
const MULTIPATH =
  '02180000fe04fd010000000008000f00fe00000008000100c63364001400090008000000030000000800000102000000';
const IPV6_ROUTE =
  '0a400000fe0200010000000008000f00fe0000001400010020010db80000000000000000000000000800060000010000080004000300000024000c0000000000000000000000000000000000000000000000000000000000000000000500140000000000';
const DEVICE_ADDRESS = '0700000003000000800002000a0002000180c20000020000';
const FILTER =
  '000000000300000001000000f2ffffff00030100080001006270660008000b0000000000340002000b000700627774657374000008000b00800000000c000a0059f4a931744dcdc608000800010000000800090008000000';

function value<T>(result: { ok: true; value: T } | { ok: false; error: string }): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

test('an IPv4 address of the kernel', () => {
  const address = value(parseAddress(hex(IPV4_ADDRESS)));
  expect(address).toMatchObject({
    family: 2,
    prefixLength: 24,
    ifindex: 3,
    local: '192.0.2.1',
    label: 'bwa',
    flags: 0x280,
    lifetimes: { validSeconds: 0xffffffff },
    other: [],
  });
  expect(value(parseAddress(emitAddress(address)))).toEqual(address);
});

test('an IPv6 address of the kernel has no IFA_LOCAL', () => {
  const address = value(parseAddress(hex(IPV6_ADDRESS)));
  expect(address.local).toBeUndefined();
  expect(ownAddress(address)).toBe('2001:db8::1');
  expect(value(parseAddress(emitAddress(address)))).toEqual(address);
});

test('a route of the kernel is emitted as it came', () => {
  for (const bytes of [MULTIPATH, IPV6_ROUTE])
    expect(emitRoute(value(parseRoute(hex(bytes))))).toEqual(hex(bytes));
});

test('withInterface() rewrites RTA_OIF and leaves the rest', () => {
  const route = value(parseRoute(hex(IPV6_ROUTE)));
  expect([routeDestination(route), routeTable(route), routePriority(route)]).toEqual([
    '2001:db8::/64',
    254,
    256,
  ]);
  const moved = withInterface(route, 3, 9);
  expect(routeInterface(moved)).toBe(9);
  expect(withInterface(moved, 9, 3)).toEqual(route);
  expect(withInterface(route, 4, 9)).toEqual(route);
});

test('withInterface() rewrites the ways of a multipath route', () => {
  const route = value(parseRoute(hex(MULTIPATH)));
  expect(routeNextHops(route).map(hop => hop.ifindex)).toEqual([3, 2]);
  expect([routeUses(route, 2), routeUses(route, 4)]).toEqual([true, false]);
  expect(routeNextHops(withInterface(route, 2, 8)).map(({ ifindex, hops }) => [ifindex, hops])).toEqual([
    [3, 0],
    [8, 1],
  ]);
});

test('asRequest() drops what only the kernel says', () => {
  const dead = { ...value(parseRoute(hex(IPV6_ROUTE))), flags: 0x01 | 0x10 | 0x04 };
  const request = asRequest(dead);
  expect(request.flags).toBe(0x04);
  expect(request.attributes.some(({ type }) => type === 12)).toBe(false);
});

test('a device address of the kernel is emitted as it came', () => {
  const neighbour = value(parseNeighbour(hex(DEVICE_ADDRESS)));
  expect(neighbour).toMatchObject({
    family: 7,
    ifindex: 3,
    state: 0x80,
    flags: 2,
    address: '01:80:c2:00:00:02',
  });
  expect(emitNeighbour(neighbour)).toEqual(hex(DEVICE_ADDRESS));
});

test('an eBPF filter of the kernel', () => {
  const filter = value(parseTrafficControl(hex(FILTER)));
  expect(filter).toMatchObject({ ifindex: 3, handle: 1, parent: 0xfffffff2, kind: 'bpf', chain: 0 });
  expect(filterPreference(filter)).toBe(1);
  expect(bpfFilterOptions(filter)).toMatchObject({ name: 'bwtest', programId: 128, flags: 1 });
  expect(value(parseTrafficControl(emitTrafficControl(filter)))).toEqual(filter);
});

test('bpfFilterAt() asks for direct action on all packets', () => {
  const filter = bpfFilterAt({ ifindex: 3, direction: 'egress', preference: 40000 }, 7, 'n');
  expect(filter.info).toBe(0x9c400300);
  expect(filter.parent).toBe(0xfffffff3);
  expect(bpfFilterOptions(filter)).toEqual({ programFd: 7, name: 'n', flags: 1 });
});
