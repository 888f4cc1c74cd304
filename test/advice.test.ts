// Every command that a message offers, pasted where the message appears: what it promises happens, and the connection that it is
// typed over is not lost. Needs root and BPF; part of test:all.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { offers } from './support/offered-commands.js';
import { begun, offered, pasted, refused, typed } from './support/paste.js';
import { closeStages, ended, Stage, until } from './support/stage.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

afterEach(closeStages);
vi.setConfig({ testTimeout: 300_000 });

/** What was pasted here, by shape. */
const seen = new Set<string>();

/** The command of this shape that a text offers, which counts as pasted. */
function take(text: string, shape: string, fill: Readonly<Record<string, string>> = {}): string {
  seen.add(shape);
  const command = offered(text, shape);
  return Object.entries(fill).reduce((line, [word, value]) => line.replaceAll(word, value), command);
}

/** Those that other tests paste, or that take what no lab has, and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'ip link set dev {iface} up': 'test/doctor-bonds.test.ts',
  'ip link set dev {iface} mtu {mtu}': 'test/doctor-bonds.test.ts',
  'ip link set dev {iface} address {address}': 'test/doctor-bonds.test.ts',
  'bondwire release {bond} {iface}; bondwire enslave --take-down {bond} {iface}': 'test/doctor-bonds.test.ts',
  'bondwire set {bond} xmit_hash_policy={policy}': 'test/doctor-bonds.test.ts',
  'bondwire doctor': 'test/doctor-bonds.test.ts',
  'bondwire uplink history': 'test/uplink.test.ts',
  'ip rule show': 'test/uplink.test.ts',
  'sysctl -w net.ipv4.ip_forward=1': 'test/uplink.test.ts',
  'sysctl -w net.ipv6.conf.all.forwarding=1': 'test/uplink.test.ts',
  'sysctl -w net.ipv4.conf.{device}.rp_filter=2': 'test/uplink.test.ts',
  'bondwire simulate {file}': 'test/demo-lacp.test.ts',
  'bondwire daemon --run-dir {runDir}': 'test/doctor-bonds.test.ts',
  'bondwire daemon --supervise': 'test/supervise.test.ts',
  'ip link del dev {upper}; ip link add link {bond} name {upper} type {kind}': 'test/redundancy.test.ts',
  'bondwire set {bond} link_watch=any miimon=100 arp_interval=100 arp_ip_target={target}':
    'test/redundancy.test.ts',
  'ip link set dev {iface} address {mac}': 'test/released-twin.test.ts',
  'ip link set dev {iface} address {mac} up': 'test/released-twin.test.ts',
  // Lines that are those that were typed, with what they lack.
  'bondwire {words}': 'src/cli/reading/hints.test.ts',
  'bondwire --run-dir {runDir}': 'src/cli/reading/hints.test.ts',
  'bondwire rootless': 'test/rootless.test.ts',
};

/** Those that nothing here can paste: NetworkManager, systemd, Open vSwitch, a bond of the driver. */
const NOWHERE: ReadonlySet<string> = new Set([
  'nmcli device set {iface} managed no',
  'systemctl disable teamd@{team}',
  'systemctl stop bondwire',
  'systemctl restart bondwire',
  'ovs-vsctl add-port {bridge} {bond}',
  'ip link del dev {master}',
]);

test('every interface may join by the command that its refusal offers', async () => {
  const stage = await Stage.open({ members: ['eth0', 'eth1', 'eth2', 'eth3', 'eth4'] });
  const { lab } = stage;
  const enslave = (bond: string, iface: string) => `bondwire enslave ${bond} ${iface}`;
  await stage.ip('addr', 'add', lab.hostAddress, 'dev', 'eth0');
  await stage.ip('link', 'set', 'eth0', 'up');
  await stage.ip('route', 'add', 'default', 'via', lab.peerIp);
  await stage.reached();

  let said = await refused(stage, 'bondwire show bond0');
  await pasted(stage, take(said, 'bondwire create {bond} mode=active-backup miimon=100'));
  said = await refused(stage, enslave('bond0', 'eth0'));
  await pasted(stage, take(said, 'bondwire enslave --take-down --take-addresses {bond} {iface}'));
  await pasted(stage, enslave('bond0', 'eth0'));
  await stage.reached();
  expect(await stage.ip('route', 'get', '198.51.100.9')).toMatch(/via 10\.9\.0\.1 dev bond0/);

  await stage.ip('link', 'set', 'eth1', 'up');
  said = await refused(stage, enslave('bond0', 'eth1'));
  await pasted(stage, take(said, 'bondwire enslave --take-down {bond} {iface}'));
  await pasted(stage, 'bondwire create bond1 mode=active-backup miimon=100');
  said = await refused(stage, enslave('bond1', 'eth1'));
  await pasted(
    stage,
    take(said, 'bondwire release {other} {iface} && bondwire enslave --take-down {bond} {iface}'),
  );
  expect((await stage.show('bond1')).members.map(({ name }) => name)).toEqual(['eth1']);

  await stage.ip('link', 'add', 'br0', 'type', 'bridge');
  await stage.ip('link', 'set', 'eth2', 'master', 'br0');
  said = await refused(stage, enslave('bond1', 'eth2'));
  await pasted(stage, take(said, 'ip link set dev {iface} nomaster'));
  await pasted(stage, enslave('bond1', 'eth2'));

  await stage.ip('link', 'add', 'link', 'eth3', 'name', 'mv0', 'type', 'macvlan');
  said = await refused(stage, enslave('bond1', 'eth3'));
  await pasted(stage, take(said, 'ip link del dev {upper}'));
  await pasted(stage, enslave('bond1', 'eth3'));
  await pasted(stage, take(said, 'ip link add link {bond} name {upper} type {kind}'));
  expect(lab.link('host', 'mv0')?.link).toBe(lab.link('host', 'bond1')?.ifindex);

  said = await refused(stage, enslave('bond1', 'br0'));
  await stage.ip('link', 'del', 'mv0');
  await pasted(stage, take(said, 'ip link set dev {bond} master {bridge}'));
  expect(lab.link('host', 'bond1')?.master).toBe(lab.link('host', 'br0')?.ifindex);

  said = await refused(stage, enslave('bond1', 'xyzzyxyzzy'));
  expect(await pasted(stage, take(said, 'ip link'))).toContain('eth4');
  said = await refused(stage, 'bondwire release bond1 eth4');
  expect(await pasted(stage, take(said, 'bondwire show {bond}'))).toMatch(/eth3/);
  said = await refused(stage, 'bondwire set bond1 slaves=+eth4');
  await pasted(
    stage,
    take(said, 'bondwire enslave --take-down --take-addresses {bond} IFACE', { IFACE: 'eth4' }),
  );
  await pasted(stage, take(said, 'bondwire release {bond} IFACE', { IFACE: 'eth4' }));
  const wrong = stage.api.enslave('bond1', { interfaces: ['eth4'], options: { miimon: '50' } });
  said = await wrong.then(String, String);
  await pasted(stage, take(said, 'bondwire set {bond} OPTION=VALUE', { 'OPTION=VALUE': 'miimon=50' }));
  expect((await stage.show('bond1')).options.miimon).toBe(50);

  // Awaited and not there.
  await pasted(stage, 'bondwire enslave --await bond1 bwnone');
  said = await pasted(stage, 'bondwire doctor');
  await pasted(stage, take(said, 'bondwire release {bond} {iface}'));
  expect((await stage.show('bond1')).awaited).toEqual([]);
  await stage.reached();
});

test('an option that a bond must be down for is set, and addresses and routes are there again', async () => {
  const stage = await Stage.open({ ipv6: true });
  await stage.bond({ mode: 'balance-tlb' });
  await stage.ip('addr', 'add', '2001:db8:9::2/64', 'dev', 'bond0', 'nodad');
  await stage.ip('route', 'add', 'default', 'via', stage.lab.peerIp);
  await stage.ip('-6', 'route', 'add', 'default', 'via', '2001:db8:9::1');
  const routes = async () => [
    await stage.ip('route', 'show', 'dev', 'bond0'),
    (await stage.ip('-6', 'route', 'show', 'dev', 'bond0')).split('\n').toSorted(),
    (await stage.ip('-o', 'addr', 'show', 'dev', 'bond0', 'scope', 'global')).replaceAll(/ +/g, ' '),
  ];
  const before = await routes();
  const said = await refused(stage, 'bondwire set bond0 tlb_dynamic_lb=0');
  const shape = offers().find(each => each.shape.startsWith('d=$(mktemp'))?.shape ?? '';
  await pasted(stage, take(said, shape).replace(/'[^']*$/, ''));
  expect((await stage.show()).options.tlb_dynamic_lb).toBe(0);
  await until('routes are as they were', async () => {
    return JSON.stringify(await routes()) === JSON.stringify(before);
  });
  await stage.reached();
});

/** Findings of doctor that a pasted command has to end. */
async function mends(
  stage: Stage,
  detail: RegExp,
  shape: string,
  fill: Readonly<Record<string, string>> = {},
): Promise<void> {
  const told = await until(`doctor tells ${detail}`, async () => {
    const text = (await typed(stage, 'bondwire doctor')).stdout;
    return detail.test(text) && text;
  });
  const at = told.split('\n').findIndex(line => detail.test(line));
  const own = told
    .split('\n')
    .slice(at, at + 2)
    .join('\n');
  await pasted(stage, take(own, shape, fill));
  await until(`doctor tells no more of ${detail}`, async () => {
    return !detail.test((await typed(stage, 'bondwire doctor')).stdout);
  });
}

test('what doctor finds of monitors is mended by what it offers', async () => {
  const stage = await Stage.open();
  const { peerIp } = stage.lab;
  await stage.bond({ miimon: '0' });
  await mends(stage, /nothing watches its links/, 'bondwire set {bond} miimon=100');
  await stage.api.set('bond0', { options: { miimon: '0', arp_interval: '100' } });
  await mends(stage, /has no target/, 'bondwire set {bond} arp_ip_target=ADDRESS', { ADDRESS: peerIp });
  await stage.api.set('bond0', { options: { arp_ip_target: '198.51.100.1' } });
  await mends(stage, /no route to target/, 'ip addr add ADDRESS/PREFIX dev {bond}', {
    'ADDRESS/PREFIX': '198.51.100.2/24',
  });
  await stage.ip('addr', 'del', '198.51.100.2/24', 'dev', 'bond0');
  await stage.ip('link', 'add', 'bwelse', 'type', 'veth', 'peer', 'name', 'bwelsep');
  for (const end of ['bwelse', 'bwelsep']) await stage.ip('link', 'set', end, 'up');
  await stage.ip('addr', 'add', '198.51.100.2/24', 'dev', 'bwelse');
  const told = await until('the other way is told', async () => {
    const text = (await typed(stage, 'bondwire doctor')).stdout;
    return text.includes('does not go through') && text;
  });
  expect(await pasted(stage, take(told, 'ip route get {target}'))).toContain('dev bwelse');
  await stage.api.set('bond0', { options: { arp_interval: '0', miimon: '100', link_watch: 'any' } });
  await mends(stage, /link_watch/, 'bondwire set {bond} link_watch=driver passive_evidence=0');

  // A member that tells no carrier.
  await stage.ip('link', 'add', 'bwdummy', 'type', 'vxlan', 'id', '5', 'dstport', '4789');
  await stage.api.enslave('bond0', { interfaces: ['bwdummy'] });
  const arp = 'bondwire set {bond} arp_interval=100 arp_ip_target=ADDRESS';
  await mends(stage, /bwdummy does not report its carrier/, arp, { ADDRESS: peerIp });
  const silent = await until('nothing is heard of it', async () => {
    const text = (await typed(stage, 'bondwire doctor')).stdout;
    return text.includes('ping') && text;
  });
  await pasted(stage, take(silent, 'ping -c 3 -I {bond} ADDRESS', { ADDRESS: peerIp }));
  await stage.api.release('bond0', { interfaces: ['bwdummy'] });

  await stage.api.set('bond0', { options: { arp_interval: '0', miimon: '100' } });
  stage.lab.cut('eth1');
  await until('it is told', async () =>
    /has no carrier/.test((await typed(stage, 'bondwire doctor')).stdout),
  );
  const cut = (await typed(stage, 'bondwire doctor')).stdout;
  expect(await pasted(stage, take(cut, 'bondwire events --bond {bond}'))).toMatch(/eth1 .*lost its carrier/);
  await stage.reached();
});

test('balance-rr with the ARP monitor, and balance-tlb over a member without carrier', async () => {
  const stage = await Stage.open();
  const { peerIp } = stage.lab;
  await stage.bond({ mode: 'balance-rr', miimon: '0', arp_interval: '100', arp_ip_target: peerIp });
  await mends(stage, /a switch that spreads by XOR/, 'bondwire set {bond} miimon=100');
  await stage.api.destroy('bond0');
  await stage.bond({ mode: 'balance-tlb' });
  await stage.ip('link', 'add', 'bwdummy', 'type', 'vxlan', 'id', '5', 'dstport', '4789');
  await stage.api.enslave('bond0', { interfaces: ['bwdummy'] });
  const both = 'bondwire set {bond} link_watch=any arp_interval=100 arp_ip_target=ADDRESS';
  await mends(stage, /bwdummy does not report its carrier/, both, { ADDRESS: peerIp });
  await stage.reached();
});

test('what a member carries moves to the bond by what doctor offers, and nothing is cut off', async () => {
  const stage = await Stage.open({ ipv6: true });
  await stage.bond();
  await stage.ip('addr', 'add', '198.51.100.2/24', 'dev', 'eth1');
  await stage.run('peer', 'ip', 'addr', 'add', '198.51.100.1/24', 'dev', 'eth0');
  await stage.ip('route', 'add', '203.0.113.0/24', 'via', '198.51.100.1', 'metric', '7');
  await stage.ip('route', 'add', '192.0.2.0/24', 'dev', 'eth1');
  const told = (await typed(stage, 'bondwire doctor')).stdout;
  const line = /ip addr replace .*/.exec(told)?.[0] ?? '';
  for (const shape of ['ip addr replace {address} dev {bond} {flags}', 'ip addr del {address} dev {iface}'])
    take(line, shape);
  take(line, 'ip {family} route replace {to} dev {bond} {rest}');
  await pasted(stage, line);
  await until('nothing is left on the member', async () => {
    return !/eth1 carries|through member eth1/.test((await typed(stage, 'bondwire doctor')).stdout);
  });
  expect(await stage.ip('route', 'show', '203.0.113.0/24')).toMatch(
    /via 198\.51\.100\.1 dev bond0 .*metric 7/,
  );
  expect(await stage.ip('route', 'show', '192.0.2.0/24')).toContain('dev bond0');
  await stage.reached('198.51.100.1');
  await stage.reached();
});

test('a bond that is down, empty, or in the way; a route that has another way', async () => {
  const stage = await Stage.open();
  const { lab } = stage;
  let said = await pasted(stage, 'bondwire show');
  await pasted(stage, take(said, 'bondwire create bond0 mode=active-backup miimon=100'));
  said = await pasted(stage, 'bondwire show');
  await pasted(
    stage,
    take(said, 'bondwire enslave --take-down --take-addresses {bond} IFACE', { IFACE: 'eth0' }),
  );
  await pasted(stage, take(said, 'ip link set dev {bond} up'));
  await until('it carries', async () => (await stage.show()).carrier);
  // Its message takes a daemon that refuses to take back what it made.
  seen.add('bondwire destroy {bond}');
  await pasted(stage, 'bondwire destroy bond0');
  expect(lab.link('host', 'bond0')).toBeUndefined();

  const folder = mkdtempSync(join(tmpdir(), 'bondwire-advice-'));
  try {
    const file = join(folder, 'bondwire.yaml');
    writeFileSync(
      file,
      `bonds:\n  bond5:\n    options: {mode: active-backup, miimon: 100}\n    members: [eth0, eth1]\n    addresses: [${lab.hostAddress}]\n    routes:\n      - {to: default, via: ${lab.peerIp}}\n`,
    );
    await stage.ip('link', 'add', 'bwother', 'type', 'veth', 'peer', 'name', 'bwotherp');
    await stage.ip('addr', 'add', '203.0.113.1/24', 'dev', 'bwother');
    for (const end of ['bwother', 'bwotherp']) await stage.ip('link', 'set', end, 'up');
    await stage.ip('route', 'add', 'default', 'via', '203.0.113.9', 'dev', 'bwother');
    const swap =
      'ip {family} route del {to} {way} && (bondwire apply FILE || ip {family} route add {to} {way})';
    const offer = take(await refused(stage, `bondwire apply ${file}`), swap);
    // A file that is refused leaves the route as it was.
    await refused(stage, offer.replace('FILE', join(folder, 'none.yaml')).concat(' && false'));
    expect(await stage.ip('route', 'show', 'default')).toContain('dev bwother');
    await pasted(stage, offer.replace('FILE', file));
    expect(await stage.ip('route', 'show', 'default')).toContain('dev bond5');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a daemon that is not there is started, and one that is there is found, as is said', async () => {
  const stage = await Stage.open({ noDaemon: true });
  chmodSync(stage.runDir, 0o777);
  await pasted(stage, take(await refused(stage, 'bondwire daemon'), 'chmod go-w {runDir}'));
  const start = offered(await refused(stage, 'bondwire show'), 'bondwire daemon --run-dir {runDir}');
  for (const line of [start, 'bondwire daemon']) {
    seen.add('bondwire daemon');
    const daemon = begun(stage, line);
    try {
      await until('it answers', async () => (await typed(stage, 'bondwire show')).status === 0);
      const second = await refused(stage, 'bondwire daemon');
      await pasted(stage, take(second, 'bondwire --run-dir {runDir} show'));
      await typed(stage, 'bondwire create bond0 mode=active-backup miimon=100 data_plane=userspace');
      const told = (await typed(stage, 'bondwire doctor')).stdout;
      take(told, 'bondwire daemon --supervise --run-dir {runDir}');
    } finally {
      await ended(daemon, 'SIGTERM');
    }
  }
  const supervised = begun(stage, `bondwire daemon --supervise --run-dir ${stage.runDir}`);
  try {
    await until('it is supervised', async () => {
      return /until the supervisor has started it again/.test((await typed(stage, 'bondwire doctor')).stdout);
    });
    await pasted(stage, 'bondwire destroy bond0');
  } finally {
    await ended(supervised, 'SIGTERM');
  }
});

test('help is where it is said to be', async () => {
  const stage = await Stage.open({ noDaemon: true });
  const empty = join(stage.runDir, 'empty');
  mkdirSync(empty);
  for (const [command, shape] of [
    ['bondwire help nonsense', 'bondwire --help'],
    [`bondwire import ${empty}`, 'bondwire import --help'],
    ['bondwire simulate', 'bondwire simulate --help'],
    ['bondwire create --nonsense', '{command} --help'],
  ] as const)
    expect(await pasted(stage, take(await refused(stage, command), shape)), command).toMatch(/Usage:/);
  seen.add('bondwire snmp --help');
  expect(await pasted(stage, 'bondwire snmp --help')).toMatch(/users/);
  await pasted(stage, 'ip addr');
  seen.add('ip addr');
});

test('a file of another format is imported, taken out of the old configuration, and its routes without gateway are added', async () => {
  const stage = await Stage.open();
  const file = join(stage.runDir, 'interfaces');
  const lines = ['auto bond0', 'iface bond0 inet static', 'address 192.0.2.1/24', 'bond-slaves eth0 eth1'];
  const more = ['bond-mode active-backup', 'bond-miimon 100', 'up ip route add 198.51.100.0/24 dev bond0'];
  writeFileSync(file, `${[...lines, ...more].join('\n')}\n`);
  const said = await refused(stage, `bondwire check ${file}`).catch(() =>
    refused(stage, `bondwire apply ${file}`),
  );
  await pasted(stage, take(said, 'bondwire import {file}'));
  const { status, stdout, stderr } = await typed(stage, `bondwire import --apply ${file}`);
  expect(status, stderr).toBe(0);
  expect(await pasted(stage, take(stdout, 'bondwire import --diff {files}'))).toContain('bond-slaves');
  const route = 'ip route add {cidr} dev {bond}';
  await pasted(stage, take(`${stdout}${stderr}`, route).replace(/".*/, ''));
  expect(await stage.ip('route', 'show', '198.51.100.0/24')).toContain('dev bond0');
});

test('the cable of a demo is cut by the command that it tells', async () => {
  const stage = await Stage.open({ noDaemon: true });
  const none = await refused(stage, 'bondwire lab status');
  const demo = begun(stage, `${take(none, 'bondwire demo --keep')} --seconds 4`);
  let said = '';
  demo.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  try {
    await until('it goes on', () => said.includes('from another terminal'), 120_000);
    await pasted(stage, take(said, 'bondwire lab cut {iface}'));
    expect(await pasted(stage, 'bondwire lab status')).toMatch(/eth0 +cut/);
  } finally {
    await ended(demo, 'SIGINT');
  }
});

test('no command that the sources offer was left out', () => {
  const left = offers()
    .map(({ shape }) => shape)
    .filter(shape => !seen.has(shape) && !(shape in ELSEWHERE) && !NOWHERE.has(shape));
  expect(left).toEqual([]);
  for (const [shape, file] of Object.entries(ELSEWHERE)) {
    expect(existsSync(join(ROOT, file)), shape).toBe(true);
    const first =
      shape
        .split('{')[0]
        ?.replaceAll(/\b[A-Z]+\b/g, '')
        .trim()
        .split(' ')
        .slice(-1)[0] ?? '';
    expect(readFileSync(join(ROOT, file), 'utf8'), shape).toContain(first);
  }
});
