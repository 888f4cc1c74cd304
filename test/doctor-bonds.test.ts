// `bondwire doctor` on bonds that have something wrong with them, on real interfaces (H08, H26, H27), the record of it (H43), and
// what it says of a daemon that forwards packets. Needs root; part of test:all.
import { readdirSync, rmSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { closeFd, detachLink, getPinned, unmountFileSystem } from '../src/linux/index.js';
import { BIN, closeStages, ended, Stage, until } from './support/stage.js';

afterEach(closeStages);

async function doctor(stage: Stage): Promise<string> {
  const { stdout } = await stage.lab.exec('host', [
    process.execPath,
    BIN,
    'doctor',
    '--run-dir',
    stage.runDir,
  ]);
  return stdout;
}

test('H26: a route and an address on a member are found, with the commands that take them away, which do', async () => {
  const stage = await Stage.open();
  await stage.bond();
  expect(await doctor(stage)).toMatch(/ok +bond0 +active-backup, 2 of 2 members up/);
  await stage.ip('addr', 'add', '198.51.100.7/24', 'dev', 'eth1');
  await stage.ip('route', 'add', '203.0.113.0/24', 'dev', 'eth1');
  const told = await doctor(stage);
  expect(told).toMatch(/member eth1 carries the address 198\.51\.100\.7\/24/);
  expect(told).toMatch(/a route to 203\.0\.113\.0\/24 goes through member eth1/);
  // The route that came with the address goes with it.
  expect(told).not.toMatch(/a route to 198/);
  // The command for the address takes the route along, which its loss would end.
  const [command = ''] = /ip addr replace 198\S+ dev bond0; .*ip addr del 198\S+ dev eth1/.exec(told) ?? [];
  await stage.run('host', 'sh', '-c', command);
  const [other = 'true'] = /ip route replace 203\S+ dev bond0.*/.exec(await doctor(stage)) ?? [];
  await stage.run('host', 'sh', '-c', other);
  expect(await doctor(stage)).toMatch(/ok +bond0/);
});

test('what keeps a bond or a member from carrying frames is found, with the command that mends it, which does', async () => {
  const stage = await Stage.open();
  await stage.bond();
  await stage.ip('link', 'add', 'br0', 'type', 'bridge');
  const mac = stage.mac('bond0');
  for (const [spoil, detail, fix] of [
    ['bond0 down', /bond0 +it is set down/, 'ip link set dev bond0 up'],
    ['eth1 down', /member eth1 is set down/, 'ip link set dev eth1 up'],
    ['eth1 mtu 1400', /member eth1 has MTU 1400 where the bond has 1500/, 'ip link set dev eth1 mtu 1500'],
    [
      'eth0 address 02:00:00:00:00:99',
      /member eth0 has MAC address 02:\S+99/,
      `ip link set dev eth0 address ${mac}`,
    ],
    ['eth1 master br0', /member eth1 belongs to br0 too/, 'ip link set dev eth1 nomaster'],
  ] as const) {
    await stage.ip('link', 'set', ...spoil.split(' '));
    const told = await until(`${spoil} is told`, async () => {
      const said = await doctor(stage);
      return detail.test(said) && said;
    });
    expect(told).toContain(`fix: ${fix}\n`);
    await stage.run('host', 'sh', '-c', fix);
    await until(`${fix} mends it`, async () => /ok +bond0 +\S+, 2 of 2 members up/.test(await doctor(stage)));
  }
  stage.lab.cut('eth0');
  await stage.active('eth1');
  expect(await doctor(stage)).toMatch(/member eth0 has no carrier/);
  await stage.reached();
  await stage.api.release('bond0', { interfaces: ['eth0', 'eth1'] });
  expect(await doctor(stage)).toMatch(/bond0 +it has no members/);
});

test('programs that somebody took off are found', async () => {
  const stage = await Stage.open();
  await stage.bond();
  const isWell = async (): Promise<boolean> => /ok +bond0/.test(await doctor(stage));
  await until('the bond is well', isWell);
  const pins = `${stage.runDir}/bpf`;
  const folder = readdirSync(pins).find(name => name.startsWith('bwl-')) ?? '';
  // A pin that goes takes nothing off: the daemon holds the links itself.
  rmSync(`${pins}/${folder}/receive-0`);
  expect(await doctor(stage)).not.toMatch(/took off/);
  const link = getPinned(`${pins}/${folder}/receive-1`) ?? -1;
  detachLink(link);
  closeFd(link);
  const told = await doctor(stage);
  expect(told).toMatch(/took off the program that takes in the frames of member eth1/);
  const [fix = ''] = /bondwire release .*/.exec(told) ?? [];
  for (const command of fix.split('; '))
    await stage.run('host', process.execPath, BIN, ...command.split(' ').slice(1), '--run-dir', stage.runDir);
  await until('the bond is well again', isWell);
  await stage.reached();
  unmountFileSystem(pins);
  // The daemon holds the file system of the pins, so they live as long as it does, and no longer.
  expect(await doctor(stage)).toMatch(/it ends with the daemon: its programs are held by pins/);
  await stage.reached();
});

test('H08, H27: no monitor, and the ARP monitor in balance-rr', async () => {
  const stage = await Stage.open();
  await stage.bond({ mode: 'balance-rr', miimon: '0' });
  expect(await doctor(stage)).toMatch(/nothing watches its links/);
  await stage.api.set('bond0', { options: { arp_interval: '200', arp_ip_target: stage.lab.peerIp } });
  const told = await doctor(stage);
  expect(told).toMatch(/a switch that spreads by XOR/);
  expect(told).not.toMatch(/nothing watches/);
});

test('H43: link failures, failovers, recoveries and refused settings are told with the names of the interfaces', async () => {
  const stage = await Stage.open();
  await stage.bond();
  stage.lab.cut('eth0');
  await stage.active('eth1');
  stage.lab.restore('eth0');
  await stage.up('eth0');
  await expect(stage.api.set('bond0', { options: { active_slave: 'eth7' } })).rejects.toThrow(/eth7/);
  const said = await until('all of it is told', async () => {
    const messages = (await stage.events()).map(({ type, message }) => `${type}: ${message}`);
    return messages.some(each => each.startsWith('refused')) ? messages : undefined;
  });
  expect(said).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^link: eth0 is down and out of use \(failure 1\): eth0 lost its carrier/),
      expect.stringMatching(/^failover: bond0 moved from eth0 to eth1/),
      expect.stringMatching(/^recovered: eth0 is up/),
      expect.stringMatching(/^refused: active_slave=eth7 was refused/),
    ]),
  );
});

test('all traffic on one member: the policy that would spread what is sent now is found, and spreads it', async () => {
  const stage = await Stage.open();
  await stage.bond({ mode: 'balance-xor', xmit_hash_policy: 'layer2' });
  const sentBy = async (): Promise<number[]> => (await stage.show()).members.map(({ tx }) => tx.packets);
  // Each ping is a flow of its own by its identifier.
  const pings = Array.from({ length: 12 }, () =>
    stage.lab.spawn('host', ['ping', '-q', '-i', '0.01', stage.lab.peerIp]),
  );
  try {
    await until('enough was sent', async () => (await sentBy()).some(packets => packets > 1500));
    const told = await doctor(stage);
    expect(told).toMatch(/100 % of the packets went through eth[01] with xmit_hash_policy=layer2/);
    const words = /bondwire (set bond0 xmit_hash_policy=\S+)/.exec(told)?.[1] ?? told;
    expect((await stage.bondwire.command(words.split(' '))).status).toBe(0);
    const before = await sentBy();
    await until('both carry traffic', async () =>
      (await sentBy()).every((packets, nth) => packets > (before[nth] ?? 0) + 100),
    );
  } finally {
    for (const ping of pings) await ended(ping);
  }
});

/** What it says of the daemon itself. */
async function ofDaemon(stage: Stage): Promise<unknown[]> {
  const { stdout } = await stage.lab.exec('host', [
    process.execPath,
    BIN,
    'doctor',
    '--json',
    '--run-dir',
    stage.runDir,
  ]);
  const { findings } = JSON.parse(stdout) as { findings: { name: string }[] };
  return findings.filter(({ name }) => name === 'daemon');
}

const stopsWithIt = (bonds: string) => ({
  name: 'daemon',
  ok: false,
  level: 'warning',
  detail: `packets of ${bonds} stop when it dies: the daemon forwards them, and nobody starts it again`,
  fix: expect.stringMatching(/^end it and start 'bondwire daemon --supervise --run-dir \S+'$/) as string,
});

test('Packets that stop with the daemon are a warning that names their bonds; those of eBPF do not stop', async () => {
  const stage = await Stage.open();
  await stage.api.create({ name: 'bond1', options: { mode: 'active-backup', data_plane: 'ebpf' } });
  expect(await ofDaemon(stage)).toEqual([]);
  for (const name of ['bond2', 'bond3'])
    await stage.api.create({ name, options: { mode: 'active-backup', data_plane: 'userspace' } });
  expect(await ofDaemon(stage)).toEqual([stopsWithIt('bond2, bond3')]);
});

test('A bond that no daemon looks after is a warning with the command that takes it over', async () => {
  const stage = await Stage.open();
  await stage.bond();
  await stage.bondwire.stop('SIGKILL');
  const told = await doctor(stage);
  expect(told).toMatch(/warning +daemon +none answers at \S+; what it left at work \(bond0\)/);
  expect(told).toContain(`fix: bondwire daemon --run-dir ${stage.runDir}\n`);
  expect(told).not.toMatch(/Ethernet interfaces here:.*bond0/);
  await stage.bondwire.start();
  await until('the daemon has it', async () => /ok +bond0/.test(await doctor(stage)));
  await stage.bondwire.stop('SIGKILL');
  await stage.ip('link', 'del', 'bond0');
  expect(await doctor(stage)).not.toMatch(/left at work/);
});

test('With a supervisor that is well, until the supervisor is gone', async () => {
  const stage = await Stage.open({ daemonArgs: ['--supervise'] });
  await stage.bond({ data_plane: 'userspace' });
  const { pid } = await stage.api.status();
  expect(await ofDaemon(stage)).toEqual([
    {
      name: 'daemon',
      ok: true,
      level: 'ok',
      detail: 'when it dies, packets of bond0 wait until the supervisor has started it again',
    },
  ]);
  try {
    await stage.bondwire.stop('SIGKILL');
    await until('it is known', async () => !(await stage.api.status()).supervised);
    expect(await ofDaemon(stage)).toEqual([stopsWithIt('bond0')]);
  } finally {
    process.kill(pid, 'SIGTERM');
    await until('the daemon is gone', () => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    });
  }
});
