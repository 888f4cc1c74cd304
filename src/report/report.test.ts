// Golden texts of /proc/net/bonding/BOND and of sysfs files.
import { describe, expect, it } from 'vitest';
import { createBond } from '../policy/index.js';
import { procText, sysfsMemberText, sysfsText } from './index.js';

function example(options: [string, string][]) {
  const made = createBond({
    name: 'bond0',
    address: '02:00:00:00:00:99',
    addressIsRandom: true,
    mtu: 1500,
    options: [['mode', 'active-backup'], ['miimon', '100'], ...options],
  });
  if (!made.ok) throw new Error(made.error.message);
  const bond = made.value;
  const add = (member: number, name: string, carrier: boolean, speedMbps: number | null): void => {
    bond.handle(
      {
        kind: 'join',
        member,
        link: {
          name,
          address: `02:00:00:00:00:0${member}`,
          mtu: 1500,
          adminUp: true,
          carrier,
          speedMbps,
          duplex: speedMbps === null ? null : 'full',
        },
        permanentAddress: `02:00:00:00:00:0${member}`,
        canSetAddress: true,
      },
      0,
    );
  };
  add(1, 'eth0', true, 1000);
  add(2, 'eth1', false, null);
  return bond.snapshot();
}

describe('procText()', () => {
  it('prints an active-backup bond as the driver does', () => {
    const text = procText(
      example([
        ['primary', 'eth0'],
        ['downdelay', '200'],
        ['fail_over_mac', 'active'],
      ]),
      {
        kernelRelease: '6.12.0',
      },
    );
    expect(text).toBe(`Ethernet Channel Bonding Driver: v6.12.0

Bonding Mode: fault-tolerance (active-backup) (fail_over_mac active)
Primary Slave: eth0 (primary_reselect always)
Currently Active Slave: eth0
MII Status: up
MII Polling Interval (ms): 100
Up Delay (ms): 0
Down Delay (ms): 200
Peer Notification Delay (ms): 0

Slave Interface: eth0
MII Status: up
Speed: 1000 Mbps
Duplex: full
Link Failure Count: 0
Permanent HW addr: 02:00:00:00:00:01
Slave queue ID: 0

Slave Interface: eth1
MII Status: down
Speed: Unknown
Duplex: Unknown
Link Failure Count: 0
Permanent HW addr: 02:00:00:00:00:02
Slave queue ID: 0
`);
  });

  it('has no bracket after a primary that has not joined', () => {
    const text = procText(example([['primary', 'eth7']]), { kernelRelease: '6.12.0' });
    expect(text).toContain(
      '\nBonding Mode: fault-tolerance (active-backup)\nPrimary Slave: None\nCurrently Active',
    );
  });

  it('prints the ARP lines when there is an interval', () => {
    const bond = example([]);
    const options = { ...bond.options, arp_interval: 200, arp_ip_target: ['192.0.2.1', '192.0.2.2'] };
    expect(procText({ ...bond, options }, { kernelRelease: '6.12.0' })).toContain(
      '\nPeer Notification Delay (ms): 0\nARP Polling Interval (ms): 200\nARP Missed Max: 2\n' +
        'ARP IP target/s (n.n.n.n form): 192.0.2.1, 192.0.2.2\nNS IPv6 target/s (xx::xx form):\n\nSlave Interface',
    );
  });
});

describe('sysfsText()', () => {
  const bond = example([['primary', 'eth7']]);
  it.each([
    ['mode', 'active-backup 1\n'],
    ['miimon', '100\n'],
    ['lacp_rate', 'slow 0\n'],
    ['use_carrier', '1\n'],
    ['num_unsol_na', '1\n'],
    ['active_slave', 'eth0\n'],
    ['primary', ''],
    ['slaves', 'eth0 eth1\n'],
    ['queue_id', 'eth0:0 eth1:0\n'],
    ['arp_ip_target', ''],
    ['mii_status', 'up\n'],
    ['ad_actor_key', ''],
    ['prio', null],
    ['coupled_control', null],
    ['inline_failover', null],
    ['nonsense', null],
  ])('%s', (file, text) => {
    expect(sysfsText(bond, file)).toBe(text);
  });

  it('prints the files of a member', () => {
    const [eth0, eth1] = bond.members;
    expect(eth0 && sysfsMemberText(eth0, 'state')).toBe('active\n');
    expect(eth1 && sysfsMemberText(eth1, 'mii_status')).toBe('down\n');
    expect(eth1 && sysfsMemberText(eth1, 'ad_aggregator_id')).toBe('N/A\n');
    expect(eth1 && sysfsMemberText(eth1, 'nonsense')).toBeNull();
  });
});
