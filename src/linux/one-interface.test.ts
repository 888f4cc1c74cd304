// What is asked of one interface alone is what a list of all has of it, whatever hangs on it. Needs root.
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { routeUses } from '../netlink/index.js';
import { listAddresses } from './addresses.js';
import { createVeth, requireLink, setLink } from './links.js';
import { listRoutes } from './routes.js';
import { inScratchNetns, isRoot } from './testing.js';

const ADDRESSES = [
  'bwo0 192.0.2.1/24',
  'bwo0 2001:db8::1/64',
  'bwo1 198.51.100.1/24',
  'bwo1 2001:db8:1::1/64',
];
const ROUTES = [
  '203.0.113.0/24 via 192.0.2.9',
  '203.0.113.128/25 nexthop via 192.0.2.9 dev bwo0 nexthop via 198.51.100.9 dev bwo1',
  '10.0.0.0/8 via 198.51.100.9 table 77',
  '10.1.0.0/16 via 198.51.100.9 src 192.0.2.1',
  'blackhole 10.9.0.0/16',
  '2001:db8:9::/48 nexthop via 2001:db8::9 dev bwo0 nexthop via 2001:db8:1::9 dev bwo1',
  '2001:db8:a::/48 via 2001:db8:1::9 table 77',
];

test.runIf(isRoot)('addresses and routes of one interface, also those over several', () => {
  inScratchNetns(netlink => {
    createVeth(netlink, { name: 'bwo0', peerName: 'bwo1', mtu: 1500, numTxQueues: 1, peerNumTxQueues: 1 });
    const indexes = ['bwo0', 'bwo1', 'lo'].map(name => requireLink(netlink, name).ifindex);
    for (const ifindex of indexes) setLink(netlink, ifindex, { up: true });
    const ip = (...words: string[]): void => void execFileSync('ip', words);
    for (const each of ADDRESSES) {
      const [device = '', address = ''] = each.split(' ');
      ip('address', 'add', address, 'dev', device, ...(address.includes('::') ? ['nodad'] : []));
    }
    for (const route of ROUTES) ip('route', 'add', ...route.split(' '));
    const [routes, addresses] = [listRoutes(netlink), listAddresses(netlink)];
    for (const ifindex of indexes) {
      expect(listAddresses(netlink, { ifindex })).toEqual(
        addresses.filter(address => address.ifindex === ifindex),
      );
      const own = routes.filter(route => routeUses(route, ifindex));
      expect(own.length).toBeGreaterThan(0);
      expect(listRoutes(netlink, { ifindex })).toEqual(own);
    }
    expect(listAddresses(netlink, { ifindex: 9999 })).toEqual([]);
    expect(listRoutes(netlink, { ifindex: 9999 })).toEqual([]);
  });
});
