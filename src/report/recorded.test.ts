// The texts in every mode beside what the driver said in the same setting: test/golden/views, recorded by
// test/record/views.sh.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type BondSnapshot, createBond, MODE_NAMES, type ModeName } from '../policy/index.js';
import { bondTree, mastersTree, procText, sysfsTree } from './index.js';
import type { FileTree } from './file-tree.js';

const FOLDER = new URL('../../test/golden/views/', import.meta.url);
const PRIMARY = new Set<ModeName>(['active-backup', 'balance-tlb', 'balance-alb']);

/** The setting of test/record/views.sh, as a snapshot that any mode may have. */
function example(mode: ModeName): BondSnapshot {
  const made = createBond({
    name: 'bond0',
    address: '02:00:00:00:00:99',
    addressIsRandom: false,
    mtu: 1500,
    options: [
      ['mode', 'active-backup'],
      ['miimon', '100'],
      ['primary', 'eth0'],
    ],
  });
  if (!made.ok) throw new Error(made.error.message);
  const bond = made.value;
  for (const [i, name] of ['eth0', 'eth1'].entries()) {
    const address = `02:00:00:00:00:1${i}`;
    const link = {
      name,
      address,
      mtu: 1500,
      adminUp: true,
      carrier: true,
      speedMbps: 10000,
      duplex: 'full',
    } as const;
    bond.handle({ kind: 'join', member: i, link, permanentAddress: address, canSetAddress: true }, 0);
    bond.handle({ kind: 'opened', member: i, link }, 0);
  }
  const snapshot = bond.snapshot();
  const oneActive = PRIMARY.has(mode);
  const options = {
    ...snapshot.options,
    mode,
    primary: oneActive ? 'eth0' : null,
    tlb_dynamic_lb: mode === 'balance-tlb' ? 0 : 1,
    xmit_hash_policy: mode === 'balance-xor' ? 'layer3+4' : 'layer2',
  };
  const members = snapshot.members.map(member => ({
    ...member,
    state: mode === 'active-backup' ? member.state : ('active' as const),
  }));
  return { ...snapshot, mode, options, members, active: oneActive ? snapshot.active : null };
}

/** The same bond in 802.3ad, so many milliseconds after it was set up; it has no partner. */
function aggregating(atMs: number): BondSnapshot {
  const { address, mtu } = example('802.3ad');
  const made = createBond({
    name: 'bond0',
    address,
    addressIsRandom: false,
    mtu,
    options: [
      ['mode', '802.3ad'],
      ['miimon', '100'],
    ],
  });
  if (!made.ok) throw new Error(made.error.message);
  const bond = made.value;
  for (const { member, name, permanentAddress } of example('802.3ad').members) {
    const speed = { speedMbps: 10_000, duplex: 'full', adminUp: true, carrier: true } as const;
    const link = { name, address: permanentAddress, mtu, ...speed };
    bond.handle({ kind: 'join', member, link, permanentAddress, canSetAddress: true }, 0);
  }
  const flags = { promiscuous: false, allMulticast: false, adminUp: true };
  bond.handle({ kind: 'bond-link', name: 'bond0', address, mtu, ...flags }, 0);
  for (let due = bond.deadline(); due !== null && due <= atMs; due = bond.deadline())
    bond.handle({ kind: 'time' }, due);
  return bond.snapshot();
}

/** `FILE:TEXT` lines of a directory of the tree, as the recording has them. */
function listing(tree: FileTree, directory: string): string[] {
  return Array.from(tree).flatMap(([path, entry]) => {
    if (!path.startsWith(`${directory}/`) || !('text' in entry)) return [];
    return [`${path.slice(directory.length + 1)}:${entry.text.replace(/\n$/, '')}`];
  });
}

const kernels = readdirSync(FOLDER).map(file => {
  const [head = '', ...sections] = readFileSync(new URL(file, FOLDER), 'utf8').split(/^=== /m);
  const release = /Linux (\S+)/.exec(head)?.[1] ?? '';
  const text = (title: string): string =>
    sections.find(section => section.startsWith(`${title}\n`))?.slice(title.length + 1) ?? 'not recorded';
  return { release, text };
});

describe.each(kernels)('Linux $release', ({ release, text }) => {
  it.each(MODE_NAMES)('%s: /proc', mode => {
    // It was recorded half a second after the bond was set up.
    const bond = mode === '802.3ad' ? aggregating(500) : example(mode);
    expect(procText(bond, { kernelRelease: release })).toBe(text(`${mode} proc`));
  });

  it.each(MODE_NAMES)('%s: sysfs of the bond, of a member, and the links', mode => {
    // It was recorded right after the first tick of LACP.
    const tree = sysfsTree(mode === '802.3ad' ? aggregating(50) : example(mode));
    const lines = (title: string): string[] => text(`${mode} ${title}`).trimEnd().split('\n');
    const newer = (line: string): boolean =>
      lines('sysfs').some(each => each.split(':')[0] === line.split(':')[0]);
    expect(listing(tree, 'sys/class/net/bond0/bonding').filter(newer)).toEqual(lines('sysfs'));
    expect(
      listing(tree, 'sys/class/net/eth1/bonding_slave').filter(line => !line.startsWith('state')),
    ).toEqual(lines('member').filter(line => !line.startsWith('state')));
    expect(tree.get('sys/class/net/eth1/bonding_slave/state')).toEqual({
      text: `${lines('member')
        .find(line => line.startsWith('state'))
        ?.slice(6)}\n`,
    });
    const links = Array.from(tree).flatMap(([path, entry]) =>
      'link' in entry ? [`${path.slice('sys/class/net/'.length)} -> ${entry.link.slice(3)}`] : [],
    );
    const recorded = lines('links').filter(line => line.includes(' -> '));
    expect(links.toSorted((a, b) => a.localeCompare(b))).toEqual(
      recorded.toSorted((a, b) => a.localeCompare(b)),
    );
    expect(mastersTree([example(mode).name]).get('sys/class/net/bonding_masters')).toEqual({
      text: 'bond0\n',
    });
  });
});

it('an 802.3ad bond without aggregator says so', () => {
  const text = procText(example('802.3ad'), { kernelRelease: '6.12.0' });
  expect(text).toContain('\nSystem MAC address: 02:00:00:00:00:99\nbond bond0 has no active aggregator\n');
  expect(text).toContain('\nSlave queue ID: 0\nAggregator ID: N/A\n\nSlave Interface: eth1');
});

describe('what only CAP_NET_ADMIN is told in 802.3ad', () => {
  const SECRETS = [
    'System priority',
    'System MAC address',
    'Active Aggregator Info',
    'lacp pdu',
    'Partner Key',
  ];

  it('is not in the text for everybody, and all the rest is', () => {
    const bond = aggregating(500);
    const all = procText(bond, { kernelRelease: '6.12.0' }).split('\n');
    const some = procText(bond, { kernelRelease: '6.12.0', reader: 'anybody' }).split('\n');
    expect(SECRETS.filter(secret => all.some(line => line.includes(secret)))).toEqual(SECRETS);
    expect(SECRETS.filter(secret => some.some(line => line.includes(secret)))).toEqual([]);
    expect(some.filter(line => line.startsWith('Aggregator') || line.startsWith('Actor Churn'))).toEqual(
      all.filter(line => line.startsWith('Aggregator') || line.startsWith('Actor Churn')),
    );
    expect(some.every(line => all.includes(line))).toBe(true);
  });

  it('is in files of their owner alone, and in the files for everybody not', () => {
    const tree = bondTree(aggregating(500), { kernelRelease: '6.12.0' });
    const own = Array.from(tree).flatMap(([path, entry]) =>
      'text' in entry && entry.isPrivate === true ? [path.slice(path.lastIndexOf('/') + 1)] : [],
    );
    expect(own).toEqual([
      'ad_actor_key',
      'ad_actor_sys_prio',
      'ad_actor_system',
      'ad_partner_key',
      'ad_partner_mac',
      'ad_user_port_key',
    ]);
    const proc = tree.get('proc/net/bonding/bond0');
    expect(proc !== undefined && 'text' in proc && proc.text).not.toMatch(/System|Partner Key|pdu/);
  });

  it.each(MODE_NAMES.filter(mode => mode !== '802.3ad'))('is nothing in %s', mode => {
    const tree = bondTree(example(mode), { kernelRelease: '6.12.0' });
    expect(Array.from(tree.values()).filter(entry => 'text' in entry && entry.isPrivate === true)).toEqual(
      [],
    );
  });
});
