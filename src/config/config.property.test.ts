// Properties of the room: no reader throws, whatever it reads; bondwire.yaml says the same after writing and reading.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cidrText, classLength, destinationText, prefixLength } from './addresses.js';
import { parseBondwireYaml, printBondwireYaml } from './bondwire/bondwire-yaml.js';
import { durationMs } from './durations.js';
import { importFiles } from './import-files.js';
import { matches } from './machine-match.js';
import { findLoops } from './module/module-loops.js';
import type { BondWish } from './wishes.js';

const PATHS = [
  'modules.conf',
  'ifcfg-bond0',
  'etc/network/interfaces',
  'bond0.netdev',
  'bond0.network',
  'netplan.yaml',
  'bondwire.yaml',
  'team.json',
  'bond0.nmconnection',
  'network-config',
  'nmstate/bond0.yml',
  'etc/modules',
  'rc.local',
  'mwan3',
  'etc/config/network',
  'unknown',
] as const;

/** Pieces that files of these formats are made of, in any order. */
const PIECES = [
  'alias bond0 bonding\n',
  'options bond0 mode=1 miimon=100\n',
  'options bonding max_bonds=',
  'probeall bond0 eth0 bond0\n',
  'DEVICE=',
  'BONDING_OPTS="mode=1 ',
  '"\n',
  'MASTER=bond0\nSLAVE=yes\n',
  'IPADDR=',
  '192.0.2.1',
  '2001:db8::1/64',
  '$(',
  '${',
  '`',
  "'",
  'auto bond0\n',
  'iface bond0 inet static\n',
  '  bond-slaves eth0 eth1\n',
  '  up ip link set eth0 master bond0\n',
  '  address ',
  '[connection]\ntype=bond\ninterface-name=bond0\n',
  '[bond]\n',
  '[ipv4]\naddress1=',
  'controller=',
  '[constructor]\n',
  'version: 2\n',
  'config:\n- {type: bond, name: bond0, bond_interfaces: [eth0], params: {',
  'bond-mode: 1, bond-miimon: ',
  '}, subnets: [{type: static, address: ',
  'interfaces:\n- {name: bond0, type: bond, link-aggregation: {mode: ',
  ', port: [eth0, ',
  ', options: {miimon: ',
  'iface bond0:1 inet static\n',
  'bond-primary eth0 eth1\n',
  '  pointopoint ',
  'mapping eth0\n  map a b\n',
  ' # ',
  '"link_watch": [{"name": "arp_ping", "target_host": "',
  'ifenslave bond0 eth0\n',
  'brctl addif br0 bond0\n',
  'bonding mode=1\n',
  '[NetDev]\n',
  'Kind=bond\n',
  'Name=bond0\n',
  '[Bond]\n',
  'MIIMonitorSec=',
  '[Match]\nName=',
  '[Network]\nBond=bond0\n',
  "config interface 'wan'\n\toption enabled '1'\n\tlist track_ip '192.0.2.1'\n",
  "config member 'm'\n\toption interface 'wan'\n\toption metric '",
  "config policy 'p'\n\tlist use_member 'm'\n",
  "config rule 'r'\n\toption use_policy 'p'\n\toption proto 'tcp'\n\toption dest_port '",
  "\toption src_ip '",
  "config interface 'wan6'\n\toption device '@wan'\n\toption proto '",
  'network:\n',
  '  bonds:\n',
  '    bond0:\n',
  '      interfaces: [',
  ']',
  '      parameters: {mode: ',
  '&a ',
  '*a',
  'bonds:\n',
  'version: 1\n',
  '{"device": "',
  '"runner": {"name": "',
  '}',
  '"ports": {',
  ': ',
  ', ',
  '\n',
  '\\\n',
  '\t',
  '#',
  '=',
  '-',
  '__proto__',
  'constructor',
  '0x',
  '9999999999',
  'é',
  '\0',
  '\r\n',
];
const content = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 6 })), { maxLength: 40 })
    .map(parts => parts.join('')),
);

describe('importFiles()', () => {
  test('never throws, and finds nothing outside of the files it was given', () => {
    const files = fc.uniqueArray(fc.record({ path: fc.constantFrom(...PATHS), text: content }), {
      selector: ({ path }) => path,
      maxLength: 3,
    });
    fc.assert(
      fc.property(files, given => {
        const { findings, bonds, uplink } = importFiles(given, [{ name: 'eth0', mac: '52:54:00:00:00:01' }]);
        const paths = new Set<string>(given.map(({ path }) => path));
        for (const { place, message } of findings) {
          expect(paths.has(place.file)).toBe(true);
          expect(place.line).toBeGreaterThanOrEqual(1);
          // oxlint-disable-next-line no-control-regex
          expect(message).not.toMatch(/[\u0000-\u001f]/);
        }
        printBondwireYaml(bonds, [], uplink);
      }),
      { numRuns: 3000 },
    );
  });

  test('what it makes of anything is a bondwire.yaml that can be read again, says the same, and has no error of its own', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PATHS.filter(path => path !== 'bondwire.yaml')),
        content,
        (path, text) => {
          const { bonds, uplink, findings } = importFiles([{ path, text }]);
          if (bonds.length === 0 && uplink === null) return;
          const yaml = printBondwireYaml(bonds, [], uplink);
          const again = parseBondwireYaml({ path: 'bondwire.yaml', text: yaml });
          expect(again.bonds).toEqual(bonds);
          expect(again.uplink).toEqual(uplink);
          const isError = ({ level }: { readonly level: string }): boolean => level === 'error';
          if (!findings.some(isError)) expect(again.findings.filter(isError)).toEqual([]);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

const name = fc
  .stringMatching(/^[a-zA-Z0-9._@-]{1,15}$/)
  .filter(each => !['.', '..', '__proto__'].includes(each));
const value = fc.oneof(
  fc.constantFrom(
    '1',
    '100',
    'on',
    'null',
    '~',
    'yes',
    '802.3ad',
    '',
    '0x10',
    '1_0',
    '- a',
    ': b',
    '#c',
    '"d"',
    "'e'",
    '{',
    '[',
    '*f',
    '&g',
    '!h',
    '%i',
    '@j',
    'k: l',
    'm #n',
    ' o ',
    '1.0',
    '.inf',
    '=',
    '<<',
    '|',
    '>',
  ),
  fc.string({ maxLength: 12 }),
);
const bondWish: fc.Arbitrary<BondWish> = fc.record({
  name,
  options: fc.dictionary(
    fc
      .stringMatching(/^[a-z_]{1,12}$/)
      .filter(each => !['arp_ip_target', 'ns_ip6_target', '__proto__'].includes(each)),
    value,
  ),
  members: fc.array(
    fc.record({
      name,
      options: fc.dictionary(
        fc.constantFrom('prio', 'queue_id', 'actor_port_prio'),
        fc.stringMatching(/^-?\d{1,3}$/),
      ),
    }),
    { maxLength: 3 },
  ),
  takeDown: fc.boolean(),
  addresses: fc.array(fc.constantFrom('192.0.2.1/24', '2001:db8::1/64', '::1/128'), { maxLength: 3 }),
  routes: fc.array(
    fc.record({
      to: fc.constantFrom('default', '198.51.100.0/24'),
      via: fc.constantFrom('192.0.2.254', 'fe80::1'),
    }),
    { maxLength: 2 },
  ),
  mtu: fc.option(fc.integer({ min: 68, max: 65535 })),
  mac: fc.option(fc.constant('02:00:00:00:00:01')),
  up: fc.boolean(),
});

test('printBondwireYaml() and parseBondwireYaml() are each other’s inverse, for whatever texts', () => {
  fc.assert(
    fc.property(fc.uniqueArray(bondWish, { selector: wish => wish.name, maxLength: 3 }), bonds => {
      const text = printBondwireYaml(bonds, ['a heading']);
      const parsed = parseBondwireYaml({ path: 'x', text });
      // Integer-like keys of a map come first in JavaScript.
      const sorted = (list: readonly BondWish[]) => list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      expect(sorted(parsed.bonds)).toEqual(sorted(bonds));
    }),
    { numRuns: 1000 },
  );
});

test('a key that JavaScript would swallow is an error, not silence', () => {
  const text = 'bonds:\n  bond0:\n    options: {mode: 1, miimon: 100, __proto__: x}\n';
  const errors = parseBondwireYaml({ path: 'x', text }).findings.filter(({ level }) => level === 'error');
  expect(errors).toEqual([
    {
      level: 'error',
      place: { file: 'x', line: 3, column: 37 },
      message: 'There is no key "__proto__" here.',
    },
  ]);
});

test('findLoops() ends for any references, and each loop comes back to where it began', () => {
  const node = fc.constantFrom<string>('a', 'b', 'c', 'd');
  const place = { file: 'x', line: 1 };
  fc.assert(
    fc.property(
      fc.array(fc.record({ from: node, to: fc.array(node, { maxLength: 3 }) }), { maxLength: 8 }),
      given => {
        const loops = findLoops(given.map(each => ({ ...each, place })));
        for (const { names } of loops) {
          expect(names.at(0)).toBe(names.at(-1));
          for (const [at, from] of names.slice(0, -1).entries()) {
            const to = names[at + 1] ?? '';
            expect(given.some(each => each.from === from && each.to.includes(to))).toBe(true);
          }
        }
        // Something leads back to itself exactly when a walk says so.
        const reach = (from: string, seen: Set<string>): Set<string> => {
          for (const to of given.filter(each => each.from === from).flatMap(each => each.to))
            if (!seen.has(to)) reach(to, seen.add(to));
          return seen;
        };
        const cyclic = ['a', 'b', 'c', 'd'].some(each => reach(each, new Set()).has(each));
        expect(loops.length > 0).toBe(cyclic);
      },
    ),
  );
});

describe('Texts of addresses and times', () => {
  test.each([
    ['255.255.255.0', 24],
    ['255.255.255.255', 32],
    ['0.0.0.0', 0],
    ['255.0.255.0', null],
    ['24', 24],
    ['/30', 30],
    ['33', null],
    ['', null],
  ])('prefixLength(%j) is %j', (text, length) => {
    expect(prefixLength(text)).toBe(length);
  });

  test('a class gives 8, 16 or 24; what has none gives nothing', () => {
    expect(['10.0.0.1', '172.16.0.1', '192.0.2.1', '224.0.0.1', 'x'].map(classLength)).toEqual([
      8,
      16,
      24,
      null,
      null,
    ]);
  });

  test.each([
    ['192.0.2.1/24', '192.0.2.1/24'],
    ['192.0.2.1/255.255.255.0', '192.0.2.1/24'],
    ['2001:DB8::0:1/64', '2001:db8::1/64'],
    ['192.0.2.1', null],
    ['192.0.2.1/24/8', null],
    ['2001:db8::1/129', null],
  ])('cidrText(%j) is %j', (text, cidr) => {
    expect(cidrText(text)).toBe(cidr);
  });

  test.each([
    ['default', 'default'],
    ['0.0.0.0/0', 'default'],
    ['::/0', 'default'],
    ['192.0.2.7', '192.0.2.7/32'],
    ['nowhere', null],
  ])('destinationText(%j) is %j', (text, destination) => {
    expect(destinationText(text)).toBe(destination);
  });

  test.each([
    ['100', 1, 100],
    ['100', 1000, 100_000],
    ['100ms', 1000, 100],
    ['1s', 1, 1000],
    ['0.2s', 1, 200],
    ['1min 30s', 1, 90_000],
    ['2h', 1, 7_200_000],
    ['500us', 1, 0.5],
    ['soon', 1, null],
    ['1 fortnight', 1, null],
    ['1constructor', 1, null],
    ['', 1, null],
    ['-5', 1, null],
  ])('durationMs(%j, %i) is %j', (text, bare, ms) => {
    expect(durationMs(text, bare)).toBe(ms);
  });

  test.each([
    ['eth*', 'eth0', true],
    ['eth*', 'eno1', false],
    ['eth?', 'eth10', false],
    ['eth[01]', 'eth1', true],
    ['eth[!01]', 'eth1', false],
    ['[z-a]', 'b', false],
    ['e.h0', 'eth0', false],
    ['*****************************************************************', 'eth0', false],
  ])('matches(%j, %j) is %j', (pattern, text, fits) => {
    expect(matches(pattern, text)).toBe(fits);
  });
});
