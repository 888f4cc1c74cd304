// Others that speak LACP, at the right end of two cables: the kernel's driver, Open vSwitch. Each runs in the right host's
// namespace and goes with it. What a machine has not is told by `missing`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { End, TwoEnds } from './two-ends.js';
import { until } from './stage.js';

export interface PeerOptions {
  readonly rate: 'fast' | 'slow';
  /** It speaks without being spoken to. */
  readonly active: boolean;
}

/** A partner that is not ours. */
export interface LacpPeer {
  readonly name: string;
  /** What it cannot do. */
  readonly lacks: readonly 'keys'[];
  /** Why it cannot run on this machine; null: it can. */
  missing(): string | null;
  /** Makes one aggregate of all cables, with the right end's address; again after `stop`. */
  start(ends: TwoEnds, options: PeerOptions): Promise<void>;
  /** Its ports get another key, while it runs. */
  setKey(ends: TwoEnds, key: number): Promise<void>;
  /** Its system gets another priority, while it runs. */
  setSystemPriority(ends: TwoEnds, priority: number): Promise<void>;
  /** Cables that it sends by, in order. */
  carrying(ends: TwoEnds): Promise<string[]>;
  stop(ends: TwoEnds): Promise<void>;
}

function hasProgram(...names: string[]): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return names.every(name => folders.some(folder => existsSync(join(folder, name))));
}

async function must(end: End, ...argv: string[]): Promise<string> {
  const { status, stdout, stderr } = await end.exec(...argv);
  if (status !== 0) throw new Error(`${argv.join(' ')} failed: ${stderr.trim()}`);
  return stdout;
}

/** The kernel's driver: `bond0` of the right host. */
const DRIVER: LacpPeer = {
  name: 'the kernel driver',
  lacks: ['keys'],
  missing: () => {
    spawnSync('modprobe', ['bonding', 'max_bonds=0']);
    return existsSync('/sys/class/net/bonding_masters') ? null : 'this kernel has no bonding driver';
  },
  async start(ends, { rate, active }) {
    const { right } = ends;
    const options = [
      'mode',
      '802.3ad',
      'miimon',
      '100',
      'lacp_rate',
      rate,
      'lacp_active',
      active ? 'on' : 'off',
    ];
    await must(right, 'ip', 'link', 'add', 'bond0', 'type', 'bond', ...options);
    for (const cable of ends.cables) {
      await must(right, 'ip', 'link', 'set', cable, 'down');
      await must(right, 'ip', 'link', 'set', cable, 'master', 'bond0');
    }
    await must(right, 'ip', 'addr', 'add', `${right.address}/24`, 'dev', 'bond0');
    await must(right, 'ip', 'link', 'set', 'bond0', 'up');
  },
  setKey: () => Promise.reject(new Error('the driver has keys by speed, and these cables have one speed')),
  async setSystemPriority(ends, priority) {
    await must(
      ends.right,
      'ip',
      'link',
      'set',
      'bond0',
      'type',
      'bond',
      'ad_actor_sys_prio',
      String(priority),
    );
  },
  async carrying(ends) {
    const text = await must(ends.right, 'cat', '/proc/net/bonding/bond0');
    return text
      .split('Slave Interface: ')
      .slice(1)
      .filter(part => {
        const state = Number(/details actor lacp pdu:[^]*?port state: (\d+)/.exec(part)?.[1] ?? 0);
        return (state & 0x30) === 0x30;
      })
      .map(part => part.split('\n')[0] ?? '');
  },
  async stop(ends) {
    await must(ends.right, 'ip', 'link', 'del', 'bond0');
  },
};

function ovs(end: End): { folder: string; db: string; control: string } {
  const folder = join(end.bondwire.runDir, 'ovs');
  return { folder, db: `unix:${folder}/db.sock`, control: join(folder, 'vswitchd.ctl') };
}

async function ovsProcess(end: End, argv: readonly string[], ready: string): Promise<void> {
  const { folder } = ovs(end);
  const env = { ...process.env, OVS_RUNDIR: folder, OVS_LOGDIR: folder, OVS_DBDIR: folder };
  const child = end.spawn(argv, { env, stdio: 'ignore' });
  await until(`${argv[0]} listens`, () => existsSync(ready) || child.exitCode !== null);
  if (child.exitCode !== null) throw new Error(`${argv[0]} ended with ${child.exitCode}`);
}

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema';

/** Open vSwitch with its datapath in user space: the bridge `br0`, the bond `bond0` in it. */
const OPEN_VSWITCH: LacpPeer = {
  name: 'Open vSwitch',
  lacks: [],
  missing: () =>
    hasProgram('ovs-vswitchd', 'ovsdb-server', 'ovs-vsctl', 'ethtool') && existsSync(SCHEMA)
      ? null
      : 'there is no Open vSwitch, or no ethtool (packages openvswitch-switch, ethtool)',
  async start(ends, { rate, active }) {
    const { right } = ends;
    const { folder, db, control } = ovs(right);
    // The host's own stack sees the frames of the cables too, and would answer for an address of the bridge with a cable's MAC address.
    await must(right, 'sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1');
    if (!existsSync(folder)) {
      mkdirSync(folder);
      await must(right, 'ovsdb-tool', 'create', join(folder, 'conf.db'), SCHEMA);
      const listens = `--remote=punix:${folder}/db.sock`;
      const server = [
        'ovsdb-server',
        join(folder, 'conf.db'),
        listens,
        `--unixctl=${folder}/db.ctl`,
        '-vconsole:off',
      ];
      await ovsProcess(right, server, join(folder, 'db.sock'));
      await must(right, 'ovs-vsctl', `--db=${db}`, '--no-wait', 'init');
      const daemon = ['ovs-vswitchd', db, '--disable-system', `--unixctl=${control}`, '-vconsole:off'];
      await ovsProcess(right, [...daemon, `--log-file=${folder}/vswitchd.log`], control);
    }
    for (const cable of ends.cables) {
      // A veth cable carries what its sender's card was to sum up; this datapath reads the frames, and has nobody who does.
      await must(ends.left, 'ethtool', '-K', cable, 'tx', 'off');
      right.setUp(cable, true);
    }
    const bond = [
      'bond_mode=balance-tcp',
      `lacp=${active ? 'active' : 'passive'}`,
      `other_config:lacp-time=${rate}`,
    ];
    // An address of its own: with that of a cable, the host's own stack would take in what comes for the bridge a second time.
    const own = 'other_config:hwaddr=02:bb:00:00:00:01';
    const bridge = ['--', 'add-br', 'br0', '--', 'set', 'bridge', 'br0', 'datapath_type=netdev', own];
    const ports = ['--', 'add-bond', 'br0', 'bond0', ...ends.cables, ...bond];
    await must(right, 'ovs-vsctl', `--db=${db}`, '--timeout=30', ...bridge, ...ports);
    right.setUp('br0', true);
    ends.addAddress('right', 'br0');
  },
  // The key of one interface is that of the whole bond there, and which one it is nobody says: it is set for each.
  async setKey(ends, key) {
    const { db } = ovs(ends.right);
    const option = `other_config:lacp-aggregation-key=${key}`;
    const changes = ends.cables.flatMap(cable => ['--', 'set', 'interface', cable, option]);
    await must(ends.right, 'ovs-vsctl', `--db=${db}`, '--timeout=30', ...changes);
  },
  async setSystemPriority(ends, priority) {
    const { db } = ovs(ends.right);
    const change = ['set', 'port', 'bond0', `other_config:lacp-system-priority=${priority}`];
    await must(ends.right, 'ovs-vsctl', `--db=${db}`, '--timeout=30', ...change);
  },
  async carrying(ends) {
    const { control } = ovs(ends.right);
    const text = await must(ends.right, 'ovs-appctl', '-t', control, 'bond/show', 'bond0');
    return [...text.matchAll(/^(?:member|slave) (\S+): enabled/gm)].map(([, name = '']) => name).toSorted();
  },
  async stop(ends) {
    const { db } = ovs(ends.right);
    await must(ends.right, 'ovs-vsctl', `--db=${db}`, '--timeout=30', 'del-br', 'br0');
  },
};

export const LACP_PEERS: readonly LacpPeer[] = [DRIVER, OPEN_VSWITCH];
