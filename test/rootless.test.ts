// Bondwire without any permission (issue 5, item 3): the demo in a user namespace that it makes itself, on the simulated
// network where that is not allowed, and the other commands in a shell of that kind. Permissions are dropped by setpriv(1). Where
// the system refuses user namespaces to these tests themselves, that is what is tested.
import { spawn } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import type { ShowDocument } from '../src/daemon/api/api.js';
import { type CommandResult, collect } from '../src/lab/managed-bondwire.js';
import { BIN, closeStages } from './support/stage.js';

afterEach(closeStages);

// User 0 may map itself only with CAP_SETFCAP (since Linux 5.12); other users need nothing, but might not be able to read this
// working tree.
const DROP = ['setpriv', '--bounding-set=-all,+setfcap', '--inh-caps=-all', '--ambient-caps=-all'];

/** Runs a command without capabilities, inside nobody's namespace. */
function powerless(argv: readonly string[]): Promise<CommandResult> {
  const [file = '', ...args] = [...DROP, ...argv];
  const { BONDWIRE_ROOTLESS: _, ...env } = process.env;
  return collect(spawn(file, args, { stdio: 'pipe', env }));
}

/** The demo's output on a simulated network, because there is no user namespace. */
function expectSimulated(stdout: string): void {
  const [first = ''] = stdout.split('\n');
  expect(first).toMatch(
    /^This is a simulated network: you are not root, and this system allows no user namespace: .*E[A-Z]{4,}/,
  );
  for (const line of [
    /The cable of eth0 is cut/,
    /bond0 moved from eth0 to eth1/,
    /took over +eth1/,
    /lost +0\n/,
  ]) {
    expect(stdout).toMatch(line);
  }
}

const probed = await powerless([BIN, 'rootless', '--', '/bin/true']);
const allowed = probed.status === 0;

if (allowed) {
  test('the demo of somebody without permissions is in a user namespace, on real interfaces', async () => {
    const { status, stdout, stderr } = await powerless([BIN, 'demo', '--seconds', '5']);
    expect([status, stderr]).toEqual([0, '']);
    const [first = ''] = stdout.split('\n');
    expect(first).toMatch(/^You are not root: the lab is in a user namespace of its own/);
    expect(stdout).toMatch(/took over +eth1/);
    // What was in the cable when it was cut, nobody can save.
    expect(stdout).toMatch(/lost +(?:0|(\d+), of them \1 in the cut cable itself)\n/);
    expect(stdout).toMatch(/doubled +0\n/);
  });

  test('where user namespaces are refused too, the demo is simulated, says so first, and shows the same', async () => {
    const script = `echo 0 > /proc/sys/user/max_user_namespaces && unset BONDWIRE_ROOTLESS && exec ${DROP.join(' ')} ${BIN} demo --seconds 4`;
    const { status, stdout, stderr } = await powerless([BIN, 'rootless', '--', '/bin/sh', '-c', script]);
    expect([status, stderr]).toEqual([0, '']);
    expectSimulated(stdout);
  });

  test('the commands work inside: a bond in user space, its members, failover, and back', async () => {
    const script = `
      set -e
      ip link add eth0 type veth peer name p0; ip link add eth1 type veth peer name p1
      ip link set p0 up; ip link set p1 up
      ${BIN} daemon & daemon=$!
      until ${BIN} create bond0 mode=active-backup miimon=50 2>/dev/null; do sleep 0.1; done
      ${BIN} enslave bond0 eth0 eth1; ip link set bond0 up
      ip link set p0 down
      until ${BIN} show bond0 --json | grep -q '"active": "eth1"'; do sleep 0.1; done
      ${BIN} show bond0 --json >&3; ${BIN} set bond0 miimon=100
      ${BIN} release bond0 eth0; ${BIN} destroy bond0; kill $daemon; wait $daemon
      ! ip link show bond0 2>/dev/null`;
    const { status, stdout, stderr } = await powerless([
      BIN,
      'rootless',
      '--',
      '/bin/sh',
      '-c',
      `exec 3>&1 >&2; ${script}`,
    ]);
    expect(status, stderr).toBe(0);
    const [bond] = (JSON.parse(stdout) as ShowDocument).bonds;
    expect([bond?.dataPlane, bond?.active, bond?.inlineFailover]).toEqual(['userspace', 'eth1', true]);
  });

  test('a command keeps its exit status, and a program that there is none of is a sentence', async () => {
    expect((await powerless([BIN, 'rootless', '--', '/bin/sh', '-c', 'exit 7'])).status).toBe(7);
    const missing = await powerless([BIN, 'rootless', '--', 'bw-no-such-program']);
    expect([missing.status, missing.stderr]).toEqual([
      1,
      'bondwire: There is no program bw-no-such-program.\n',
    ]);
  });
} else {
  test('the system refuses user namespaces: the demo is simulated, and `rootless` says why', async () => {
    // Not Bondwire's fault: nobody else gets one either.
    expect((await powerless(['unshare', '--user', 'true'])).status).not.toBe(0);
    expect(probed.status).toBe(4);
    expect(probed.stderr).toMatch(/^bondwire: .*user namespace.*\.\n$/);
    const { status, stdout, stderr } = await powerless([BIN, 'demo', '--seconds', '4']);
    expect([status, stderr]).toEqual([0, '']);
    expectSimulated(stdout);
  });
}
