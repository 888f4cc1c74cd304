// What doctor says of bonds: each finding with what mends it, and nothing of a bond that is well.
import { describe, expect, test } from 'vitest';
import { createBond } from '../../policy/index.js';
import type { ShowBond, ShowMember } from '../api/api.js';
import { type BondFacts, bondFindings } from './doctor-bonds.js';
import type { SampledFrame } from '../kernel/flow-sample.js';

const NONE = { packets: 0, bytes: 0 };

function member(name: string, change: Partial<ShowMember> = {}): ShowMember {
  return {
    name,
    state: 'active',
    miiStatus: 'up',
    linkFailureCount: 0,
    permanentAddress: '02:00:00:00:00:01',
    address: '02:00:00:00:00:01',
    speedMbps: 1000,
    duplex: 'full',
    rx: NONE,
    tx: NONE,
    lastReceivedMs: null,
    silence: null,
    ...change,
  };
}

function factsOf(
  options: Readonly<Record<string, string>>,
  members: readonly ShowMember[] = [member('eth0'), member('eth1')],
  change: Partial<BondFacts> = {},
): BondFacts {
  const made = createBond({
    name: 'bond0',
    address: '02:00:00:00:00:01',
    addressIsRandom: false,
    mtu: 1500,
    options: Object.entries({ mode: 'active-backup', ...options }),
  });
  if (!made.ok) throw new Error(made.error.message);
  const { options: values, mode } = made.value.snapshot();
  const bond: ShowBond = {
    name: 'bond0',
    mode,
    dataPlane: 'ebpf',
    dataPlaneDetail: '',
    inlineFailover: true,
    adminUp: true,
    carrier: true,
    active: null,
    address: '02:00:00:00:00:01',
    mtu: 1500,
    options: values,
    rx: NONE,
    tx: NONE,
    txDropped: 0,
    awaited: [],
    members,
  };
  return {
    bond,
    links: {},
    isSent: true,
    belongings: {},
    onMembers: {},
    watchFix: 'bondwire set bond0 link_watch=any',
    elsewhere: [],
    unreachable: [],
    managers: {},
    silent: [],
    present: [],
    flowing: [],
    speakers: {},
    ...change,
  };
}

const sent = (packets: number): Partial<ShowMember> => ({ tx: { packets, bytes: packets * 100 } });
const LONELY = { mode: 'balance-xor', miimon: '100', xmit_hash_policy: 'layer2' };
const ONE_SIDED = [member('eth0', sent(5000)), member('eth1', sent(10))];

/** UDP over IPv4 between two MAC addresses: last byte of the peer's address, and source port, of each. */
function datagrams(
  count: number,
  of: (nth: number) => readonly [peer: number, port: number],
): SampledFrame[] {
  return Array.from({ length: count }, (_, nth) => {
    const [peer, port] = of(nth);
    const head = new Uint8Array(42);
    head.set([2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 8, 0, 0x45]);
    head.set([64, 17], 22);
    head.set([192, 0, 2, 1, 192, 0, 2, peer, port >> 8, port & 255, 0, 53], 26);
    return { head, vlanTci: 0, length: 1000 };
  });
}

/** The same in IP-in-IP between two hosts. */
function tunnelled(count: number): SampledFrame[] {
  return datagrams(count, nth => [1, 1000 + nth]).map(({ head: inner, length }) => {
    const head = new Uint8Array(inner.length + 20);
    head.set(inner.subarray(0, 34));
    head[23] = 4;
    head.set(inner.subarray(14), 34);
    return { head, vlanTci: 0, length };
  });
}

/** From a MAC address whose last byte is the other one. */
function otherSource({ head, ...rest }: SampledFrame): SampledFrame {
  const other = head.slice();
  other[11] = 2;
  return { head: other, ...rest };
}

const ASKING = { arp_interval: '100', arp_ip_target: '192.0.2.9' };

test('A bond that is well has one line', () => {
  expect(bondFindings(factsOf({ miimon: '100' }))).toEqual([
    { name: 'bond0', ok: true, level: 'ok', detail: 'active-backup, 2 of 2 members up' },
  ]);
});

test.each<[string, BondFacts, RegExp, RegExp]>([
  ['no monitor (H08)', factsOf({}), /nothing watches/, /set bond0 miimon=100/],
  ['no target', factsOf({ arp_interval: '100' }), /no target/, /arp_ip_target/],
  [
    'a target elsewhere',
    factsOf(ASKING, undefined, { elsewhere: ['192.0.2.9'] }),
    /not go through bond0/,
    /ip route get 192\.0\.2\.9/,
  ],
  [
    'a target without a route',
    factsOf(ASKING, undefined, { unreachable: ['192.0.2.9'] }),
    /no route to target/,
    /ip addr add/,
  ],
  ['ARP in balance-rr (H27)', factsOf({ mode: 'balance-rr', ...ASKING }), /spreads by XOR/, /miimon=100/],
  [
    'a member without carrier',
    factsOf({ miimon: '100' }, undefined, { silent: ['eth1'] }),
    /eth1 does not report/,
    /arp_interval/,
  ],
  [
    'a member without carrier in balance-tlb, where the driver has no ARP monitor',
    factsOf({ mode: 'balance-tlb', miimon: '100' }, undefined, { silent: ['eth1'] }),
    /eth1 does not report/,
    /link_watch=any arp_interval=100/,
  ],
  [
    'mixed speeds in balance-tlb by hash',
    factsOf({ mode: 'balance-tlb', miimon: '100', tlb_dynamic_lb: '0' }, [
      member('eth0'),
      member('eth1', { speedMbps: 100 }),
    ]),
    /eth1 \(100 Mbit\/s\) is slower/,
    /active-backup/,
  ],
  [
    'an address',
    factsOf({ miimon: '100' }, undefined, {
      belongings: { eth0: { addresses: ['192.0.2.1/24'], routes: [] } },
    }),
    /eth0 carries the address/,
    /ip addr del 192\.0\.2\.1\/24 dev eth0/,
  ],
  [
    'a route (H26)',
    factsOf({ miimon: '100' }, undefined, {
      belongings: { eth0: { addresses: [], routes: [{ to: '192.0.2.0/24', isIpv6: false, rest: [] }] } },
    }),
    /goes through member eth0/,
    /^ip route replace 192\.0\.2\.0\/24 dev bond0$/,
  ],
  [
    'NetworkManager',
    factsOf({ miimon: '100' }, undefined, { managers: { eth0: 'NetworkManager' } }),
    /works against/,
    /nmcli device set eth0 managed no/,
  ],
  [
    'networkd',
    factsOf({ miimon: '100' }, undefined, { managers: { eth0: 'systemd-networkd' } }),
    /works against/,
    /Unmanaged=yes/,
  ],
  [
    'mixed speeds (H55)',
    factsOf({ mode: 'balance-rr', miimon: '100' }, [member('eth0'), member('eth1', { speedMbps: 100 })]),
    /eth1 \(100 Mbit\/s\) is slower/,
    /active-backup/,
  ],
  [
    'all on one member, with connections that ports tell apart',
    factsOf(LONELY, ONE_SIDED, { flowing: datagrams(100, n => [1, 1000 + n]) }),
    /100 % .* eth0 with xmit_hash_policy=layer2; of 100 packets .* 50 % of the bytes with layer3\+4, and carries 100 % now/,
    /^bondwire set bond0 xmit_hash_policy=layer3\+4$/,
  ],
  [
    'all on one member, with peers that addresses tell apart, while ports are all alike',
    factsOf({ ...LONELY, xmit_hash_policy: 'layer2' }, ONE_SIDED, {
      flowing: datagrams(100, n => [n, 5000]),
    }),
    /50 % of the bytes with layer3\+4/,
    /layer3\+4/,
  ],
  [
    'all on one member, in a tunnel',
    factsOf({ ...LONELY, xmit_hash_policy: 'layer3+4' }, ONE_SIDED, { flowing: tunnelled(100) }),
    /xmit_hash_policy=layer3\+4; .* 50 % of the bytes with encap3\+4, and carries 100 % now/,
    /xmit_hash_policy=encap3\+4$/,
  ],
  [
    'all on one member, as it is one flow',
    factsOf(LONELY, ONE_SIDED, { flowing: datagrams(100, () => [1, 5000]) }),
    /they are one flow/,
    /balance-rr/,
  ],
  [
    'all on one member, and nothing sent now',
    factsOf(LONELY, ONE_SIDED, { flowing: datagrams(19, n => [1, n]) }),
    /too little is being sent now/,
    /doctor/,
  ],
])('%s is told, with what mends it', (_, facts, says, mends) => {
  const findings = bondFindings(facts);
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatchObject({ name: 'bond0', ok: false, level: 'warning' });
  expect(findings[0]?.detail).toMatch(says);
  expect(findings[0]?.fix).toMatch(mends);
});

test.each<[string, BondFacts]>([
  [
    'speeds in active-backup',
    factsOf({ miimon: '100' }, [member('eth0'), member('eth1', { speedMbps: 100 })]),
  ],
  [
    'speeds in balance-tlb, which gives each by what is left of its speed',
    factsOf({ mode: 'balance-tlb', miimon: '100' }, [member('eth0'), member('eth1', { speedMbps: 100 })]),
  ],
  [
    'few packets',
    factsOf({ mode: 'balance-xor', miimon: '100' }, [member('eth0', sent(50)), member('eth1')]),
  ],
  [
    'a bond that is lopsided by its past only',
    factsOf(LONELY, ONE_SIDED, {
      flowing: [...datagrams(50, () => [1, 1]), ...datagrams(50, () => [1, 1]).map(otherSource)],
    }),
  ],
  [
    'packets that are spread',
    factsOf({ mode: 'balance-xor', miimon: '100' }, [member('eth0', sent(900)), member('eth1', sent(500))]),
  ],
])('%s is no finding', (_, facts) => {
  expect(bondFindings(facts).map(({ level }) => level)).toEqual(['ok']);
});

test('with link_watch silence is no evidence by itself, so neither XOR switches nor a missing target are said to kill members', () => {
  const asking = { miimon: '100', link_watch: 'any', arp_interval: '100', mode: 'balance-xor' };
  const without = bondFindings(factsOf(asking)).map(({ detail }) => detail);
  expect(without.join()).toContain('link_watch has no target to ask, so carriers alone are watched');
  expect(without.join()).not.toMatch(/looks? dead/);
  const target = bondFindings(factsOf({ ...asking, arp_ip_target: '192.0.2.9' }));
  expect(target.map(({ detail }) => detail).join()).not.toMatch(/XOR/);
});

describe('a switch that speaks LACP', () => {
  const said = {
    system: '00:1c:73:aa:bb:cc',
    systemPriority: 1,
    key: 7,
    portPriority: 1,
    port: 12,
    state: 0x45,
  };
  const speakers = { eth0: said, eth1: undefined };

  test.each([
    ['balance-xor', /set its channel group to static/],
    ['active-backup', /take its ports out of the channel group/],
  ])('is told of with what to do in mode=%s', (mode, fix) => {
    const [found] = bondFindings(factsOf({ mode, miimon: '100' }, undefined, { speakers }));
    expect(found?.detail).toMatch(
      new RegExp(
        `^the switch 00:1c:73:aa:bb:cc speaks LACP on eth0 \\(port 12, key 7\\), which mode=${mode} does not`,
      ),
    );
    expect(found?.fix).toMatch(fix);
  });

  test('is what 802.3ad wants, and nobody is nothing', () => {
    const details = (found: ReturnType<typeof bondFindings>): string => found.map(each => each.detail).join();
    expect(details(bondFindings(factsOf({ mode: '802.3ad' }, undefined, { speakers })))).not.toContain(
      'speaks',
    );
    expect(details(bondFindings(factsOf({ mode: 'balance-xor', miimon: '100' })))).not.toContain('speaks');
  });
});
