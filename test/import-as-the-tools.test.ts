// What import does as networkd (252) and netplan (0.106) do, each seen with those programs themselves; routes of other formats likewise.
import { describe, expect, test } from 'vitest';
import { importFiles, type KnownInterface } from '../src/config/index.js';

const MACHINE: readonly KnownInterface[] = [
  { name: 'eth0', mac: '52:54:00:00:00:01', type: 'ether', driver: 'igb', alternativeNames: ['enp1s0'] },
  { name: 'eth1', mac: '52:54:00:00:00:02', type: 'ether', driver: 'e1000e' },
  { name: 'eth2', mac: '52:54:00:00:00:03', type: 'ether', driver: 'e1000e' },
];
const N = 'etc/systemd/network';
const BOND = '[NetDev]\nName=bond0\nKind=bond\n[Bond]\nMode=active-backup\nMIIMonitorSec=100ms\n';
const ETH0 = '[Match]\nName=eth0\n[Network]\nBond=bond0\n';
const PARAMETERS = 'parameters: {mode: active-backup, mii-monitor-interval: 100}';

function seen(files: Readonly<Record<string, string>>) {
  const given = Object.entries(files).map(([path, text]) => ({ path, text }));
  const { bonds, findings } = importFiles(given, MACHINE);
  const told = findings.filter(({ level }) => level !== 'understood');
  const bond = (name: string) => bonds.find(each => each.name === name);
  return {
    bond,
    members: (name: string) => bond(name)?.members.map(each => each.name) ?? [],
    of: (file: string, line?: number) =>
      told.filter(({ place }) => place.file === file && (line === undefined || place.line === line)),
  };
}
/** The bond with one member and a file for the bond itself. */
const withNetwork = (text: string) =>
  seen({ [`${N}/1.netdev`]: BOND, [`${N}/2.network`]: ETH0, [`${N}/3.network`]: text });

test('control: what is mended stays mended', () => {
  const r = withNetwork('[Match]\nType=bond\n[Network]\nAddress=192.0.2.1/24\n');
  expect(r.members('bond0')).toEqual(['eth0']);
  expect(r.bond('bond0')?.addresses).toEqual(['192.0.2.1/24']);
});

describe('networkd', () => {
  test('a route of another table, or of a type such as blackhole, is not made in the main one', () => {
    const r = withNetwork(
      '[Match]\nName=bond0\n[Network]\nAddress=192.0.2.1/24\n[Route]\nGateway=192.0.2.253\nTable=100\n[Route]\nGateway=192.0.2.254\n[Route]\nDestination=10.0.0.0/8\nGateway=192.0.2.253\nType=blackhole\n',
    );
    expect(r.bond('bond0')?.routes).toEqual([{ to: 'default', via: '192.0.2.254' }]);
  });
  test('files of one name in two folders that are none of systemd’s are no single file', () => {
    const r = seen({
      'x/1.netdev': BOND,
      'x/2.netdev': BOND.replace('bond0', 'bond1'),
      'a/10.network': ETH0,
      'b/10.network': '[Match]\nName=eth1\n[Network]\nBond=bond1\n',
    });
    expect(r.members('bond1')).not.toContain('eth0');
  });
  test('of two .netdev files that make one device the first counts, whole', () => {
    const second = '[NetDev]\nName=bond0\nKind=bond\n[Bond]\nMode=balance-rr\nUpDelaySec=200ms\n';
    const r = seen({ [`${N}/1.netdev`]: BOND, [`${N}/2.netdev`]: second, [`${N}/3.network`]: ETH0 });
    expect(r.bond('bond0')?.options).toEqual({ mode: 'active-backup', miimon: '100' });
  });
  test('MTU and MAC address of .network count, whatever the name of .netdev', () => {
    const device = BOND.replace('[Bond]', 'MTUBytes=1500\nMACAddress=02:00:00:00:00:02\n[Bond]');
    const network = '[Match]\nName=bond0\n[Link]\nMTUBytes=9000\nMACAddress=02:00:00:00:00:01\n';
    const r = seen({ [`${N}/10.network`]: network, [`${N}/20.netdev`]: device, [`${N}/30.network`]: ETH0 });
    expect(r.bond('bond0')).toMatchObject({ mtu: 9000, mac: '02:00:00:00:00:01' });
  });
  test('drop-ins of a unit that does not exist make nothing', () => {
    const r = seen({ [`${N}/1.netdev`]: BOND, [`${N}/2.network.d/a.conf`]: ETH0 });
    expect(r.members('bond0')).toEqual([]);
  });
  test('an alternative name is the same interface: the first file has it', () => {
    const r = seen({
      [`${N}/1.netdev`]: BOND,
      [`${N}/2.network`]: '[Match]\nName=eth0\n',
      [`${N}/3.network`]: ETH0.replace('eth0', 'enp1s0'),
    });
    expect(r.members('bond0')).toEqual([]);
  });
  test('Unmanaged=yes of the bond: its addresses are not set', () => {
    const r = withNetwork('[Match]\nName=bond0\n[Link]\nUnmanaged=yes\n[Network]\nAddress=192.0.2.1/24\n');
    expect(r.bond('bond0')?.addresses).toEqual([]);
  });
  test.each(['Host=*', 'Driver=bonding', 'MACAddress=02:00:00:00:00:09'])(
    'a file for the bond by %s is not lost without a word',
    condition => {
      const r = seen({
        [`${N}/1.netdev`]: BOND.replace('[Bond]', 'MACAddress=02:00:00:00:00:09\n[Bond]'),
        [`${N}/2.network`]: ETH0,
        [`${N}/3.network`]: `[Match]\n${condition}\n[Network]\nAddress=192.0.2.1/24\n`,
      });
      const carried = r.bond('bond0')?.addresses.length === 1;
      expect(carried || r.of(`${N}/3.network`).length > 0).toBe(true);
    },
  );
  test.each(['IPv6AcceptRA=no', 'LinkLocalAddressing=no', 'BindCarrier=eth2'])('%s is told', line => {
    const r = withNetwork(`[Match]\nName=bond0\n[Network]\n${line}\n`);
    expect(r.of(`${N}/3.network`, 4)).toHaveLength(1);
  });
  test('an address without a prefix length is told (networkd 252 takes its class)', () => {
    const r = withNetwork('[Match]\nName=bond0\n[Network]\nAddress=10.7.7.7\n');
    expect(r.of(`${N}/3.network`, 4)).toHaveLength(1);
  });
  test('Mode=1 is none to networkd, and is told', () => {
    const r = seen({ [`${N}/1.netdev`]: BOND.replace('active-backup', '1'), [`${N}/2.network`]: ETH0 });
    expect(r.of(`${N}/1.netdev`, 5)).not.toEqual([]);
  });
  test('Bond= with a bridge makes no bond of it', () => {
    const r = seen({
      [`${N}/1.netdev`]: '[NetDev]\nName=br0\nKind=bridge\n',
      [`${N}/2.network`]: ETH0.replace('bond0', 'br0'),
    });
    expect(r.bond('br0')).toBeUndefined();
  });
  test('devices that .netdev files make join by a pattern', () => {
    const r = seen({
      [`${N}/1.netdev`]: BOND,
      [`${N}/2.netdev`]: '[NetDev]\nName=veth0\nKind=veth\n',
      [`${N}/3.network`]: '[Match]\nName=eth0 veth*\n[Network]\nBond=bond0\n',
    });
    expect(r.members('bond0')).toEqual(['eth0', 'veth0']);
  });
  test('a MAC address with dots', () => {
    const network = '[Match]\nMACAddress=5254.0000.0001\n[Network]\nBond=bond0\n';
    expect(seen({ [`${N}/1.netdev`]: BOND, [`${N}/2.network`]: network }).members('bond0')).toEqual(['eth0']);
  });
});

describe('netplan', () => {
  const file = (text: string) => seen({ 'etc/netplan/1.yaml': text });
  const one = `network:\n  version: 2\n  ethernets: {eth0: {}}\n  bonds:\n    bond0:\n      interfaces: [eth0]\n      ${PARAMETERS}\n`;
  test('a key given twice adds, at every level above a scalar', () => {
    const r = file(`${one}  ethernets: {eth1: {}}\n  bonds: {bond1: {interfaces: [eth1]}}\n`);
    expect(r.members('bond0')).toEqual(['eth0']);
    expect(r.members('bond1')).toEqual(['eth1']);
  });
  test('so do "network:", "parameters:" and "interfaces:"', () => {
    const r = file(
      'network:\n  version: 2\n  ethernets: {eth0: {}, eth1: {}}\n  bonds:\n    bond0:\n      interfaces: [eth0]\n      interfaces: [eth1]\n      parameters: {mode: active-backup}\n      parameters: {mii-monitor-interval: 100}\nnetwork:\n  bonds: {bond0: {mtu: 9000}}\n',
    );
    expect(r.members('bond0')).toEqual(['eth0', 'eth1']);
    expect(r.bond('bond0')).toMatchObject({ options: { mode: 'active-backup', miimon: '100' }, mtu: 9000 });
  });
  test('an empty file of /run stands over that of /etc', () => {
    const r = seen({ 'etc/netplan/1.yaml': one, 'run/netplan/1.yaml': '' });
    expect(r.bond('bond0')).toBeUndefined();
  });
  test('a route of another table, or of a type such as blackhole, is not made in the main one', () => {
    const r = file(
      `${one}      addresses: [192.0.2.1/24]\n      routes:\n      - {to: default, via: 192.0.2.253, table: 100}\n      - {to: 10.0.0.0/8, via: 192.0.2.253, type: blackhole}\n`,
    );
    expect(r.bond('bond0')?.routes).toEqual([]);
  });
  test.each(['accept-ra: false', 'link-local: []'])('%s is told', line => {
    expect(file(`${one}      ${line}\n`).of('etc/netplan/1.yaml', 8)).toHaveLength(1);
  });
  test('a definition with nothing in it, which netplan refuses, does not empty an earlier one', () => {
    const r = seen({ 'etc/netplan/1.yaml': one, 'etc/netplan/2.yaml': 'network:\n  bonds:\n    bond0:\n' });
    expect(r.members('bond0')).toEqual(['eth0']);
  });
  test.each([
    ['set-name without match', one.replace('eth0: {}', 'eth0: {set-name: lan9}')],
    ['a mode as a number', one.replace('active-backup', '1')],
    ['one id of two kinds', `${one}  bridges: {bond0: {interfaces: [eth0]}}\n`],
  ])('%s, which netplan refuses, is told', (_, text) => {
    expect(file(text).of('etc/netplan/1.yaml')).not.toEqual([]);
  });
  test('a member that is a bond of the file is not called undefined', () => {
    const messages = file(`${one}    bond1: {interfaces: [bond0]}\n`).of('etc/netplan/1.yaml');
    expect(messages.filter(({ message }) => message.includes('Nothing in netplan'))).toEqual([]);
  });
  test('netplan reads *.yaml only: another ending is told', () => {
    const r = seen({ 'etc/netplan/1.yaml': 'network: {version: 2}\n', 'etc/netplan/2.yml': one });
    expect(r.of('etc/netplan/2.yml')).not.toEqual([]);
  });
});

describe('the same with routes of other formats', () => {
  test('Red Hat', () => {
    const r = seen({
      'ifcfg-bond0': 'DEVICE=bond0\nBONDING_OPTS="mode=1 miimon=100"\nIPADDR=192.0.2.1\nPREFIX=24\n',
      'ifcfg-eth0': 'DEVICE=eth0\nMASTER=bond0\nSLAVE=yes\n',
      'route-bond0': 'default via 192.0.2.253 table 100\n',
    });
    expect(r.bond('bond0')?.routes).toEqual([]);
  });
  test('NetworkManager', () => {
    const c = 'etc/NetworkManager/system-connections';
    const r = seen({
      [`${c}/b.nmconnection`]:
        '[connection]\nid=b\ntype=bond\ninterface-name=bond0\n[bond]\nmode=active-backup\n[ipv4]\nmethod=manual\naddress1=192.0.2.1/24\nroute1=10.0.0.0/8,192.0.2.253\nroute1_options=table=100\n',
    });
    expect(r.bond('bond0')?.routes).toEqual([]);
  });
});
