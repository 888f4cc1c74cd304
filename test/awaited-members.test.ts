// Interfaces that are not there when their bond is made: they join when they appear, and again when they come back. Needs root and BPF;
// part of test:all.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventRecord } from '../src/daemon/api/api.js';
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

  test('a member that was renamed is not awaited by its old name, and its release ends the wish', async () => {
    await plugIn();
    expect((await run('enslave', '--await', 'bond0', 'bwlate')).status).toBe(0);
    await world.ip('host', 'link set bwlate name bwother');
    await eventually('the new name is known', async () => (await members()).includes('bwother'));
    // Another interface of that name is a stranger.
    await world.ip('host', 'link add bwlate type veth peer name bwstranger');
    await someLooks();
    expect(await world.bond()).toMatchObject({ awaited: [] });
    expect(await members()).toEqual(['bwother']);
    expect((await run('release', 'bond0', 'bwother')).status).toBe(0);
    await pullOut();
    await world.ip('host', 'link set bwother name bwlate');
    await someLooks();
    expect(await world.bond()).toMatchObject({ awaited: [], members: [] });
  });

  test('alternative names are known: awaited, in options, released', async () => {
    const alternative = 'bw-a-very-long-alternative-name';
    expect((await run('enslave', '--await', 'bond0', alternative)).status).toBe(0);
    await plugIn();
    await world.ip('host', `link property add dev bwlate altname ${alternative}`);
    await joined();
    expect(await world.bond()).toMatchObject({ awaited: [] });
    expect((await run('set', 'bond0', `prio=${alternative}:4`)).status).toBe(0);
    expect((await world.bond()).options.prio).toEqual(['bwlate:4']);
    expect(await run('release', 'bond0', alternative)).toMatchObject({ status: 0, stderr: '' });
    await someLooks();
    expect(await world.bond()).toMatchObject({ awaited: [], members: [] });
  });

  test('of two bonds that await the same interface, the one that does not get it says why', async () => {
    expect((await run('create', 'bond1', 'mode=active-backup', 'miimon=100')).status).toBe(0);
    for (const bond of ['bond0', 'bond1'])
      expect((await run('enslave', '--await', bond, 'bwlate')).status).toBe(0);
    await plugIn();
    await joined();
    await eventually('bond1 says why', async () => {
      const { stdout } = await run('events', '--bond', 'bond1');
      return stdout.includes('it is a member of bond0');
    });
    expect((await run('doctor')).stdout).toMatch(/bwlate is awaited as a member and is there, but does not/);
  });

  test('options are checked at once, and given to each that joins', async () => {
    const join = (body: object) => world.ask('POST', '/v1/bonds/bond0/members', body);
    const now = await join({ interfaces: ['eth0'], await: true, options: { prio: '7' } });
    expect(now.status).toBe(200);
    expect((await join({ interfaces: ['eth1'], options: { prio: '5' } })).status).toBe(200);
    expect((await world.bond()).options.prio).toEqual(['eth0:7', 'eth1:5']);
    for (const options of [{ prio: 'banana' }, { miimon: '7' }, { nonsense: '1' }, { active_slave: '1' }]) {
      const refused = await join({ interfaces: ['bwlate'], await: true, options });
      expect(refused.status).toBe(400);
    }
    expect((await join({ interfaces: ['bw-much-too\u0007'], await: true })).status).toBe(400);
    expect(await world.bond()).toMatchObject({ awaited: [] });
    // One that is refused when it has joined: it is as it was.
    const taken = { queue_id: '3' };
    expect((await join({ interfaces: ['eth0'], await: true })).status).toBe(200);
    expect((await run('set', 'bond0', 'queue_id=eth0:3')).status).toBe(0);
    await plugIn();
    const refused = await join({ interfaces: ['bwlate'], options: taken });
    expect(refused.status).not.toBe(200);
    expect(await members()).toEqual(['eth0', 'eth1']);
  });
});

/** A daemon that begins with these bonds, as long as `during` takes; what it said by then is given to that. */
async function withDaemon(bond: string, during: (said: string) => Promise<void>): Promise<void> {
  const file = join(world.folder, 'bondwire.yaml');
  writeFileSync(file, `bonds:\n  bond0:\n${bond}`);
  if (world.bondwire.pid !== null) await world.bondwire.stop();
  const argv = [process.execPath, BIN, 'daemon', '--run-dir', world.bondwire.runDir, '--config', file];
  const child = world.lab.spawn('host', argv);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', data => (text += String(data)));
  const gone = new Promise(resolve => {
    child.once('exit', resolve);
  });
  try {
    await eventually('it is ready', () => text.includes('ready at'));
    await during(text);
  } finally {
    child.kill('SIGTERM');
    await gone;
  }
}

test('a daemon that begins with a file waits for all that the file names, and gives each its options', async () => {
  const bond = `    options: {mode: active-backup, miimon: 100}\n    members: [{name: bwlate, prio: 9}]\n    addresses: [${world.lab.hostAddress}]\n`;
  await withDaemon(bond, async () => {
    expect((await world.bond()).awaited).toEqual(['bwlate']);
    for (const nth of [1, 2]) {
      await plugIn();
      await joined();
      await eventually(`it has its options, time ${nth}`, async () =>
        ((await world.bond()).options.prio ?? []).includes('bwlate:9'),
      );
      await pullOut();
      await eventually('it is awaited', async () => (await world.bond()).awaited.length === 1);
    }
    expect((await run('destroy', 'bond0')).status).toBe(0);
  });
});

test('an active_slave that is missing is warned of and takes nothing with it; what the file no longer names is told', async () => {
  const options = '    options: {mode: active-backup, miimon: 100, active_slave: bwlate, prio: "eth0:3"}\n';
  await withDaemon(`${options}    members: [eth0, eth1, bwlate]\n`, async said => {
    expect(said).toMatch(/warning: active_slave=bwlate was refused.* It is not set when that joins either/);
    expect((await world.bond()).options.prio).toContain('eth0:3');
  });
  await withDaemon(
    '    options: {mode: active-backup, miimon: 100}\n    members: [eth0, eth1]\n',
    async said => {
      expect(said).toContain('bond0 has lost the member bwlate: the file does not have it any more.');
      expect((await world.bond()).awaited).toEqual([]);
      expect((await run('destroy', 'bond0')).status).toBe(0);
    },
  );
});

test('a queue that cannot be had leaves the members theirs', async () => {
  const options = '    options: {mode: active-backup, miimon: 100}\n';
  const queues = async () => (await world.bond()).options.queue_id;
  const both = '    members: [{name: eth0, queue_id: 1}, {name: eth1, queue_id: 2}]\n';
  await withDaemon(options + both, async () => expect(await queues()).toEqual(['eth0:1', 'eth1:2']));
  await withDaemon(`${options}    members: [{name: eth0, queue_id: 2}]\n`, async said => {
    expect(said).toMatch(/queue_id=eth0:2 was refused: .*bond0 goes on as it is/);
    expect(await queues()).toEqual(['eth0:1', 'eth1:2']);
  });
  const exchanged = '    members: [{name: eth0, queue_id: 2}, {name: eth1, queue_id: 1}]\n';
  await withDaemon(options + exchanged, async () => {
    expect(await queues()).toEqual(['eth0:2', 'eth1:1']);
    expect((await run('destroy', 'bond0')).status).toBe(0);
  });
});
