// The lab against the real kernel; needs root. Without it these tests fail: they are the ground of all that follow.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { listNamedNetns, mountFileSystem, openNetns } from '../linux/index.js';
import { Lab, type LabOptions } from './lab.js';
import { cleanStale } from './lab-guard.js';
import { ownerOf } from './names.js';
import { isAlive } from './running-labs.js';

const labs: Lab[] = [];
async function makeLab(options: LabOptions = {}): Promise<Lab> {
  const lab = await Lab.create(options);
  labs.push(lab);
  return lab;
}
afterEach(() => {
  for (const lab of labs.splice(0)) expect(lab.close()).toEqual([]);
  expect(listNamedNetns().filter(name => ownerOf(name) === process.pid)).toEqual([]);
});

/** A lab whose host is connected by eth0 alone. */
async function connected(options: LabOptions = {}): Promise<Lab> {
  const lab = await makeLab(options);
  lab.setUp('host', 'eth0', true);
  lab.addAddress('host', 'eth0', lab.hostAddress);
  return lab;
}

async function reachesPeer(lab: Lab, address: string = lab.peerIp): Promise<boolean> {
  const { status } = await lab.exec('host', ['ping', '-c', '1', '-i', '0.1', '-W', '1', address]);
  return status === 0;
}

/** A port of the bridge forwards a moment after its carrier is there, and what came before that moment is lost. */
async function comesToReachPeer(lab: Lab, address?: string): Promise<boolean> {
  for (let tries = 5; tries > 0; tries--) if (await reachesPeer(lab, address)) return true;
  return false;
}

async function until(what: () => boolean): Promise<void> {
  const deadline = performance.now() + 3000;
  while (!what()) {
    if (performance.now() > deadline) throw new Error('It did not happen within 3 s');
    await new Promise(resolve => setTimeout(resolve, 1));
  }
}

describe.each([{ sameIndex: false }, { sameIndex: true }])('Lab with %o', options => {
  test('connects the host to the peer', async () => {
    const lab = await connected(options);
    expect(await comesToReachPeer(lab)).toBe(true);
  });

  test('cut() takes the carrier away at once, restore() gives it back', async () => {
    const lab = await connected(options);
    expect(lab.link('host', 'eth0')?.carrier).toBe(true);
    expect(lab.isCut('eth0')).toBe(false);
    lab.cut('eth0');
    expect(lab.link('host', 'eth0')?.carrier).toBe(false);
    expect(lab.isCut('eth0')).toBe(true);
    lab.restore('eth0');
    expect(lab.link('host', 'eth0')?.carrier).toBe(true);
    await until(() => lab.link('switch', 'p0')?.operationalState === 'up');
    expect(await comesToReachPeer(lab)).toBe(true);
  });

  test('silence() lets frames vanish and leaves the carrier alone', async () => {
    const lab = await connected(options);
    expect(await comesToReachPeer(lab)).toBe(true);
    lab.silence('eth0');
    expect(lab.link('host', 'eth0')?.carrier).toBe(true);
    expect(await reachesPeer(lab)).toBe(false);
    lab.restore('eth0');
    expect(await comesToReachPeer(lab)).toBe(true);
  });
});

test('Lab gives the ends of a cable the same index only when asked to', async () => {
  const same = await makeLab({ sameIndex: true });
  expect(same.link('host', 'eth1')?.ifindex).toBe(same.link('switch', 'p1')?.ifindex);
  const other = await makeLab();
  expect(other.link('host', 'eth1')?.ifindex).not.toBe(other.link('switch', 'p1')?.ifindex);
});

test('Lab leaves its members down, and is quiet: no packet that nobody sent', async () => {
  const lab = await makeLab({ members: ['eth0', 'eth1', 'eth2'] });
  expect(lab.members.map(member => (lab.link('host', member)?.flags ?? 1) & 1)).toEqual([0, 0, 0]);
  await new Promise(resolve => setTimeout(resolve, 300));
  expect(lab.link('peer', 'eth0')?.statistics?.rxPackets).toBe(0);
});

test('Lab has IPv6 when asked to', async () => {
  const lab = await makeLab({ ipv6: true });
  lab.addAddress('peer', 'eth0', 'fd00:9::1/64');
  lab.setUp('host', 'eth0', true);
  lab.addAddress('host', 'eth0', 'fd00:9::2/64');
  await until(() => lab.link('host', 'eth0')?.operationalState === 'up');
  expect(await comesToReachPeer(lab, 'fd00:9::1')).toBe(true);
});

test('Lab names an interface that it does not have', async () => {
  const lab = await makeLab();
  expect(() => lab.cut('eth7')).toThrow('The lab has no interface eth7; it has eth0, eth1');
});

test('Lab.exec() gives status and output; close() kills what still runs', async () => {
  const lab = await makeLab();
  expect(await lab.exec('host', ['sh', '-c', 'echo out; echo err >&2; exit 3'])).toEqual({
    status: 3,
    stdout: 'out\n',
    stderr: 'err\n',
  });
  const sleeper = lab.spawn('peer', ['sleep', '60']);
  const ended = once(sleeper, 'exit');
  expect(lab.close()).toEqual([]);
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(lab.close()).toEqual([]);
});

/** A program of its own that makes a lab, says so, and goes on as `then` says. */
function labProgram(
  then: string,
  stray = false,
): { child: ReturnType<typeof spawn>; ready: Promise<string> } {
  const index = fileURLToPath(new URL('../../dist/lab/index.js', import.meta.url));
  const start = stray
    ? `const sleeper = lab.spawn('peer', ['sleep', '60']); (await import('node:fs')).writeFileSync('${tmpdir()}/bw-stray-' + process.pid, String(sleeper.pid));`
    : '';
  const program = `import { Lab } from ${JSON.stringify(index)}; const lab = await Lab.create(); ${start} console.log(lab.host); ${then}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim()));
    child.once('exit', status => reject(new Error(`exit status ${status}`)));
  });
  return { child, ready };
}

function strayFile(pid: number | undefined): string {
  return `${tmpdir()}/bw-stray-${pid}`;
}

function namespacesOf(child: { readonly pid?: number | undefined }): string[] {
  return listNamedNetns().filter(name => ownerOf(name) === child.pid);
}

test.each([
  ['its end', 'setTimeout(() => {}, 300)', null],
  ['process.exit()', 'setTimeout(() => process.exit(4), 300)', null],
  ['an exception', 'setTimeout(() => { throw new Error("oh") }, 300)', null],
  ['SIGINT', 'setTimeout(() => {}, 60000)', 'SIGINT'],
  ['SIGTERM', 'setTimeout(() => {}, 60000)', 'SIGTERM'],
  ['SIGHUP', 'setTimeout(() => {}, 60000)', 'SIGHUP'],
] as const)('A lab is gone after its program ended by %s', async (_what, then, signal) => {
  const { child, ready } = labProgram(then);
  const ended = once(child, 'exit');
  await ready;
  expect(namespacesOf(child)).toHaveLength(3);
  if (signal !== null) child.kill(signal);
  const [, by] = (await ended) as [number | null, string | null];
  expect(by).toBe(signal);
  expect(namespacesOf(child)).toEqual([]);
});

test('cleanStale() removes the lab of a program that was killed, and no other', async () => {
  const mine = await makeLab();
  const { child, ready } = labProgram('setTimeout(() => {}, 60000)', true);
  await ready;
  const names = namespacesOf(child);
  expect(cleanStale()).not.toContain(names[0]);
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  expect(namespacesOf(child)).toHaveLength(3);
  const stray = Number(readFileSync(strayFile(child.pid), 'utf8'));
  rmSync(strayFile(child.pid));
  expect(isAlive(stray)).toBe(true);
  expect(cleanStale()).toEqual(expect.arrayContaining(names));
  await until(() => !isAlive(stray) || readFileSync(`/proc/${stray}/stat`, 'utf8').includes(') Z '));
  expect(namespacesOf(child)).toEqual([]);
  expect(() => openNetns(mine.host)).not.toThrow();
});

test('Lab.makeRunDir() gives a folder that goes with the lab, mounts and all', async () => {
  const lab = await makeLab();
  const directory = lab.makeRunDir();
  writeFileSync(`${directory}/state`, '');
  mkdirSync(`${directory}/bpf`);
  mountFileSystem('tmpfs', `${directory}/bpf`);
  expect(lab.close()).toEqual([]);
  expect(existsSync(directory)).toBe(false);
});
