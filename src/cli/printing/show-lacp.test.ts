import { expect, test } from 'vitest';
import type { ShowBond, ShowLacpEnd, ShowLacpPort } from '../../daemon/api/api.js';
import { showTable } from './show-table.js';
import { BOND, ETH0 } from '../test-support/samples.js';

const view = { colour: false, now: new Date('2026-03-01T12:00:00Z') };

const end = (system: string, key: number, port: number, state: number): ShowLacpEnd => ({
  systemPriority: 65535,
  system,
  key,
  portPriority: 255,
  port,
  state,
});

const CARRIES: ShowLacpPort = {
  aggregator: 1,
  isInActive: true,
  carries: true,
  actor: end('02:00:00:00:00:01', 15, 1, 63),
  partner: end('00:1c:73:aa:bb:cc', 7, 11, 61),
  receive: 'current',
  mux: 'collecting-distributing',
  actorChurn: 'none',
  partnerChurn: 'none',
  actorChurnedCount: 0,
  partnerChurnedCount: 0,
  counts: {
    lacpduIn: 10,
    lacpduOut: 10,
    unknownIn: 0,
    illegalIn: 0,
    markerIn: 0,
    markerOut: 0,
    markerResponseIn: 0,
    markerResponseOut: 0,
    markerUnknownIn: 0,
  },
  explanation: null,
};

const OUT: ShowLacpPort = {
  ...CARRIES,
  aggregator: 2,
  isInActive: false,
  carries: false,
  actor: end('02:00:00:00:00:01', 15, 2, 7),
  partner: end('00:1c:73:aa:bb:cc', 5, 13, 5),
  explanation: { code: 'other-key', text: "the switch's ports are not in one channel group" },
};

const LACP: ShowBond = {
  ...BOND,
  mode: '802.3ad',
  active: null,
  options: { ...BOND.options, lacp_rate: 'fast' },
  lacp: {
    system: '02:00:00:00:00:01',
    systemPriority: 65535,
    active: { id: 1, ports: 1, actorKey: 15, partnerKey: 7, partnerSystem: '00:1c:73:aa:bb:cc' },
  },
  members: [
    { ...ETH0, lacp: CARRIES },
    { ...ETH0, name: 'eth1', state: 'backup', lacp: OUT },
  ],
};

test('a bond in 802.3ad: its partner, its ports, and why one of them is out', () => {
  expect(showTable({ bonds: [LACP] }, view)).toMatchInlineSnapshot(`
    "bond0  802.3ad, carrier up, one usable member only
      LACP                1 of 2 ports carries, aggregator 1, partner 00:1c:73:aa:bb:cc key 7, rate fast
      Address             02:00:00:00:00:01, MTU 1500
      Link monitor        MII every 100 ms, up delay 200 ms, down delay 0 ms
      Zero-loss failover  on
      Data plane          eBPF: TCX, carrier read in the kernel
      Received            1,234,574 packets (1.65 GB)
      Sent                987,654 packets (120 MB)

      MEMBER  STATE   MII  FAILURES  SPEED          OWN MAC             RECEIVED              SENT          LAST RECEIVED
      eth0    active  up          0  1 Gbit/s full  02:00:00:00:00:01  1,234,567  1.65 GB  987,654  120 MB            now
      eth1    backup  up          0  1 Gbit/s full  02:00:00:00:00:01  1,234,567  1.65 GB  987,654  120 MB            now

      PORT  LACP     AGGREGATOR  KEY  OURS      THEIRS    PARTNER            ITS PORT  ITS KEY
      eth0  carries           1   15  ATGSCD--  A-GSCD--  00:1c:73:aa:bb:cc        11        7
      eth1  out               2   15  ATG-----  A-G-----  00:1c:73:aa:bb:cc        13        5
      the switch's ports are not in one channel group.
    "
  `);
});

test('nobody at the other end speaks LACP', () => {
  const nobody = '00:00:00:00:00:00';
  const partner = end(nobody, 1, 1, 0);
  const alone: ShowBond = {
    ...LACP,
    lacp: {
      system: '02:00:00:00:00:01',
      systemPriority: 65535,
      active: { id: 1, ports: 1, actorKey: 15, partnerKey: 1, partnerSystem: nobody },
    },
    members: [{ ...ETH0, lacp: { ...CARRIES, partner } }],
  };
  const text = showTable({ bonds: [alone] }, view);
  expect(text).toContain('no partner speaks it; 1 of 1 port carries without it, rate fast');
  expect(text).toMatch(/eth0 +carries +1 +15 +ATGSCD-- +- +- +- +-/);
});

test('without an active aggregator nothing carries', () => {
  const text = showTable({ bonds: [{ ...LACP, members: [], lacp: { ...LACP.lacp!, active: null } }] }, view);
  expect(text).toMatch(/LACP +no active aggregator/);
});
