// mwan3's configuration as an uplink: devices, order, sharing, rules and times, and that nothing is lost without a word.
import { describe, expect, it } from 'vitest';
import { DEFAULT_MARK_MASK, DEFAULT_TARGETS } from '../../uplinks/index.js';
import { importFiles } from '../import-files.js';
import { parseUci } from './uci-file.js';

const TARGETS = 'list track_ip 192.0.2.1\nlist track_ip 192.0.2.2\n';

/** Interfaces a and b, members and a policy of both, by metric and weight. */
function office(a: string, b: string, more: string): string {
  const member = (name: string, said: string): string =>
    `config interface ${name}\noption enabled 1\n${TARGETS}config member ${name}_m\noption interface ${name}\n${said}\n`;
  return `${member('a', a)}${member('b', b)}config policy both\nlist use_member a_m\nlist use_member b_m\n${more}`;
}
const ALL = 'config rule all\noption use_policy both\n';
const ONLY_B = 'config policy only_b\nlist use_member b_m\n';

function read(mwan3: string, network?: string) {
  const files = [{ path: 'etc/config/mwan3', text: mwan3 }];
  if (network !== undefined) files.push({ path: 'etc/config/network', text: network });
  const { uplink, findings } = importFiles(files);
  return { uplink, told: findings.map(({ level, message }) => `${level}: ${message}`), findings };
}

describe('the device of a line', () => {
  const one = `config interface wan\noption enabled 1\n${TARGETS}`;
  const deviceOf = (network: string, name = 'wan') =>
    read(
      one.replace('wan', name),
      `config interface lan\noption proto static\noption device br-lan\n${network}`,
    );

  it.each([
    ['option proto dhcp\noption device eth1', 'eth1'],
    ['option proto dhcp\noption ifname eth0.2', 'eth0.2'],
    ['option proto pppoe\noption device eth1', 'pppoe-wan'],
    ['option proto 3g\noption device /dev/ttyUSB0', '3g-wan'],
    ['option proto wireguard', 'wan'],
    ['option proto static\noption type bridge\noption ifname eth1', 'br-wan'],
    ['option proto static\noption ifname "eth1 eth2"', 'br-wan'],
    ['option proto dhcpv6\noption device @lan', 'br-lan'],
  ])('%j is %s', (said, device) => {
    const { uplink, told } = deviceOf(`config interface wan\n${said}\n`);
    expect(uplink?.lines[0]?.device).toBe(device);
    expect(told.filter(text => /own name was taken/.test(text))).toEqual([]);
  });

  it('is that of wan for wan_6, which netifd makes of it', () => {
    const { uplink, told } = deviceOf(
      'config interface wan\noption proto pppoe\noption device eth1\n',
      'wan_6',
    );
    expect(uplink?.lines[0]?.device).toBe('pppoe-wan');
    expect(told.filter(text => text.startsWith('warning') && /half|own name/.test(text))).toEqual([]);
  });

  it.each(['option proto qmi\noption device /dev/cdc-wdm0', 'option proto dhcpv6\noption device @wan'])(
    'is a guess that is told for %j',
    said => {
      const { uplink, told } = deviceOf(`config interface wan\n${said}\n`);
      expect(uplink?.lines[0]?.device).toBe('wan');
      expect(told.join('\n')).toContain('warning: /etc/config/network does not say which device wan');
    },
  );
});

describe('order and sharing', () => {
  it('the lowest metric comes first, whatever the order of the file', () => {
    const { uplink } = read(office('option metric 20', 'option metric 10', ALL));
    expect(uplink?.mode).toBe('failover');
    expect(uplink?.lines.map(({ name, weight }) => [name, weight])).toEqual([
      ['b', 1],
      ['a', 1],
    ]);
  });

  it('equal metrics share by weight; by flow, unless a rule is sticky', () => {
    const text = office('option weight 3', 'option weight 2', ALL);
    const { uplink } = read(text);
    expect([uplink?.mode, uplink?.sticky]).toEqual(['share', 'flow']);
    expect(uplink?.lines.map(({ weight }) => weight)).toEqual([3, 2]);
    expect(read(`${text}option sticky 1\n`).uplink?.sticky).toBe('client');
  });

  it('a line of no policy and no rule is left out, and one of a rule alone is last', () => {
    const rule = 'config rule r\noption dest_port 25\noption proto tcp\noption use_policy only_b\n';
    const text = office('', '', `${ONLY_B}config policy only_a\nlist use_member a_m\n`);
    const only = 'config rule all\noption use_policy only_a\n';
    expect(read(`${text}${only}`).uplink?.lines.map(({ name }) => name)).toEqual(['a']);
    const { uplink } = read(`${text}${rule}${only}`);
    expect(uplink?.lines.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(uplink?.mode).toBe('failover');
  });

  it('of a policy without members, the order of the file is taken, with a warning', () => {
    const { uplink, told } = read(
      office('', '', 'config policy none\nconfig rule all\noption use_policy none\n'),
    );
    expect(uplink?.lines).toHaveLength(2);
    expect(told.join('\n')).toContain(
      'warning: The rule all is for all packets of IPv4 and IPv6, and no enabled interface',
    );
  });
});

describe('rules', () => {
  /** The interface of the rule's policy is of the rule's family. */
  const ruled = (said: string) => {
    const more = `${ONLY_B}config rule r\n${said}\noption use_policy only_b\n${ALL}`;
    const family = said.includes('ipv6') ? 'option family ipv6' : '';
    const text = office('option metric 1', 'option metric 2', more);
    return read(text.replace('config interface b\n', `config interface b\n${family}\n`));
  };

  it.each([
    ['option src_ip 10.0.0.0/8', [{ from: '10.0.0.0/8' }]],
    ['option dest_ip 2001:db8::/32\noption family ipv6', [{ to: '2001:db8::/32' }]],
    ['option proto udp\noption family ipv6', [{ to: '::/0', protocol: 'udp' }]],
    ['option proto 6', [{ protocol: 'tcp' }]],
    ['option proto tcp\noption dest_port 0:65535', [{ protocol: 'tcp' }]],
    [
      'option proto tcp\noption src_port 1000:2000\noption dest_port 80,443',
      [
        { protocol: 'tcp', sourcePorts: [1000, 2000], destinationPorts: [80, 80] },
        { protocol: 'tcp', sourcePorts: [1000, 2000], destinationPorts: [443, 443] },
      ],
    ],
    ['list src_ip 10.0.0.1\nlist src_ip 10.0.0.2', [{ from: '10.0.0.1/32' }, { from: '10.0.0.2/32' }]],
    ['option src_iface lan', [{ incoming: 'lan' }]],
  ])('%j', (said, matches) => {
    expect(ruled(said).uplink?.rules).toEqual(
      matches.map(match => ({ match, use: ['b'], otherwise: 'drop' })),
    );
  });

  it('of a family in which its policy has no interface cannot be had', () => {
    const rule = 'config rule r\noption proto udp\noption family ipv6\noption use_policy only_b\n';
    const { uplink, told } = read(office('', '', `${ONLY_B}${rule}${ALL}`));
    expect(uplink?.rules).toEqual([]);
    expect(told.join('\n')).toContain('warning: The rule r was left out: no enabled interface of its family');
  });

  it('last_resort default lets packets go as all others', () => {
    const text = office(
      '',
      '',
      `${ONLY_B}option last_resort default\nconfig rule r\noption dest_ip 192.0.2.9\noption use_policy only_b\n${ALL}`,
    );
    expect(read(text).uplink?.rules).toEqual([
      { match: { to: '192.0.2.9/32' }, use: ['b'], otherwise: 'selected' },
    ]);
  });

  it('that go as all others stand only before one that would take their packets', () => {
    const as = 'config rule as\noption dest_ip 192.0.2.9\noption use_policy both\n';
    const own = 'config rule own\noption dest_ip 192.0.2.0/24\noption use_policy only_b\n';
    const rules = (text: string) =>
      read(office('option metric 1', 'option metric 2', `${ONLY_B}${text}${ALL}`)).uplink?.rules.map(
        ({ use }) => use,
      );
    expect(rules(as)).toEqual([]);
    expect(rules(`${own}${as}`)).toEqual([['b']]);
    expect(rules(`${as}${own}`)).toEqual([['a', 'b'], ['b']]);
  });

  it('more than an uplink has room for are refused', () => {
    const ports = Array.from({ length: 100 }, (_, at) => at + 1).join(',');
    const { told, uplink } = ruled(`option proto tcp\noption dest_port ${ports}`);
    expect(told.join('\n')).toContain('error: These make 100 rules');
    expect(uplink?.rules).toHaveLength(99);
  });
});

describe('what an uplink has once', () => {
  it.each([
    ['', DEFAULT_MARK_MASK],
    ['option mmx_mask 0x3F00', DEFAULT_MARK_MASK],
    ['option mmx_mask 0xff00', 0xff00],
    ['option mmx_mask 0x5a00', DEFAULT_MARK_MASK],
  ])('%j gives the mask', (said, mask) => {
    const { uplink } = read(`config globals globals\n${said}\n${office('', '', ALL)}`);
    expect(uplink?.markMask).toBe(mask);
  });

  it('return is up times the interval, and thresholds are those of check_quality', () => {
    const said =
      'option interval 5\noption up 8\noption check_quality 1\noption failure_loss 30\noption recovery_loss 5\noption failure_latency 700\n';
    const { uplink } = read(office('', '', ALL).replace('option enabled 1\n', `option enabled 1\n${said}`));
    expect(uplink?.return).toEqual({ afterMs: 40_000, at: null });
    expect(uplink?.timing).toMatchObject({ lossEnter: 30, lossLeave: 5, latencyEnterMs: 700 });
  });

  it('one target has a second beside it, and none the usual ones', () => {
    const text = office('', '', ALL).replace(TARGETS, 'list track_ip 1.1.1.1\n').replace(TARGETS, '');
    const [a, b] = read(text).uplink?.lines ?? [];
    expect(a?.targets.ipv4).toEqual(['1.1.1.1', '9.9.9.9']);
    expect(b?.targets).toEqual(DEFAULT_TARGETS);
  });
});

describe('nothing is lost without a word', () => {
  it.each(['globals', 'interface', 'member', 'policy', 'rule', 'else'])(
    'an option of a section %s that is not known is told',
    type => {
      const start = office('option metric 1', 'option metric 2', ALL);
      const lines = `config globals g\n${start}config else e\n`.split('\n');
      const at = lines.findIndex(line => line.startsWith(`config ${type} `));
      const text = lines.toSpliced(at + 1, 0, 'option colour green').join('\n');
      const { findings } = read(text);
      const its = findings.filter(({ place }) => place.line === at + 1 || place.line === at + 2);
      expect(its.map(({ message }) => message).join('\n')).toMatch(/colour green|type else/);
    },
  );

  it('each option that mwan3 has is named by a finding, or has one at its line', () => {
    const interfaceSays =
      'initial_state track_method httping_ssl reliability count size max_ttl check_quality failure_latency recovery_latency failure_loss recovery_loss timeout interval failure_interval recovery_interval keep_failure_interval down up flush_conntrack family'
        .split(' ')
        .map(name => `option ${name} ${name === 'family' ? 'ipv4' : '7'}`)
        .join('\n');
    const globals =
      'mmx_mask local_source rtmon_interval rtmon_interface logging loglevel rt_table_lookup enabled'
        .split(' ')
        .map(name => `option ${name} 7`)
        .join('\n');
    const text = `config globals globals\n${globals}\n${office('', '', ALL).replace('option enabled 1\n', `option enabled 1\n${interfaceSays}\n`)}option sticky 1\noption timeout 5\noption logging 1\n`;
    const { findings } = read(text);
    const spoken = findings.map(({ message }) => message).join('\n');
    const silent = parseUci({ path: 'mwan3', text }).sections.flatMap(({ options }) =>
      options.filter(({ name, values }) => {
        const hasPlace = values.some(value => findings.some(({ place }) => place.line === value.place.line));
        return !hasPlace && !spoken.includes(name);
      }),
    );
    // Said in other words: that the interface counts, what a policy has, what a rule uses.
    const inOtherWords = new Set([
      'enabled',
      'interface',
      'use_member',
      'use_policy',
      'count',
      'keep_failure_interval',
      'failure_interval',
    ]);
    expect(silent.map(({ name }) => name).filter(name => !inOtherWords.has(name))).toEqual([]);
  });

  it('without an enabled interface there is no uplink, and an error', () => {
    const { uplink, told } = read(`config interface wan\n${TARGETS}`);
    expect(uplink).toBeNull();
    expect(told.join('\n')).toContain('error: No interface here is enabled');
  });

  it('two uplinks are one too many', () => {
    const own = 'uplinks: { office: { lines: { x: { device: eth9 } } } }\n';
    const { uplink, findings } = importFiles([
      { path: 'bondwire.yaml', text: own },
      { path: 'mwan3', text: office('', '', ALL) },
    ]);
    expect(uplink?.name).toBe('office');
    expect(findings.map(({ message }) => message).join('\n')).toContain(
      'uplink0 is a second uplink beside that of bondwire.yaml',
    );
  });
});
