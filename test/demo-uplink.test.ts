// `bondwire demo uplink`, whole: as root, interrupted, and as somebody without permissions. Needs root, nft and setpriv; part of test:all.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { collect } from '../src/lab/managed-bondwire.js';
import { listNamedNetns } from '../src/linux/index.js';
import { BIN, until } from './support/stage.js';

vi.setConfig({ testTimeout: 400_000 });

/** As in test/rootless.test.ts. */
const DROP = ['setpriv', '--bounding-set=-all,+setfcap', '--inh-caps=-all', '--ambient-caps=-all'];

function begun(argv: readonly string[]) {
  const [file = '', ...args] = argv;
  const { BONDWIRE_ROOTLESS: _, ...env } = process.env;
  const child = spawn(file, args, { stdio: 'pipe', env });
  return { child, ended: collect(child) };
}

/** Nothing of a demo of this process stays. */
function expectNothingLeft(pid: number | undefined): void {
  expect(listNamedNetns().filter(name => name.startsWith(`bw${pid}`))).toEqual([]);
  expect(readdirSync('/run/bondwire-lab').filter(name => name.startsWith(`${pid}-`))).toEqual([]);
}

/** The figures are the machine's; that the other line took over each time is ours. */
function expectShown(stdout: string): void {
  expect(stdout).toMatch(/wan0 → wan1: silent for \d+ ms/);
  expect(stdout).toMatch(/wan1 → wan0: wan0 comes first and is good again/);
  expect(stdout).not.toContain('not right again');
}

test('a line dies silently, comes back, and is cut without a daemon: figures, and nothing is left', async () => {
  const { child, ended } = begun([BIN, 'demo', 'uplink']);
  const { stdout, stderr } = await ended;
  expect(stderr).toBe('');
  expectShown(stdout);
  expectNothingLeft(child.pid);
});

test('interrupted, it takes everything away and ends with 130', async () => {
  const { child, ended } = begun([BIN, 'demo', 'uplink']);
  let seen = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
  });
  await until('the call goes out', () => seen.includes('A call and pages go out'));
  child.kill('SIGINT');
  const { status, stdout } = await ended;
  expect([status, stdout.trimEnd().split('\n').at(-1)]).toEqual([130, 'Interrupted.']);
  expectNothingLeft(child.pid);
});

test('--keep and --seconds are of the other demo', async () => {
  for (const words of [['--keep'], ['--seconds', '5']]) {
    const { status, stderr } = await begun([BIN, 'demo', 'uplink', ...words]).ended;
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^bondwire: demo uplink /)]);
  }
});

const probed = await begun([...DROP, BIN, 'rootless', '--', '/bin/true']).ended;
if (probed.status === 0) {
  test('without permissions it is in a user namespace', async () => {
    const { stdout, stderr } = await begun([...DROP, BIN, 'demo', 'uplink']).ended;
    expect(stderr).toBe('');
    expectShown(stdout);
  });

  test('where user namespaces are refused too, it is simulated and says so', async () => {
    const command = `echo 0 > /proc/sys/user/max_user_namespaces && unset BONDWIRE_ROOTLESS && exec ${DROP.join(' ')} ${BIN} demo uplink`;
    const { status, stdout, stderr } = await begun([...DROP, BIN, 'rootless', '--', '/bin/sh', '-c', command])
      .ended;
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^The network is simulated: you are not root, and /);
    expect(stdout).toMatch(/fibre → dsl/);
  });
}
