import { beforeAll, expect, test } from 'vitest';
import { showTable } from './show-table.js';
import { BOND, ETH0 } from '../test-support/samples.js';

const now = new Date('2026-03-01T12:00:00Z');
const view = { colour: false, now };

beforeAll(() => {
  process.env['TZ'] = 'UTC';
});

test('showTable() of a bond at work', () => {
  const bond = { ...BOND, activeSince: '2026-03-01T09:55:00.000Z' };
  expect(showTable({ bonds: [bond] }, view)).toMatchInlineSnapshot(`
    "bond0  active-backup, carrier up, one usable member only
      Active member       eth0, since 09:55:00 (2 h 5 min)
      Address             02:00:00:00:00:01, MTU 1500
      Link monitor        MII every 100 ms, up delay 200 ms, down delay 0 ms
      Zero-loss failover  on
      Data plane          eBPF: TCX, carrier read in the kernel
      Received            1,234,574 packets (1.65 GB)
      Sent                987,654 packets (120 MB)

      MEMBER    STATE   MII         FAILURES  SPEED          OWN MAC             RECEIVED              SENT          LAST RECEIVED
      eth0      active  up                 0  1 Gbit/s full  02:00:00:00:00:01  1,234,567  1.65 GB  987,654  120 MB            now
      enp3s0f1  backup  going back        12  -              02:00:00:00:00:02          7    420 B        0     0 B      1 min ago
    "
  `);
});

test('showTable() of a bond in trouble, and of one without members', () => {
  const trouble = {
    ...BOND,
    adminUp: false,
    carrier: false,
    active: null,
    inlineFailover: false,
    dataPlaneDetail: '',
    options: { ...BOND.options, miimon: 0, arp_interval: 0 },
    txDropped: 3,
    members: [{ ...ETH0, state: 'backup', miiStatus: 'down', linkFailureCount: 1 } as const],
  };
  const empty = { ...BOND, name: 'bond1', active: null, carrier: false, members: [] };
  expect(showTable({ bonds: [trouble, empty] }, view)).toMatchInlineSnapshot(`
    "bond0  active-backup, carrier down, interface down (bring it up: ip link set dev bond0 up)
      Active member       none
      Address             02:00:00:00:00:01, MTU 1500
      Link monitor        none, so failures may go unnoticed (set miimon=100)
      Zero-loss failover  off: it needs miimon
      Data plane          eBPF
      Received            1,234,574 packets (1.65 GB)
      Sent                987,654 packets (120 MB), 3 that no member could take

      MEMBER  STATE   MII   FAILURES  SPEED          OWN MAC             RECEIVED              SENT          LAST RECEIVED
      eth0    backup  down         1  1 Gbit/s full  02:00:00:00:00:01  1,234,567  1.65 GB  987,654  120 MB            now

    bond1  active-backup, carrier down
      Active member       none
      Address             02:00:00:00:00:01, MTU 1500
      Link monitor        MII every 100 ms, up delay 200 ms, down delay 0 ms
      Zero-loss failover  on
      Data plane          eBPF: TCX, carrier read in the kernel
      Received            1,234,574 packets (1.65 GB)
      Sent                987,654 packets (120 MB)

      No members. Add one with 'bondwire enslave --take-down --take-addresses bond1 IFACE'.
    "
  `);
});

test('showTable() in colour is the plain text once the colours are taken away', () => {
  const coloured = showTable({ bonds: [BOND] }, { ...view, colour: true });
  // oxlint-disable-next-line no-control-regex
  expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(showTable({ bonds: [BOND] }, view));
  expect(coloured).toContain('\u001b[32mactive\u001b[0m');
});

test('showTable() of no bond says how to make one', () => {
  expect(showTable({ bonds: [] }, view)).toMatch(/^No bonds\. Make one with .*\n$/);
});
