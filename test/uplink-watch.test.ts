// What somebody else changes in the kernel beneath an uplink is put back at once and told; what the kernel drops by itself comes back
// without a word; and a process that is killed leaves everything for the next one. Needs root, ip and nft; part
// of test:all.
import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KernelKeeper, type NotedSetting } from '../src/gateway/index.js';
import { netnsPath, spawnInNetns } from '../src/linux/index.js';
import { FAMILIES, type KernelPlan, kernelPlan } from '../src/uplinks/index.js';
import { testLine, testSettings, testSteering } from '../src/uplinks/plan-testing.js';
import { until } from './support/stage.js';
import { UplinkStage } from './support/uplink-stage.js';

const NAT = { ipv4: { kind: 'masquerade' }, ipv6: { kind: 'masquerade' } } as const;
const SETTINGS = testSettings({
  lines: [testLine('fibre', 'wan1', { nat: NAT }), testLine('dsl', 'wan2', { nat: NAT })],
});
const run = promisify(execFile);

let stage: UplinkStage;
let kernel: KernelKeeper;
let noted: readonly NotedSetting[];
const told: string[] = [];
const failures: unknown[] = [];

beforeAll(async () => {
  stage = await UplinkStage.open();
});

afterAll(() => stage.close());

beforeEach(() => {
  told.splice(0);
  failures.splice(0);
  noted = [];
  kernel = open();
});

afterEach(() => {
  kernel.remove();
  kernel.close();
  expect(failures).toEqual([]);
});

function open(): KernelKeeper {
  const note = (all: readonly NotedSetting[]): void => {
    noted = all;
  };
  return stage.within(() => new KernelKeeper({ note }, noted));
}

function plan(order: readonly number[] = [1, 2]): KernelPlan {
  return kernelPlan(SETTINGS, stage.wayOf(SETTINGS), testSteering(order), { nftables: true });
}

function watch(): void {
  kernel.watch({
    interference: sentence => told.push(sentence),
    failed: error => failures.push(error),
  });
}

/** Somebody else, in a process of his own, while our event loop runs. */
async function somebody(...argv: readonly string[]): Promise<void> {
  await run('ip', ['netns', 'exec', stage.gateway, ...argv]);
}

/** Waits until nothing was told for a while: what is still to come has come. */
async function quiet(): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 150));
}

describe('what somebody else changes is put back and told', () => {
  test.each([
    ['rule 32500 (table 8700)', 'ip rule del pref 32500'],
    ['rule 32201 (table 8801)', 'ip -6 rule del pref 32201'],
    ['route default via 192.0.1.1 in table 8700', 'ip route del default table 8700 metric 100'],
    [
      'route default via 192.0.1.1 in table 8700',
      'ip route replace default via 192.0.2.1 table 8700 metric 100',
    ],
    ['route default via 192.0.1.1 in table 8701', 'ip route flush table 8701'],
    ['route default via 2001:db8:1::1 in table 8700', 'ip -6 route del default table 8700 metric 100'],
    ['table inet bondwire', 'nft flush ruleset'],
    ['table inet bondwire', 'nft flush chain inet bondwire post'],
    ['net.ipv4.conf.wan1.rp_filter', 'sysctl -qw net.ipv4.conf.wan1.rp_filter=1'],
    [
      'net.ipv6.conf.wan2.ignore_routes_with_linkdown',
      'sysctl -qw net.ipv6.conf.wan2.ignore_routes_with_linkdown=0',
    ],
    [
      'route default via 192.0.2.1 in table 8700 taken out',
      'ip route add default via 192.0.2.1 table 8700 metric 5',
    ],
    ['rule 32000 (table 254) taken out', 'ip rule add pref 32000 lookup main protocol 98'],
    ['rule 5 (table 8700) taken out', 'ip rule add pref 5 lookup 8700 protocol 98'],
  ])('%s: %s', async (what, command) => {
    kernel.apply(plan());
    const picture = stage.picture();
    watch();
    await quiet();
    await somebody('sh', '-c', command);
    await until('it is told', () => told.length > 0);
    await quiet();
    expect(stage.picture()).toBe(picture);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(what);
    const [, ms] = / after (\d+) ms$/.exec(told[0] ?? '') ?? [];
    console.log(`${command}: put back after ${ms} ms`);
  });
});

test('rules and tables of others are left alone', async () => {
  kernel.apply(plan());
  watch();
  await somebody('ip', 'rule', 'add', 'pref', '32500', 'fwmark', '9', 'lookup', '77');
  await somebody('ip', 'route', 'add', 'default', 'via', '192.0.2.1', 'table', '77');
  await somebody('nft', 'add', 'table', 'inet', 'other');
  await quiet();
  expect(stage.ip(stage.gateway, 'rule')).toContain('fwmark 0x9 lookup 77');
  await somebody('ip', 'rule', 'del', 'pref', '32500', 'fwmark', '9');
  await somebody('ip', 'route', 'flush', 'table', '77');
  await somebody('nft', 'delete', 'table', 'inet', 'other');
  await quiet();
  expect(told).toEqual([]);
});

test('our own changes are no interference', async () => {
  kernel.apply(plan());
  watch();
  for (const order of [[2, 1], [1, 2], [2]]) {
    kernel.apply(plan(order));
    await quiet();
  }
  expect(told).toEqual([]);
});

test('routes that a link took along come back with it, without a word', async () => {
  kernel.apply(plan());
  const rules =
    stage.ip(stage.gateway, 'route show table 8702') + stage.ip(stage.gateway, '-6 route show table 8702');
  watch();
  await quiet();
  await somebody('ip', 'link', 'set', 'wan2', 'down');
  await quiet();
  expect(stage.ip(stage.gateway, '-6 route show table 8702')).toBe('');
  await somebody('ip', 'link', 'set', 'wan2', 'up');
  await somebody('ip', 'addr', 'add', '2001:db8:2::2/64', 'dev', 'wan2', 'nodad');
  await expect
    .poll(
      () =>
        stage.ip(stage.gateway, 'route show table 8702') +
        stage.ip(stage.gateway, '-6 route show table 8702'),
    )
    .toBe(rules);
  expect(told).toEqual([]);
});

test('who does it again and again is told to stop once, and answered all the same', async () => {
  kernel.apply(plan());
  watch();
  await quiet();
  const isThere = (): boolean => stage.ip(stage.gateway, 'rule').includes('32500:');
  for (let round = 0; round < 10; round++) {
    await somebody('ip', 'rule', 'del', 'pref', '32500');
    await until('it is told', () => told.length > round);
  }
  expect(told[8]).not.toContain('again and again');
  expect(told[9]).toContain('again and again');
  for (let round = 0; round < 2; round++) {
    await somebody('ip', 'rule', 'del', 'pref', '32500');
    await until('it is there again', isThere);
  }
  expect(told).toHaveLength(10);
});

/** Puts a plan in the kernel and watches it, until it is killed. */
const HOLDER = `
const [gateway, text] = process.argv.slice(1);
import(gateway).then(({ KernelKeeper }) => {
  let noted = [];
  const kernel = new KernelKeeper({ note: all => (noted = all) });
  const { changed, missing } = kernel.apply(JSON.parse(text));
  kernel.watch({ interference: () => {}, failed: error => { throw error; } });
  process.stdout.write(JSON.stringify({ noted, changed, missing }) + '\\n');
});
`;

test('a process that is killed leaves everything; the next one changes nothing, and can take it all away', async () => {
  const before = stage.picture();
  const wanted = plan();
  const gateway = new URL('../dist/gateway/index.js', import.meta.url).href;
  const child: ChildProcess = spawnInNetns(
    netnsPath(stage.gateway),
    process.execPath,
    ['-e', HOLDER, gateway, JSON.stringify(wanted)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  child.stdout?.on('data', chunk => {
    said += String(chunk);
  });
  await until('it holds the plan', () => said.endsWith('\n'));
  child.kill('SIGKILL');
  await once(child, 'exit');
  const held = JSON.parse(said) as { noted: NotedSetting[]; changed: string[]; missing: string[] };
  expect(held.missing).toEqual([]);
  expect(held.changed.length).toBeGreaterThan(20);
  const picture = stage.picture();
  expect(picture).not.toBe(before);
  for (const family of FAMILIES) {
    const flow = stage.flow(family);
    expect(await flow.ask()).toMatch(/^line1 /);
    flow.close();
  }
  ({ noted } = held);
  const next = open();
  expect(next.apply(wanted)).toEqual({ changed: [], missing: [] });
  expect(stage.picture()).toBe(picture);
  next.remove();
  next.close();
  expect(stage.picture()).toBe(before);
});
