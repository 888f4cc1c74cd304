// Views on real interfaces: texts in the forms that people know, and the files of RUN_DIR/proc and RUN_DIR/sys, read by
// greps, by a check script and by Debian's prometheus-node-exporter, unchanged (H40, H41). Needs root.
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { get } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { closeStages, ended, Stage, until } from './support/stage.js';
import { hasProgram } from './support/test-files.js';

afterEach(closeStages);

const HAS_EXPORTER = hasProgram('prometheus-node-exporter');

function read(stage: Stage, path: string): string {
  return readFileSync(`${stage.runDir}/${path}`, 'utf8');
}

async function cli(stage: Stage, ...words: string[]): Promise<string> {
  const { status, stdout, stderr } = await stage.bondwire.command(words);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout;
}

describe('texts', () => {
  test('H40: the information file of 2003, before and after a failover', async () => {
    const stage = await Stage.open();
    await stage.bond();
    expect(await cli(stage, 'show', 'bond0', '--info')).toBe(`Bonding Mode: fault-tolerance (active-backup)
Currently Active Slave: eth0
MII Status: up
MII Polling Interval (ms): 100
Up Delay (ms): 0
Down Delay (ms): 0

Slave Interface: eth0
MII Status: up
Link Failure Count: 0

Slave Interface: eth1
MII Status: up
Link Failure Count: 0
`);
    stage.lab.cut('eth0');
    await stage.active('eth1');
    const text = await cli(stage, 'show', 'bond0', '--info');
    expect(text).toContain('Currently Active Slave: eth1\n');
    expect(text).toContain('Slave Interface: eth0\nMII Status: down\nLink Failure Count: 1\n');
  });

  test('H41: ifconfig shows MASTER, SLAVE, NOARP on the backup, one HWaddr, and counters that add up', async () => {
    const stage = await Stage.open();
    // What a member counted before it joined is not the bond's.
    await stage.ip('addr', 'add', '10.9.9.9/24', 'dev', 'eth0');
    await stage.ip('link', 'set', 'eth0', 'up');
    await stage.lab.exec('host', ['ping', '-c', '3', '-i', '0.2', '-W', '1', '10.9.9.8']);
    await stage.ip('link', 'set', 'eth0', 'down');
    await stage.ip('addr', 'flush', 'dev', 'eth0');
    const before = counters('eth0');
    expect(before.rxPackets + before.txPackets).toBeGreaterThan(0);
    await stage.bond();
    await stage.run('host', 'ping', '-q', '-c', '20', '-i', '0.01', stage.lab.peerIp);

    function counters(name: string) {
      const statistics = stage.lab.link('host', name)?.statistics;
      if (statistics === undefined) throw new Error(`${name} has no statistics`);
      return statistics;
    }
    const parts = async () => {
      const text = await cli(stage, 'show', 'bond0', '--ifconfig');
      return new Map(text.split('\n\n').map(part => [part.split(/\s/)[0] ?? '', part]));
    };
    const numbers = (part: string | undefined) =>
      Array.from(part?.matchAll(/[RT]X packets:(\d+)|[RT]X bytes:(\d+)/g) ?? [], match =>
        Number(match[1] ?? match[2]),
      );
    // Quiet for a moment, so that the text and what is compared with it are of one state.
    const text = await until('the counters rest', async () => {
      const one = await parts();
      const other = await parts();
      return JSON.stringify([...one]) === JSON.stringify([...other]) ? one : undefined;
    });
    expect([...text.keys()]).toEqual(['bond0', 'eth0', 'eth1']);
    expect(text.get('bond0')).toMatch(/UP BROADCAST RUNNING MASTER MULTICAST {2}MTU:1500 {2}Metric:1/);
    expect(text.get('eth0')).toMatch(/UP BROADCAST RUNNING SLAVE MULTICAST /);
    expect(text.get('eth1')).toMatch(/UP BROADCAST RUNNING NOARP SLAVE MULTICAST /);
    expect(text.get('bond0')).toContain(`inet addr:${stage.lab.hostAddress.split('/')[0]}  `);
    const addresses = Array.from(text.values(), part => /HWaddr (\S+)/.exec(part)?.[1]);
    expect(new Set(addresses)).toEqual(new Set([stage.mac('bond0').toUpperCase()]));
    const own = [before.rxPackets, before.txPackets, before.rxBytes, before.txBytes];
    const sum = numbers(text.get('eth0')).map((value, i) => value - (own[i] ?? 0));
    const [bond, eth1] = [numbers(text.get('bond0')), numbers(text.get('eth1'))];
    expect(bond).toEqual(sum.map((value, i) => value + (eth1[i] ?? 0)));
    expect(bond[1]).toBeGreaterThanOrEqual(20);
    // What a member counted stays in the sum when it leaves, and across daemons.
    await stage.api.release('bond0', { interfaces: ['eth0'] });
    const less = numbers((await parts()).get('bond0'));
    expect(less.every((value, i) => value >= (bond[i] ?? 0))).toBe(true);
    await stage.bondwire.stop('SIGKILL');
    await stage.bondwire.start();
    const again = numbers((await parts()).get('bond0'));
    expect(again.every((value, i) => value >= (less[i] ?? 0))).toBe(true);
  });

  test('the files of sysfs, a line each, links too', async () => {
    const stage = await Stage.open();
    await stage.bond({ primary: 'eth0' });
    const text = await cli(stage, 'show', 'bond0', '--sysfs');
    expect(text).toContain('/sys/class/net/bond0/bonding/mode:active-backup 1\n');
    expect(text).toContain('/sys/class/net/bond0/lower_eth1 -> ../eth1\n');
    expect(text).toContain('/sys/class/net/eth0/bonding_slave/state:active\n');
    expect(text).toContain('/sys/class/net/eth0/master -> ../bond0\n');
    expect(text.match(/^\/sys\/class\/net\/bond0\/bonding\//gm)).toHaveLength(38);
    expect(text.match(/^\/sys\/class\/net\/eth1\/bonding_slave\//gm)).toHaveLength(8);
  });
});

describe('RUN_DIR/proc and RUN_DIR/sys', () => {
  test('follow what happens, rename and all, and are written only when something changed', async () => {
    const stage = await Stage.open();
    expect(read(stage, 'sys/class/net/bonding_masters')).toBe('\n');
    await stage.bond();
    const file = (path: string): string | undefined =>
      existsSync(`${stage.runDir}/${path}`) ? read(stage, path) : undefined;
    await until('the files of the bond', () => file('proc/net/bonding/bond0')?.includes('Slave: eth0'));
    expect(read(stage, 'proc/net/bonding/bond0')).toBe(await cli(stage, 'show', 'bond0', '--proc'));
    expect(read(stage, 'proc/net/bond0/info')).toBe(await cli(stage, 'show', 'bond0', '--info'));
    expect(readlinkSync(`${stage.runDir}/sys/class/net/bond0/lower_eth0`)).toBe('../eth0');
    expect(read(stage, 'sys/class/net/bond0/lower_eth1/bonding_slave/mii_status')).toBe('up\n');
    expect(read(stage, 'sys/class/net/eth1/upper_bond0/bonding/slaves')).toBe('eth0 eth1\n');

    const inode = (path: string): number => statSync(`${stage.runDir}/${path}`).ino;
    const still = inode('sys/class/net/bond0/bonding/mode');
    const moves = inode('sys/class/net/bond0/bonding/active_slave');
    stage.lab.cut('eth0');
    await until('the failover is in the files', () =>
      file('proc/net/bonding/bond0')?.includes('Currently Active Slave: eth1'),
    );
    // One file after the other.
    await until('and in sysfs', () => file('sys/class/net/eth0/bonding_slave/mii_status') === 'down\n');
    await until('counted', () => file('sys/class/net/eth0/bonding_slave/link_failure_count') === '1\n');
    await until('who is active', () => file('sys/class/net/bond0/bonding/active_slave') === 'eth1\n');
    expect(inode('sys/class/net/bond0/bonding/mode')).toBe(still);
    expect(inode('sys/class/net/bond0/bonding/active_slave')).not.toBe(moves);

    await stage.ip('link', 'set', 'eth1', 'name', 'lan1');
    await until('the new name', () => file('sys/class/net/bond0/bonding/slaves') === 'eth0 lan1\n');
    await until('no file of the old one', () => !existsSync(`${stage.runDir}/sys/class/net/eth1`));
    await stage.ip('link', 'set', 'bond0', 'name', 'uplink');
    await until('the new name of the bond', () => file('sys/class/net/bonding_masters') === 'uplink\n');
    const names = (path: string): string => readdirSync(`${stage.runDir}/${path}`).toSorted().join(' ');
    await until('and not the old one', () => names('proc/net') === 'bonding uplink');
    await stage.api.destroy('uplink');
    await until('nothing is left', () => file('sys/class/net/bonding_masters') === '\n');
    await until('no file of the bond', () => names('sys/class/net') === 'bonding_masters');
    await until('none in proc', () => names('proc') === 'README');
  });

  test('go when the daemon ends in order; after kill -9 the next one mends them', async () => {
    const stage = await Stage.open();
    await stage.bond();
    const active = `${stage.runDir}/sys/class/net/bond0/bonding/active_slave`;
    // Made with the bond, and right once the member is.
    await until('the files', () => existsSync(active) && readFileSync(active, 'utf8') === 'eth0\n');
    await stage.bondwire.stop('SIGKILL');
    expect(readFileSync(active, 'utf8')).toBe('eth0\n');
    stage.lab.cut('eth0');
    await stage.bondwire.start();
    await until('the truth', () => readFileSync(active, 'utf8') === 'eth1\n');
    await stage.bondwire.stop();
    expect(existsSync(`${stage.runDir}/sys`)).toBe(false);
    expect(existsSync(`${stage.runDir}/proc`)).toBe(false);
  });

  test('a directory of somebody else is left alone, and the daemon says so', async () => {
    const stage = await Stage.open({ noDaemon: true });
    mkdirSync(`${stage.runDir}/sys`);
    writeFileSync(`${stage.runDir}/sys/mine`, 'mine');
    await stage.bondwire.start();
    expect((await stage.events()).map(event => event.message)).toContainEqual(
      expect.stringMatching(/sys was not made by bondwire and is left alone/),
    );
    await stage.bond();
    await stage.bondwire.stop();
    expect(readFileSync(`${stage.runDir}/sys/mine`, 'utf8')).toBe('mine');
  });

  test('a check script that greps /proc text and sysfs works on them', async () => {
    const stage = await Stage.open();
    await stage.bond();
    const check = `
      cd "$1"
      for bond in $(cat sys/class/net/bonding_masters); do
        down=$(grep -A1 '^Slave Interface:' "proc/net/bonding/$bond" | grep -c '^MII Status: down')
        all=$(wc -w <"sys/class/net/$bond/bonding/slaves")
        if [ "$down" -gt 0 ]; then echo "WARNING: $bond: $down of $all slaves down"; exit 1; fi
        echo "OK: $bond: $all slaves up, active $(cat "sys/class/net/$bond/bonding/active_slave")"
      done`;
    const run = () => stage.lab.exec('peer', ['sh', '-c', check, 'check', stage.runDir]);
    await until('it is well', async () => (await run()).stdout === 'OK: bond0: 2 slaves up, active eth0\n');
    stage.lab.cut('eth1');
    await until('it warns', async () => (await run()).stdout === 'WARNING: bond0: 1 of 2 slaves down\n');
    expect((await run()).status).toBe(1);
  });

  test('where /sys is that of the namespace, all the rest of it is there too', async () => {
    const stage = await Stage.open({ privateMounts: true });
    await stage.bond();
    const at = `${stage.runDir}/sys/class/net`;
    await until('the link', () => existsSync(at) && readdirSync(at).includes('lo'));
    // As a program in the namespace sees it.
    const see = (path: string): string =>
      execFileSync('ip', ['netns', 'exec', stage.lab.host, 'cat', `${at}/${path}`], { encoding: 'utf8' });
    expect(see('bond0/address').trim()).toBe(stage.mac('bond0'));
    expect(Number(see('bond0/statistics/tx_packets'))).toBeGreaterThan(0);
    expect(see('eth0/operstate')).toBe('up\n');
    expect(see('lo/mtu')).toBe('65536\n');
    expect(readdirSync(`${stage.runDir}/sys`)).toContain('devices');
    await stage.ip('link', 'add', 'bwx0', 'type', 'bridge');
    await until('a new interface', () => readdirSync(at).includes('bwx0'));
    await stage.api.release('bond0', { interfaces: ['eth0'] });
    await until('eth0 is as any other', () =>
      lstatSync(`${at}/eth0`, { throwIfNoEntry: false })?.isSymbolicLink(),
    );
    await stage.api.enslave('bond0', { interfaces: ['eth0'], takeDown: true });
    await until('eth0 is a member again', () => existsSync(`${at}/eth0/bonding_slave/state`));
    expect((await stage.events()).filter(event => event.type === 'daemon')).toEqual([]);
  });
});

describe.runIf(HAS_EXPORTER)('prometheus-node-exporter of Debian', () => {
  const page = (port: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const request = get({ host: '127.0.0.1', port, path: '/metrics' }, response => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', () => resolve(text));
      });
      request.once('error', reject);
    });

  /** Runs it as it is, pointed at RUN_DIR/sys. */
  async function exporter(
    stage: Stage,
    port: number,
    argv: readonly string[],
    prefix: readonly string[] = [],
  ) {
    const [file = '', ...args] = [
      ...prefix,
      '/usr/bin/prometheus-node-exporter',
      `--path.sysfs=${stage.runDir}/sys`,
      `--web.listen-address=127.0.0.1:${port}`,
      ...argv,
    ];
    const child = spawn(file, args, { stdio: 'ignore' });
    await until('it answers', () => page(port).catch(() => undefined));
    return child;
  }

  /** One scrape by an exporter in the namespace, with all the collectors that are on by default. */
  async function scrapeInside(inside: readonly string[], sysfs: string): Promise<string> {
    const script = `
      /usr/bin/prometheus-node-exporter --path.sysfs="$1" --web.listen-address=127.0.0.1:9100 >/dev/null 2>&1 &
      trap 'kill $!; wait' EXIT
      exec 3<>/dev/null
      for i in $(seq 200); do
        if exec 3<>/dev/tcp/127.0.0.1/9100; then break; fi 2>/dev/null
        sleep 0.05
      done
      printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3
      cat <&3`;
    return execFileSync(inside[0] ?? '', [...inside.slice(1), 'bash', '-c', script, 'scrape', sysfs], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 1 << 26,
    });
  }

  test('counts members and those that are up', async () => {
    const stage = await Stage.open();
    await stage.bond();
    const port = 20000 + (process.pid % 20000);
    const child = await exporter(stage, port, ['--collector.disable-defaults', '--collector.bonding']);
    const bonding = async (): Promise<string[]> =>
      (await page(port)).split('\n').filter(line => /^node_bonding|success.*bonding/.test(line));
    try {
      await until('both', async () => (await bonding()).includes('node_bonding_active{master="bond0"} 2'));
      expect(await bonding()).toEqual([
        'node_bonding_active{master="bond0"} 2',
        'node_bonding_slaves{master="bond0"} 2',
        'node_scrape_collector_success{collector="bonding"} 1',
      ]);
      stage.lab.cut('eth0');
      await until('one', async () => (await bonding()).includes('node_bonding_active{master="bond0"} 1'));
    } finally {
      await ended(child);
    }
  });

  test('with all its collectors: pointed at RUN_DIR/sys it says what it says of /sys, and the bonds besides', async () => {
    const stage = await Stage.open({ privateMounts: true });
    await stage.bond();
    await until('the link', () => existsSync(`${stage.runDir}/sys/class/net/lo`));
    const inside = ['ip', 'netns', 'exec', stage.lab.host];
    const metrics = async (sysfs: string): Promise<string[]> => {
      const out = await scrapeInside(inside, sysfs);
      // Names of what there is, without values and without what each start has of its own.
      const names = out.match(/^node_(?:network_\w+|\w+_info|scrape_collector_success)\{.*\} \S+/gm) ?? [];
      return names
        .filter(line => !/bonding|scrape/.test(line) || line.endsWith(' 1'))
        .map(line => line.replace(/ \S+$/, ''))
        .filter(line => !line.includes('"bonding"') && !/_(?:bytes|packets)_total/.test(line))
        .toSorted((a, b) => a.localeCompare(b));
    };
    const real = await metrics('/sys');
    const ours = await metrics(`${stage.runDir}/sys`);
    // Its collector netclass passes over files that are links, which those of bonds and members are (docs/views.md).
    const lost = real.filter(line => !ours.includes(line));
    expect(lost.filter(line => !/^node_network_.*device="(?:bond0|eth0|eth1)"/.test(line))).toEqual([]);
    expect(ours.filter(line => !real.includes(line) && !line.startsWith('node_network_info{'))).toEqual([]);
    expect(ours.length).toBeGreaterThan(50);
  });
});
