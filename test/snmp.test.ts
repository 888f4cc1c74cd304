// `bondwire snmp` as Debian's snmpwalk sees it: interfaces, bonds and addresses by numbers that stay (H34). Needs root.
import type { ChildProcess } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { CommandResult } from '../src/lab/managed-bondwire.js';
import { BIN, closeStages, ended, Stage, until } from './support/stage.js';
import { hasProgram } from './support/test-files.js';

afterEach(closeStages);

const HAS_SNMP = hasProgram('snmpwalk');

const IF_DESCR = '.1.3.6.1.2.1.2.2.1.2';
const IF_TYPE = '.1.3.6.1.2.1.2.2.1.3';
const IF_PHYS_ADDRESS = '.1.3.6.1.2.1.2.2.1.6';
const IF_STACK_STATUS = '.1.3.6.1.2.1.31.1.2.1.3';
const IF_HIGH_SPEED = '.1.3.6.1.2.1.31.1.1.1.15';
const IF_HC_IN_OCTETS = '.1.3.6.1.2.1.31.1.1.1.6';
const LAG = '.1.2.840.10006.300.43';
const IP_AD_ENT_IF_INDEX = '.1.3.6.1.2.1.4.20.1.2';
const IP_ADDRESS_IF_INDEX = '.1.3.6.1.2.1.4.34.1.3';

/** An agent in the host of a stage, and Debian's tools beside it. */
class Agent {
  readonly #stage: Stage;
  readonly child: ChildProcess;
  said = '';

  private constructor(stage: Stage, child: ChildProcess) {
    this.#stage = stage;
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.said += text;
      });
    }
  }

  static async start(stage: Stage, ...flags: string[]): Promise<Agent> {
    const argv = [process.execPath, BIN, 'snmp', '--run-dir', stage.runDir, ...flags];
    const agent = new Agent(stage, stage.lab.spawn('host', argv));
    await until('the agent listens', () => agent.said.includes('SNMP at'));
    return agent;
  }

  run(tool: string, ...words: string[]): Promise<CommandResult> {
    return this.#stage.lab.exec('host', [tool, ...words]);
  }

  /** Values by what follows the object in their names. */
  async walk(
    object: string,
    who: readonly string[] = ['-v2c', '-c', 'public'],
  ): Promise<Map<string, string>> {
    const { status, stdout, stderr } = await this.run(
      'snmpwalk',
      ...who,
      '-On',
      '-OQ',
      '-Oe',
      '127.0.0.1',
      object,
    );
    if (status !== 0) throw new Error(`snmpwalk failed: ${stderr}`);
    const lines = stdout.split('\n').filter(line => line.startsWith(`${object}.`) && !/ = No /.test(line));
    return new Map(
      lines.map(line => {
        const [name = '', value = ''] = line.split(/ = (.*)/s);
        return [name.slice(object.length + 1), value.replaceAll('"', '').trim()] as const;
      }),
    );
  }

  /** Index of an interface by its name. */
  async indexOf(name: string): Promise<string> {
    const found = [...(await this.walk(IF_DESCR))].find(([, each]) => each === name);
    if (found === undefined) throw new Error(`${name} is not in ifTable`);
    return found[0];
  }
}

describe.runIf(HAS_SNMP)('snmpwalk', () => {
  test('H34: the address of the bond leads to the bond, whatever was made first, and after all was made again', async () => {
    const stage = await Stage.open();
    await stage.bond();
    let agent = await Agent.start(stage);
    const bondAddress = stage.lab.hostAddress.split('/')[0] ?? '';
    const check = async (): Promise<string> => {
      // The agent hears of changes from the kernel, as we do.
      await until('the address is seen', async () => (await agent.walk(IP_AD_ENT_IF_INDEX)).has(bondAddress));
      const names = await agent.walk(IF_DESCR);
      const owners = await agent.walk(IP_AD_ENT_IF_INDEX);
      const owner = owners.get(bondAddress) ?? '';
      expect(names.get(owner)).toBe('bond0');
      expect(owner).toBe(await agent.indexOf('bond0'));
      const inBytes = bondAddress.split('.').join('.');
      expect((await agent.walk(IP_ADDRESS_IF_INDEX)).get(`1.4.${inBytes}`)).toBe(owner);
      return owner;
    };
    const index = await check();
    const kernels = (): number | undefined => stage.lab.link('host', 'bond0')?.ifindex;
    const kernelIndex = kernels();
    expect(Number(index)).toBe(kernelIndex);
    const members = [await agent.indexOf('eth0'), await agent.indexOf('eth1')];

    // The bond goes; others take numbers; it comes back with its members in another order.
    await stage.api.destroy('bond0');
    for (const name of ['bwa0', 'bwa1', 'bwa2']) await stage.ip('link', 'add', name, 'type', 'bridge');
    await until('they are seen', async () => (await agent.walk(IF_DESCR)).size > 3);
    await stage.bond({}, ['eth1', 'eth0']);
    expect(kernels()).not.toBe(kernelIndex);
    expect(await check()).toBe(index);
    expect([await agent.indexOf('eth0'), await agent.indexOf('eth1')]).toEqual(members);

    // Both daemons end; the bond is gone meanwhile; another device is made with the number that it had.
    await ended(agent.child);
    await stage.api.destroy('bond0');
    await stage.bondwire.stop();
    await stage.ip('link', 'add', 'index', index, 'name', 'bwb0', 'type', 'bridge');
    await stage.bondwire.start();
    agent = await Agent.start(stage);
    expect(await agent.indexOf('bwb0')).not.toBe(index);
    await stage.bond();
    await until('the bond is seen', async () => [...(await agent.walk(IF_DESCR)).values()].includes('bond0'));
    expect(await check()).toBe(index);
    await ended(agent.child);
  });

  test('types, addresses, speeds, who stands on whom, counters of 64 bits', async () => {
    const stage = await Stage.open({ ipv6: true });
    await stage.bond();
    await stage.ip('addr', 'add', '2001:db8::7/64', 'dev', 'bond0', 'nodad');
    const agent = await Agent.start(stage);
    const [bond, eth0, eth1] = [
      await agent.indexOf('bond0'),
      await agent.indexOf('eth0'),
      await agent.indexOf('eth1'),
    ];
    const types = await agent.walk(IF_TYPE);
    expect([types.get(bond), types.get(eth0), types.get(eth1)]).toEqual(['161', '6', '6']);
    const names = [...(await agent.walk(IF_DESCR)).values()];
    expect(names.filter(name => name.startsWith('bwl-'))).toEqual([]);
    expect(Number((await agent.walk('.1.3.6.1.2.1.2.1')).get('0'))).toBe(names.length);
    const macs = await agent.walk(IF_PHYS_ADDRESS);
    const hex = (name: string): string => stage.mac(name).toUpperCase().replaceAll(':', ' ');
    expect([macs.get(bond), macs.get(eth0), macs.get(eth1)]).toEqual([
      hex('bond0'),
      hex('eth0'),
      hex('eth1'),
    ]);
    const loopback = await agent.indexOf('lo');
    expect(types.get(loopback)).toBe('24');
    const stack = await agent.walk(IF_STACK_STATUS);
    for (const row of [
      `0.${bond}`,
      `${bond}.${eth0}`,
      `${bond}.${eth1}`,
      `${eth0}.0`,
      `${eth1}.0`,
      `0.${loopback}`,
    ]) {
      expect([row, stack.get(row)]).toEqual([row, '1']);
    }
    expect(stack.has(`0.${eth0}`)).toBe(false);
    const speed = (await agent.walk(IF_HIGH_SPEED)).get(bond);
    expect(Number(speed)).toBe((await stage.member('eth0')).speedMbps);
    expect((await agent.walk(IP_ADDRESS_IF_INDEX)).get('2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.7')).toBe(
      bond,
    );

    const before = stage.lab.link('host', 'bond0')?.statistics?.rxBytes ?? 0;
    await stage.run('host', 'ping', '-q', '-c', '5', '-i', '0.01', '-s', '1000', stage.lab.peerIp);
    const told = await until('the counter moves', async () => {
      const octets = Number((await agent.walk(IF_HC_IN_OCTETS)).get(bond));
      return octets >= before + 5000 ? octets : undefined;
    });
    expect(told).toBeLessThanOrEqual(stage.lab.link('host', 'bond0')?.statistics?.rxBytes ?? 0);
    const one = await agent.run(
      'snmpget',
      '-v2c',
      '-c',
      'public',
      '-On',
      '127.0.0.1',
      `${IF_HC_IN_OCTETS}.${bond}`,
    );
    expect(one.stdout).toMatch(/ = Counter64: \d+\n$/);
    // The whole of it, once by steps and once in bulk, is the same and in order.
    const oids = async (tool: string): Promise<string[]> => {
      const all = await agent.run(tool, '-v2c', '-c', 'public', '-On', '127.0.0.1', '.1');
      expect(all.status).toBe(0);
      return all.stdout.split('\n').flatMap(line => /^(\.[\d.]+) = (?!No more)/.exec(line)?.[1] ?? []);
    };
    const [steps, bulk] = [await oids('snmpwalk'), await oids('snmpbulkwalk')];
    expect(steps.length).toBeGreaterThan(100);
    expect(bulk).toEqual(steps);
    await ended(agent.child);
  });

  test('a bond in 802.3ad is an aggregator of IEEE8023-LAG-MIB, its members are ports', async () => {
    const stage = await Stage.open();
    await stage.api.create({ name: 'bond0', options: { mode: '802.3ad', lacp_rate: 'fast' } });
    await stage.api.enslave('bond0', { interfaces: stage.lab.members });
    await stage.api.up('bond0');
    const agent = await Agent.start(stage);
    const [bond, eth0, eth1] = [
      await agent.indexOf('bond0'),
      await agent.indexOf('eth0'),
      await agent.indexOf('eth1'),
    ];
    const names = [...(await agent.walk(IF_DESCR)).values()];
    expect(names.filter(name => name.startsWith('bwl-'))).toEqual([]);
    // Nobody answers behind the switch: one port carries without LACP, in an aggregator of its own.
    await until('nobody was heard', async () => (await agent.walk(`${LAG}.1.2.3.1.1`)).get(eth0) === '3');
    const hex = stage.mac('bond0').toUpperCase().replaceAll(':', ' ');
    expect((await agent.walk(`${LAG}.1.1.1.1.4`)).get(bond)).toBe(hex);
    const attached = await agent.walk(`${LAG}.1.2.1.1.13`);
    expect([attached.get(eth0), attached.get(eth1)]).toEqual([bond, '0']);
    expect((await agent.walk(`${LAG}.1.2.1.1.23`)).get(eth0)).toBe('00');
    const sent = await agent.walk(`${LAG}.1.2.2.1.6`);
    expect(Number(sent.get(eth0))).toBeGreaterThan(0);
    const reasons = await agent.walk(`${LAG}.1.2.3.1.4`);
    expect(reasons.get(eth1)).toContain('eth1 hears no LACPDUs');
    await ended(agent.child);
  });

  test('writes are refused; strangers hear nothing; without a daemon the bond keeps its place', async () => {
    const stage = await Stage.open();
    await stage.bond();
    const agent = await Agent.start(stage, '--community', 'inside');
    const who = ['-v2c', '-c', 'inside'];
    const [bond, eth0] = [...(await agent.walk(IF_DESCR, who))].flatMap(([index, name]) =>
      name === 'bond0' || name === 'eth0' ? [index] : [],
    );
    const write = await agent.run('snmpset', ...who, '127.0.0.1', `.1.3.6.1.2.1.2.2.1.7.${bond}`, 'i', '2');
    expect(write.status).not.toBe(0);
    expect(write.stderr).toMatch(/notWritable|noAccess/);
    expect((stage.lab.link('host', 'bond0')?.flags ?? 0) & 1).toBe(1);
    const stranger = await agent.run(
      'snmpget',
      '-v2c',
      '-c',
      'public',
      '-t',
      '0.5',
      '-r',
      '1',
      '127.0.0.1',
      `${IF_DESCR}.${bond}`,
    );
    expect(stranger.status).not.toBe(0);
    expect(stranger.stdout).toBe('');
    expect(stranger.stderr).toMatch(/No Response/);
    // Only loopback hears it.
    const elsewhere = await agent.run(
      'snmpget',
      ...who,
      '-t',
      '0.5',
      '-r',
      '0',
      stage.lab.hostAddress.split('/')[0] ?? '',
      `${IF_DESCR}.${bond}`,
    );
    expect(elsewhere.status).not.toBe(0);
    await stage.bondwire.stop();
    expect((await agent.walk(IF_TYPE, who)).get(bond ?? '')).toBe('161');
    expect((await agent.walk(IF_TYPE, who)).get(eth0 ?? '')).toBe('6');
    agent.child.kill('SIGTERM');
    await until('it ends', () => agent.child.exitCode === 0);
  });

  test('version 3 with authentication and privacy, and no less', async () => {
    const stage = await Stage.open();
    await stage.bond();
    const file = `${stage.runDir}/snmp-users`;
    writeFileSync(
      file,
      '# who may ask\nwatcher sha256 correct-horse aes battery-staple\nold md5 not-so-secret\n',
    );
    chmodSync(file, 0o600);
    const agent = await Agent.start(stage, '--users', file);
    const user = ['-v3', '-u', 'watcher', '-a', 'SHA-256', '-A', 'correct-horse'];
    const full = [...user, '-x', 'AES', '-X', 'battery-staple', '-l', 'authPriv'];
    expect([...(await agent.walk(IF_DESCR, full)).values()]).toContain('bond0');
    const md5 = ['-v3', '-u', 'old', '-a', 'MD5', '-A', 'not-so-secret', '-l', 'authNoPriv'];
    expect([...(await agent.walk(IF_DESCR, md5)).values()]).toContain('bond0');
    const fails = async (...who: string[]): Promise<void> => {
      const answer = await agent.run(
        'snmpget',
        ...who,
        '-t',
        '0.5',
        '-r',
        '0',
        '127.0.0.1',
        '.1.3.6.1.2.1.2.1.0',
      );
      expect(answer.status).not.toBe(0);
      expect(answer.stdout).toBe('');
    };
    await fails(...user, '-l', 'authNoPriv');
    await fails('-v3', '-u', 'watcher', '-l', 'noAuthNoPriv');
    await fails(
      '-v3',
      '-u',
      'watcher',
      '-a',
      'SHA-256',
      '-A',
      'wrong-horses',
      '-x',
      'AES',
      '-X',
      'battery-staple',
      '-l',
      'authPriv',
    );
    await fails('-v3', '-u', 'nobody', '-a', 'SHA-256', '-A', 'correct-horse', '-l', 'authNoPriv');
    await fails('-v2c', '-c', 'public');
    const write = await agent.run('snmpset', ...full, '127.0.0.1', '.1.3.6.1.2.1.1.5.0', 's', 'x');
    expect(write.status).not.toBe(0);
    // Its engine has the same name after a restart: keys of managers are bound to it.
    const engine = (): unknown =>
      (JSON.parse(readFileSync(`${stage.runDir}/snmp.json`, 'utf8')) as { engineId: string }).engineId;
    const name = engine();
    await ended(agent.child, 'SIGTERM');
    const again = await Agent.start(stage, '--users', file);
    expect([...(await again.walk(IF_DESCR, full)).values()]).toContain('bond0');
    expect(engine()).toBe(name);
    await ended(again.child);
  });
});

test('what is wrong is said in one sentence', async () => {
  const stage = await Stage.open({ noDaemon: true });
  const file = `${stage.runDir}/users`;
  const run = async (...words: string[]) => {
    const argv = ['timeout', '20', process.execPath, BIN, 'snmp', '--run-dir', stage.runDir, ...words];
    return stage.lab.exec('host', argv);
  };
  const said = async (exit: number, says: RegExp, ...words: string[]): Promise<void> => {
    const { status, stdout, stderr } = await run(...words);
    expect([status, stdout, stderr]).toEqual([exit, '', expect.stringMatching(/^bondwire: [^\n]+\.\n$/)]);
    expect(stderr).toMatch(says);
  };
  await said(2, /others can ask, so who may must be said/, '--listen', '0.0.0.0');
  await said(2, /must be an IPv4 or IPv6 address/, '--listen', 'localhost');
  await said(2, /number from 1 to 65535/, '--port', '0');
  await said(1, /no interface has this address/, '--listen', '203.0.113.9', '--community', 'x');
  writeFileSync(file, 'me sha256 short\n');
  await said(1, /chmod 600/, '--users', file);
  chmodSync(file, 0o600);
  await said(1, /users:1: a password is shorter than 8 characters/, '--users', file);
  writeFileSync(file, '\n');
  await said(1, /has no user/, '--users', file);
  await said(1, /ENOENT/, '--users', `${file}.none`);
  writeFileSync(`${stage.runDir}/snmp.json`, '{}');
  await said(1, /is no state of an agent/);
  const first = await Agent.start(stage, '--state', `${stage.runDir}/one.json`);
  await said(1, /another program does/, '--state', `${stage.runDir}/two.json`);
  await ended(first.child);
});
