// Interfaces that are not there when their bond is made: they join when they appear, and again when they come back. Needs root
// and BPF.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventRecord } from '../src/daemon/api.js';
import { IFF } from '../src/netlink/index.js';
import { BIN, eventually, World } from './support/world.js';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(() => world.close());

const run = (...words: string[]) => world.cli(['--run-dir', world.bondwire.runDir, ...words]);
const members = async (): Promise<string[]> => (await world.bond()).members.map(({ name }) => name);
const plugIn = () => world.ip('host', 'link add bwlate type veth peer name bwlate-p');
const pullOut = () => world.ip('host', 'link del bwlate');
const joined = () => eventually('bwlate is a member', async () => (await members()).includes('bwlate'));

/** What was said of interfaces that are awaited, as a list of sentences. */
async function said(): Promise<string[]> {
  const { stdout } = await run('events', '--json', '--bond', 'bond0');
  const records = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as EventRecord);
  return records.filter(({ type }) => type === 'awaited').map(({ message }) => message);
}

/** Long enough for three looks at what is awaited. */
const someLooks = () => new Promise(resolve => setTimeout(resolve, 1700));

describe('enslave --await', () => {
  beforeEach(async () => {
    expect((await run('create', 'bond0', 'mode=active-backup', 'miimon=100')).status).toBe(0);
    await world.ip('host', 'link set bond0 up');
  });

  test('one that is not there joins when it appears, and again after it was unplugged, also with another daemon', async () => {
    const { status, stderr } = await run('enslave', '--await', 'bond0', 'eth0', 'bwlate');
    expect(status).toBe(0);
    expect(stderr).toContain('warning: bwlate is not there; bond0 does without it until it appears');
    expect(await world.bond()).toMatchObject({ awaited: ['bwlate'], active: 'eth0' });
    expect((await run('show')).stdout).toMatch(/Awaited +bwlate, to join when there/);
    expect((await run('doctor')).stdout).toMatch(/bwlate is to be a member, but is not there/);
    await plugIn();
    await joined();
    expect(await world.bond()).toMatchObject({ awaited: [] });
    await pullOut();
    await eventually('it is awaited', async () => (await world.bond()).awaited.length === 1);
    await world.bondwire.stop('SIGKILL');
    await world.bondwire.start();
    expect(await world.bond()).toMatchObject({ awaited: ['bwlate'] });
    await plugIn();
    await joined();
    expect((await said()).filter(text => text.includes('was awaited, and joined'))).toHaveLength(2);
  });

  test('one that was released is awaited no more, whether it was there or not', async () => {
    expect((await run('enslave', '--await', 'bond0', 'eth0', 'bwlate')).status).toBe(0);
    expect(await run('release', 'bond0', 'bwlate')).toMatchObject({ status: 0, stderr: '' });
    await plugIn();
    await someLooks();
    expect(await members()).toEqual(['eth0']);
    expect(await run('enslave', '--await', 'bond0', 'bwlate')).toMatchObject({ status: 0, stderr: '' });
    expect(await run('release', 'bond0', 'bwlate')).toMatchObject({ status: 0, stderr: '' });
    await pullOut();
    await plugIn();
    await someLooks();
    expect(await members()).toEqual(['eth0']);
    expect((await run('release', 'bond0', 'bwlate')).stderr).toContain('it is not a member of bond0');
  });

  test('one that may not join is told of once, left as it is, and joins when nothing is against it', async () => {
    expect((await run('enslave', '--await', 'bond0', 'bwlate')).status).toBe(0);
    await plugIn();
    await world.ip('host', 'addr add 10.77.0.1/24 dev bwlate');
    await eventually('it is told of', async () => (await said()).some(text => text.includes('10.77.0.1/24')));
    await someLooks();
    expect((await said()).filter(text => text.includes('10.77.0.1/24'))).toHaveLength(1);
    expect((world.lab.link('host', 'bwlate')?.flags ?? 0) & IFF.IFF_UP).toBe(0);
    expect(await members()).toEqual([]);
    await world.ip('host', 'addr del 10.77.0.1/24 dev bwlate');
    await joined();
  });

  test('a name that no interface can have is refused, and options without --await', async () => {
    const long = 'bw-much-too-long-a-name';
    const body = { interfaces: [long], await: true };
    expect(await world.ask('POST', '/v1/bonds/bond0/members', body)).toMatchObject({ status: 400 });
    const options = { interfaces: ['eth0'], options: { prio: '3' } };
    const { status, text } = await world.ask('POST', '/v1/bonds/bond0/members', options);
    expect(status).toBe(400);
    expect(text).toContain('options are for interfaces that are awaited');
    expect(await world.bond()).toMatchObject({ awaited: [], members: [] });
  });
});

test('a daemon that begins with a file waits for all that the file names, and gives each its options', async () => {
  const file = join(world.folder, 'bondwire.yaml');
  writeFileSync(
    file,
    `bonds:\n  bond0:\n    options: {mode: active-backup, miimon: 100}\n    members: [{name: bwlate, prio: 9}]\n    addresses: [${world.lab.hostAddress}]\n`,
  );
  await world.bondwire.stop();
  const argv = [process.execPath, BIN, 'daemon', '--run-dir', world.bondwire.runDir, '--config', file];
  const child = world.lab.spawn('host', argv);
  const gone = new Promise(resolve => {
    child.once('exit', resolve);
  });
  try {
    await eventually('it is there', async () => (await run('show', 'bond0')).status === 0);
    await eventually('its member is awaited', async () => (await world.bond()).awaited.length === 1);
    await plugIn();
    await joined();
    await eventually('it has its options', async () =>
      ((await world.bond()).options.prio ?? []).includes('bwlate:9'),
    );
    await pullOut();
    await eventually('it is awaited', async () => (await world.bond()).awaited.length === 1);
    await plugIn();
    await joined();
    await eventually('it has its options', async () =>
      ((await world.bond()).options.prio ?? []).includes('bwlate:9'),
    );
    expect((await run('destroy', 'bond0')).status).toBe(0);
  } finally {
    child.kill('SIGTERM');
    await gone;
  }
});
