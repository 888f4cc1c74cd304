// Gateways in the files of DHCP clients, in their own forms.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dhclientGateways, leasedGateways } from './leases.js';

const DHCLIENT = `lease {
  interface "eth1";
  fixed-address 192.0.2.9;
  option subnet-mask 255.255.255.0;
  option routers 192.0.2.1;
  expire 1 2026/11/30 10:00:00;
}
lease {
  interface "eth2";
  option routers 198.51.100.1, 198.51.100.2;
}
lease {
  interface "eth1";
  fixed-address 192.0.2.77;
  option routers 192.0.2.254;
}
`;

describe('dhclient', () => {
  it('the newest lease of the device counts', () => {
    expect(dhclientGateways(DHCLIENT, 'eth1')).toEqual(['192.0.2.254']);
    expect(dhclientGateways(DHCLIENT, 'eth2')).toEqual(['198.51.100.1', '198.51.100.2']);
    expect(dhclientGateways(DHCLIENT, 'eth3')).toEqual([]);
  });
});

describe('files', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bw-leases-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('networkd has one for each interface index; what is not there tells none', () => {
    const places = {
      networkd: join(folder, 'netif'),
      dhclient: [join(folder, 'dhcp'), join(folder, 'none')],
    };
    expect(leasedGateways('eth1', 7, places)).toEqual([]);
    mkdirSync(places.networkd);
    mkdirSync(join(folder, 'dhcp'));
    writeFileSync(
      join(places.networkd, '7'),
      'ADDRESS=203.0.113.5\nROUTER=203.0.113.1 203.0.113.2\nT1=1800\n',
    );
    writeFileSync(join(folder, 'dhcp', 'dhclient.eth1.leases'), DHCLIENT);
    writeFileSync(join(folder, 'dhcp', 'notes.txt'), DHCLIENT.replaceAll('192.0.2.254', '192.0.2.66'));
    expect(leasedGateways('eth1', 7, places)).toEqual(['203.0.113.1', '203.0.113.2', '192.0.2.254']);
    expect(leasedGateways('eth1', 8, places)).toEqual(['192.0.2.254']);
  });
});
