// What stands in the kernel for an uplink, as an administrator would read it.
import { describe, expect, test } from 'vitest';
import type { Steering } from './contract.js';
import { markOf, MOST_POLICIES, PREFERENCES } from './kernel-plan.js';
import { kernelPlan, type WayOf } from './make-kernel-plan.js';
import { planText } from './plan-text.js';
import type { UplinkRule, UplinkSettings } from './settings.js';
import { testLine, testSettings, testSteering, testWay } from './plan-testing.js';

const NAMES: Readonly<Record<number, string>> = { 11: 'eth1', 12: 'ppp0' };
const ALL = { nftables: true };

function textOf(
  settings: UplinkSettings,
  steering: Steering,
  { wayOf = testWay(settings), abilities = ALL }: { wayOf?: WayOf; abilities?: typeof ALL } = {},
): string {
  return planText(kernelPlan(settings, wayOf, steering, abilities), index => NAMES[index] ?? `dev${index}`);
}

/** The lines of the text that begin so, without that. */
function linesOf(text: string, start: string): string[] {
  return text
    .split('\n')
    .filter(line => line.startsWith(start))
    .map(line => line.slice(start.length));
}

/** Body of one chain of the table, a line an element. */
function chainOf(text: string, name: string): string[] {
  const [, body] = new RegExp(String.raw`  chain ${name} \{\n([^}]*)  \}`).exec(text) ?? [];
  return (body ?? '').split('\n').flatMap(line => (line.trim() === '' ? [] : [line.trim()]));
}

const ONLY_IPV4: Steering = testSteering([], { selected: { ipv4: [1, 2], ipv6: [] } });

test('two lines of which the first is selected', () => {
  const settings = testSettings();
  const ways = testWay(settings);
  const text = textOf(settings, ONLY_IPV4, {
    wayOf: (line, family) => (family === 'ipv4' ? ways(line, family) : null),
  });
  expect(text).toBe(GOLDEN_TWO_LINES);
});

test('IPv6 has the same routes and rules by its own command', () => {
  const text = textOf(testSettings(), testSteering([2, 1]));
  expect(linesOf(text, 'ip -6 route replace ').slice(0, 2)).toEqual([
    'default via 2001:db8:2::1 dev ppp0 src 2001:db8:2::2 table 8700 metric 100 proto 98',
    'default via 2001:db8:1::1 dev eth1 src 2001:db8:1::2 table 8700 metric 200 proto 98',
  ]);
  const rules = (command: string): string[] =>
    linesOf(text, `${command} rule add `).map(rule => rule.replaceAll(/from \S+/g, 'from X'));
  expect(rules('ip -6')).toEqual(rules('ip'));
});

describe('routes', () => {
  test('those that decide come first, then those of flows, then the rest', () => {
    const settings = testSettings({ rules: [ONLY_FIBRE] });
    const policies = [{ rule: 0, family: 'ipv4', lines: [1] }] as const;
    const plan = kernelPlan(settings, testWay(settings), testSteering([1, 2], { policies }), ALL);
    expect(plan.routes.filter(({ family }) => family === 'ipv4').map(({ table }) => table)).toEqual([
      8700, 8700, 8801, 8802, 8901, 8902, 8701, 8702, 9000, 9000,
    ]);
  });

  test('flows of a dead line go by the other one, TCP apart from the rest', () => {
    const text = textOf(
      testSettings(),
      testSteering([2, 1], { flows: [{ line: 1, family: 'ipv4', by: { tcp: 1, others: 2 } }] }),
    );
    const routes = linesOf(text, 'ip route replace ');
    expect(routes.filter(route => /table (?:8801|8901) /.test(route))).toEqual([
      'default via 192.0.2.1 dev ppp0 src 192.0.2.2 table 8801 metric 100 proto 98',
      'default via 192.0.1.1 dev eth1 src 192.0.1.2 table 8901 metric 100 proto 98',
    ]);
    expect(routes.filter(route => route.includes('table 8701 '))).toEqual([
      'default via 192.0.1.1 dev eth1 src 192.0.1.2 table 8701 metric 100 proto 98',
    ]);
  });

  test('a device with one neighbour needs no gateway; one outside of its prefixes is said to be on the link', () => {
    const settings = testSettings();
    const ways = testWay(settings);
    const text = textOf(settings, ONLY_IPV4, {
      wayOf: (line, family) => {
        const way = ways(line, family);
        if (way === null || family === 'ipv6') return null;
        const path = line === 1 ? { ...way.path, onLink: true } : { ...way.path, gateway: null };
        return { ...way, path };
      },
    });
    expect(linesOf(text, 'ip route replace ').slice(0, 2)).toEqual([
      'default via 192.0.1.1 dev eth1 onlink src 192.0.1.2 table 8700 metric 100 proto 98',
      'default dev ppp0 src 192.0.2.2 table 8700 metric 200 proto 98',
    ]);
  });
});

const ONLY_FIBRE: UplinkRule = {
  match: {
    from: '192.168.9.40/29',
    protocol: 'udp',
    destinationPorts: [5060, 5070],
    dscp: 46,
    incoming: 'lan0',
  },
  use: ['fibre'],
  otherwise: 'drop',
};

describe('rules of the operator', () => {
  test('say what they match, in their own family', () => {
    const policies = [
      { rule: 0, family: 'ipv4', lines: [1] },
      { rule: 0, family: 'ipv6', lines: [1] },
    ] as const;
    const text = textOf(testSettings({ rules: [ONLY_FIBRE] }), testSteering([1, 2], { policies }));
    expect(linesOf(text, 'ip rule add pref 32400 ')).toEqual([
      'from 192.168.9.40/29 iif lan0 ipproto udp dport 5060-5070 dscp 46 lookup 9000 protocol 98',
    ]);
    expect(linesOf(text, 'ip -6 rule add pref 32400 ')).toEqual([]);
  });

  test('one that is to drop has a black hole behind its lines, and nothing that it matches leaves by others', () => {
    const policies = [{ rule: 0, family: 'ipv4', lines: [1] }] as const;
    const text = textOf(testSettings({ rules: [ONLY_FIBRE] }), testSteering([1, 2], { policies }));
    expect(linesOf(text, 'ip route replace ').filter(route => route.includes('table 9000'))).toEqual([
      'default via 192.0.1.1 dev eth1 src 192.0.1.2 table 9000 metric 100 proto 98',
      'blackhole default table 9000 metric 10000 proto 98',
    ]);
    expect(chainOf(text, 'guard')).toEqual([
      'type filter hook postrouting priority -150; policy accept;',
      'oifname "ppp0" meta nfproto ipv4 iifname "lan0" ip saddr 192.168.9.40/29 ip dscp 46 meta l4proto udp th dport 5060-5070 drop',
    ]);
  });

  test('one that is not to drop leaves an empty table when its lines are gone, and the selected line takes over', () => {
    const rule: UplinkRule = { ...ONLY_FIBRE, otherwise: 'selected' };
    const policies = [{ rule: 0, family: 'ipv4', lines: [] }] as const;
    const text = textOf(testSettings({ rules: [rule] }), testSteering([2], { policies }));
    expect(text).toContain('lookup 9000');
    expect(text).not.toContain('table 9000');
    expect(chainOf(text, 'guard')).toEqual([]);
  });

  test('ports without a protocol are guarded for TCP and UDP', () => {
    const rule: UplinkRule = { match: { destinationPorts: [25, 25] }, use: ['dsl'], otherwise: 'drop' };
    const text = textOf(testSettings({ rules: [rule] }), testSteering([1, 2]));
    expect(chainOf(text, 'guard').slice(1)).toEqual(
      ['ipv4', 'ipv6'].flatMap(family =>
        ['tcp', 'udp'].map(
          protocol => `oifname "eth1" meta nfproto ${family} meta l4proto ${protocol} th dport 25 drop`,
        ),
      ),
    );
  });

  test('preferences of a hundred rules do not reach that of the selected line', () => {
    expect(PREFERENCES.policies + MOST_POLICIES).toBeLessThanOrEqual(PREFERENCES.selected);
    const rules = Array.from({ length: MOST_POLICIES + 1 }, () => ONLY_FIBRE);
    const policies = rules.map((_, rule) => ({ rule, family: 'ipv4', lines: [1] }) as const);
    const text = textOf(testSettings({ rules }), testSteering([1, 2], { policies }));
    expect(text).toContain('pref 32499 ');
    expect(linesOf(text, 'ip rule add pref 32500 ')).toEqual(['from all lookup 8700 protocol 98']);
  });
});

describe('the nftables table', () => {
  test('is absent where the kernel has none', () => {
    const text = textOf(testSettings(), testSteering([1, 2]), { abilities: { nftables: false } });
    expect(text).not.toContain('table inet');
    expect(text).toContain('ip rule add pref 32500');
  });

  test('gives packets the address of the line in each family as it is wished', () => {
    const prefix = { kind: 'prefix', inside: 'fd00:9::/64', outside: '2001:db8:11::/64' } as const;
    const text = textOf(
      testSettings({
        lines: [
          testLine('fibre', 'eth1', { nat: { ipv4: { kind: 'masquerade' }, ipv6: prefix } }),
          testLine('dsl', 'ppp0', { nat: { ipv4: { kind: 'none' }, ipv6: { kind: 'masquerade' } } }),
        ],
      }),
      testSteering([1, 2]),
    );
    expect(chainOf(text, 'nat')).toEqual([
      'type nat hook postrouting priority 100; policy accept;',
      'oifname "eth1" meta nfproto ipv4 masquerade',
      'oifname "eth1" meta nfproto ipv6 ip6 saddr fd00:9::/64 snat ip6 prefix to 2001:db8:11::/64',
      'oifname "ppp0" meta nfproto ipv6 masquerade',
    ]);
  });

  test('shares new flows by client, in whole numbers, and leaves out what a rule is about', () => {
    const rules: UplinkRule[] = [
      { match: { protocol: 'tcp', destinationPorts: [22, 22] }, use: ['dsl'], otherwise: 'selected' },
    ];
    const settings = testSettings({ mode: 'share', rules });
    const shares = {
      ipv4: [
        { line: 1, weight: 30 },
        { line: 2, weight: 10 },
      ],
      ipv6: [],
    };
    const policies = [{ rule: 0, family: 'ipv4', lines: [2] }] as const;
    const text = textOf(settings, testSteering([1, 2], { shares, policies }));
    const fresh = 'meta nfproto ipv4 ct state new';
    expect(chainOf(text, 'share')).toEqual([
      'type filter hook prerouting priority -151; policy accept;',
      'iifname "eth1" accept',
      'iifname "ppp0" accept',
      `${fresh} meta nfproto ipv4 meta l4proto tcp th dport 22 accept`,
      `${fresh} meta mark & 0x3f000000 == 0x00000000 jhash ip saddr mod 4 < 3 meta mark set meta mark & 0xc0ffffff | 0x01000000`,
      `${fresh} meta mark & 0x3f000000 == 0x00000000 meta mark set meta mark & 0xc0ffffff | 0x02000000`,
    ]);
  });

  test('shares by flow: each line has its part of what is left', () => {
    const settings = testSettings({
      mode: 'share',
      sticky: 'flow',
      lines: [testLine('a', 'eth1'), testLine('b', 'ppp0'), testLine('c', 'eth3')],
    });
    const ipv4 = [1, 2, 3].map(line => ({ line, weight: 4 - line }));
    const text = textOf(settings, testSteering([1, 2, 3], { shares: { ipv4, ipv6: [] } }));
    expect(
      chainOf(text, 'share')
        .slice(3)
        .map(rule => / numgen .* < \d+/.exec(rule)?.[0]),
    ).toEqual([undefined, ' numgen random mod 6 < 3', ' numgen random mod 3 < 2', undefined]);
  });

  test('does not share in failover mode, nor without weights', () => {
    const shares = { ipv4: [{ line: 1, weight: 0 }], ipv6: [] };
    for (const mode of ['failover', 'share'] as const)
      expect(textOf(testSettings({ mode }), testSteering([1], { shares }))).not.toContain('chain share');
  });

  test('clamps segments both ways', () => {
    const text = textOf(testSettings({ clampMss: true }), testSteering([1, 2]));
    const clamp = 'tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu';
    expect(chainOf(text, 'clamp')).toEqual([
      'type filter hook forward priority -150; policy accept;',
      ...['eth1', 'ppp0'].flatMap(device => [`oifname "${device}" ${clamp}`, `iifname "${device}" ${clamp}`]),
    ]);
  });
});

test('a family in which no line has a path has no rules; link-local addresses have none either', () => {
  const settings = testSettings();
  expect(kernelPlan(settings, () => null, testSteering([1]), ALL)).toMatchObject({ routes: [], rules: [] });
  const ways = testWay(settings);
  const text = textOf(settings, testSteering([1]), {
    wayOf: (line, family) => {
      const way = ways(line, family);
      const local = { address: 'fe80::1', prefixLength: 64 };
      return way && { ...way, path: { ...way.path, addresses: [...way.path.addresses, local] } };
    },
  });
  expect(linesOf(text, 'ip -6 rule add pref 32301 ')).toEqual([
    'from 2001:db8:1::2/128 lookup 8801 protocol 98',
  ]);
});

test('markOf() shifts to the lowest bit of the mask, up to the highest bit of all', () => {
  expect(markOf(3, 0x3f00_0000)).toBe(0x0300_0000);
  expect(markOf(62, 0xfc00_0000)).toBe(0xf800_0000);
  expect(markOf(1, 0x3f00)).toBe(0x100);
});

const GOLDEN_TWO_LINES = `net/ipv4/conf/eth1/ignore_routes_with_linkdown = 1
net/ipv4/conf/eth1/rp_filter = 2
net/ipv6/conf/eth1/ignore_routes_with_linkdown = 1
net/ipv4/conf/ppp0/ignore_routes_with_linkdown = 1
net/ipv4/conf/ppp0/rp_filter = 2
net/ipv6/conf/ppp0/ignore_routes_with_linkdown = 1
ip route replace default via 192.0.1.1 dev eth1 src 192.0.1.2 table 8700 metric 100 proto 98
ip route replace default via 192.0.2.1 dev ppp0 src 192.0.2.2 table 8700 metric 200 proto 98
ip route replace default via 192.0.1.1 dev eth1 src 192.0.1.2 table 8801 metric 100 proto 98
ip route replace default via 192.0.2.1 dev ppp0 src 192.0.2.2 table 8802 metric 100 proto 98
ip route replace default via 192.0.1.1 dev eth1 src 192.0.1.2 table 8901 metric 100 proto 98
ip route replace default via 192.0.2.1 dev ppp0 src 192.0.2.2 table 8902 metric 100 proto 98
ip route replace default via 192.0.1.1 dev eth1 src 192.0.1.2 table 8701 metric 100 proto 98
ip route replace default via 192.0.2.1 dev ppp0 src 192.0.2.2 table 8702 metric 100 proto 98
ip rule add pref 32000 from all lookup main suppress_prefixlength 0 protocol 98
ip rule add pref 32011 from all oif eth1 lookup 8701 protocol 98
ip rule add pref 32012 from all oif ppp0 lookup 8702 protocol 98
ip rule add pref 32101 from all fwmark 0x1000000/0x3f000000 ipproto tcp lookup 8901 protocol 98
ip rule add pref 32102 from all fwmark 0x2000000/0x3f000000 ipproto tcp lookup 8902 protocol 98
ip rule add pref 32201 from all fwmark 0x1000000/0x3f000000 lookup 8801 protocol 98
ip rule add pref 32202 from all fwmark 0x2000000/0x3f000000 lookup 8802 protocol 98
ip rule add pref 32301 from 192.0.1.2/32 lookup 8801 protocol 98
ip rule add pref 32302 from 192.0.2.2/32 lookup 8802 protocol 98
ip rule add pref 32500 from all lookup 8700 protocol 98
table inet bondwire {
  chain heard {
    type filter hook prerouting priority -152; policy accept;
    iifname "eth1" meta nfproto ipv4 meta l4proto tcp ct direction reply counter
    iifname "eth1" meta nfproto ipv4 meta l4proto udp ct direction reply counter
    iifname "eth1" meta nfproto ipv6 meta l4proto tcp ct direction reply counter
    iifname "eth1" meta nfproto ipv6 meta l4proto udp ct direction reply counter
    iifname "ppp0" meta nfproto ipv4 meta l4proto tcp ct direction reply counter
    iifname "ppp0" meta nfproto ipv4 meta l4proto udp ct direction reply counter
    iifname "ppp0" meta nfproto ipv6 meta l4proto tcp ct direction reply counter
    iifname "ppp0" meta nfproto ipv6 meta l4proto udp ct direction reply counter
  }

  chain pre {
    type filter hook prerouting priority -150; policy accept;
    iifname "eth1" ct mark & 0x3f000000 == 0x00000000 ct mark set ct mark & 0xc0ffffff | 0x01000000
    iifname "ppp0" ct mark & 0x3f000000 == 0x00000000 ct mark set ct mark & 0xc0ffffff | 0x02000000
    iifname "eth1" accept
    iifname "ppp0" accept
    ct mark & 0x3f000000 == 0x01000000 meta mark set meta mark & 0xc0ffffff | 0x01000000
    ct mark & 0x3f000000 == 0x02000000 meta mark set meta mark & 0xc0ffffff | 0x02000000
  }

  chain out {
    type route hook output priority -150; policy accept;
    ct mark & 0x3f000000 == 0x01000000 meta mark set meta mark & 0xc0ffffff | 0x01000000
    ct mark & 0x3f000000 == 0x02000000 meta mark set meta mark & 0xc0ffffff | 0x02000000
  }

  chain post {
    type filter hook postrouting priority -149; policy accept;
    oifname "eth1" ct mark & 0x3f000000 == 0x00000000 ct mark set ct mark & 0xc0ffffff | 0x01000000
    oifname "ppp0" ct mark & 0x3f000000 == 0x00000000 ct mark set ct mark & 0xc0ffffff | 0x02000000
  }
}
`;
