// The blocks of commands in the README and the HOWTO, pasted whole, each on a host as the text around it has it: they end well, and
// the bond that they promise is there. Needs root and BPF; part of test:all.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { IspLab } from '../src/lab/index.js';
import { begun, pasted, typed } from './support/paste.js';
import { BIN, closeStages, ended, Stage, until } from './support/stage.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
vi.setConfig({ testTimeout: 240_000 });
afterEach(closeStages);

interface Block {
  readonly file: string;
  readonly text: string;
}

const blocks: readonly Block[] = ['README.md', 'docs/howto.md'].flatMap(file =>
  Array.from(readFileSync(join(ROOT, file), 'utf8').matchAll(/^```sh\n(.*?)^```/gms), ([, text = '']) => ({
    file,
    text,
  })),
);
/** Each block belongs to one of these. */
const known: RegExp[] = [];

/** The one block that this matches. */
function block(pattern: RegExp): string {
  const found = blocks.filter(({ text }) => pattern.test(text));
  known.push(pattern);
  if (found.length === 0) throw new Error(`No block matches ${pattern}`);
  return found[0]?.text ?? '';
}

/** What takes the machine itself: packages of npm, systemd. */
const OF_THE_MACHINE: readonly RegExp[] = [/^npm ci/, /systemctl /];

async function carries(stage: Stage, address: string): Promise<void> {
  await until('bond0 has its address and a carrier', async () => {
    const told = await stage.ip('addr', 'show', 'dev', 'bond0');
    return told.includes(address) && (await stage.show()).carrier;
  });
}

test('a first bond of the README, with its daemon', async () => {
  const stage = await Stage.open({ noDaemon: true });
  const text = block(/^bondwire daemon .*&/m);
  const log = join(stage.runDir, 'said');
  try {
    const { status } = await typed(stage, `{\n${text}\n} >${log} 2>&1 </dev/null`);
    expect(status, readFileSync(log, 'utf8')).toBe(0);
    expect(readFileSync(log, 'utf8')).toMatch(/bond0 +active-backup, carrier/);
    await carries(stage, '192.0.2.1/24');
  } finally {
    const { pid } = await stage.api.status();
    process.kill(pid, 'SIGTERM');
    await until('it ended', () => {
      try {
        return !process.kill(pid, 0);
      } catch {
        return true;
      }
    });
  }
});

test('a bond until Ctrl-C', async () => {
  const stage = await Stage.open({ noDaemon: true });
  for (const iface of ['eth0', 'eth1']) await stage.ip('link', 'set', iface, 'up');
  const running = begun(stage, block(/^bondwire run bond0 eth0 eth1 --take-down/).trim());
  try {
    await until('it runs', async () => (await typed(stage, 'bondwire show bond0')).status === 0);
    await carries(stage, '192.0.2.1/24');
  } finally {
    await ended(running, 'SIGINT');
  }
  expect(stage.lab.link('host', 'bond0')).toBeUndefined();
});

test('the only interface becomes a bond, and what goes over it goes on', async () => {
  const stage = await Stage.open();
  await stage.ip('addr', 'add', stage.lab.hostAddress, 'dev', 'eth0');
  await stage.ip('link', 'set', 'eth0', 'up');
  await stage.ip('route', 'add', 'default', 'via', stage.lab.peerIp);
  await pasted(stage, block(/enslave --take-down --take-addresses bond0 eth0 eth1/));
  await stage.reached();
  expect(await stage.ip('route', 'show', 'default')).toContain('dev bond0');
  for (const command of block(/^bondwire show {10,}#/).split('\n'))
    if (!command.includes('--follow')) await pasted(stage, command);
  for (const command of block(/^bondwire events {10,}#/).split('\n'))
    if (!command.includes('--follow')) await pasted(stage, command);
  const following = begun(stage, 'bondwire events --follow --bond bond0');
  await until(
    'it tells',
    () => new Promise<true>(resolve => following.stdout?.once('data', () => resolve(true))),
  );
  await ended(following);
});

test('bonds by hand, of the HOWTO, and what is put on them', async () => {
  const stage = await Stage.open();
  await pasted(
    stage,
    block(
      /^bondwire create bond0 mode=active-backup miimon=100\nbondwire enslave --take-down bond0 eth0 eth1/,
    ),
  );
  await carries(stage, '192.0.2.1/24');
  await stage.ip('link', 'add', 'br0', 'type', 'bridge');
  await pasted(stage, block(/type vlan id 10/));
  expect(stage.lab.link('host', 'bond0')?.master).toBe(stage.lab.link('host', 'br0')?.ifindex);
  const queues = block(/queue_id=eth1:2/);
  const has = await typed(
    stage,
    'tc qdisc add dev bond0 handle 9 root multiq && tc qdisc del dev bond0 root',
  );
  // The kernel of this machine may have no multiq.
  await pasted(stage, has.status === 0 ? queues : (queues.split('\n')[0] ?? ''));
  expect((await stage.show()).options.queue_id).toContain('eth1:2');
});

test('bonds in each mode that the HOWTO has a line for', async () => {
  const stage = await Stage.open();
  for (const pattern of [
    /^bondwire create bond0 mode=active-backup miimon=100 primary=eth0$/m,
    /^bondwire create bond0 mode=active-backup arp_interval=100/,
    /^bondwire create bond0 mode=balance-rr/,
    /^bondwire create bond0 mode=balance-xor/,
    /^bondwire create bond0 mode=802\.3ad/,
    /primary_reselect=failure/,
  ]) {
    const isLast = pattern.source.includes('reselect');
    // Only the last one names what it is of.
    await pasted(stage, block(pattern));
    if (!isLast) {
      await pasted(stage, 'bondwire enslave bond0 eth0 eth1');
      await stage.api.up('bond0');
    }
    expect((await stage.show()).members).toHaveLength(2);
    await pasted(stage, 'bondwire destroy bond0');
  }
});

test('files: check, a daemon with one, import, simulate', async () => {
  const stage = await Stage.open({ noDaemon: true });
  const folder = mkdtempSync(join(tmpdir(), 'bondwire-docs-'));
  const inFolder = (text: string): string => text.replaceAll('/etc/', `${folder}/`);
  try {
    const [, yaml = ''] = /^```yaml\n(# \/etc\/bondwire\.yaml.*?)^```/ms.exec(
      readFileSync(join(ROOT, 'docs/howto.md'), 'utf8'),
    ) ?? [''];
    writeFileSync(join(folder, 'bondwire.yaml'), yaml);
    const [check = '', daemon = ''] = inFolder(block(/^bondwire check/)).split('\n');
    await pasted(stage, check);
    const running = begun(stage, daemon);
    try {
      await until('it answers', async () => (await typed(stage, 'bondwire show bond0')).status === 0);
      await carries(stage, '192.0.2.1/24');
      await pasted(stage, 'bondwire destroy bond0');
    } finally {
      await ended(running, 'SIGTERM');
    }
    mkdirSync(join(folder, 'network'));
    writeFileSync(
      join(folder, 'network/interfaces'),
      'auto bond0\niface bond0 inet static\n  address 192.0.2.1/24\n  bond-slaves eth0 eth1\n  bond-mode active-backup\n  bond-miimon 100\n',
    );
    await pasted(stage, `cd ${folder}; ${inFolder(block(/^bondwire import/))}`);
    await pasted(stage, `bondwire check ${folder}/bondwire.yaml`);
    await pasted(stage, `cd ${ROOT}; ${block(/^bondwire simulate/)}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the uplink of the README, on lines of the lab and with the targets that nobody names', async () => {
  const targets = {
    first: { ipv4: '1.1.1.1', ipv6: '2606:4700:4700::1111' },
    second: { ipv4: '9.9.9.9', ipv6: '2620:fe::fe' },
  };
  const isp = await IspLab.create({ defaultRoutes: true, servers: targets });
  try {
    const line = block(/^sudo bondwire uplink run/)
      .replace('sudo bondwire', `exec ${BIN} --run-dir ${isp.makeRunDir()}`)
      .replace('eth1', 'wan0')
      .replace('ppp0', 'wan1');
    const run = isp.spawn('gateway', ['sh', '-c', line]);
    let said = '';
    run.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await until('a line is selected', () => said.includes('selected wan0'));
    const status = new Promise(resolve => run.once('close', resolve));
    run.kill('SIGINT');
    expect([await status, said.includes('Everything is as it was before.')]).toEqual([0, true]);
  } finally {
    isp.close();
  }
});

test('every block was pasted, but for those of the machine itself', () => {
  const left = blocks.filter(
    ({ text }) => ![...known, ...OF_THE_MACHINE].some(pattern => pattern.test(text)),
  );
  expect(left).toEqual([]);
});
