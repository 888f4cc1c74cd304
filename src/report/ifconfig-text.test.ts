// The ifconfig view: its layout to the blank, the flags of each role, sizes, and sums of counters (H41).
import { describe, expect, it } from 'vitest';
import { createBond } from '../policy/index.js';
import { addCounters, grownBy, type IfconfigFacts, ifconfigText, NO_COUNTERS } from './ifconfig-text.js';

const FACTS: IfconfigFacts = {
  up: true,
  running: true,
  promiscuous: false,
  allMulticast: false,
  multicast: true,
  address: '00:c0:f0:1f:37:b4',
  mtu: 1500,
  queueLength: 1000,
  ipv4: [],
  ipv6: [],
  counters: NO_COUNTERS,
};

function bond() {
  const made = createBond({
    name: 'bond0',
    address: FACTS.address,
    addressIsRandom: false,
    mtu: 1500,
    options: [
      ['mode', 'active-backup'],
      ['miimon', '100'],
    ],
  });
  if (!made.ok) throw new Error(made.error.message);
  for (const [member, name] of ['eth0', 'eth1'].entries()) {
    const link = {
      name,
      address: FACTS.address,
      mtu: 1500,
      adminUp: true,
      carrier: true,
      speedMbps: null,
      duplex: null,
    };
    made.value.handle({ kind: 'join', member, link, permanentAddress: link.address, canSetAddress: true }, 0);
    made.value.handle({ kind: 'opened', member, link }, 0);
  }
  return made.value.snapshot();
}

describe('ifconfigText()', () => {
  it('lays out bond, active member and backup as net-tools did', () => {
    const text = ifconfigText(bond(), {
      bond: {
        ...FACTS,
        ipv4: [{ address: '192.0.2.1', prefixLength: 22, broadcast: '192.0.3.255' }],
        ipv6: [{ address: 'fe80::1', prefixLength: 64, scope: 'Link' }],
        counters: {
          ...NO_COUNTERS,
          rxPackets: 7224794,
          rxBytes: 1024,
          txPackets: 3286647,
          txErrors: 1,
          txBytes: 1300234567,
        },
      },
      members: new Map([
        ['eth0', FACTS],
        ['eth1', { ...FACTS, running: false, promiscuous: true }],
      ]),
    });
    expect(text).toBe(`bond0     Link encap:Ethernet  HWaddr 00:C0:F0:1F:37:B4
          inet addr:192.0.2.1  Bcast:192.0.3.255  Mask:255.255.252.0
          inet6 addr: fe80::1/64 Scope:Link
          UP BROADCAST RUNNING MASTER MULTICAST  MTU:1500  Metric:1
          RX packets:7224794 errors:0 dropped:0 overruns:0 frame:0
          TX packets:3286647 errors:1 dropped:0 overruns:0 carrier:0
          collisions:0 txqueuelen:1000
          RX bytes:1024 (1.0 KiB)  TX bytes:1300234567 (1.2 GiB)

eth0      Link encap:Ethernet  HWaddr 00:C0:F0:1F:37:B4
          UP BROADCAST RUNNING SLAVE MULTICAST  MTU:1500  Metric:1
          RX packets:0 errors:0 dropped:0 overruns:0 frame:0
          TX packets:0 errors:0 dropped:0 overruns:0 carrier:0
          collisions:0 txqueuelen:1000
          RX bytes:0 (0.0 B)  TX bytes:0 (0.0 B)

eth1      Link encap:Ethernet  HWaddr 00:C0:F0:1F:37:B4
          UP BROADCAST NOARP PROMISC SLAVE MULTICAST  MTU:1500  Metric:1
          RX packets:0 errors:0 dropped:0 overruns:0 frame:0
          TX packets:0 errors:0 dropped:0 overruns:0 carrier:0
          collisions:0 txqueuelen:1000
          RX bytes:0 (0.0 B)  TX bytes:0 (0.0 B)
`);
  });
});

describe('counters', () => {
  it('add up, and one that was set back counts as not grown', () => {
    const before = { ...NO_COUNTERS, rxPackets: 10, txPackets: 5 };
    const now = { ...NO_COUNTERS, rxPackets: 12, txPackets: 1 };
    expect(grownBy(now, before)).toEqual({ ...NO_COUNTERS, rxPackets: 2 });
    expect(addCounters(now, before)).toEqual({ ...NO_COUNTERS, rxPackets: 22, txPackets: 6 });
  });
});
