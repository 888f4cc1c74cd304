// The place where a daemon lives: taken, forbidden, too long, in the way, or left behind by something that died.
// Needs root.
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommandResult } from '../src/lab/managed-bondwire.js';
import { BIN, eventually, World } from './support/world.js';

let world: World;
let runDir = '';
beforeEach(async () => {
  world = await World.create({ daemon: false });
  runDir = `${world.folder}/run`;
});
afterEach(() => world.close());

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

function expectRefused(result: CommandResult, exit: number, says: RegExp): void {
  expect(result).toEqual({
    status: exit,
    stdout: '',
    stderr: expect.stringMatching(/^bondwire: [^\n]+\.\n$/),
  });
  expect(result.stderr).toMatch(says);
  expect(result.stderr).not.toMatch(/undefined|\[object|internal error|\bat .*:\d+:\d+/);
}

/** Starts a daemon that is expected to give up. */
function daemon(directory = runDir): Promise<CommandResult> {
  return world.lab.exec('host', ['timeout', '20', process.execPath, BIN, 'daemon', '--run-dir', directory]);
}

describe('no daemon', () => {
  test.each([
    'show',
    'show bond0 --json',
    'events',
    'destroy bond0',
    'set bond0 miimon=1',
    'enslave bond0 eth0',
  ])('%s exits with 3', async words => {
    expectRefused(
      await world.cli([...words.split(' '), '--run-dir', runDir]),
      3,
      /No daemon is running.*bondwire daemon --run-dir/,
    );
    expect(existsSync(runDir)).toBe(false);
  });

  test('a socket that nobody answers, a file in its place, a file as the directory', async () => {
    mkdirSync(runDir);
    const server = createServer().listen(`${runDir}/control.sock`);
    await eventually('the socket is there', () => existsSync(`${runDir}/control.sock`));
    // A process that dies leaves its socket; this one is taken away from its server.
    const { renameSync } = await import('node:fs');
    renameSync(`${runDir}/control.sock`, `${runDir}/kept`);
    server.close();
    renameSync(`${runDir}/kept`, `${runDir}/control.sock`);
    expectRefused(await world.cli(['show', '--run-dir', runDir]), 3, /nobody answers/);
    writeFileSync(`${world.folder}/file`, '');
    expectRefused(
      await world.cli(['show', '--run-dir', `${world.folder}/file`]),
      3,
      /there is no control.sock/,
    );
    mkdirSync(`${world.folder}/other`);
    writeFileSync(`${world.folder}/other/control.sock`, '');
    expectRefused(
      await world.cli(['show', '--run-dir', `${world.folder}/other`]),
      3,
      /nobody answers|is no socket/,
    );
    // A daemon replaces the dead socket.
    await world.bondwire.start();
    expect((await world.cli(['show', '--run-dir', runDir])).status).toBe(0);
  });
});

describe('permissions', () => {
  test('a user who may not open the socket is told so, exit 4', async () => {
    await world.bondwire.start();
    chmodSync(world.folder, 0o755);
    expect(statSync(`${runDir}/control.sock`).mode & 0o777).toBe(0o600);
    const result = await world.lab.exec(
      'host',
      [...NOBODY, process.execPath, BIN, 'show', '--run-dir', runDir],
      {
        cwd: '/',
      },
    );
    expectRefused(result, 4, /may not open .*control\.sock \(permission denied\).*root/);
  });

  test.each(['daemon', 'run bond0 eth0'])(
    '%s without capabilities exits with 4 and names them',
    async words => {
      const result = await world.lab.exec(
        'host',
        [...NOBODY, process.execPath, BIN, ...words.split(' '), '--run-dir', `${world.folder}/x`],
        { cwd: '/' },
      );
      expect(result.status).toBe(4);
      expect(result.stderr + result.stdout).toMatch(/CAP_NET_ADMIN/);
    },
  );
});

describe('a place that does not serve', () => {
  test('a file where the directory should be', async () => {
    writeFileSync(runDir, '');
    expectRefused(await daemon(), 1, /run.*is a file|not a directory/);
  });

  test('a file above it', async () => {
    writeFileSync(`${world.folder}/file`, '');
    expectRefused(await daemon(`${world.folder}/file/run`), 1, /not a directory/);
  });

  test('a file system that takes no directories', async () => {
    expectRefused(await daemon('/proc/bondwire'), 1, /\/proc\/bondwire/);
  });

  test('a path too long for a socket', async () => {
    expectRefused(await daemon(`/tmp/${'d'.repeat(110)}`), 2, /too long.*107/);
  });

  test('a directory where the socket should be', async () => {
    mkdirSync(`${runDir}/control.sock`, { recursive: true });
    expectRefused(await daemon(), 1, /control\.sock/);
  });
});

describe('two daemons', () => {
  test('the second is refused, and the first serves on', async () => {
    await world.bondwire.start();
    expectRefused(await daemon(), 1, /A daemon \(pid \d+\) is already running/);
    await world.bondwire.run('create', 'bond0', 'mode=active-backup', 'miimon=100');
    expect((await world.bond()).name).toBe('bond0');
  });

  test('of several that start at once one remains', async () => {
    const children = Array.from({ length: 4 }, () =>
      world.lab.spawn('host', [process.execPath, BIN, 'daemon', '--run-dir', runDir]),
    );
    const ended = new Set<number>();
    const said: string[] = [];
    for (const [number, child] of children.entries()) {
      child.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
      child.once('exit', () => ended.add(number));
    }
    await eventually('all but one have ended', () => ended.size === 3, 30_000);
    expect(said.join('')).toMatch(/already running|is running at/);
    const status = (await world.must('GET', '/v1/status')) as { pid: number };
    const alive = children.filter((_, number) => !ended.has(number));
    expect(alive.map(child => child.pid)).toEqual([status.pid]);
    alive[0]?.kill('SIGTERM');
    await eventually('the last has ended', () => ended.size === 4);
  });
});

const stateFile = (): string => `${runDir}/state.json`;

function leave(text: string): void {
  mkdirSync(runDir, { recursive: true });
  writeFileSync(stateFile(), text);
}

describe('what an earlier daemon left', () => {
  test.each([
    ['nothing', ''],
    ['half of it', '{"version":1,"bonds":[{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['an object of something else', '{"hello":1}'],
    ['bonds that are none', 'BOOT,"version":1,"netns":"NETNS","bonds":[5]}'],
    ['bonds that are text', 'BOOT,"version":1,"netns":"NETNS","bonds":"all"}'],
  ])('a state file with %s: the daemon refuses, says what to do, and leaves it', async (_, text) => {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const netns = world.lab.inside('host', () => String(statSync('/proc/thread-self/ns/net').ino));
    const written = text.replace('BOOT', `{"bootId":"${boot}"`).replace('NETNS', netns);
    leave(written);
    expectRefused(await daemon(), 1, /state\.json is damaged: .*move it away/);
    expect(readFileSync(stateFile(), 'utf8')).toBe(written);
  });

  test('a state file of another version', async () => {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    leave(JSON.stringify({ version: 99, bootId: boot, netns: '1', bonds: [] }));
    expectRefused(await daemon(), 1, /version 99/);
  });

  test('a state file from before the last boot means nothing any more', async () => {
    leave(JSON.stringify({ version: 1, bootId: 'another', netns: '1', bonds: [{ name: 'bond0' }] }));
    await world.bondwire.start();
    expect(await world.must('GET', '/v1/bonds')).toEqual({ bonds: [] });
    await world.bondwire.run('create', 'bond0', 'mode=active-backup', 'miimon=100');
  });

  test("another namespace's bonds", async () => {
    await world.bondwire.start();
    await world.bondwire.run('create', 'bond0', 'mode=active-backup', 'miimon=100');
    await world.bondwire.stop();
    const inPeer = ['timeout', '20', process.execPath, BIN, 'daemon', '--run-dir', runDir];
    expectRefused(await world.lab.exec('peer', inPeer), 1, /another network namespace.*--run-dir/);
    await world.bondwire.start();
    expect((await world.bond()).name).toBe('bond0');
  });

  test('a journal of garbage is read as far as it can be', async () => {
    mkdirSync(runDir, { recursive: true });
    const good = {
      seq: 7,
      time: new Date(0).toISOString(),
      bond: 'b',
      severity: 'info',
      type: 'left',
      message: 'x',
    };
    const lines = [
      'null',
      '5',
      '[]',
      '{"seq":"x"}',
      JSON.stringify(good),
      '{"seq":',
      '\u0000\u00ff',
      '"text"',
      '{}',
      'null',
    ];
    writeFileSync(`${runDir}/events.ndjson`, lines.join('\n'));
    await world.bondwire.start();
    await world.bondwire.run('create', 'bond0', 'mode=active-backup', 'miimon=100');
    const events = (await world.bondwire.run('events', '--json')).trim().split('\n');
    const records = events.map(line => JSON.parse(line) as { seq: number });
    expect(records.length).toBeGreaterThan(1);
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, at) => 7 + at));
  });
});
