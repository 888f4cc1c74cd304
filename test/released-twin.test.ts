// A member that is released while the bond lives on with its MAC address: it stays down, so that no switch learns that address at two
// ports; it comes up when the bond has another, or is no more. On real interfaces; needs root; part of test:all.
import { afterEach, expect, test } from 'vitest';
import { IFF } from '../src/netlink/index.js';
import { closeStages, Stage, until } from './support/stage.js';

afterEach(closeStages);

const PLANES = ['ebpf', 'userspace'] as const;

function isUp(stage: Stage, name: string): boolean {
  return ((stage.lab.link('host', name)?.flags ?? 0) & IFF.IFF_UP) !== 0;
}

/** A bond with the MAC address of eth0, which was up when it joined. */
async function bondOfUpMembers(data_plane: string, options: Readonly<Record<string, string>> = {}) {
  const stage = await Stage.open();
  for (const name of stage.lab.members) await stage.ip('link', 'set', name, 'up');
  await stage.api.create({
    name: 'bond0',
    options: { mode: 'active-backup', miimon: '100', data_plane, ...options },
  });
  await stage.api.enslave('bond0', { interfaces: stage.lab.members, takeDown: true });
  await stage.api.up('bond0');
  await stage.api.addAddresses('bond0', { addresses: [stage.lab.hostAddress] });
  await stage.reached();
  return stage;
}

test.each(PLANES)('%s: it stays down and is told of; at the end of the bond it comes up', async plane => {
  const stage = await bondOfUpMembers(plane);
  const own = stage.mac('bond0');
  const { warnings } = await stage.api.release('bond0', { interfaces: ['eth0'] });
  expect([stage.mac('eth0'), stage.mac('bond0'), isUp(stage, 'eth0')]).toEqual([own, own, false]);
  expect(warnings.join('\n')).toMatch(/eth0 stays down, since bond0 lives on with its MAC address/);
  // The next daemon knows it too.
  await stage.bondwire.stop('SIGKILL');
  await stage.bondwire.start();
  expect(isUp(stage, 'eth0')).toBe(false);
  await stage.api.destroy('bond0');
  await until('both are up as they were', () => isUp(stage, 'eth0') && isUp(stage, 'eth1'));
});

test('The command of the message brings it up with another address, and doctor finds two that are up with one', async () => {
  const stage = await bondOfUpMembers('ebpf');
  const { warnings } = await stage.api.release('bond0', { interfaces: ['eth0'] });
  await stage.ip('link', 'set', 'eth0', 'up');
  const doctor = async (): Promise<string> => {
    const told = await stage.lab.exec('host', [
      process.execPath,
      'bin/bondwire',
      '--run-dir',
      stage.runDir,
      'doctor',
    ]);
    return told.stdout;
  };
  const told = await doctor();
  expect(told).toMatch(/bond0 and eth0 have the same MAC address/);
  const [, fix = ''] = /fix: (ip link set dev eth0 address \S+)\n/.exec(told) ?? [];
  await stage.run('host', 'sh', '-c', fix);
  expect(await doctor()).not.toMatch(/same MAC address/);
  const [, command = ''] = /'(ip link set dev eth0 [^']+)'/.exec(warnings.join('\n')) ?? [];
  await stage.ip('link', 'set', 'eth0', 'down');
  await stage.run('host', 'sh', '-c', command);
  expect([isUp(stage, 'eth0'), stage.mac('eth0') === stage.mac('bond0')]).toEqual([true, false]);
});

test('It comes up as soon as the bond has another MAC address', async () => {
  const stage = await bondOfUpMembers('ebpf');
  await stage.api.release('bond0', { interfaces: ['eth0'] });
  expect(isUp(stage, 'eth0')).toBe(false);
  await stage.ip('link', 'set', 'bond0', 'address', '02:00:00:00:be:ef');
  await until('eth0 is up', () => isUp(stage, 'eth0'));
});

test('The last member that leaves takes no address with it that anybody has', async () => {
  const stage = await bondOfUpMembers('ebpf');
  await stage.api.release('bond0', { interfaces: ['eth0', 'eth1'] });
  // The bond has a random one now.
  await until('both are up', () => isUp(stage, 'eth0') && isUp(stage, 'eth1'));
  expect(stage.mac('bond0')).not.toBe(stage.mac('eth0'));
});

test('It is up in the end also when it joined again meanwhile', async () => {
  const stage = await bondOfUpMembers('ebpf');
  await stage.api.release('bond0', { interfaces: ['eth0'] });
  await stage.api.enslave('bond0', { interfaces: ['eth0'] });
  await stage.up('eth0');
  await stage.api.destroy('bond0');
  await until('both are up as they were', () => isUp(stage, 'eth0') && isUp(stage, 'eth1'));
});

test('With its own MAC address on each member it comes up at once, but not when the bond keeps its', async () => {
  const stage = await bondOfUpMembers('ebpf', { fail_over_mac: 'active' });
  // The bond takes the next one's.
  await stage.api.release('bond0', { interfaces: ['eth0'] });
  expect([isUp(stage, 'eth0'), stage.mac('bond0')]).toEqual([true, stage.mac('eth1')]);
});
