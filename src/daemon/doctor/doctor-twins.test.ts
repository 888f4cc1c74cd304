// Which interfaces with the same MAC address doctor finds, and which share one by right.
import { describe, expect, test } from 'vitest';
import { IFF, type Link } from '../../netlink/index.js';
import { twinFindings } from './doctor-twins.js';

const MAC = '02:00:00:00:00:01';

type Change = Partial<Omit<Link, 'info'>> & { readonly kind?: string };

function link(ifindex: number, name: string, { kind, ...change }: Change = {}): Link {
  return {
    family: 0,
    hardwareType: 1,
    ifindex,
    flags: IFF.IFF_UP,
    change: 0,
    name,
    address: MAC,
    other: [],
    ...(kind !== undefined && { info: { kind } }),
    ...change,
  } as Link;
}

const bond = (name: string, members: readonly string[]) =>
  ({ name, members: members.map(member => ({ name: member })) }) as unknown as Parameters<
    typeof twinFindings
  >[1][number];

const down = { flags: 0 };

describe('twinFindings()', () => {
  test('finds a released interface that is up with the MAC address of its bond', () => {
    const links = [link(1, 'eth0'), link(2, 'eth1'), link(9, 'bond0', { kind: 'veth' })];
    const [found, ...others] = twinFindings(links, [bond('bond0', ['eth1'])]);
    expect(others).toEqual([]);
    expect(found).toMatchObject({ ok: false, level: 'warning' });
    expect(found?.detail).toContain(`bond0 and eth0 have the same MAC address ${MAC} and are both up`);
    expect(found?.fix).toMatch(/^ip link set dev eth0 address [0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
    expect(found?.fix).not.toContain(MAC);
  });

  test('says no more than that of one that is down', () => {
    const links = [link(1, 'eth0', down), link(2, 'eth1'), link(9, 'bond0', { kind: 'veth' })];
    expect(twinFindings(links, [bond('bond0', ['eth1'])])).toMatchObject([{ ok: true, level: 'ok' }]);
  });

  test('finds two that belong to nothing', () => {
    expect(twinFindings([link(1, 'eth0'), link(2, 'eth1')], [])).toMatchObject([{ ok: false }]);
  });

  test.each<readonly [string, readonly Link[], readonly (readonly string[])[]]>([
    ['members and their bond', [link(1, 'eth0'), link(2, 'eth1'), link(9, 'bond0')], [['eth0', 'eth1']]],
    [
      'a VLAN on a VLAN',
      [
        link(1, 'eth0'),
        link(2, 'eth0.5', { kind: 'vlan', link: 1 }),
        link(3, 'eth0.5.6', { kind: 'vlan', link: 2 }),
      ],
      [],
    ],
    ['a bridge and its port', [link(1, 'br0', { kind: 'bridge' }), link(2, 'eth0', { master: 1 })], []],
    [
      "the kernel's bond",
      [
        link(1, 'eth0', { master: 3 }),
        link(2, 'eth1', { master: 3 }),
        link(3, 'bond1', { kind: 'bond' }),
        link(4, 'bond1.7', { kind: 'vlan', link: 3 }),
      ],
      [],
    ],
    [
      'loopback-like ones without an address',
      [
        link(1, 'dummy0', { address: '00:00:00:00:00:00' }),
        link(2, 'dummy1', { address: '00:00:00:00:00:00' }),
      ],
      [],
    ],
    ['others', [link(1, 'eth0'), link(2, 'eth1', { address: '02:00:00:00:00:02' })], []],
  ])('is silent of %s', (_what, links, [members]) => {
    expect(twinFindings(links, members === undefined ? [] : [bond('bond0', members)])).toEqual([]);
  });

  test('takes the ends of a veth pair for two interfaces', () => {
    const pair = [link(1, 'v0', { kind: 'veth', link: 2 }), link(2, 'v1', { kind: 'veth', link: 1 })];
    expect(twinFindings(pair, [])).toMatchObject([{ ok: false }]);
  });
});
