// An uplink of two lines from end to end: a client behind a gateway, two providers, real packets. Faults, return, a daemon that is killed, wishes,
// a drill, and that nothing stays behind. Needs root, nft, ip and sysctl.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { EventRecord } from '../src/daemon/api/api.js';
import type { ShowUplink } from '../src/daemon/api/uplink-api.js';
import { IspLab, judge, ManagedBondwire, UplinkMeter, type Verdict } from '../src/lab/index.js';
import { monotonicMs } from '../src/linux/index.js';
import { lineOf, settingsOf } from '../src/uplinks/testing.js';
import { BIN, until } from './support/stage.js';

vi.setConfig({ testTimeout: 240_000 });

const EMPTY_SETTINGS = settingsOf([lineOf('fibre')]);
/** Sends a body to PUT /v1/uplink of a control socket, and prints the status and the answer. */
const PUT_SCRIPT = `
const [socketPath, body] = process.argv.slice(1);
require('node:http').request({ socketPath, path: '/v1/uplink', method: 'PUT', headers: { 'content-type': 'application/json' } },
  answer => { let text = ''; answer.on('data', part => { text += part; }); answer.on('end', () => console.log(answer.statusCode, text)); }).end(body);
`;

let lab: IspLab;
let bondwire: ManagedBondwire;
let meter: UplinkMeter | undefined;

beforeEach(async () => {
  lab = await IspLab.create({ defaultRoutes: true });
  await lab.startServers();
  bondwire = new ManagedBondwire({
    spawn: argv => lab.spawn('gateway', argv),
    bin: BIN,
    runDir: lab.makeRunDir(),
  });
});
afterEach(async () => {
  await meter?.stop().catch(() => {});
  meter = undefined;
  await bondwire.stop('SIGKILL');
  expect(lab.close()).toEqual([]);
});

/** Targets in the internet of the lab. */
function targets(): string {
  const { first, second } = lab.servers;
  return [first.ipv4, second.ipv4, first.ipv6, second.ipv6].map(each => `"${each}"`).join(', ');
}

function office(more = ''): string {
  const lines = lab.lines.map(({ device }) => `${device}: { device: ${device}, targets: [${targets()}] }`);
  const file = join(bondwire.runDir, 'office.yaml');
  writeFileSync(
    file,
    `uplinks: { office: { nat: masquerade, return: 1s, lines: { ${lines.join(', ')} }${more} } }\n`,
  );
  return file;
}

async function show(): Promise<ShowUplink> {
  const { uplink } = JSON.parse(await bondwire.run('uplink', 'show', '--json')) as { uplink: ShowUplink };
  return uplink;
}

async function selected(line: string): Promise<void> {
  await until(`${line} is selected in both families`, async () => {
    const { ipv4, ipv6 } = (await show()).selected;
    return ipv4.line === line && ipv6.line === line;
  });
}

async function proven(): Promise<void> {
  await until('all lines are up', async () =>
    (await show()).lines.every(
      ({ families }) => families.ipv4.state === 'up' && families.ipv6.state === 'up',
    ),
  );
}

async function events(): Promise<EventRecord[]> {
  const text = await bondwire.run('uplink', 'history', '--json');
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as EventRecord);
}

/** The parts of the gateway's kernel that an uplink changes, as their programs print them. */
async function picture(): Promise<Record<string, string>> {
  const devices = ['all', 'lan0', 'wan0', 'wan1'];
  const settings = devices.flatMap(device => [
    `net.ipv4.conf.${device}.rp_filter`,
    `net.ipv4.conf.${device}.ignore_routes_with_linkdown`,
    `net.ipv6.conf.${device}.ignore_routes_with_linkdown`,
  ]);
  const asked: Readonly<Record<string, readonly string[]>> = {
    rules: ['ip', 'rule'],
    rules6: ['ip', '-6', 'rule'],
    routes: ['ip', 'route', 'show', 'table', 'all'],
    routes6: ['ip', '-6', 'route', 'show', 'table', 'all'],
    nftables: ['nft', 'list', 'ruleset'],
    settings: ['sysctl', ...settings],
  };
  const told: Record<string, string> = {};
  for (const [name, argv] of Object.entries(asked)) {
    const { stdout, status, stderr } = await lab.exec('gateway', argv);
    expect([name, status, stderr]).toEqual([name, 0, '']);
    // Ages of addresses learned and the like.
    told[name] = stdout.replaceAll(/ expires \d+sec/g, '').replaceAll(/(packets|bytes) \d+/g, '$1 N');
  }
  return told;
}

/** Traffic of all kinds is right again some time after a moment. */
async function rightAgain(momentMs: number): Promise<Verdict[]> {
  let verdicts: Verdict[] = [];
  await until('all traffic is right again', () => {
    verdicts = judge(meter?.samples ?? [], { momentMs });
    return (
      monotonicMs() - momentMs > 3000 &&
      verdicts.length > 0 &&
      verdicts.every(({ againMs, after }) => after > 0 && againMs !== null)
    );
  });
  return verdicts;
}

async function working(): Promise<void> {
  await bondwire.start();
  await bondwire.run('uplink', 'create', office());
  await selected('wan0');
  await proven();
  meter = await UplinkMeter.start(lab);
  await rightAgain(monotonicMs());
}

describe('a line that fails', () => {
  test.each(['silent', 'dead-beyond', 'cut', 'silent-down'])(
    '%s: everything goes by the other, and back without loss; the kernel is as before in the end',
    async fault => {
      const before = await picture();
      await working();
      const faultMs = monotonicMs();
      lab.setFault('wan0', fault);
      await selected('wan1');
      await rightAgain(faultMs);
      const failover = (await events()).find(
        ({ type, family }) => type === 'uplink-failover' && family === 'ipv4',
      );
      expect(failover).toMatchObject({
        from: 'wan0',
        to: 'wan1',
        cause: fault === 'cut' ? 'carrier' : 'silent',
        place: { cut: 'cable', 'dead-beyond': 'beyond' }[fault] ?? 'router',
      });
      lab.clearFault('wan0');
      const clearMs = monotonicMs();
      await selected('wan0');
      await rightAgain(clearMs);
      const back = judge(meter?.samples ?? [], { momentMs: clearMs, limitMs: 1000 });
      expect(back.map(({ flow, family, lost }) => [flow, family, lost])).toEqual(
        back.map(({ flow, family }) => [flow, family, 0]),
      );
      await bondwire.run('uplink', 'destroy');
      expect(await picture()).toEqual(before);
    },
  );

  test('the standby line costs the other nothing, and with none that works nothing is moved', async () => {
    await working();
    const faultMs = monotonicMs();
    lab.setFault('wan1', 'silent');
    await until('it is noticed', async () => (await show()).lines[1]?.families.ipv4.state === 'dead');
    await rightAgain(faultMs);
    expect(judge(meter?.samples ?? [], { momentMs: faultMs, limitMs: 1000 }).map(({ lost }) => lost)).toEqual(
      judge(meter?.samples ?? [], { momentMs: faultMs }).map(() => 0),
    );
    const moves = (await events()).filter(({ type }) => type === 'uplink-failover').length;
    lab.setFault('wan0', 'silent');
    await until('it is told', async () => (await events()).some(({ type }) => type === 'uplink-none'));
    expect((await events()).filter(({ type }) => type === 'uplink-failover')).toHaveLength(moves);
    expect((await show()).selected.ipv4.line).toBe('wan0');
  });
});

describe('the daemon', () => {
  test('is killed, and a cable is cut: the kernel alone takes the other line; the next one takes over what it finds', async () => {
    await working();
    const standing = await picture();
    await bondwire.stop('SIGKILL');
    expect(await picture()).toEqual(standing);
    const cutMs = monotonicMs();
    lab.setFault('wan0', 'cut');
    await rightAgain(cutMs);
    lab.clearFault('wan0');
    await until('the kernel has it back', async () => !(await picture())['routes']?.includes('linkdown'));
    const backMs = monotonicMs();
    await bondwire.start();
    await proven();
    await rightAgain(backMs);
    expect(await picture()).toEqual(standing);
  });

  test('what an earlier daemon left at work is neither taken by a command in the foreground nor by a configuration that is refused', async () => {
    await bondwire.start();
    await bondwire.run('uplink', 'create', office());
    await selected('wan0');
    await proven();
    await bondwire.stop('SIGTERM');
    const standing = await picture();
    for (const words of [
      ['run', 'bond0', 'lan0'],
      ['uplink', 'run', 'wan0', 'wan1'],
    ]) {
      const refused = await bondwire.command(words);
      expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('(office)')]);
      expect(await picture()).toEqual(standing);
    }
    // A daemon that knows nothing of it, and settings that cannot be.
    const other = new ManagedBondwire({
      spawn: argv => lab.spawn('gateway', argv),
      bin: BIN,
      runDir: lab.makeRunDir(),
    });
    await other.start();
    const body = JSON.stringify({ ...EMPTY_SETTINGS, lines: [] });
    const socket = `${other.runDir}/control.sock`;
    const put = await lab.exec('gateway', [process.execPath, '-e', PUT_SCRIPT, socket, body]);
    expect(put.stdout).toMatch(/^4\d\d .*has no lines/);
    expect(await picture()).toEqual(standing);
    await other.stop('SIGTERM');
  });

  test('ends in order and leaves the uplink at work', async () => {
    await working();
    const standing = await picture();
    const endMs = monotonicMs();
    await bondwire.stop('SIGTERM');
    expect(await picture()).toEqual(standing);
    await rightAgain(endMs);
    await bondwire.start();
    expect((await show()).name).toBe('office');
    expect(await picture()).toEqual(standing);
  });
});

test('what somebody else takes away is put back, and told', async () => {
  await bondwire.start();
  await bondwire.run('uplink', 'create', office());
  await selected('wan0');
  await proven();
  const standing = await picture();
  for (const argv of [
    ['ip', 'rule', 'del', 'pref', '32500'],
    ['ip', '-6', 'rule', 'del', 'pref', '32011'],
    ['ip', 'route', 'flush', 'table', '8700'],
    ['nft', 'delete', 'table', 'inet', 'bondwire'],
    ['sysctl', '-qw', 'net.ipv4.conf.wan1.rp_filter=0'],
  ]) {
    const told = (await events()).filter(({ type }) => type === 'interference').length;
    expect((await lab.exec('gateway', argv)).status).toBe(0);
    await until(
      `${argv.join(' ')} is told`,
      async () => (await events()).filter(({ type }) => type === 'interference').length > told,
    );
    expect(await picture()).toEqual(standing);
  }
});

describe('commands', () => {
  test('use, drain and release; a drill; why, plan, doctor', async () => {
    await bondwire.start();
    await bondwire.run('uplink', 'create', office());
    await selected('wan0');
    await proven();
    await bondwire.run('uplink', 'use', 'wan1', '--for', '1h');
    await selected('wan1');
    expect(await bondwire.run('uplink', 'show')).toContain('asked for: wan1');
    await bondwire.run('uplink', 'release');
    await selected('wan0');
    await bondwire.run('uplink', 'drain', 'wan0');
    await selected('wan1');
    await bondwire.run('uplink', 'release', 'wan0');
    await selected('wan0');
    const told = await bondwire.run('uplink', 'drill', 'wan0', '--kind', 'silent', '--for', '3s');
    const offered = /failover wan0 → wan1[^]*The drill is over; 'bondwire ([^']+)'/.exec(told)?.[1] ?? '';
    expect(await bondwire.run(...offered.split(' '))).toContain('failover wan0 → wan1');
    expect(await bondwire.run('uplink', 'why')).toMatch(/wan0 \(IPv4\)[^]*wan1 \(IPv6\)/);
    expect(await bondwire.run('uplink', 'plan', office())).toContain('32500');
    const file = join(bondwire.runDir, 'exported.yaml');
    writeFileSync(file, await bondwire.run('export'));
    const before = await picture();
    await bondwire.run('apply', file);
    expect([await picture(), (await show()).name]).toEqual([before, 'office']);
    const doctor = await bondwire.command(['doctor', '--json']);
    const { findings } = JSON.parse(doctor.stdout) as { findings: { name: string; detail: string }[] };
    expect(
      findings
        .filter(({ name }) => name === 'office')
        .map(({ detail }) => detail)
        .join(),
    ).toMatch(/ipv4 by wan[01]/);
    for (const [argv, message] of [
      [['use', 'wan7'], 'There is no line wan7; the lines are wan0, wan1.'],
      [['drill', 'wan7'], 'There is no line wan7; the lines are wan0, wan1.'],
    ] as const) {
      const refused = await bondwire.command(['uplink', ...argv]);
      expect([refused.status, refused.stderr]).toEqual([1, `bondwire: ${message}\n`]);
    }
    await bondwire.run('uplink', 'destroy');
    const gone = await bondwire.command(['uplink', 'destroy']);
    expect([gone.status, gone.stderr]).toEqual([1, expect.stringContaining('There is no uplink.')]);
  });

  test('doctor finds what stands in the way, and its commands mend it', async () => {
    await bondwire.start();
    await bondwire.run('uplink', 'create', office());
    await selected('wan0');
    await proven();
    const findings = async () => {
      const { stdout } = await bondwire.command(['doctor', '--json']);
      return (JSON.parse(stdout) as { findings: { name: string; detail: string; fix?: string }[] }).findings;
    };
    const must = async (...argv: string[]): Promise<void> =>
      expect([argv, (await lab.exec('gateway', argv)).status]).toEqual([argv, 0]);
    await must('sysctl', '-qw', 'net.ipv4.ip_forward=0', 'net.ipv6.conf.all.forwarding=0');
    await must('ip', 'rule', 'add', 'pref', '100', 'lookup', '100');
    await must('ip', 'rule', 'add', 'pref', '90', 'fwmark', '0x1000000/0xff000000', 'lookup', '100');
    const found = await findings();
    const fixes = found.flatMap(({ fix }) => (fix !== undefined && /sysctl|ip rule/.test(fix) ? [fix] : []));
    expect(fixes).toEqual([
      'ip rule show',
      'sysctl -w net.ipv4.ip_forward=1',
      'sysctl -w net.ipv6.conf.all.forwarding=1',
    ]);
    expect(found.map(({ detail }) => detail).join('\n')).toContain('goes by bits of the packet mark');
    for (const fix of fixes) await must('sh', '-c', fix);
    await must('ip', 'rule', 'del', 'pref', '100');
    await must('ip', 'rule', 'del', 'pref', '90');
    const left = (await findings()).map(({ detail }) => detail).join('\n');
    expect(left).not.toMatch(/forwards no|sends all packets|packet mark/);
    // The daemon keeps this one itself, so doctor tells of it only where it may not.
    await must('sh', '-c', 'sysctl -w net.ipv4.conf.wan0.rp_filter=2');
  });

  test('run: at work until Ctrl-C, then all is as before', async () => {
    const before = await picture();
    const words = targets()
      .replaceAll('"', '')
      .split(', ')
      .flatMap(target => ['--target', target]);
    const daemon = [process.execPath, BIN, '--run-dir', bondwire.runDir];
    const run = lab.spawn('gateway', [
      ...daemon,
      'uplink',
      'run',
      'fibre=wan0',
      'dsl=wan1',
      '--masquerade',
      ...words,
    ]);
    let told = '';
    run.stdout?.on('data', (chunk: Buffer) => {
      told += chunk.toString();
    });
    await until('a line is selected', () => told.includes('selected fibre'));
    meter = await UplinkMeter.start(lab, { families: ['ipv4'] });
    await rightAgain(monotonicMs());
    const ended = new Promise(resolve => run.once('close', resolve));
    run.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(told).toContain('Everything is as it was before.');
    expect(await picture()).toEqual(before);
  });
});
