// What the kernel says of devices in /proc and by rtnetlink. Needs root for the last one.
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { createVeth, requireLink, setLink } from '../../linux/index.js';
import { inScratchNetns, isRoot } from '../../linux/testing.js';
import { deviceLines, lookAround, lookAtFew, parseIgmp, parseMld } from './stack-facts.js';

const IGMP = [
  'Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter',
  '1\tlo        :     1      V3',
  '\t\t\t\t010000E0     1 0:00000000\t\t0',
  '12\tbond0     :     2      V2',
  '\t\t\t\t0A0000EF     1 0:00000000\t\t0',
  '\t\t\t\t010000E0     1 0:00000000\t\t0',
  '2\teth0      :     1      V3',
  '\t\t\t\t010000E0     1 0:00000000\t\t0',
  '',
].join('\n');

it('deviceLines() finds the lines of one device', () => {
  for (const [ifindex, state] of parseIgmp(IGMP.split('\n')))
    expect(parseIgmp(deviceLines(IGMP, ifindex))).toEqual(new Map([[ifindex, state]]));
  expect(parseIgmp(deviceLines(IGMP, 12)).get(12)).toEqual({
    version: 2,
    groups: ['239.0.0.10', '224.0.0.1'],
  });
  for (const absent of [0, 3, 11, 21, 122]) expect(deviceLines(IGMP, absent)).toEqual([]);
  expect(deviceLines(IGMP.trimEnd(), 2)).toHaveLength(2);
  expect(deviceLines('', 1)).toEqual([]);
});

it('parseMld() gives the groups of each device in their order', () => {
  const all = 'ff020000000000000000000000000001';
  const other = 'ff0200000000000000000001ff000001';
  const lines = [
    `1    lo              ${all}     1 0000000C 0`,
    `12   bond0           ${other}     1 00000004 0`,
    `12   bond0           ${all}     1 0000000C 0`,
    '',
  ];
  expect(parseMld(lines)).toEqual(
    new Map([
      [1, [all]],
      [12, [other, all]],
    ]),
  );
});

it.runIf(isRoot)(
  'lookAtFew() says of each device what lookAround() says, and nothing of one that is gone',
  () => {
    inScratchNetns(netlink => {
      createVeth(netlink, { name: 'bwf0', peerName: 'bwf1', mtu: 1500, numTxQueues: 1, peerNumTxQueues: 1 });
      for (const name of ['bwf0', 'bwf1']) setLink(netlink, requireLink(netlink, name).ifindex, { up: true });
      for (const address of ['192.0.2.1/24', '192.0.2.9/24', '2001:db8::1/64'])
        execFileSync('ip', [
          'address',
          'add',
          address,
          'dev',
          'bwf0',
          ...(address.includes('::') ? ['nodad'] : []),
        ]);
      // Only group addresses of Ethernet can be given by hand; those of IP come with addresses.
      const [whole, few] = [lookAround(netlink), lookAtFew(netlink)];
      const indexes = ['lo', 'bwf0', 'bwf1'].map(name => requireLink(netlink, name).ifindex);
      for (const ifindex of [...indexes, 9999])
        for (const said of ['addressesOf', 'igmpOf', 'mldOf'] as const)
          expect(few[said](ifindex), said).toEqual(whole[said](ifindex));
      const [, first = 0] = indexes;
      expect(few.mldOf(first)).toContain('ff02::1:ff00:1');
      expect(few.addressesOf(first).map(({ address }) => address)).toEqual(
        expect.arrayContaining(['192.0.2.1', '192.0.2.9', '2001:db8::1']),
      );
      expect(few.igmpOf(first)?.groups).toEqual(['224.0.0.1']);
    });
  },
);
