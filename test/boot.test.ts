// A daemon that a service manager starts: what it tells the manager, what others may do meanwhile, what SIGHUP does, and that
// commands wait for a daemon that is just starting. Real interfaces. Needs root; part of test:all.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { netnsPath, receiveUnixDatagrams, withNetns } from '../src/linux/index.js';
import { BIN, closeStages, ended, Stage, until } from './support/stage.js';

const closing: (() => void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await closeStages();
});

/** What a service manager would hear, as it comes. */
function manager(
  stage: Stage,
  address: string,
): { readonly env: string; readonly heard: () => readonly string[] } {
  // Abstract names belong to a network namespace.
  const socket = withNetns(netnsPath(stage.lab.host), () => receiveUnixDatagrams(address));
  closing.push(() => socket.close());
  const texts: string[] = [];
  return {
    env: `NOTIFY_SOCKET=${address}`,
    heard: () => {
      for (let text = socket.read(); text !== undefined; text = socket.read()) texts.push(text);
      return texts;
    },
  };
}

const BONDS = (members: string, more = ''): string =>
  `version: 1\nbonds:\n  bond0:\n    options: { mode: active-backup, miimon: 100 }\n    members: [${members}]\n    addresses: [10.9.0.2/24]\n    up: true\n${more}`;

/** Starts the daemon of a stage by hand, as a manager does. */
function begin(stage: Stage, env: readonly string[], ...args: string[]) {
  const argv = ['env', ...env, process.execPath, BIN, 'daemon', '--run-dir', stage.runDir, ...args];
  const child = stage.lab.spawn('host', argv);
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  closing.push(() => child.kill('SIGKILL'));
  return { child, log: () => log };
}

function answer(
  stage: Stage,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        socketPath: join(stage.runDir, 'control.sock'),
        method,
        path,
        agent: false,
        headers: { 'content-type': 'application/json' },
      },
      response => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    asked.once('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

test.each(['path', 'abstract', 'supervised'])(
  'READY=1 comes when the bonds are made, an absent member joins later, SIGHUP reads again: %s',
  async kind => {
    const stage = await Stage.open({ noDaemon: true });
    const file = join(stage.runDir, 'bondwire.yaml');
    writeFileSync(file, BONDS('eth0, late0'));
    const address = kind === 'abstract' ? `@bondwire-${process.pid}` : join(stage.runDir, 'notify');
    const { env, heard } = manager(stage, address);
    const extra = kind === 'supervised' ? ['--supervise'] : [];
    const { child, log } = begin(stage, [env, 'WATCHDOG_USEC=400000'], '--config', file, ...extra);
    await until('it is ready', () => heard().some(text => text.startsWith('READY=1')));
    const ready = heard().find(text => text.startsWith('READY=1'));
    expect(ready).toBe(`READY=1\nSTATUS=the bonds of ${file} are made`);
    expect(
      heard()
        .slice(0, heard().indexOf(ready ?? ''))
        .join('\n'),
    ).toContain('STATUS=making the bonds');
    const made = await stage.show();
    expect([made.members.map(({ name }) => name), made.awaited]).toEqual([['eth0'], ['late0']]);
    await stage.reached();
    await until('it lives', () => heard().includes('WATCHDOG=1'));
    await stage.ip('link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'late1');
    await until('it joined', async () => (await stage.show()).members.length === 2);
    // A file with an error changes nothing, and is told of.
    writeFileSync(file, BONDS('eth0, late0').replace('miimon: 100', 'miimon: never'));
    child.kill('SIGHUP');
    await until('it says so', () =>
      heard().some(text => /^READY=1\nSTATUS=.* was not carried out: /.test(text)),
    );
    expect(heard().some(text => /^RELOADING=1\nMONOTONIC_USEC=\d+\n/.test(text))).toBe(true);
    expect((await stage.show()).options.miimon).toBe(100);
    writeFileSync(file, BONDS('eth0, late0').replace('miimon: 100', 'miimon: 70'));
    child.kill('SIGHUP');
    await until('it follows', async () => (await stage.show()).options.miimon === 70);
    await until('it says so', () => log().includes(`the machine is as ${file} says`));
    await ended(child, 'SIGTERM');
    expect(heard().some(text => text.startsWith('STOPPING=1'))).toBe(true);
    expect(child.exitCode).toBe(0);
  },
);

test('SIGHUP ends no daemon that has no file', async () => {
  const stage = await Stage.open({ noDaemon: true });
  const { child, log } = begin(stage, []);
  await until('it is ready', () => log().includes('ready at'));
  child.kill('SIGHUP');
  await until('it says so', () => log().includes('SIGHUP: there is no --config file'));
  await stage.bond();
  child.kill('SIGHUP');
  expect((await stage.show()).members).toHaveLength(2);
  await ended(child, 'SIGTERM');
});

test('READY=1 says what could not be made, the rest is; nothing at all is a failure', async () => {
  const stage = await Stage.open({ noDaemon: true });
  const file = join(stage.runDir, 'bondwire.yaml');
  // An interface of this name is there already.
  const eth1 =
    '  eth1:\n    options: { mode: active-backup, miimon: 100 }\n    members: [late0]\n    up: true\n';
  writeFileSync(file, BONDS('eth0', eth1));
  const { env, heard } = manager(stage, join(stage.runDir, 'notify'));
  const { child } = begin(stage, [env], '--config', file);
  await until('it is ready', () => heard().some(text => text.startsWith('READY=1')));
  expect(heard().find(text => text.startsWith('READY=1'))).toMatch(
    /^READY=1\nSTATUS=not all of .* could be made: eth1 was not created/,
  );
  expect((await stage.show()).members).toHaveLength(1);
  await stage.api.destroy('bond0');
  await ended(child, 'SIGTERM');
  writeFileSync(file, `version: 1\nbonds:\n${eth1}`);
  const again = begin(stage, [env], '--config', file);
  await until('it ended', () => again.child.exitCode !== null);
  expect(again.child.exitCode).toBe(1);
  expect(heard().at(-1)).toMatch(/^STATUS=eth1 was not created/);
});

test('While the bonds of the file are made others may look, and are told to wait; commands do', async () => {
  const stage = await Stage.open({ noDaemon: true, members: ['eth0', 'eth1'] });
  const file = join(stage.runDir, 'bondwire.yaml');
  const many = Array.from(
    { length: 12 },
    (_, nth) => `  bx${nth}:\n    options: { mode: active-backup, miimon: 100 }\n    members: [none${nth}]\n`,
  ).join('');
  writeFileSync(file, BONDS('eth0', many));
  begin(stage, [], '--config', file);
  // Before anybody answers: the command waits.
  const created = stage.bondwire.command(['create', 'bond7', 'mode=active-backup', 'miimon=100']);
  const during = await until('it makes them', async () => {
    const status = await answer(stage, 'GET', '/v1/status').catch(() => undefined);
    if (status === undefined) return undefined;
    const { starting } = JSON.parse(status.text) as { starting?: string };
    expect(starting).toBe(file);
    return answer(stage, 'POST', '/v1/bonds', { name: 'bond9', options: {} });
  });
  expect(during.status).toBe(503);
  expect(JSON.parse(during.text)).toMatchObject({ error: { code: 'starting', errno: 'EAGAIN' } });
  const shown = JSON.parse((await answer(stage, 'GET', '/v1/bonds')).text) as { starting?: string };
  expect(shown.starting).toBe(file);
  expect((await answer(stage, 'GET', '/v1/bonds/bx11')).status).toBe(503);
  expect((await stage.bondwire.command(['show'])).stdout).toContain(`still making the bonds of ${file}`);
  expect(await created).toMatchObject({ status: 0, stderr: '' });
  const after = JSON.parse((await answer(stage, 'GET', '/v1/bonds')).text) as {
    bonds: unknown[];
    starting?: string;
  };
  expect([after.bonds.length, after.starting]).toEqual([14, undefined]);
});

test('What is there and as wished is done; what differs is named', async () => {
  const stage = await Stage.open({ noDaemon: true });
  // As pasted from the README: the second line does not wait for the first.
  const block = [
    `"${BIN}" daemon & `,
    'ip link set eth0 down; ip link set eth1 down',
    `"${BIN}" create bond0 mode=active-backup miimon=100`,
    `"${BIN}" enslave bond0 eth0 eth1`,
    'ip addr add 10.9.0.2/24 dev bond0',
    'ip link set bond0 up',
    `"${BIN}" create bond0 mode=1 miimon=100`,
    `"${BIN}" enslave bond0 eth0 eth1`,
    'kill %1',
  ].join('\n');
  const run = await stage.lab.exec('host', ['env', `BONDWIRE_RUN_DIR=${stage.runDir}`, 'bash', '-ec', block]);
  expect([run.status, run.stderr.split('\n').filter(line => line.startsWith('bondwire: '))]).toEqual([0, []]);
  await stage.bondwire.start();
  const create = (...words: string[]) => stage.bondwire.command(['create', 'bond0', ...words]);
  expect(await create('mode=active-backup')).toMatchObject({ status: 0, stderr: '' });
  const other = await create('mode=active-backup', 'miimon=50', 'num_grat_arp=1');
  expect(other.status).toBe(1);
  expect(other.stderr).toMatch(/bond0 exists already, and miimon is 100, not 50\. Change it/);
  expect((await create('mode=balance-rr')).stderr).toContain('mode is active-backup, not balance-rr');
  expect((await stage.show()).members).toHaveLength(2);
});

test('The unit of the README is the one of the examples, with the paths that a shell finds', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, block = ''] = /```sh\n(cat >\/etc\/bondwire\.yaml[^]*?)```/.exec(readme) ?? [];
  const folder = mkdtempSync(join(tmpdir(), 'bw-unit-'));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  for (const path of ['bin', 'etc/systemd/system']) mkdirSync(join(folder, path), { recursive: true });
  symlinkSync(BIN, join(folder, 'bin/bondwire'));
  // Only what speaks to systemd is not carried out.
  const script = block.replaceAll('/etc/', `${folder}/etc/`).replaceAll(/^systemctl.*$/gm, '');
  expect(script).toContain('bondwire check');
  execFileSync('bash', ['-euc', script], {
    env: { PATH: `${folder}/bin:${dirname(process.execPath)}:/usr/bin:/bin` },
    stdio: 'pipe',
  });
  const unit = readFileSync(join(folder, 'etc/systemd/system/bondwire.service'), 'utf8');
  const shipped = readFileSync(new URL('../examples/bondwire.service', import.meta.url), 'utf8');
  const [start = ''] = /^ExecStart=.*$/m.exec(unit) ?? [];
  expect(start).toMatch(/^ExecStart=\/.*node .*\/bin\/bondwire daemon --config \S+\/etc\/bondwire\.yaml$/);
  expect(unit).toBe(shipped.replace(/^#.*\n#.*\n/, '').replace(/^ExecStart=.*$/m, start));
});
