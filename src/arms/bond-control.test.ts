// What the arms read from the text of /proc/net/bonding.
import { describe, expect, it } from 'vitest';
import { viewOf } from './bond-control.js';

const LACP = `Ethernet Channel Bonding Driver: v6.12

Bonding Mode: IEEE 802.3ad Dynamic link aggregation
MII Status: up

802.3ad info
System priority: 65535
Active Aggregator Info:
\tAggregator ID: 2
\tNumber of ports: 1

Slave Interface: eth0
MII Status: up
Link Failure Count: 3
Aggregator ID: 1
details actor lacp pdu:
    port priority: 1000
    port state: 69
details partner lacp pdu:
    port priority: 255
    port state: 1

Slave Interface: eth1
MII Status: up
Link Failure Count: 0
Aggregator ID: N/A
`;

describe('viewOf()', () => {
  it('has the aggregator that is in use, and what each port says', () => {
    const view = viewOf(LACP);
    expect(view.aggregator).toBe(2);
    expect(view.members.map(({ name, failures, lacp }) => [name, failures, lacp])).toEqual([
      ['eth0', 3, { aggregator: 1, portPriority: 1000, actorState: 69, partnerState: 1 }],
      ['eth1', 0, null],
    ]);
    expect(view.proc).toMatch(/^Ethernet Channel Bonding Driver: v\*\n/);
  });

  it('has none of it in another mode', () => {
    const view = viewOf(
      'Currently Active Slave: eth0\nMII Status: up\n\nSlave Interface: eth0\nMII Status: up\n',
    );
    expect([view.active, view.aggregator, view.members[0]?.lacp]).toEqual(['eth0', null, null]);
  });
});
