// `bondwire daemon --supervise` (issue 5, item 5): a daemon that dies is started again, the sockets of its user-space bond are
// kept, and frames wait there; how it ends, and what is refused. Real interfaces; needs root; part of test:all.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { BIN, closeStages, Stage, until } from './support/stage.js';
import { expectNothingLost, Traffic } from './support/traffic.js';

afterEach(closeStages);

/** Slow enough that what comes in ten seconds fits into the bond's ring. */
const RATE = 100;

async function supervised(): Promise<Stage> {
  const stage = await Stage.open({ daemonArgs: ['--supervise'] });
  await stage.bond({ data_plane: 'userspace' });
  return stage;
}

/** The daemon that answers; undefined while none does. */
async function daemonOf(stage: Stage): Promise<number | undefined> {
  try {
    return (await stage.api.status()).pid;
  } catch {
    return undefined;
  }
}

async function another(stage: Stage, before: number): Promise<number> {
  return until('another daemon answers', async () => {
    const pid = await daemonOf(stage);
    return pid !== undefined && pid !== before ? pid : undefined;
  });
}

function socketsOf(pid: number): string[] {
  // Its streams are sockets here too.
  const fds = readdirSync(`/proc/${pid}/fd`).filter(fd => Number(fd) > 2);
  const links = fds.map(fd => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return links.filter(link => link.startsWith('socket:'));
}

const supervisorOf = (stage: Stage): number => stage.bondwire.pid ?? 0;
/** The daemon that waits for the other's death, once there is one. */
const spareOf = (stage: Stage, daemon: number): number | undefined => {
  const supervisor = supervisorOf(stage);
  return readdirSync(`/proc/${supervisor}/task`)
    .flatMap(thread => readFileSync(`/proc/${supervisor}/task/${thread}/children`, 'utf8').split(' '))
    .map(Number)
    .find(pid => pid > 0 && pid !== daemon);
};

const kept = (stage: Stage, daemon: number): string[] =>
  socketsOf(supervisorOf(stage)).filter(socket => socketsOf(daemon).includes(socket));

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('A daemon that is killed under traffic: interface, address, route and sockets stay, frames wait, none is lost', async () => {
  const stage = await supervised();
  await stage.ip('route', 'add', '198.51.100.0/24', 'via', stage.lab.peerIp);
  const picture = async (): Promise<string[]> => [
    String(stage.lab.link('host', 'bond0')?.ifindex),
    stage.mac('bond0'),
    await stage.ip('-4', 'addr', 'show', 'dev', 'bond0'),
    await stage.ip('route', 'show', 'dev', 'bond0'),
  ];
  const before = await picture();
  const first = await daemonOf(stage);
  if (first === undefined) throw new Error('No daemon answers');
  const sockets = kept(stage, first);
  // The bond's, and two of each of two members.
  expect(sockets.length).toBe(5);
  const traffic = await Traffic.start(stage, RATE);
  // Nobody forwards from here on: what is sent now is only in the ring when the daemon dies.
  process.kill(first, 'SIGSTOP');
  await traffic.sending();
  process.kill(first, 'SIGKILL');
  const second = await another(stage, first);
  await traffic.flowing();
  expectNothingLost(await traffic.report('a death'));
  expect(await picture()).toEqual(before);
  expect(kept(stage, second).toSorted()).toEqual(sockets.toSorted());
  // The next one has them already, as long as the bond has.
  const spare = await until('another waits', () => spareOf(stage, second));
  const ready = (): string[] => socketsOf(spare).filter(socket => sockets.includes(socket));
  await until('it has the sockets', () => ready().length === 5);
  expect(await stage.api.status()).toMatchObject({ adopted: ['bond0'], supervised: true });
  stage.lab.cut('eth0');
  await stage.active('eth1');
  await stage.reached();
  // The supervisor lets go of what the daemon gives up.
  await stage.api.release('bond0', { interfaces: ['eth0'] });
  await until('the copies are closed', () => kept(stage, second).length === 3 && ready().length === 3);
  await stage.api.destroy('bond0');
  await until('all copies are closed', () => kept(stage, second).length === 0 && ready().length === 0);
});

test('SIGTERM ends supervisor and daemon in order', async () => {
  const stage = await supervised();
  const daemon = (await daemonOf(stage)) ?? 0;
  const supervisor = supervisorOf(stage);
  await stage.bondwire.stop('SIGTERM');
  expect([isThere(supervisor), isThere(daemon)]).toEqual([false, false]);
  expect(stage.bondwire.log).toContain('ended by SIGTERM; no packets go through bond0 until the next daemon');
  expect(stage.bondwire.log).not.toContain('died');
});

test('A daemon whose supervisor is killed goes on, and says so', async () => {
  const stage = await supervised();
  const daemon = (await daemonOf(stage)) ?? 0;
  try {
    await stage.bondwire.stop('SIGKILL');
    await until('it says so', () =>
      stage.bondwire.log.includes('the supervisor is gone; the daemon goes on, and nobody starts it again.'),
    );
    expect(await stage.api.status()).toMatchObject({ pid: daemon, supervised: false });
    await stage.reached();
  } finally {
    process.kill(daemon, 'SIGTERM');
    await until('the daemon is gone', () => !isThere(daemon));
  }
});

test('A daemon that dies at once again and again is given up', async () => {
  const stage = await supervised();
  let daemon = (await daemonOf(stage)) ?? 0;
  for (let death = 1; death <= 6; death++) {
    process.kill(daemon, 'SIGKILL');
    if (death < 6) daemon = await another(stage, daemon);
  }
  await until('it is given up', () => stage.bondwire.pid === null);
  expect(stage.bondwire.log).toMatch(
    /bondwire: The daemon died 6 times in a row within 10 s of its start \(the last time: SIGKILL\) and is not started again: .*bondwire\.log tells/,
  );
  expect(await stage.ip('addr', 'show', 'dev', 'bond0')).toContain(stage.lab.hostAddress);
}, 60_000);

test('What is refused is one sentence, and nothing is started again', async () => {
  const stage = await supervised();
  const again = await stage.bondwire.command(['daemon', '--supervise']);
  expect([again.status, again.stderr]).toEqual([
    1,
    expect.stringMatching(/^bondwire: A daemon \(pid \d+\) is already running at [^\n]*\n$/),
  ]);
  const directory = mkdtempSync(join(tmpdir(), 'bw-supervise-'));
  try {
    const config = join(directory, 'wrong.yaml');
    writeFileSync(config, 'bonds: 7\n');
    const run = (env: Record<string, string>, ...args: string[]) =>
      spawnSync(process.execPath, [BIN, 'daemon', '--run-dir', join(directory, 'run'), ...args], {
        encoding: 'utf8',
        env: { ...process.env, ...env },
      });
    const wrong = run({}, '--supervise', '--config', config);
    expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining('wrong.yaml')]);
    expect(wrong.stderr).not.toContain('died');
    for (const value of ['99', 'abc', '']) {
      const stray = run({ BONDWIRE_SUPERVISED_BY: value });
      expect([stray.status, stray.stderr]).toEqual([
        1,
        `bondwire: BONDWIRE_SUPERVISED_BY=${value} names no open channel to a supervisor: it is for 'bondwire --run-dir ${join(directory, 'run')} daemon --supervise' to set, unset it.\n`,
      ]);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
