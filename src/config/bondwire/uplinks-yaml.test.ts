// `uplinks:` of bondwire.yaml: what it says, what is left unsaid, and what is wrong.
import { describe, expect, it } from 'vitest';
import { DEFAULT_TARGETS, DEFAULT_TIMING } from '../../uplinks/index.js';
import { parseBondwireYaml } from './bondwire-yaml.js';

function read(text: string) {
  return parseBondwireYaml({ path: 'office.yaml', text });
}

function problems(text: string): string[] {
  return read(text).findings.map(({ place, message }) => `${place.line}: ${message}`);
}

const OFFICE = `uplinks:
  office:
    lines:
      fibre: { device: eth1 }
      dsl:   { device: ppp0, metered: true, budget: { gb: 50, reset: 1 } }
    nat: masquerade
    return: { after: 30s }
    rules:
      - { match: { dport: 22 }, existing: { tcp: keep 10s } }
      - { match: { from: 192.168.9.40/29 }, use: [fibre], else: drop }
`;

describe('an office in ten lines', () => {
  it('has all defaults filled in', () => {
    const { bonds, uplink, findings } = read(OFFICE);
    expect(findings).toEqual([]);
    expect(bonds).toEqual([]);
    const line = {
      gateway: { ipv4: null, ipv6: null },
      nat: { ipv4: { kind: 'masquerade' }, ipv6: { kind: 'masquerade' } },
      metered: false,
      budget: null,
      weight: 1,
      targets: DEFAULT_TARGETS,
      dns: [],
      http: null,
      tcp: null,
    };
    expect(uplink).toEqual({
      name: 'office',
      lines: [
        { ...line, name: 'fibre', device: 'eth1' },
        { ...line, name: 'dsl', device: 'ppp0', metered: true, budget: { bytes: 50e9, resetDay: 1 } },
      ],
      mode: 'failover',
      sticky: 'client',
      rules: [
        { match: { destinationPorts: [22, 22] }, otherwise: 'selected', keepTcpMs: 10_000 },
        { match: { from: '192.168.9.40/29' }, use: ['fibre'], otherwise: 'drop' },
      ],
      markMask: 0x3f00_0000,
      clampMss: true,
      return: { afterMs: 30_000, at: null },
      timing: DEFAULT_TIMING,
    });
  });

  it('may stand beside bonds', () => {
    const { bonds, uplink, findings } = read(
      `bonds:\n  bond0: { options: { miimon: 100 }, members: [eth0] }\n${OFFICE}`,
    );
    expect([bonds.length, uplink?.name, findings]).toEqual([1, 'office', []]);
  });
});

function line(text: string): string[] {
  return problems(`uplinks: { o: { lines: { a: { device: eth1, ${text} } } } }`);
}

describe('what a line says', () => {
  it.each([
    ['gateway: 192.0.2.1', { gateway: { ipv4: '192.0.2.1', ipv6: null } }],
    ['gateway: "fe80::1"', { gateway: { ipv4: null, ipv6: 'fe80::1' } }],
    ['gateway: { ipv4: 192.0.2.1, ipv6: "fe80::1" }', { gateway: { ipv4: '192.0.2.1', ipv6: 'fe80::1' } }],
    [
      'targets: [192.0.2.1, 192.0.2.2]',
      { targets: { ipv4: ['192.0.2.1', '192.0.2.2'], ipv6: DEFAULT_TARGETS.ipv6 } },
    ],
    ['dns: [192.0.2.53, "[2001:db8::53]:5353"]', { dns: ['192.0.2.53', '[2001:db8::53]:5353'] }],
    [
      'http: { url: "http://192.0.2.80/ok", body: " yes " }',
      { http: { url: 'http://192.0.2.80/ok', status: 200, body: 'yes' } },
    ],
    ['budget: { mb: 1.5 }', { budget: { bytes: 1_500_000, resetDay: null } }],
    [
      'nat: "prefix fd00:9::/64 2001:db8:11::/64"',
      {
        nat: {
          ipv4: { kind: 'none' },
          ipv6: { kind: 'prefix', inside: 'fd00:9::/64', outside: '2001:db8:11::/64' },
        },
      },
    ],
  ])('%s', (text, expected) => {
    const { uplink, findings } = read(`uplinks: { o: { lines: { a: { device: eth1, ${text} } } } }`);
    expect(findings).toEqual([]);
    expect(uplink?.lines[0]).toMatchObject(expected);
  });

  it.each([
    ['gateway: nowhere', 'nowhere is no IPv4 address of a gateway'],
    ['gateway: { ipv6: 192.0.2.1 }', '192.0.2.1 is no IPv6 address of a gateway'],
    ['targets: [192.0.2.1]', 'A line needs two targets or more of a family'],
    ['targets: [one.example, two.example]', 'one.example is no address; names are not taken'],
    ['dns: [dns.example]', 'dns.example is no address; write it as'],
    ['http: { url: "https://x.example/" }', 'https://x.example/ is no address that begins with http://'],
    ['http: { url: "http://x.example/", status: 99 }', 'status 99 is no status of HTTP'],
    ['budget: { reset: 1 }', 'A budget needs "gb" or "mb"'],
    ['budget: { gb: 5, reset: 32 }', 'reset 32 is no day of a month'],
    ['weight: 1001', 'weight 1001 is not a whole number from 0 (it only stands by) to 1000'],
    ['nat: snat', 'nat snat is not none, masquerade or "prefix INSIDE OUTSIDE"'],
    ['nat: "prefix fd00::/64 2001:db8::/48"', 'have other lengths'],
    ['metered: maybe', 'it must be true or false'],
    ['track_ip: [192.0.2.1, 192.0.2.2]', 'did you mean "targets"?'],
    ['devise: eth2', 'did you mean "device", which is given too?'],
  ])('%s is refused', (text, expected) => {
    expect(line(text).join('\n')).toContain(expected);
  });
});

describe('what an uplink says', () => {
  const uplink = (text: string): string =>
    problems(`uplinks: { o: { lines: { a: { device: eth1 }, b: { device: eth2 } }, ${text} } }`).join('\n');

  it.each([
    ['mode: load', 'it must be failover or share'],
    ['return: sometimes', 'return sometimes is no time up to a day'],
    ['return: { at: "25:00" }', 'at 25:00 is no time of day'],
    ['mark_mask: 0x5', 'must be bits that stand together'],
    ['mark_mask: 0x1', 'with room for 2 lines'],
    ['silence: 300', 'A silence of 300 ms is shorter than four questions'],
    ['loss: { enter: 5, leave: 5 }', 'loss must be left at less than it is entered at'],
    ['timeout: 4', 'did you mean "silence"?'],
    ['rules: [{ match: { dport: 0 }, use: [a] }]', 'dport 0 is no number up to 65535'],
    ['rules: [{ match: { dport: 9-8 }, use: [a] }]', 'dport 9-8 is no number up to 65535'],
    ['rules: [{ match: {}, use: [a] }]', 'A rule needs something to match'],
    ['rules: [{ match: { dport: 22 } }]', 'A rule needs "use" or "existing"'],
    ['rules: [{ match: { dport: 22 }, use: [c] }]', 'There is no line c'],
    ['rules: [{ match: { dport: 22 }, else: drop, existing: { tcp: keep 5s } }]', '"else: drop" needs "use"'],
    ['rules: [{ match: { dport: 22 }, existing: { tcp: drop } }]', 'must be "keep" and a time'],
    ['rules: [{ match: { dscp: gold }, use: [a] }]', 'dscp gold is no number from 0 to 63'],
    ['rules: [{ match: { from: 10.0.0.0/8, to: "fd00::/8" }, use: [a] }]', 'are of two families'],
    ['rules: [{ match: { protocol: icmp, dport: 1 }, use: [a] }]', 'icmp has no ports'],
    ['rules: [{ match: { protocol: sctp }, use: [a] }]', 'protocol sctp is none of'],
    ['rules: [{ match: { src: 10.0.0.0/8 }, use: [a] }]', 'did you mean "from"?'],
  ])('%s is refused', (text, expected) => {
    expect(uplink(text)).toContain(expected);
  });

  it('needs lines with devices of their own, and names that keep their order', () => {
    expect(problems('uplinks: { o: { lines: {} } }')[0]).toContain('at least one line');
    expect(problems('uplinks: { o: { lines: { a: { device: e }, b: { device: e } } } }')[0]).toContain(
      'e is the device of a already',
    );
    expect(problems('uplinks: { o: { lines: { 2: { device: e }, 1: { device: f } } } }').join()).toContain(
      '"2" cannot name a line: begin with a letter',
    );
  });

  it('there is one, as it has the tables and marks of the whole namespace', () => {
    const text = 'uplinks: { a: { lines: { x: { device: e } } }, b: { lines: { y: { device: f } } } }';
    expect(problems(text)).toEqual([
      '1: b is a second uplink; a network namespace has one, with all its lines. Write its lines below the first.',
    ]);
  });

  it('DSCP has names', () => {
    const { uplink } = read(
      'uplinks: { o: { lines: { a: { device: e } }, rules: [{ match: { dscp: AF41 }, use: [a] }] } }',
    );
    expect(uplink?.rules[0]?.match).toEqual({ dscp: 34 });
  });
});
