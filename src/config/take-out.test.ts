import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { hasProgram } from '../../test/support/test-files.js';
import type { SourceFile } from './facts.js';
import { importFiles } from './import-files.js';
import { takeOut } from './take-out.js';

const CASES = fileURLToPath(new URL('../../test/corpus/cases', import.meta.url));
const MACHINE = ['eth0', 'eth1', 'eth2', 'eth3', 'eno1', 'eno2'].map((name, at) => ({
  name,
  mac: `52:54:00:00:00:0${at + 1}`,
  type: 'ether',
}));

/** Formats of which the files themselves stay. */
const STAY: ReadonlySet<string | null> = new Set(['bondwire', 'cloud-init', null]);

function filesOf(name: string): SourceFile[] {
  const folder = join(CASES, name);
  return readdirSync(folder, { recursive: true })
    .map(path => join(folder, String(path)))
    .filter(path => statSync(path).isFile())
    .toSorted()
    .map(path => ({ path: relative(folder, path), text: readFileSync(path, 'utf8') }));
}

function changed(files: readonly SourceFile[], out: ReturnType<typeof takeOut>): SourceFile[] {
  return files.flatMap(file => {
    const after = out.files.find(({ path }) => path === file.path);
    return after === undefined ? [file] : after.text === null ? [] : [{ path: file.path, text: after.text }];
  });
}

const cases = readdirSync(CASES)
  .toSorted()
  .map(name => ({ name, files: filesOf(name) }))
  .filter(({ files }) => {
    const imported = importFiles(files, MACHINE);
    return (
      imported.bonds.length > 0 &&
      imported.findings.every(({ level }) => level !== 'error') &&
      imported.files.every(({ format }) => !STAY.has(format))
    );
  });

test('there are cases of every format that can be taken out', () => {
  const formats = new Set(
    cases.flatMap(({ files }) => importFiles(files, MACHINE).files.map(each => each.format)),
  );
  expect(formats).toEqual(
    new Set([
      'ifcfg',
      'interfaces',
      'keyfile',
      'modules',
      'netplan',
      'networkd',
      'nmstate',
      'script',
      'teamd',
    ]),
  );
});

/** One of each format, and one with white space in a name. */
const PATCHED = new Set([
  'ifcfg-howto',
  'interfaces-storeys',
  'keyfile-active-backup',
  'netplan-active-backup',
  'networkd-comments',
  'nmstate-policy',
]);

describe('takeOut()', () => {
  test.each(cases)('of $name leaves files that make no bond', ({ files }) => {
    const imported = importFiles(files, MACHINE);
    const out = takeOut(files, imported);
    const again = importFiles(changed(files, out), MACHINE);
    // Bonds in braces have no lines of their own: nothing is offered for those.
    const untouched = new Set(
      imported.files.flatMap(({ path, format }) =>
        format === 'netplan' && out.files.every(each => each.path !== path) ? [path] : [],
      ),
    );
    if (untouched.size === 0) expect(again.bonds.map(({ name }) => name)).toEqual([]);
    expect(out.diff === '').toBe(out.files.length === 0);
  });

  test.runIf(hasProgram('patch'))(
    'patch(1) makes of the diff what is foretold, also without an end of the last line',
    () => {
      const root = mkdtempSync(join(tmpdir(), 'bondwire-take-out-'));
      try {
        for (const { name, files: given } of cases.filter(each => PATCHED.has(each.name))) {
          const files = given.map(({ path, text }) => ({ path, text: text.replace(/\n$/, '') }));
          const out = takeOut(files, importFiles(files, MACHINE));
          if (out.diff === '') continue;
          const folder = join(root, name);
          for (const { path, text } of files) {
            mkdirSync(dirname(join(folder, path)), { recursive: true });
            writeFileSync(join(folder, path), text);
          }
          execFileSync('patch', ['-d', folder, '-p1', '--no-backup-if-mismatch', '-s'], { input: out.diff });
          for (const { path, text } of out.files) {
            const there = existsSync(join(folder, path)) ? readFileSync(join(folder, path), 'utf8') : null;
            expect(there?.trimEnd() ?? null, `${name}: ${path}`).toBe(text?.trimEnd() ?? null);
          }
        }
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    },
  );
});

/** The files as they are after the diff, with what it adds; by their paths. */
function after(files: Readonly<Record<string, string>>): { texts: Record<string, string>; hints: string } {
  const sources = Object.entries(files).map(([path, text]) => ({ path, text }));
  const out = takeOut(sources, importFiles(sources, MACHINE));
  const texts = { ...files, ...Object.fromEntries(out.files.map(({ path, text }) => [path, text ?? ''])) };
  return { texts, hints: out.hints.join('\n') };
}

/** Without what became comments. */
const counting = (text = ''): string => text.replaceAll(/^\s*#.*\n/gm, '');

describe('what stands above a bond goes on', () => {
  const cards = `
    eno1: { match: { macaddress: "52:54:00:00:00:05" }, set-name: eno1 }
    eno2: { mtu: 9000 }`;
  const above = `
  vlans:
    v9: { id: 9, link: bond0, addresses: [10.9.0.2/24] }
`;

  test('netplan has no name that none of its files has, and keeps addresses below ethernets', () => {
    const file = `network:
  version: 2
  ethernets:${cards}
  bonds:
    bond0:
      interfaces:
      - eno1
      - eno2
      addresses:
      - 10.0.0.2/24
      parameters: { mode: active-backup, mii-monitor-interval: 100 }${above}`;
    const { texts, hints } = after({ 'etc/netplan/1.yaml': file });
    expect(counting(texts['etc/netplan/1.yaml'])).toBe(`network:
  version: 2
  ethernets:
    bond0:
      addresses:
      - 10.0.0.2/24${above}`);
    expect(hints).toContain('bond0 stays in etc/netplan/1.yaml as an ordinary interface');
    expect(texts['etc/systemd/network/10-bondwire-eno1.link']).toBe(
      '[Match]\nPermanentMACAddress=52:54:00:00:00:05\n\n[Link]\nName=eno1\n',
    );
  });

  test('of netplan, also where it stands in another file, and nothing is left to say of the bond', () => {
    const file = `network:
  renderer: NetworkManager
  bonds:
    bond0:
      interfaces: [eth0, eth1]
      parameters: { mode: active-backup }
    bond1: { interfaces: [eth2, eth3] }
`;
    const { texts } = after({ 'etc/netplan/1.yaml': file, 'etc/netplan/2.yaml': `network:${above}` });
    expect(counting(texts['etc/netplan/1.yaml'])).toBe(`network:
  renderer: NetworkManager
  ethernets:
    bond0: {}
`);
    // NetworkManager would ask for addresses by every card that no file has.
    expect(texts['etc/NetworkManager/conf.d/90-bondwire.conf']).toMatch(
      /=interface-name:bond1;interface-name:eth0;/,
    );
  });

  test('a bond by which netplan asks for addresses goes on asking', () => {
    const bond = 'interfaces: [eth0]\n      dhcp4: yes\n      parameters: {mode: active-backup}\n';
    const { texts } = after({ 'etc/netplan/1.yaml': `network:\n  bonds:\n    bond0:\n      ${bond}` });
    expect(counting(texts['etc/netplan/1.yaml'])).toBe(
      'network:\n  ethernets:\n    bond0:\n      dhcp4: yes\n',
    );
  });

  test('ifupdown goes on asking by a bond, which is none to it any more', () => {
    const file = `auto bond0 eth3
iface bond0 inet dhcp
  bond-slaves eth0 eth1
  bond-mode active-backup
  bond-miimon 100
  hostname web
  mtu 9000
  up ip link set eth2 master bond0
  up logger bond0
iface bond0 inet6 static
  address 2001:db8::2/64
auto bond1
iface bond1 inet manual
  bond-slaves eno1
iface eth3 inet dhcp
`;
    const { texts } = after({ 'etc/network/interfaces': file });
    expect(counting(texts['etc/network/interfaces'])).toBe(`auto bond0 eth3
iface bond0 inet dhcp
  hostname web
  up logger bond0
iface eth3 inet dhcp
`);
  });

  test('networkd keeps the addresses of a bond with VLANs, as it takes away what its file does not have', () => {
    const network =
      '[Match]\nKind=bond\n[Network]\nVLAN=v9\nAddress=10.0.0.2/24\n[Route]\nGateway=10.0.0.1\n';
    const other = '[Match]\nName=eth3\n[Network]\nVLAN=v8\nAddress=10.8.0.2/24\n';
    const { texts } = after({
      'etc/systemd/network/1.netdev': '[NetDev]\nName=bond0\nKind=bond\n',
      'etc/systemd/network/2.network': '[Match]\nName=eth0 eth1\n[Network]\nBond=bond0\n',
      'etc/systemd/network/3.network': network,
      'etc/systemd/network/4.network': other,
    });
    expect(texts['etc/systemd/network/1.netdev']).toBe('');
    expect(texts['etc/systemd/network/3.network']).toBe(network.replace('Kind=bond', 'Name=bond0'));
    expect(texts['etc/systemd/network/4.network']).toBe(other);
  });

  test('a connection of NetworkManager names its parent by the name that stays', () => {
    const folder = 'etc/NetworkManager/system-connections';
    const uuid = '8f1d6b5e-0000-4000-8000-000000000001';
    const vlan = (parent: string): string =>
      `[connection]\ntype=vlan\ninterface-name=v9\n[vlan]\nid=9\nparent=${parent}\n`;
    const { texts } = after({
      [`${folder}/b.nmconnection`]: `[connection]\nid=b\nuuid=${uuid}\ntype=bond\ninterface-name=bond0\n[bond]\nmode=active-backup\n`,
      [`${folder}/e.nmconnection`]: `[connection]\ntype=ethernet\ninterface-name=eth0\nmaster=${uuid}\nslave-type=bond\n`,
      [`${folder}/v.nmconnection`]: vlan(uuid),
    });
    expect(texts[`${folder}/v.nmconnection`]).toBe(vlan('bond0'));
    expect(texts[`${folder}/e.nmconnection`]).toBe('');
  });

  test('a state of nmstate keeps all that is none of the bond', () => {
    const keeps = `- name: eth3
  type: ethernet
  ipv4: {enabled: true, address: [{ip: 203.0.113.9, prefix-length: 24}]}
`;
    const route = (iface: string): string =>
      `  - destination: 0.0.0.0/0\n    next-hop-address: 10.0.0.1\n    next-hop-interface: ${iface}\n`;
    const bond =
      '- name: bond0\n  type: bond\n  link-aggregation:\n    mode: active-backup\n    port:\n    - eth0\n';
    const file = `interfaces:\n${bond}${keeps}routes:\n  config:\n${route('bond0')}${route('eth3')}`;
    const { texts } = after({ 'etc/nmstate/a.yml': file });
    expect(counting(texts['etc/nmstate/a.yml'])).toBe(
      `interfaces:\n${keeps}routes:\n  config:\n${route('eth3')}`,
    );
    const braces =
      '{"interfaces":[{"name":"bond0","type":"bond","link-aggregation":{"mode":"active-backup","port":["eth0"]}},{"name":"eth3"}]}';
    const inBraces = after({ 'etc/nmstate/a.json': braces });
    expect(inBraces.texts['etc/nmstate/a.json']).toBe(braces);
    expect(inBraces.hints).toContain('etc/nmstate/a.json has its bonds in braces');
  });

  test('a script is one that a shell takes, and does what else it did', () => {
    const script = `#!/bin/sh
if [ -d /sys/class/net/eth1 ]; then
  ifenslave bond0 eth0 eth1
fi
modprobe bonding mode=1 \\
  miimon=100
ip addr add 10.0.0.1/24 dev bond0 && start-service
`;
    const { texts, hints } = after({ 'etc/rc.local': script });
    execFileSync('sh', ['-n'], { input: texts['etc/rc.local'] });
    expect(texts['etc/rc.local']).toMatch(/then\n {2}: # ifenslave bond0 eth0 eth1\nfi\n/);
    expect(counting(texts['etc/rc.local'])).not.toContain('miimon');
    expect(texts['etc/rc.local']).toContain('\nip addr add 10.0.0.1/24 dev bond0 && start-service\n');
    expect(hints).toContain('Line 7 of etc/rc.local has commands besides those for the bond');
  });
});
