// A file is carried out whole or not at all: what was changed on bonds that are there is undone too, also by the next daemon, and a
// client that dies changes nothing of that. Real interfaces. Needs root; part of test:all.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { BIN, closeStages, ended, Stage, until } from './support/stage.js';

afterEach(closeStages);

const FIRST = `bonds:
  bond0:
    options: { mode: active-backup, miimon: 100, updelay: 200 }
    members: [eth0, { name: eth1, prio: 7, queue_id: 2 }]
    take_down: true
    addresses: [10.9.0.2/24, 10.9.0.9/24]
    routes: [{ to: default, via: 10.9.0.1 }, { to: 198.51.100.0/24, via: 10.9.0.1 }]
`;
/** Each part of the bond is another; eth1 leaves, eth2 joins. */
const OTHER = `bonds:
  bond0:
    options: { mode: active-backup, miimon: 50, downdelay: 100, num_grat_arp: 3 }
    members: [{ name: eth0, prio: 4 }, eth2]
    take_down: true
    addresses: [10.9.0.3/24]
    routes: [{ to: default, via: 10.9.0.9 }]
    mtu: 1400
    mac: 02:00:00:00:09:09
`;
const NO_MEMBER = '  bond1:\n    options: { mode: active-backup, miimon: 100 }\n    members: [bwgone]\n';
const MANY = Array.from({ length: 12 }, (_, at) => `bond${at + 1}`);
const EMPTY_BONDS = MANY.map(
  name => `  ${name}:\n    options: { mode: active-backup, miimon: 100 }\n    up: false\n`,
).join('');

/** A stage with what FIRST says, and a route and an address of somebody else. */
async function prepared(): Promise<Stage> {
  const stage = await Stage.open({ ipv6: true, members: ['eth0', 'eth1', 'eth2'] });
  expect(await apply(stage, FIRST)).toMatchObject({ status: 0, stderr: '' });
  await stage.ip('addr', 'add', '10.9.0.8/24', 'dev', 'bond0');
  await stage.ip('route', 'add', '203.0.113.0/24', 'via', '10.9.0.1', 'dev', 'bond0', 'metric', '77');
  await until('members are up', async () =>
    (await stage.show()).members.every(({ miiStatus }) => miiStatus === 'up'),
  );
  // The first time up changes a device for good.
  await stage.ip('link', 'set', 'eth2', 'up');
  await stage.ip('link', 'set', 'eth2', 'down');
  return stage;
}

function write(stage: Stage, text: string): string {
  const file = join(stage.runDir, 'bondwire.yaml');
  writeFileSync(file, text);
  return file;
}

const apply = (stage: Stage, text: string) => stage.bondwire.command(['apply', write(stage, text)]);

/** All that is to be as it was. */
async function picture(stage: Stage): Promise<unknown> {
  const { bonds } = await stage.api.show();
  const words = async (...args: string[]): Promise<string[]> =>
    (await stage.ip(...args))
      .replaceAll(/(?:valid|preferred)_lft \w+/g, '')
      .split('\n')
      .toSorted();
  const state = JSON.parse(readFileSync(`${stage.runDir}/state.json`, 'utf8')) as {
    bonds: { described: unknown; wanted: unknown }[];
    applying?: unknown;
  };
  return {
    bonds: bonds.map(({ name, options, mtu, address, adminUp, active, members, awaited }) => ({
      bond: { name, options, mtu, address, adminUp, active, awaited },
      members: members.map(member => [member.name, member.address]),
    })),
    noted: state.bonds.map(bond => [bond.described, bond.wanted]),
    applying: state.applying,
    addresses: await words('-o', 'addr', 'show', 'dev', 'bond0'),
    routes: [...(await words('route', 'show')), ...(await words('-6', 'route', 'show', 'dev', 'bond0'))],
    free: [stage.lab.link('host', 'eth2')].map(link => [link?.flags, link?.mtu, link?.address, link?.master]),
  };
}

test('when a bond cannot be made, those before it go again, and one that was changed is as it was in every part', async () => {
  const stage = await prepared();
  const before = await picture(stage);
  const failed = await apply(stage, OTHER + EMPTY_BONDS + NO_MEMBER.replace('bond1', 'bond99'));
  expect(failed.status).toBe(1);
  expect(failed.stdout).toBe('');
  expect(failed.stderr).toContain(`${MANY.join(', ')}, bond99 removed again, because what follows failed.`);
  expect(failed.stderr).toContain(
    'bond0 has the address 10.9.0.2/24 again, as the file was not carried out.',
  );
  expect(failed.stderr).toContain('bond0 has the route default via 10.9.0.1 again');
  expect(failed.stderr).toContain('bond0 is as it was, as the file was not carried out.');
  expect(failed.stderr).toMatch(/bwgone cannot join bond99: there is no such interface/);
  await stage.up('eth1');
  expect(await picture(stage)).toEqual(before);
  await stage.reached();
  // And by itself it is carried out.
  const done = await apply(stage, OTHER.replace('10.9.0.9 }', '10.9.0.1 }'));
  expect(done.status).toBe(0);
  expect((await stage.show()).members.map(({ name }) => name)).toEqual(['eth0', 'eth2']);
});

test('what was carried out stays, though the daemon dies right after it', async () => {
  const stage = await prepared();
  const changed = FIRST.replace('updelay: 200', 'updelay: 300');
  expect(await apply(stage, changed)).toMatchObject({ status: 0, stderr: '' });
  await stage.bondwire.stop('SIGKILL');
  const state = JSON.parse(readFileSync(`${stage.runDir}/state.json`, 'utf8')) as { applying?: unknown };
  expect(state.applying).toBeUndefined();
  await stage.bondwire.start();
  expect((await stage.show()).options).toMatchObject({ updelay: 300 });
});

/** Waits until the daemon notes that it is at this bond. */
async function at(stage: Stage, bond: string): Promise<void> {
  await until(`the daemon is at ${bond}`, () => {
    const { applying = [] } = JSON.parse(readFileSync(`${stage.runDir}/state.json`, 'utf8')) as {
      applying?: { bond: string }[];
    };
    return applying.some(step => step.bond === bond);
  });
}

const FILE = OTHER.replace('10.9.0.9 }', '10.9.0.1 }') + EMPTY_BONDS;

test('a daemon that is killed in the midst of a file: the next one undoes all of it', async () => {
  const stage = await prepared();
  const before = await picture(stage);
  await cutShort(stage);
  const { bonds } = JSON.parse(readFileSync(`${stage.runDir}/state.json`, 'utf8')) as { bonds: unknown[] };
  expect(bonds.length).toBeGreaterThan(3);
  expect(bonds.length).toBeLessThan(MANY.length + 1);
  await stage.bondwire.start();
  await stage.up('eth1');
  expect(await picture(stage)).toEqual(before);
  const told = (await stage.events()).map(({ message }) => message);
  expect(told).toContain(
    'A file was being carried out with bond0 when an earlier daemon ended; it is as it was before that',
  );
  expect(told).toContain(
    'A file was being carried out with bond2 when an earlier daemon ended; it was removed again',
  );
  await stage.reached();
});

/** Has a daemon killed in the midst of the file. */
async function cutShort(stage: Stage): Promise<void> {
  const args = ['--run-dir', stage.runDir, 'apply', write(stage, FILE)];
  const child = stage.lab.spawn('host', [process.execPath, BIN, ...args]);
  await at(stage, 'bond4');
  await stage.bondwire.stop('SIGKILL');
  await ended(child);
}

test('a daemon that is ended in the midst of a file undoes all of it first, and says so to whoever asked', async () => {
  const stage = await prepared();
  const before = await picture(stage);
  const applying = apply(stage, FILE);
  await at(stage, 'bond4');
  await stage.bondwire.stop('SIGTERM');
  const { status, stderr: said } = await applying;
  expect(status).toBe(1);
  expect(said).toMatch(/The file was not applied to bond\d+: the daemon was asked to end meanwhile/);
  expect(said).toContain('bond0 is as it was, as the file was not carried out.');
  expect(said).toMatch(/bond1, .*bond4.* removed again/);
  expect(stage.lab.link('host', 'bond4')).toBeUndefined();
  await stage.bondwire.start();
  await stage.up('eth1');
  expect(await picture(stage)).toEqual(before);
  expect((await stage.events()).map(({ message }) => message)).not.toContainEqual(
    expect.stringMatching(/when an earlier daemon ended/),
  );
});

test('the next daemon dies too, with its first write: the one after it undoes all of it', async () => {
  const stage = await prepared();
  const before = await picture(stage);
  await cutShort(stage);
  const state = (): string => readFileSync(`${stage.runDir}/state.json`, 'utf8');
  const left = state();
  const second = stage.lab.spawn('host', [process.execPath, BIN, '--run-dir', stage.runDir, 'daemon']);
  await until('the second daemon wrote its first state', () => state() !== left);
  second.kill('SIGKILL');
  await ended(second);
  expect(JSON.parse(state())).toMatchObject({ applying: expect.arrayContaining([expect.anything()]) });
  await stage.bondwire.start();
  await stage.up('eth1');
  expect(await picture(stage)).toEqual(before);
});

test('a member that cannot come back keeps no other away', async () => {
  const stage = await prepared();
  expect((await stage.bondwire.command(['enslave', '--take-down', 'bond0', 'eth2'])).status).toBe(0);
  const child = stage.lab.spawn('host', [
    process.execPath,
    BIN,
    '--run-dir',
    stage.runDir,
    'apply',
    // eth1 and eth2 go, as a file made them members.
    write(stage, FIRST.replace('{ name: eth1, prio: 7, queue_id: 2 }', 'eth1, eth2')),
  ]);
  await ended(child);
  const fewer = stage.lab.spawn('host', [
    process.execPath,
    BIN,
    '--run-dir',
    stage.runDir,
    'apply',
    write(stage, FIRST.replace(', { name: eth1, prio: 7, queue_id: 2 }', '') + EMPTY_BONDS),
  ]);
  await at(stage, 'bond4');
  await stage.bondwire.stop('SIGKILL');
  await ended(fewer);
  expect(stage.lab.link('host', 'eth2')?.master).toBeUndefined();
  await stage.ip('addr', 'add', '192.0.2.77/24', 'dev', 'eth1');
  await stage.bondwire.start();
  await until('eth2 is a member again', async () =>
    (await stage.show()).members.some(({ name }) => name === 'eth2'),
  );
  const told = (await stage.events()).map(({ message }) => message);
  expect(told).toContainEqual(
    expect.stringMatching(
      /with bond0 when an earlier daemon ended; it is not all as it was: eth1 cannot join/,
    ),
  );
});

test('a client that is killed: the daemon goes on to the end', async () => {
  const stage = await prepared();
  const child = stage.lab.spawn('host', [
    process.execPath,
    BIN,
    '--run-dir',
    stage.runDir,
    'apply',
    write(stage, FILE),
  ]);
  await at(stage, 'bond2');
  await ended(child);
  await until('all bonds are there', async () => (await stage.api.status()).bonds.length === MANY.length + 1);
  await until(
    'nothing is left to be undone',
    () => !('applying' in (JSON.parse(readFileSync(`${stage.runDir}/state.json`, 'utf8')) as object)),
  );
  expect((await stage.show()).mtu).toBe(1400);
  expect(await apply(stage, FILE)).toMatchObject({ status: 0, stderr: '' });
});
