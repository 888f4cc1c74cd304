// The command line as scripts rely on it: every command from any folder, the structure of its JSON, `run` from start to
// end, several daemons side by side, and help that loads nothing. Needs root.
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { EventRecord } from '../src/daemon/api/api.js';
import { findOption, OPTION_TABLE } from '../src/policy/index.js';
import { BIN, eventually, World } from './support/world.js';

let world: World;
beforeEach(async () => {
  world = await World.create({ daemon: false });
});
afterEach(() => world.close());

const AB = ['mode=active-backup', 'miimon=100'];

const counters = z.strictObject({ packets: z.int().min(0), bytes: z.int().min(0) });
const mac = z.string().regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
const member = z.strictObject({
  name: z.string(),
  state: z.enum(['active', 'backup']),
  miiStatus: z.enum(['up', 'going down', 'down', 'going back']),
  linkFailureCount: z.int().min(0),
  permanentAddress: mac,
  address: mac,
  speedMbps: z.int().nullable(),
  duplex: z.enum(['full', 'half']).nullable(),
  rx: counters,
  tx: counters,
  lastReceivedMs: z.number().min(0).nullable(),
  silence: z.strictObject({ sent: z.int(), forMs: z.number(), othersReceived: z.int() }).nullable(),
});
const bond = z.strictObject({
  name: z.string(),
  mode: z.literal('active-backup'),
  dataPlane: z.literal('ebpf'),
  dataPlaneDetail: z.string().min(1),
  inlineFailover: z.boolean(),
  adminUp: z.boolean(),
  carrier: z.boolean(),
  active: z.string().nullable(),
  activeSince: z.iso.datetime().optional(),
  address: mac,
  mtu: z.int(),
  options: z.record(z.string(), z.union([z.string(), z.int(), z.array(z.string()), z.null()])),
  rx: counters,
  tx: counters,
  txDropped: z.int().min(0),
  members: z.array(member),
  awaited: z.array(z.string()),
});
const document = z.strictObject({ bonds: z.array(bond) });

/** The lines that a process writes. */
function linesOf(child: ChildProcess): string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', line => lines.push(line));
  }
  return lines;
}

const ended = (child: ChildProcess): Promise<number | null> =>
  child.exitCode !== null
    ? Promise.resolve(child.exitCode)
    : new Promise(resolve => {
        child.once('exit', resolve);
      });

describe('commands', () => {
  test('create, enslave, set, show, release, destroy, events: done, silent, exit 0', async () => {
    await world.bondwire.start();
    const runDir = ['--run-dir', world.bondwire.runDir];
    const quiet = { status: 0, stdout: '', stderr: '' };
    expect(await world.cli([...runDir, 'create', 'bond0', ...AB, 'num_grat_arp=2'])).toEqual(quiet);
    expect(await world.cli(['enslave', ...runDir, 'bond0', 'eth0', 'eth1'])).toEqual(quiet);
    const env = { BONDWIRE_RUN_DIR: world.bondwire.runDir };
    expect(await world.cli(['set', 'bond0', 'updelay=200', 'primary=eth1'], env, '/tmp')).toEqual(quiet);
    const shown = await world.cli(['show'], env, world.folder);
    expect(shown).toMatchObject({ status: 0, stderr: '' });
    expect(shown.stdout).toMatch(/bond0.*active-backup/);
    expect(shown.stdout).toMatch(/eth0/);
    const proc = await world.cli(['show', 'bond0', '--proc'], env);
    expect(proc.stdout).toMatch(
      /^Ethernet Channel Bonding Driver: v\d.*\n\nBonding Mode: fault-tolerance \(active-backup\)\n/,
    );
    // --run-dir goes before the variable.
    expect((await world.cli(['show', '--run-dir', `${world.folder}/none`], env)).status).toBe(3);
    expect(await world.cli(['release', 'bond0', 'eth1'], env)).toEqual(quiet);
    expect(await world.cli(['destroy', 'bond0'], env)).toEqual(quiet);
    expect((await world.cli(['show', '--json'], env)).stdout).toBe('{\n  "bonds": []\n}\n');
    const events = await world.cli(['events'], env);
    expect(events).toMatchObject({ status: 0, stderr: '' });
    expect(events.stdout).toMatch(/bond0 was created/);
    expect(events.stdout).toMatch(/bond0 was destroyed/);
    expect(world.lab.link('host', 'bond0')).toBeUndefined();
  });

  test('a relative run directory is one of the folder that the command runs in', async () => {
    await world.bondwire.start();
    expect(await world.cli(['show', '--run-dir', 'run'], {}, world.folder)).toMatchObject({ status: 0 });
  });

  test('releasing and destroying says nothing of what was to be expected', async () => {
    await world.bondwire.start();
    await world.bondwire.run('create', 'bond0', ...AB);
    await world.bondwire.run('enslave', 'bond0', 'eth0', 'eth1');
    await world.ip('host', 'link set bond0 up');
    for (const words of [
      ['release', 'bond0', 'eth1'],
      ['release', 'bond0', 'eth0'],
      ['enslave', 'bond0', 'eth0', 'eth1'],
      ['destroy', 'bond0'],
    ]) {
      expect(await world.bondwire.command(words)).toEqual({ status: 0, stdout: '', stderr: '' });
    }
  });

  test('a bond without a monitor is warned of', async () => {
    await world.bondwire.start();
    const created = await world.bondwire.command(['create', 'bond0', 'mode=active-backup']);
    expect(created).toMatchObject({ status: 0, stdout: '' });
    expect(created.stderr).toMatch(/watches no links.*miimon/);
  });

  test('show --json has the promised structure, and every option by its name', async () => {
    await world.bondwire.start();
    await world.bondwire.run('create', 'bond0', ...AB, 'updelay=200', 'primary=eth1');
    await world.bondwire.run('create', 'bond1', ...AB);
    await world.bondwire.run('enslave', 'bond0', 'eth0', 'eth1');
    await world.ip('host', 'link set bond0 up');
    world.lab.cut('eth1');
    await eventually('eth1 is down', async () => (await world.bond()).members[1]?.miiStatus === 'down');
    const { bonds } = document.parse(JSON.parse(await world.bondwire.run('show', '--json')));
    expect(bonds.map(({ name }) => name)).toEqual(['bond0', 'bond1']);
    expect(bonds[0]).toMatchObject({
      carrier: true,
      active: 'eth0',
      mtu: 1500,
      options: { mode: 'active-backup', miimon: 100, updelay: 200, primary: 'eth1', active_slave: 'eth0' },
      members: [
        {
          name: 'eth0',
          state: 'active',
          miiStatus: 'up',
          linkFailureCount: 0,
          speedMbps: 10000,
          duplex: 'full',
        },
        { name: 'eth1', state: 'backup', miiStatus: 'down', linkFailureCount: 1 },
      ],
    });
    const names = Object.keys(bonds[0]?.options ?? {});
    expect(OPTION_TABLE.map(({ name }) => name).filter(name => !names.includes(name))).toEqual([]);
    expect(names.filter(name => findOption(name) === undefined)).toEqual([]);
    const [only] = document.parse(JSON.parse(await world.bondwire.run('show', 'bond1', '--json'))).bonds;
    expect(only).toMatchObject({ name: 'bond1', carrier: false, active: null, members: [] });
  });

  test('events --follow --json streams what happens as it happens', async () => {
    await world.bondwire.start();
    await world.bondwire.run('create', 'bond0', ...AB);
    await world.bondwire.run('enslave', 'bond0', 'eth0', 'eth1');
    await world.ip('host', 'link set bond0 up');
    const seen: EventRecord[] = [];
    const stop = world.bondwire.follow(event => seen.push(event));
    await eventually('what was before is told', () => seen.some(({ type }) => type === 'joined'));
    world.lab.cut('eth0');
    const failover = await eventually('the failover is told', () =>
      seen.find(({ type, from }) => type === 'failover' && from === 'eth0'),
    );
    stop();
    expect(failover).toMatchObject({ bond: 'bond0', to: 'eth1', severity: 'warning', lostPackets: 0 });
    expect(failover.outageMs).toBeLessThan(1000);
    expect(failover.reason).toMatch(/carrier/);
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, at) => (seen[0]?.seq ?? 0) + at));
  });
});

function start(...words: string[]): ChildProcess {
  return world.lab.spawn('host', [
    process.execPath,
    BIN,
    'run',
    ...words,
    '--run-dir',
    world.bondwire.runDir,
  ]);
}

/** What may be another once an interface was in use, and the files that a daemon leaves for the next. */
const MAY_DIFFER: ReadonlySet<string> = new Set([
  'files',
  'qdisc',
  'carrier_changes',
  'carrier_up_count',
  'carrier_down_count',
  'operstate',
  'flags',
]);

function comparable(state: unknown): string {
  return JSON.stringify(state, (key, value: unknown) => (MAY_DIFFER.has(key) ? undefined : value), 1);
}

describe('run', () => {
  test('makes a bond that works, tells what happens, and SIGINT puts everything back', async () => {
    await world.ip('host', 'link set eth1 up');
    const before = await world.state();
    const child = start(
      'bond0',
      'eth0',
      'eth1',
      '--address',
      world.lab.hostAddress,
      '--take-down',
      'primary=eth0',
    );
    const lines = linesOf(child);
    await eventually('it is up', () => lines.some(line => line.startsWith('bond0 is up')));
    expect(lines[0]).toBe('Chosen for you: mode=active-backup miimon=100');
    await eventually('the peer answers', () => world.pings(world.lab.peerIp));
    const shown = await world.cli(['show', '--json', '--run-dir', world.bondwire.runDir]);
    expect(document.parse(JSON.parse(shown.stdout)).bonds[0]).toMatchObject({
      name: 'bond0',
      active: 'eth0',
    });
    world.lab.cut('eth0');
    await eventually('the failover is told', () => lines.some(line => line.includes('failover eth0 → eth1')));
    expect(await world.pings(world.lab.peerIp)).toBe(true);
    world.lab.restore('eth0');
    child.kill('SIGINT');
    expect(await ended(child)).toBe(0);
    expect(lines.at(-1)).toBe('Everything is as it was before.');
    const after = await world.state();
    expect(comparable(after)).toBe(comparable(before));
    expect(world.lab.link('host', 'eth0')?.flags ?? 1).toSatisfy((flags: number) => (flags & 1) === 0);
    expect(world.lab.link('host', 'eth1')?.flags ?? 0).toSatisfy((flags: number) => (flags & 1) === 1);
  });

  test('what it cannot build is taken back, and says why', async () => {
    await world.ip('host', 'link set eth1 up');
    const child = start('bond0', 'eth0', 'eth1');
    const lines = linesOf(child);
    expect(await ended(child)).toBe(1);
    expect(lines.at(-1)).toMatch(/^bondwire: eth1 cannot join bond0: it is up.*--take-down/);
    expect(world.lab.link('host', 'bond0')).toBeUndefined();
  });

  test('killed with SIGKILL it leaves a bond that works; a daemon takes it over, and run does not', async () => {
    const child = start('bond0', 'eth0', 'eth1', '--address', world.lab.hostAddress);
    const lines = linesOf(child);
    await eventually('it is up', () => lines.some(line => line.startsWith('bond0 is up')));
    child.kill('SIGKILL');
    await ended(child);
    await eventually('the peer answers', () => world.pings(world.lab.peerIp));
    const again = await world.cli(['run', 'bond1', 'eth0', '--run-dir', world.bondwire.runDir]);
    expect(again).toMatchObject({ status: 1, stdout: '' });
    expect(again.stderr).toMatch(/left at work \(bond0\).*bondwire daemon/);
    await world.bondwire.start();
    expect(await world.must('GET', '/v1/status')).toMatchObject({ adopted: ['bond0'] });
    expect(await world.bond()).toMatchObject({ active: 'eth0', carrier: true });
    world.lab.cut('eth0');
    await eventually('failover', async () => (await world.bond()).active === 'eth1');
    expect(await world.pings(world.lab.peerIp)).toBe(true);
  });
});

test('daemons in several namespaces do not see each other', async () => {
  await world.bondwire.start();
  const peer = world.at(`${world.folder}/peer`, 'peer');
  await peer.start();
  await world.bondwire.run('create', 'bond0', ...AB);
  await peer.run('create', 'bond0', ...AB);
  await peer.run('create', 'bond7', ...AB);
  expect((await peer.show('bond7')).name).toBe('bond7');
  expect((await world.bondwire.command(['show', 'bond7'])).status).toBe(1);
  expect(world.lab.link('peer', 'bond7')?.address).toBe((await peer.show('bond7')).address);
  expect(world.lab.link('host', 'bond7')).toBeUndefined();
  await peer.run('destroy', 'bond0');
  await peer.run('destroy', 'bond7');
  await peer.stop();
  expect((await world.bond()).name).toBe('bond0');
});

describe('help and doctor', () => {
  test.each([
    ['--help'],
    ['--version'],
    ['help'],
    ['create --help'],
    ['show --help'],
    ['run --help'],
    ['help enslave'],
    ['doctor --help'],
  ])('%s is printed without the C library, the daemon or a directory being touched', async words => {
    const folder = `${world.folder}/cwd`;
    mkdirSync(folder);
    const { status, stdout, stderr } = await world.cli(
      [...words.split(' '), '--run-dir', `${world.folder}/none`],
      { NODE_DEBUG: 'module,esm', NODE_NO_WARNINGS: '1' },
      folder,
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/Usage|usage|^\d+\.\d+\.\d+/);
    expect(stderr).not.toMatch(/node_modules\/(koffi|zod|pino)\/|dist\/(daemon\/daemon|linux|dataplane)\//);
    expect(existsSync(`${world.folder}/none`)).toBe(false);
  });

  test('doctor finds nothing in the way here, and says the same as JSON', async () => {
    const told = await world.cli(['doctor']);
    expect(told).toMatchObject({ status: 0, stderr: '' });
    expect(told.stdout).toMatch(/eBPF/);
    const finding = z.strictObject({
      name: z.string(),
      ok: z.boolean(),
      level: z.enum(['ok', 'warning', 'problem']),
      detail: z.string().min(1),
      fix: z.string().optional(),
    });
    const { stdout } = await world.cli(['doctor', '--json']);
    const { findings } = z.strictObject({ findings: z.array(finding) }).parse(JSON.parse(stdout));
    expect(findings.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['system', 'permission', 'BTF', 'eBPF']),
    );
    expect(findings.filter(({ level }) => level === 'problem')).toEqual([]);
    for (const { detail } of findings)
      expect(told.stdout.replaceAll(/\s+/g, ' ')).toContain(detail.slice(0, 20));
  });

  test('doctor without root names what is missing and exits with 4', async () => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const result = await world.lab.exec('host', [...nobody, process.execPath, BIN, 'doctor'], { cwd: '/' });
    expect(result.status).toBe(4);
    expect(result.stdout).toMatch(/CAP_NET_ADMIN/);
    expect(result.stderr).toBe('');
  });
});
