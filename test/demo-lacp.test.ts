// `bondwire demo lacp`, whole: as root, interrupted, and as somebody without permissions. Needs root, BPF and setpriv; part of test:all.
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

test('the daemon is away for longer than its partner waits, and a cable is cut: figures, and nothing is left', async () => {
  const { child, ended } = begun([BIN, 'demo', 'lacp', '--seconds', '4']);
  const { status, stdout, stderr } = await ended;
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/the partner has eth0 and eth1 in its aggregate/);
  expect(stdout).toMatch(
    /the programs said \d+ LACPDUs on eth0, eth1 meanwhile; their partners noticed nothing/,
  );
  expect(stdout).toMatch(/lost meanwhile +0\n +the partner +noticed nothing\n/);
  expect(stdout).toMatch(/both carry again +[\d.]+ m?s after eth[01] was whole/);
  expectNothingLeft(child.pid);
});

test('interrupted while no daemon is there, it takes everything away and ends with 130', async () => {
  const { child, ended } = begun([BIN, 'demo', 'lacp', '--seconds', '60']);
  let seen = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
  });
  await until('the daemon is killed', () => seen.includes('is killed (kill -9)'));
  child.kill('SIGINT');
  const { status, stdout } = await ended;
  expect([status, stdout.trimEnd().split('\n').at(-1)]).toEqual([130, 'Interrupted.']);
  expectNothingLeft(child.pid);
});

const probed = await begun([...DROP, BIN, 'rootless', '--', '/bin/true']).ended;
if (probed.status === 0) {
  test('without permissions it is in a user namespace, and a supervisor has the next daemon at hand', async () => {
    const { status, stdout, stderr } = await begun([...DROP, BIN, 'demo', 'lacp']).ended;
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^You are not root: the lab is in a user namespace of its own/);
    expect(stdout).toMatch(/has no lease: nothing is said without a daemon/);
    expect(stdout).toMatch(/next daemon +[\d.]+ m?s after kill -9, started by the supervisor\n/);
    expect(stdout).toMatch(/both carry again +[\d.]+ m?s after eth[01] was whole/);
    // On a machine that is busy enough the next daemon takes longer than the partner waits: then it says so, and is no success.
    const isNoticed = !/the partner +noticed nothing\n/.test(stdout);
    expect([status, /The partner noticed that the daemon was away/.test(stdout)]).toEqual(
      isNoticed ? [1, true] : [0, false],
    );
  });

  test('where user namespaces are refused too, it says so, and the command that it offers shows a simulated one', async () => {
    const run = (command: string): string =>
      `echo 0 > /proc/sys/user/max_user_namespaces && unset BONDWIRE_ROOTLESS && exec ${DROP.join(' ')} ${command}`;
    const inside = (command: string): ReturnType<typeof collect> =>
      begun([...DROP, BIN, 'rootless', '--', '/bin/sh', '-c', run(command)]).ended;
    const { status, stderr } = await inside(`${BIN} demo lacp`);
    expect([status, stderr]).toEqual([1, expect.stringContaining('demo lacp needs namespaces')]);
    const offered = /'bondwire (simulate [^']+)'/.exec(stderr)?.[1] ?? '';
    const shown = await inside(`${BIN} ${offered}`);
    expect([shown.status, shown.stderr]).toEqual([0, '']);
    expect(shown.stdout).toContain('is in the aggregate with');
  });
}
