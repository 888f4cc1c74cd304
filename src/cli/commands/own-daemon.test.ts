// The commands that are a daemon themselves: daemon leaves things in place, run puts everything back.
// oxlint-disable unicorn/consistent-function-scoping -- each test says for itself what is answered
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DaemonModule, Machine } from '../modules.js';
import { run, start } from '../test-support/command.js';
import {
  type Answer,
  done,
  type FakeDaemon,
  fakeDaemon,
  refuse,
  reply,
  type Seen,
  temporaryRunDir,
} from '../test-support/fake-daemon.js';
import { FAILOVER } from '../test-support/samples.js';

let runDir: ReturnType<typeof temporaryRunDir>;
let fake: FakeDaemon | undefined;
let closed: string[] = [];

beforeEach(() => {
  runDir = temporaryRunDir();
  closed = [];
});

afterEach(async () => {
  await fake?.close();
  fake = undefined;
  runDir.remove();
});

const status = (bonds: readonly string[]) => ({
  pid: 4711,
  version: '0.0.0',
  runDir: runDir.path,
  bonds,
  adopted: bonds,
  supervised: false,
});

const prepareDaemon = (): never => {
  throw new Error('not asked for');
};

/** A machine whose daemon is the fake one, answering changes with success unless `refusing` names the call. */
function machine(bonds: readonly string[] = [], refusing = '', failingClose = false): Partial<Machine> {
  const answer: Answer = (seen: Seen, response) => {
    const call = `${seen.method} ${seen.url}`;
    if (call === refusing) refuse(response, 409, 'in-use', 'It is in use.');
    else if (seen.url === '/v1/status') reply(response, 200, status(bonds));
    else if (seen.url === '/v1/uplink') reply(response, 200, { uplink: null, settings: null });
    else if (seen.url === '/v1/events') response.end(`${JSON.stringify(FAILOVER)}\n`);
    else if (seen.url.startsWith('/v1/events'))
      response.write(`${JSON.stringify({ ...FAILOVER, seq: 8 })}\n`);
    else done(response, seen.url.endsWith('/members') ? ['Take care.'] : []);
  };
  const startDaemon: DaemonModule['startDaemon'] = async options => {
    const daemon = await fakeDaemon(options.runDir, answer);
    fake = daemon;
    return {
      started: () => {},
      close: async how => {
        closed.push(how);
        await daemon.close();
        if (failingClose) throw new Error('eth0 is gone');
      },
    };
  };
  const diagnose = (): Promise<{ findings: [] }> => Promise.resolve({ findings: [] });
  return { daemon: () => Promise.resolve({ startDaemon, prepareDaemon, diagnose }) };
}

test('daemon says when it is ready, and leaves everything in place when it is ended', async () => {
  const running = start(['daemon'], { runDir: runDir.path, machine: machine() });
  await running.wrote(`bondwire: ready at ${runDir.path} (pid ${process.pid})\n`);
  expect(closed).toEqual([]);
  running.signal('SIGTERM');
  expect(await running.code).toBe(0);
  expect(closed).toEqual(['leave-in-place']);
  expect(running.out()).toContain('ended by SIGTERM; the data plane stays in place');
});

test('daemon names the bonds that it found at work', async () => {
  const running = start(['daemon'], { runDir: runDir.path, machine: machine(['bond0', 'bond1']) });
  await running.wrote('; found at work: bond0, bond1\n');
  running.signal('SIGINT');
  expect(await running.code).toBe(0);
});

test.each([['daemon'], ['run', 'bond0', 'eth0']])('%s refuses to be the second daemon', async (...words) => {
  fake = await fakeDaemon(runDir.path, (_, response) => reply(response, 200, status([])));
  const { code, err } = await run(words, { runDir: runDir.path, machine: machine() });
  expect(code).toBe(1);
  expect(err).toMatch(/^bondwire: A daemon \(pid 4711\) is already running at .*\n$/);
});

test.each([['daemon'], ['run', 'bond0', 'eth0']])(
  '%s names the permissions that are missing',
  async (...words) => {
    const { code, err } = await run(words, {
      runDir: runDir.path,
      machine: { ...machine(), missingCapabilities: () => ['CAP_NET_ADMIN', 'CAP_BPF'] },
    });
    expect(code).toBe(4);
    expect(err).toContain(`${words[0] ?? ''} needs CAP_NET_ADMIN, CAP_BPF, which this process lacks`);
  },
);

test('daemon that cannot start is a sentence', async () => {
  const startDaemon = (): Promise<never> => Promise.reject(new Error('mkdir /proc/x: ENOENT'));
  const diagnose = (): Promise<never> => Promise.reject(new Error());
  const { code, err } = await run(['daemon'], {
    runDir: runDir.path,
    machine: { daemon: () => Promise.resolve({ startDaemon, prepareDaemon, diagnose }) },
  });
  expect([code, err]).toEqual([
    1,
    `bondwire: Starting a daemon at ${runDir.path} failed: mkdir /proc/x: ENOENT.\n`,
  ]);
});

test('run builds the bond, tells what happens, and puts everything back', async () => {
  const words = [
    'run',
    'bond0',
    'eth0',
    'primary=eth0',
    'eth1',
    '--address',
    '192.0.2.1/24',
    '--address=2001:db8::1/64',
  ];
  const running = start([...words, '--take-addresses'], { runDir: runDir.path, machine: machine() });
  await running.wrote('failover eth0 → eth1');
  expect(closed).toEqual([]);
  running.signal('SIGINT');
  running.signal('SIGINT');
  expect(await running.code).toBe(0);
  expect(closed).toEqual(['remove-everything']);
  expect(fake?.calls()).toEqual([
    'GET /v1/uplink',
    'GET /v1/status',
    'GET /v1/events',
    'POST /v1/bonds',
    'POST /v1/bonds/bond0/up',
    'POST /v1/bonds/bond0/members',
    'POST /v1/bonds/bond0/addresses',
    'GET /v1/events?after=7&follow=1',
  ]);
  expect(fake?.seen.slice(3, 7).map(({ body }) => body)).toEqual([
    { name: 'bond0', options: { mode: 'active-backup', miimon: '100', primary: 'eth0' } },
    {},
    { interfaces: ['eth0', 'eth1'], takeAddresses: true },
    { addresses: ['192.0.2.1/24', '2001:db8::1/64'] },
  ]);
  expect(running.out()).toMatch(
    /^Chosen for you: mode=active-backup miimon=100\nbond0 is up: members eth0, eth1, /,
  );
  expect(running.out()).toMatch(/Putting everything back\.\.\.\nEverything is as it was before\.\n$/);
  expect(running.err()).toBe(
    'bondwire: warning: Take care.\nbondwire: still putting everything back; ending it now would leave the interfaces half changed.\n',
  );
});

test.each([
  'POST /v1/bonds',
  'POST /v1/bonds/bond0/up',
  'POST /v1/bonds/bond0/members',
  'POST /v1/bonds/bond0/addresses',
])('run undoes everything when %s is refused', async call => {
  const words = ['run', 'bond0', 'eth0', 'mode=1', 'arp_interval=100', '--address', '192.0.2.1/24'];
  const { code, out, err } = await run(words, { runDir: runDir.path, machine: machine([], call) });
  expect(code).toBe(1);
  expect(err).toMatch(/bondwire: It is in use\.\n$/);
  expect(out).not.toContain('Chosen for you');
  expect(closed).toEqual(['remove-everything']);
  expect(fake?.calls().at(-1)).toBe(call);
});

test('run leaves bonds of an earlier daemon alone', async () => {
  const { code, err } = await run(['run', 'bond0', 'eth0'], {
    runDir: runDir.path,
    machine: machine(['bond7']),
  });
  expect(code).toBe(1);
  expect(err).toContain('holds what an earlier daemon left at work (bond7)');
  expect(closed).toEqual(['leave-in-place']);
});

test('run that is interrupted while it builds stops and undoes', async () => {
  const running = start(['run', 'bond0', 'eth0'], { runDir: runDir.path, machine: machine() });
  await running.wrote('Chosen for you');
  running.signal('SIGTERM');
  expect(await running.code).toBe(0);
  expect(closed).toEqual(['remove-everything']);
  expect(fake?.calls()).not.toContain('POST /v1/bonds');
});

test('run that can neither build nor undo says both', async () => {
  const { code, err } = await run(['run', 'bond0', 'eth0'], {
    runDir: runDir.path,
    machine: machine([], 'POST /v1/bonds', true),
  });
  expect([code, err]).toEqual([
    1,
    'bondwire: It is in use.\nbondwire: Putting everything back failed: eth0 is gone.\n',
  ]);
});
