// Files below RUN_DIR/sys and RUN_DIR/proc that somebody writes to: options are set as by sysfs, what is refused is an event with its
// errno, and everything is put right. Needs root.
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { isErrno } from '../src/linux/index.js';
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

  // Two at once: the second comes before the first is put right.
  await stage.run(
    'host',
    'sh',
    '-c',
    `echo 120 >${path('miimon')}; sleep 0.03; echo 130 >${path('miimon')}; sleep 0.03; echo 140 >${path('miimon')}`,
  );
  await until('the last counts', async () => (await stage.show()).options.miimon === 140);
  await holds(path('miimon'), '140\n');

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

test('whatever is put in the place of a file or a directory, the daemon lives, and it is put right', async () => {
  const stage = await Stage.open();
  await stage.bond();
  const directory = `${stage.runDir}/sys/class/net/bond0/bonding`;
  const miimon = `${directory}/miimon`;
  const isRight = (): boolean => {
    try {
      if (!lstatSync(directory).isDirectory()) return false;
      // A FIFO would be waited for, and to read a large file takes minutes on a busy machine.
      const found = lstatSync(miimon);
      return found.isFile() && found.size === 4 && readFileSync(miimon, 'utf8') === '100\n';
    } catch {
      return false;
    }
  };
  // By one call: the daemon puts back what it misses.
  const away = (path: string): void => {
    renameSync(path, `${stage.runDir}/away`);
    rmSync(`${stage.runDir}/away`, { recursive: true });
  };
  /** Something else in its place, as often as it takes: the daemon may be quicker. */
  const instead = (path: string, make: () => void): void => {
    for (;;) {
      away(path);
      try {
        return make();
      } catch (error) {
        if (!isErrno(error, 'EEXIST', 'EISDIR')) throw error;
      }
    }
  };
  const attacks: readonly (readonly [what: string, attack: () => void | Promise<unknown>])[] = [
    [
      'a directory that is a link to itself',
      () => instead(directory, () => symlinkSync('bonding', directory)),
    ],
    // Its inode is the old one's.
    ['a directory that is gone', () => away(directory)],
    ['a directory that is a file', () => instead(directory, () => writeFileSync(directory, ''))],
    [
      'a FIFO',
      () => {
        const fifo = `${stage.runDir}/fifo`;
        return stage.run('host', 'sh', '-c', `mkfifo ${fifo} && mv -f ${fifo} ${miimon}`);
      },
    ],
    [
      'a file of 400 MB',
      () => {
        rmSync(miimon, { force: true });
        writeFileSync(miimon, '');
        truncateSync(miimon, 400e6);
      },
    ],
    [
      'an empty file of a time to come',
      () => {
        writeFileSync(miimon, '');
        utimesSync(miimon, 4e9, 4e9);
      },
    ],
    [
      'an empty directory',
      () => {
        const made = `${stage.runDir}/made`;
        return stage.run(
          'host',
          'sh',
          '-c',
          `mkdir ${made} && rm -f ${miimon} && mv -T ${made} ${miimon} || true`,
        );
      },
    ],
    ['all of it gone', () => away(`${stage.runDir}/sys`)],
  ];
  for (const [what, attack] of attacks) {
    await attack();
    await until(`${what} is put right`, isRight);
    expect((await stage.show()).options.miimon, what).toBe(100);
  }
  await stage.bondwire.stop('SIGKILL');
  rmSync(`${stage.runDir}/sys/README`);
  await stage.run('host', 'mkfifo', `${stage.runDir}/sys/README`);
  // Somebody else's by its looks; to open it would take for ever.
  await stage.bondwire.start();
  await stage.reached();
});
