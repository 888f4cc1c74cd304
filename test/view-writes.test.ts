// Files below RUN_DIR/sys and RUN_DIR/proc that somebody writes to: options are set as by sysfs, what is refused is an event with its
// errno, and everything is put right. Needs root.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { closeStages, Stage, until } from './support/stage.js';

afterEach(closeStages);

test('what is written sets options and members, is refused with an errno, or is put right', async () => {
  const stage = await Stage.open();
  await stage.bond();
  const net = `${stage.runDir}/sys/class/net`;
  const path = (file: string): string => `${net}/bond0/bonding/${file}`;
  const text = (file: string): string => readFileSync(file, 'utf8');
  const holds = (file: string, wanted: string): Promise<boolean> =>
    until(`${file} holds ${wanted}`, () => {
      try {
        return text(file) === wanted;
      } catch {
        return false;
      }
    });

  // A shell truncates, and writes then.
  await stage.run('host', 'sh', '-c', `echo 250 >${path('miimon')}`);
  await until('miimon is set', async () => (await stage.show()).options.miimon === 250);
  await holds(path('miimon'), '250\n');
  await stage.run('host', 'sh', '-c', `printf eth1 >${path('active_slave')}`);
  await stage.active('eth1');
  await holds(path('active_slave'), 'eth1\n');
  await stage.run('host', 'sh', '-c', `echo +192.0.2.7 >${path('arp_ip_target')}`);
  await until('the target is there', async () =>
    (await stage.show()).options.arp_ip_target.includes('192.0.2.7'),
  );
  await stage.run('host', 'sh', '-c', `echo -192.0.2.7 >${path('arp_ip_target')}`);

  // Refused: an event that names the errno, and the file as it was.
  const refusals: readonly (readonly [file: string, written: string, stays: string, says: RegExp])[] = [
    ['miimon', '-1', '250\n', /"-1" written to .*\/miimon was refused \(EINVAL\)/],
    [
      'mode',
      'balance-rr',
      'active-backup 1\n',
      /"balance-rr" written to .*\/mode was refused \((EBUSY|ENOTEMPTY|EACCES)\)/,
    ],
    ['slaves', '+nothing', 'eth0 eth1\n', /"\+nothing" written to .*\/slaves was refused \(ENODEV\)/],
    [
      'slaves',
      'eth0',
      'eth0 eth1\n',
      /"eth0" written to .*\/slaves was refused \(EINVAL\): .*\+NAME or -NAME/,
    ],
  ];
  for (const [file, written, stays, says] of refusals) {
    await stage.run('host', 'sh', '-c', `echo ${written} >${path(file)}`);
    await until(`${file} is refused`, async () =>
      (await stage.events()).some(({ type, message }) => type === 'refused' && says.test(message)),
    );
    await holds(path(file), stays);
  }

  // Members and bonds.
  await stage.run('host', 'sh', '-c', `echo -eth1 >${path('slaves')}`);
  await until('eth1 has left', async () => (await stage.show()).members.length === 1);
  await stage.run('host', 'sh', '-c', `ip link set eth1 down; echo +eth1 >${path('slaves')}`);
  await until('eth1 is back', async () => (await stage.show()).members.length === 2);
  await stage.run('host', 'sh', '-c', `echo +bond1 >${net}/bonding_masters`);
  await until('there are two', async () => (await stage.api.show()).bonds.length === 2);
  await holds(`${net}/bonding_masters`, 'bond0 bond1\n');
  await stage.run('host', 'sh', '-c', `echo -bond1 >${net}/bonding_masters`);
  await until('there is one', async () => (await stage.api.show()).bonds.length === 1);
  await holds(`${net}/bonding_masters`, 'bond0\n');

  // Others are put right, whatever was done to them.
  const proc = `${stage.runDir}/proc/net/bonding/bond0`;
  const status = path('mii_status');
  const before = text(status);
  writeFileSync(proc, 'all is lost\n');
  await until('proc is right', () => text(proc).startsWith('Ethernet Channel Bonding Driver'));
  writeFileSync(status, '');
  await holds(status, before);
  rmSync(status);
  await holds(status, before);
  writeFileSync(`${stage.runDir}/sys/README`, 'mine');
  await until('README is right', () => text(`${stage.runDir}/sys/README`).startsWith('Made by bondwire'));
  const events = await stage.events();
  expect(events.filter(({ severity }) => severity === 'error')).toEqual([]);
  // An empty write is none.
  writeFileSync(path('updelay'), '');
  await holds(path('updelay'), '0\n');
  // Directories that somebody makes are nobody's business.
  mkdirSync(`${net}/bond0/bonding/mine`);
  await stage.api.destroy('bond0');
});
