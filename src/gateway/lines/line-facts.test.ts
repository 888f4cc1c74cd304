// How a line's packets leave, by what is known of its device.
import { describe, expect, it } from 'vitest';
import {
  type Address,
  AF_INET,
  AF_INET6,
  bytesAttribute,
  IFA_F,
  ipAddress,
  type Link,
  type Route,
  RTA,
  u32Attribute,
} from '../../netlink/index.js';
import { type DeviceFacts, lineDevice, linePath } from './line-facts.js';

const ETH = 5;
const LINK: Link = {
  family: 0,
  hardwareType: 1,
  ifindex: ETH,
  flags: 0x1003,
  changeMask: 0,
  carrier: true,
  other: [],
};

function address(local: string, prefixLength: number, more: Partial<Address> = {}): Address {
  const family = local.includes(':') ? AF_INET6 : AF_INET;
  return { family, prefixLength, scope: 0, ifindex: ETH, local, address: local, other: [], ...more };
}

function defaultRoute(
  gateway: string | null,
  metric = 0,
  more: { table?: number; ifindex?: number; six?: boolean } = {},
): Route {
  const isIpv6 = more.six ?? gateway?.includes(':') ?? false;
  return {
    family: isIpv6 ? AF_INET6 : AF_INET,
    destinationLength: 0,
    sourceLength: 0,
    tos: 0,
    table: more.table ?? 254,
    protocol: 16,
    scope: 0,
    type: 1,
    flags: 0,
    attributes: [
      ...(gateway === null ? [] : [bytesAttribute(RTA.RTA_GATEWAY, ipAddress.write(gateway))]),
      u32Attribute(RTA.RTA_OIF, more.ifindex ?? ETH),
      u32Attribute(RTA.RTA_PRIORITY, metric),
    ],
  };
}

function facts(change: Partial<DeviceFacts> = {}): DeviceFacts {
  return { link: LINK, addresses: [address('192.0.2.7', 24)], routes: [], leased: [], ...change };
}

describe('gateway of a line', () => {
  it('as it is given, before all others', () => {
    const known = facts({ routes: [defaultRoute('192.0.2.1')] });
    expect(linePath('ipv4', known, '192.0.2.99', null)).toEqual({
      address: '192.0.2.7',
      addresses: [{ address: '192.0.2.7', prefixLength: 24 }],
      gateway: '192.0.2.99',
      onLink: false,
    });
  });

  it('of the default route in main with the lowest metric, and of no other table or device', () => {
    const routes = [
      defaultRoute('192.0.2.2', 200),
      defaultRoute('192.0.2.1', 100),
      defaultRoute('192.0.2.3', 1, { table: 100 }),
      defaultRoute('192.0.2.4', 2, { ifindex: 6 }),
    ];
    expect(linePath('ipv4', facts({ routes }), null, null)?.gateway).toBe('192.0.2.1');
  });

  it('one outside of all prefixes is reached on the link', () => {
    expect(linePath('ipv4', facts({ routes: [defaultRoute('198.51.100.1')] }), null, null)).toMatchObject({
      gateway: '198.51.100.1',
      onLink: true,
    });
  });

  it('none is needed where there is one neighbour, or a default route by the device alone', () => {
    const ppp = facts({ link: { ...LINK, flags: 0x1011 }, addresses: [address('203.0.113.9', 32)] });
    expect(linePath('ipv4', ppp, null, null)).toMatchObject({
      address: '203.0.113.9',
      gateway: null,
      onLink: false,
    });
    const bare = facts({ routes: [defaultRoute(null, 0, { six: false })] });
    expect(linePath('ipv4', bare, null, null)).toMatchObject({ gateway: null });
  });

  it('of a lease of the same family, then of before, while the prefix is there', () => {
    expect(linePath('ipv4', facts({ leased: ['2001:db8::1', '192.0.2.254'] }), null, null)?.gateway).toBe(
      '192.0.2.254',
    );
    expect(linePath('ipv4', facts(), null, '192.0.2.1')?.gateway).toBe('192.0.2.1');
    expect(linePath('ipv4', facts(), null, '198.51.100.1')).toBeNull();
    expect(linePath('ipv4', facts(), null, null)).toBeNull();
  });
});

describe('address of a line', () => {
  const routes = [defaultRoute('fe80::1')];

  it('none without an address of that family, whatever the gateway', () => {
    expect(linePath('ipv6', facts({ routes }), null, null)).toBeNull();
    expect(
      linePath('ipv4', facts({ addresses: [address('169.254.1.1', 16, { scope: 253 })] }), '192.0.2.1', null),
    ).toBeNull();
  });

  it('of IPv6: lasting before temporary, of the internet before of the site; none that is not checked yet', () => {
    const addresses = [
      address('fd00::7', 64),
      address('2001:db8::bad', 64, { flags: IFA_F.IFA_F_TENTATIVE }),
      address('2001:db8::old', 64, { flags: IFA_F.IFA_F_DEPRECATED }),
      address('2001:db8::4444', 64, { flags: IFA_F.IFA_F_SECONDARY }),
      address('2001:db8::7', 64),
      address('fe80::7', 64, { scope: 253 }),
    ];
    const path = linePath('ipv6', facts({ addresses, routes }), null, null);
    expect(path).toMatchObject({ address: '2001:db8::7', gateway: 'fe80::1', onLink: false });
    expect(path?.addresses.map(each => each.address)).toEqual([
      '2001:db8::7',
      '2001:db8::4444',
      'fd00::7',
      '2001:db8::old',
    ]);
  });

  it('of several, the one whose prefix has the gateway', () => {
    const addresses = [address('198.51.100.7', 24), address('192.0.2.7', 25)];
    expect(linePath('ipv4', facts({ addresses }), '192.0.2.1', null)?.address).toBe('192.0.2.7');
    expect(linePath('ipv4', facts({ addresses }), '192.0.2.129', null)).toMatchObject({
      address: '198.51.100.7',
      onLink: true,
    });
  });
});

describe('carrier of a line', () => {
  it('needs a device that is up; what the device says now is newer than the news', () => {
    expect(lineDevice(LINK, undefined)).toEqual({ ifindex: ETH, carrier: true });
    expect(lineDevice(LINK, false).carrier).toBe(false);
    expect(lineDevice({ ...LINK, carrier: false }, true).carrier).toBe(true);
    expect(lineDevice({ ...LINK, flags: 0x1002 }, true).carrier).toBe(false);
  });
});
