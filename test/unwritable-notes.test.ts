// What a later daemon must know is written down before it is done; what cannot be written down is refused, and nothing is touched.
// Needs root, BPF, ip and mount; part of test:all.
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { unmountFileSystem } from '../src/linux/index.js';
import { pictureOf, pins, untilAsBefore } from './support/picture.js';
import { closeStages, Stage, until } from './support/stage.js';

const mounted: string[] = [];

afterEach(async () => {
  for (const path of mounted.splice(0)) unmountFileSystem(path);
  await closeStages();
});

const same = (now: unknown, before: unknown): void => expect(now).toEqual(before);

const MEMBERS = ['eth0', 'eth1', 'eth2'];

/** Members that were up once: one that never was has a queueing discipline that nothing can give back. */
async function openStage(): Promise<Stage> {
  const stage = await Stage.open({ members: MEMBERS });
  for (const name of stage.lab.members) {
    await stage.ip('link', 'set', name, 'up');
    await stage.ip('link', 'set', name, 'down');
  }
  return stage;
}

/** The state file, or its copy alone, cannot be written until what is returned is called. */
function blocked(stage: Stage, which: 'both' | 'copy'): () => void {
  const names = ['state.json', 'state.json.copy'].slice(which === 'both' ? 0 : 1);
  const paths = names.map(name => `${stage.runDir}/${name}.new`);
  for (const path of paths) mkdirSync(path);
  return () => {
    for (const path of paths) rmdirSync(path);
  };
}

const refused = (stage: Stage, what: string): RegExp =>
  new RegExp(`${what}: .* cannot be written down in ${stage.runDir}/state\\.json.*EISDIR.*Try again`);

const state = (stage: Stage): { bonds: { name: string; members: unknown[] }[] } =>
  JSON.parse(readFileSync(`${stage.runDir}/state.json`, 'utf8'));

describe.each(['ebpf', 'userspace'])('With %s', plane => {
  const options = { mode: 'active-backup', miimon: '100', data_plane: plane };

  test.each(['both', 'copy'] as const)('no interface joins and no bond is made (%s)', async which => {
    const stage = await openStage();
    await stage.api.create({ name: 'bond0', options });
    await stage.ip('addr', 'add', '192.0.2.7/24', 'dev', 'eth1');
    await stage.ip('link', 'set', 'eth1', 'up');
    const before = await pictureOf(stage);
    const pinsBefore = pins(stage);
    const free = blocked(stage, which);
    for (const interfaces of [['eth0'], ['eth0', 'eth1']]) {
      const asked = stage.api.enslave('bond0', { interfaces, takeAddresses: true, takeDown: true });
      await expect(asked).rejects.toThrow(refused(stage, 'eth0 cannot join bond0, and is as it was'));
    }
    await expect(stage.api.create({ name: 'bond1', options })).rejects.toThrow(
      refused(stage, 'bond1 was not created'),
    );
    expect((await stage.show()).members).toEqual([]);
    expect((await stage.api.status()).bonds).toEqual(['bond0']);
    await untilAsBefore(stage, before, same);
    expect(pins(stage)).toEqual(pinsBefore);
    if (which === 'copy') expect(state(stage).bonds).toMatchObject([{ name: 'bond0', members: [] }]);
    free();
    await stage.api.enslave('bond0', { interfaces: ['eth0', 'eth1'], takeAddresses: true, takeDown: true });
    expect(state(stage).bonds).toMatchObject([{ name: 'bond0', members: [{}, {}] }]);
  });
});

const ACTIVE_BACKUP = { mode: 'active-backup', miimon: '100' };

test('one that is awaited joins when it can be written down', async () => {
  const stage = await openStage();
  await stage.bond({}, ['eth0']);
  await stage.api.enslave('bond0', { interfaces: ['late0'], await: true });
  const free = blocked(stage, 'both');
  await stage.ip('link', 'set', 'eth1', 'name', 'late0');
  await until('it is told', async () =>
    (await stage.events()).some(
      ({ type, message }) => type === 'awaited' && /late0 cannot join/.test(message),
    ),
  );
  expect((await stage.show()).members.map(({ name }) => name)).toEqual(['eth0']);
  free();
  await until('it joined', async () => (await stage.show()).members.length === 2);
});

test('what a file makes of a bond is refused', async () => {
  const stage = await openStage();
  await stage.bond({}, ['eth0']);
  const file = { addresses: ['192.0.2.9/24'], routes: [], members: ['eth0'], options: [] };
  const free = blocked(stage, 'both');
  await expect(stage.api.describe('bond0', { ...file, isMade: false })).rejects.toThrow(
    refused(stage, 'The file was not applied to bond0'),
  );
  free();
  await stage.api.describe('bond0', { ...file, isMade: false });
});

test('groups that cannot be written down are not put on members, which hear everything until they can be', async () => {
  const stage = await openStage();
  const before = await pictureOf(stage);
  await stage.bond({}, ['eth0', 'eth1']);
  const group = '01:00:5e:01:02:03';
  const has = async (): Promise<boolean> => (await stage.ip('maddr', 'show', 'dev', 'eth0')).includes(group);
  const isOpen = async (): Promise<boolean> =>
    (await stage.ip('-d', 'link', 'show', 'eth0')).includes('promiscuity 1 ');
  const free = blocked(stage, 'both');
  await stage.ip('maddr', 'add', group, 'dev', 'bond0');
  await until('eth0 hears everything', isOpen);
  expect(await has()).toBe(false);
  free();
  await until('it has the group', has);
  await until('it hears no more than that', async () => !(await isOpen()));
  // Again, and the daemon dies: the next one gives everything back all the same.
  const freeAgain = blocked(stage, 'both');
  await stage.ip('maddr', 'add', '01:00:5e:01:02:04', 'dev', 'bond0');
  await until('eth0 hears everything', isOpen);
  await stage.bondwire.stop('SIGKILL');
  await stage.bondwire.start();
  await stage.api.destroy('bond0');
  await untilAsBefore(stage, before, same);
  freeAgain();
});

test('on a full disk nothing joins, and what is there can be released and destroyed', async () => {
  const stage = await Stage.open({ members: MEMBERS, noDaemon: true });
  for (const name of stage.lab.members) {
    await stage.ip('link', 'set', name, 'up');
    await stage.ip('link', 'set', name, 'down');
  }
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'bwtest', stage.runDir]);
  mounted.push(stage.runDir);
  await stage.bondwire.start();
  const before = await pictureOf(stage);
  await stage.api.create({ name: 'bond0', options: ACTIVE_BACKUP });
  await stage.api.enslave('bond0', { interfaces: ['eth0', 'eth1'] });
  const filler = `${stage.runDir}/filler`;
  fill(filler);
  await expect(stage.api.enslave('bond0', { interfaces: ['eth2'] })).rejects.toThrow(
    /eth2 cannot join bond0, and is as it was: .*state\.json.*ENOSPC.*state\.json/,
  );
  await expect(stage.api.create({ name: 'bond1', options: ACTIVE_BACKUP })).rejects.toThrow(
    /bond1 was not created: .*ENOSPC.*'\/.*'/,
  );
  await stage.api.release('bond0', { interfaces: ['eth1'] });
  await stage.api.destroy('bond0');
  await untilAsBefore(stage, before, same);
  expect(pins(stage)).toEqual([]);
  rmSync(filler);
  await until('it is written down again', async () =>
    (await stage.events()).some(({ message }) => message.includes('written down again')),
  );
  expect(state(stage).bonds).toEqual([]);
  expect(readdirSync(stage.runDir).filter(name => name.startsWith('bwl-'))).toEqual([]);
});

/** Leaves no byte free. */
function fill(path: string): void {
  const fd = openSync(path, 'w');
  try {
    for (const size of [65_536, 1]) {
      try {
        for (;;) writeSync(fd, Buffer.alloc(size));
      } catch (error) {
        expect((error as { code?: string }).code).toBe('ENOSPC');
      }
    }
  } finally {
    closeSync(fd);
  }
}
