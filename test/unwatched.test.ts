// What happened while no daemon looked, or none could hear: nothing that works is taken away for it. Needs root; part of test:all.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { Listener } from './support/frames.js';
import { closeStages, Stage, until } from './support/stage.js';

afterEach(closeStages);

test('A bond that another version left is not taken away: the daemon refuses to start, and it works on', async () => {
  const stage = await Stage.open();
  await stage.bond();
  await stage.bondwire.stop('SIGTERM');
  const file = `${stage.runDir}/state.json`;
  const state = readFileSync(file, 'utf8');
  const other = state.replace(/"policy":\{"version":\d+/, '"policy":{"version":0');
  expect(other).not.toBe(state);
  writeFileSync(file, other);
  await expect(stage.bondwire.start()).rejects.toThrow(
    /bond0 is at work and cannot be taken over: Saved bond has version 0.*It was left as it is/,
  );
  expect(readFileSync(file, 'utf8')).toBe(other);
  await stage.reached();
  expect(await stage.ip('addr', 'show', 'dev', 'bond0')).toContain(stage.lab.hostAddress);
  writeFileSync(file, state);
  await stage.bondwire.start();
  expect((await stage.api.status()).adopted).toEqual(['bond0']);
});

test('A daemon that may not use eBPF refuses to take over an eBPF bond, and leaves it at work', async () => {
  const stage = await Stage.open();
  await stage.bond({ data_plane: 'ebpf' });
  await stage.bondwire.stop('SIGKILL');
  const without = '-bpf,-perfmon,-sys_admin';
  const argv = ['setpriv', '--bounding-set', without, '--inh-caps', without, 'bin/bondwire', 'daemon'];
  const { status, stderr } = await stage.lab.exec('host', [...argv, '--run-dir', stage.runDir]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/bond0 is at work and cannot be taken over: its data plane is eBPF/);
  await stage.reached();
  await stage.bondwire.start();
  expect((await stage.api.status()).adopted).toEqual(['bond0']);
});

test('A member that is in use without its bond by now is left alone, the other gets back what it had', async () => {
  const stage = await Stage.open();
  const [first, second] = [stage.mac('eth0'), stage.mac('eth1')];
  await stage.bond();
  await stage.bondwire.stop('SIGTERM');
  await stage.ip('link', 'del', 'bond0');
  await stage.ip('addr', 'add', stage.lab.hostAddress, 'dev', 'eth0');
  await stage.ip('link', 'set', 'eth0', 'up');
  await stage.ip('route', 'add', 'default', 'via', stage.lab.peerIp);
  await stage.bondwire.start();
  await stage.reached();
  expect(await stage.ip('route', 'show', 'default')).toContain('dev eth0');
  expect([stage.mac('eth0'), stage.mac('eth1')]).toEqual([first, second]);
  const events = await stage.bondwire.command(['events', '--json']);
  expect(events.stdout).toContain('eth0 is in use without bond0 by now and was left as it is');
});

test('A bond that is deleted while messages of the kernel are lost is given up, and its members go free', async () => {
  const stage = await Stage.open();
  const second = stage.mac('eth1');
  await stage.bond();
  const { pid } = stage.bondwire;
  if (pid === null) throw new Error('There is no daemon');
  process.kill(pid, 'SIGSTOP');
  const lines = Array.from({ length: 40_000 }, (_, nth) => `link set lo alias x${nth}`).join('\n');
  stage.lab.inside('host', () =>
    execFileSync('ip', ['-batch', '-'], { input: `${lines}\nlink del bond0\n` }),
  );
  process.kill(pid, 'SIGCONT');
  await until('the bond is given up', async () => (await stage.api.show()).bonds.length === 0);
  expect(stage.mac('eth1')).toBe(second);
  await stage.bond();
});

test('A discipline that a member got while messages of the kernel were lost is obeyed (user space)', async () => {
  const stage = await Stage.open();
  await stage.bond({ data_plane: 'userspace', primary: 'eth0' });
  await stage.active('eth0');
  const { pid } = await stage.api.status();
  process.kill(pid, 'SIGSTOP');
  const lines = Array.from({ length: 40_000 }, (_, nth) => `link set lo alias x${nth}`).join('\n');
  stage.lab.inside('host', () => execFileSync('ip', ['-batch', '-'], { input: lines }));
  await stage.run('host', 'tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'pfifo', 'limit', '77');
  process.kill(pid, 'SIGCONT');
  await until('frames go through it', async () => {
    await stage.lab.exec('host', ['ping', '-c', '3', '-i', '0.1', '-W', '1', stage.lab.peerIp]);
    const { stdout } = await stage.lab.exec('host', ['tc', '-s', 'qdisc', 'show', 'dev', 'eth0', 'root']);
    return Number(/ (\d+) pkt /.exec(stdout)?.[1] ?? 0) >= 3;
  });
});

test('What came to stand on an adopted bond is told of at its next failover', async () => {
  const stage = await Stage.open();
  await stage.bond();
  await stage.bondwire.stop('SIGKILL');
  await stage.ip('addr', 'add', '10.9.0.88/24', 'dev', 'bond0');
  await stage.bondwire.start();
  await stage.ip('addr', 'add', '10.9.0.99/24', 'dev', 'bond0');
  using listener = new Listener(stage, 'switch', 'p1');
  await stage.api.release('bond0', { interfaces: ['eth0'] });
  await until('all are told', () =>
    ['10.9.0.2', '10.9.0.88', '10.9.0.99'].every(own => listener.gratuitousArps(own).length > 0),
  );
});
