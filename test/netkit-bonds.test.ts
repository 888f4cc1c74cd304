// Bonds that are netkit pairs, from their making to their end, and veth bonds where new ones are netkit. Where the kernel has no netkit
// devices this is left out, and test/guest/netkit.test.ts runs it in a guest. Real interfaces; needs root, tcpdump and ping; part of
// test:all.
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { EbpfBond, type Toolbox } from '../src/dataplane/index.js';
import { Assembler, BPF_PROG_TYPES, link } from '../src/ebpf/index.js';
import {
  closeFd,
  createNamedNetns,
  deleteNamedNetns,
  linkFdById,
  linkInfo,
  listLinkIds,
  listLinks,
  loadProgram,
  netkitAvailable,
  netnsPath,
  openNetns,
  PacketSocket,
  requireLink,
  Rtnetlink,
  setLink,
  withNetns,
} from '../src/linux/index.js';
import { scratchName } from '../src/linux/testing.js';
import { DataPlaneStage, numberedFrame } from './support/data-plane-stage.js';
import { closeStages, Stage, until } from './support/stage.js';

/** BPF_LINK_TYPE_NETKIT. */
const NETKIT = 13;

afterEach(closeStages);

/** A stage whose daemon has this in its environment. */
async function stageWith(pair: string | undefined): Promise<Stage> {
  const stage = await Stage.open({ noDaemon: true });
  await startWith(stage, pair);
  return stage;
}

async function startWith(stage: Stage, pair: string | undefined): Promise<void> {
  if (pair !== undefined) process.env['BONDWIRE_PAIR'] = pair;
  try {
    await stage.bondwire.start();
  } finally {
    delete process.env['BONDWIRE_PAIR'];
  }
}

const kindOf = (stage: Stage, name: string): string | undefined => stage.lab.link('host', name)?.info?.kind;

const lowerOf = (stage: Stage): string =>
  listLinks(stage.lab.netlink('host')).find(({ name }) => name?.startsWith('bwl-'))?.name ?? '';

/** Links at netkit devices that there are on the whole machine. */
function netkitLinks(): number {
  return listLinkIds().filter(id => {
    const fd = linkFdById(id);
    if (fd === undefined) return false;
    const { type } = linkInfo(fd);
    closeFd(fd);
    return type === NETKIT;
  }).length;
}

/** Answers of five pings that the host sends to an address, or one that the peer sends. */
async function answers(stage: Stage, from: 'host' | 'peer', address: string): Promise<number> {
  const { stdout } = await stage.lab.exec(from, ['ping', '-c', '5', '-i', '0.2', '-W', '2', address]);
  return Number(/(\d+) received/.exec(stdout)?.[1]);
}

const hostIp = (stage: Stage): string => stage.lab.hostAddress.split('/')[0] ?? '';

describe.runIf(netkitAvailable() === true)('A bond where the kernel has netkit', () => {
  test('is a netkit pair: told so, counted and seen both ways, gone without a trace', async () => {
    const before = netkitLinks();
    const stage = await stageWith(undefined);
    await stage.bond();
    expect([kindOf(stage, 'bond0'), kindOf(stage, lowerOf(stage))]).toEqual(['netkit', 'netkit']);
    expect((await stage.show()).dataPlaneDetail).toMatch(/^netkit, carrier read on every packet/);
    const { stdout } = await stage.bondwire.command(['doctor']);
    expect(stdout).toMatch(/pair\s+netkit\n/);
    expect(stdout).not.toMatch(/lost its program|does not serve/);
    expect(netkitLinks()).toBe(before + 1);

    const dump = stage.lab.spawn('host', ['tcpdump', '-l', '-n', '-i', 'bond0', '-c', '20', 'icmp']);
    let seen = '';
    let told = '';
    dump.stdout?.on('data', (chunk: Buffer) => void (seen += chunk.toString()));
    dump.stderr?.on('data', (chunk: Buffer) => void (told += chunk.toString()));
    await until('tcpdump listens', () => told.includes('listening on bond0'));
    const counted = () => stage.lab.link('host', 'bond0')?.statistics;
    const was = counted();
    expect(await answers(stage, 'host', stage.lab.peerIp)).toBe(5);
    expect(await answers(stage, 'peer', hostIp(stage))).toBe(5);
    await until('tcpdump has seen all', () => dump.exitCode !== null);
    expect(seen.match(/echo request/g)).toHaveLength(10);
    expect(seen.match(/echo reply/g)).toHaveLength(10);
    const now = counted();
    expect((now?.rxPackets ?? 0) - (was?.rxPackets ?? 0)).toBeGreaterThanOrEqual(10);
    expect((now?.txPackets ?? 0) - (was?.txPackets ?? 0)).toBeGreaterThanOrEqual(10);

    await stage.api.destroy('bond0');
    expect([kindOf(stage, 'bond0'), lowerOf(stage)]).toEqual([undefined, '']);
    await until('its link is gone', () => netkitLinks() === before);
    expect(readdirSync(`${stage.runDir}/bpf`)).toEqual([]);
  });

  test('shows its carrier, follows its MTU and its name, and fails over inline', async () => {
    const stage = await stageWith(undefined);
    await stage.bond();
    const link = () => stage.lab.link('host', 'bond0');
    for (const member of stage.lab.members) stage.lab.cut(member);
    await until('no carrier', () => link()?.carrier === false);
    for (const member of stage.lab.members) stage.lab.restore(member);
    await until('a carrier', () => link()?.carrier === true);
    await stage.reached();
    await stage.ip('link', 'set', 'bond0', 'mtu', '1400');
    const lower = lowerOf(stage);
    await until('the lower end has it', () => stage.lab.link('host', lower)?.mtu === 1400);
    const active = (await stage.show()).active ?? '';
    stage.lab.cut(active);
    expect(await answers(stage, 'host', stage.lab.peerIp)).toBe(5);
    stage.lab.restore(active);
    await stage.ip('link', 'set', 'bond0', 'down');
    await stage.ip('link', 'set', 'bond0', 'name', 'uplink0');
    await stage.ip('link', 'set', 'uplink0', 'up');
    await until('the lower end says so', () =>
      stage.lab.link('host', lower)?.alias?.includes(' uplink0 at '),
    );
    await stage.reached();
  });

  test('carries VLANs, macvlans and bridges', async () => {
    const stage = await stageWith(undefined);
    await stage.bond();
    await stage.ip('link', 'add', 'link', 'bond0', 'name', 'bond0.5', 'type', 'vlan', 'id', '5');
    await stage.ip('addr', 'add', '10.5.0.2/24', 'dev', 'bond0.5');
    await stage.ip('link', 'set', 'bond0.5', 'up');
    await stage.run('peer', 'ip', 'link', 'add', 'link', 'eth0', 'name', 'eth0.5', 'type', 'vlan', 'id', '5');
    await stage.run('peer', 'ip', 'addr', 'add', '10.5.0.1/24', 'dev', 'eth0.5');
    await stage.run('peer', 'ip', 'link', 'set', 'eth0.5', 'up');
    await stage.reached('10.5.0.1');
    await stage.ip('link', 'add', 'link', 'bond0', 'name', 'mac0', 'type', 'macvlan', 'mode', 'bridge');
    const place = scratchName();
    createNamedNetns(place);
    try {
      await stage.ip('link', 'set', 'mac0', 'netns', place);
      const there = ['ip', 'netns', 'exec', place];
      await stage.run('host', ...there, 'ip', 'addr', 'add', '10.9.0.77/24', 'dev', 'mac0');
      await stage.run('host', ...there, 'ip', 'link', 'set', 'mac0', 'up');
      await until(
        'the peer reaches the macvlan',
        async () => (await answers(stage, 'peer', '10.9.0.77')) === 5,
      );
      // A device that has a macvlan is no port of a bridge; with its namespace it would go some time.
      await stage.run('host', ...there, 'ip', 'link', 'del', 'mac0');
    } finally {
      deleteNamedNetns(place);
    }
    await stage.ip('addr', 'del', stage.lab.hostAddress, 'dev', 'bond0');
    await stage.ip('link', 'add', 'br0', 'type', 'bridge');
    await stage.ip('link', 'set', 'bond0', 'master', 'br0');
    await stage.ip('addr', 'add', stage.lab.hostAddress, 'dev', 'br0');
    await stage.ip('link', 'set', 'br0', 'up');
    await stage.reached();
  });

  test('goes on without a daemon, and is taken over by the next one as it is', async () => {
    const stage = await stageWith(undefined);
    await stage.bond();
    await stage.bondwire.stop('SIGKILL');
    const active = 'eth0';
    stage.lab.cut(active);
    expect(await answers(stage, 'host', stage.lab.peerIp)).toBe(5);
    await startWith(stage, undefined);
    await stage.active('eth1');
    expect((await stage.show()).dataPlaneDetail).toMatch(/^netkit, /);
    // As it was: nothing had to be made anew.
    expect((await stage.events()).filter(({ message }) => message.includes('were made anew'))).toEqual([]);
    stage.lab.restore(active);
    await stage.up(active);
    stage.lab.cut('eth1');
    expect(await answers(stage, 'host', stage.lab.peerIp)).toBe(5);
    await stage.api.destroy('bond0');
    expect(lowerOf(stage)).toBe('');
  });

  test('of before, a veth pair, stays that and works; BONDWIRE_PAIR=veth makes one', async () => {
    const stage = await stageWith('veth');
    await stage.bond();
    expect(kindOf(stage, 'bond0')).toBe('veth');
    expect((await stage.show()).dataPlaneDetail).toMatch(/^tcx, /);
    await stage.bondwire.stop('SIGKILL');
    await startWith(stage, undefined);
    await stage.reached();
    expect(kindOf(stage, 'bond0')).toBe('veth');
    const { stdout } = await stage.bondwire.command(['doctor']);
    expect(stdout).toContain('bond0 was made as veth');
    stage.lab.cut('eth0');
    expect(await answers(stage, 'host', stage.lab.peerIp)).toBe(5);
    await stage.api.create({ name: 'bond1', options: { mode: 'active-backup' } });
    expect([kindOf(stage, 'bond0'), kindOf(stage, 'bond1')]).toEqual(['veth', 'netkit']);
    for (const name of ['bond0', 'bond1']) await stage.api.destroy(name);
    expect(lowerOf(stage)).toBe('');
  });

  test('sends by its members from another namespace too, and when it is back', async () => {
    const stage = await DataPlaneStage.create({ pair: 'netkit' });
    const place = scratchName();
    createNamedNetns(place);
    try {
      const bond = stage.bondOfAll();
      const here = stage.lab.netlink('host');
      const inside = openNetns(place);
      setLink(here, stage.ifindex('bond0'), { netnsFd: inside });
      const home = openNetns(stage.lab.host);
      const sent = (): number => stage.counted('eth0').sent;
      const before = sent();
      withNetns(netnsPath(place), () => {
        const there = Rtnetlink.open();
        const { ifindex } = requireLink(there, 'bond0');
        setLink(there, ifindex, { up: true });
        const socket = PacketSocket.open({ ifindex, protocol: 0 });
        for (let number = 0; number < 20; number++) socket.send(numberedFrame(number));
        socket.close();
        setLink(there, ifindex, { netnsFd: home });
        there.close();
      });
      expect(sent() - before).toBeGreaterThanOrEqual(20);
      for (const fd of [inside, home]) closeFd(fd);
      stage.lab.setUp('host', 'bond0', true);
      expect([stage.passed('out'), stage.passed('in')]).toEqual([20, 20]);
      stage.host(() => bond.destroy());
      expect(stage.lab.link('host', 'bond0')).toBeUndefined();
    } finally {
      stage.close();
      deleteNamedNetns(place);
    }
  });

  test('is made as veth where no program can be attached to the other kind, with nothing of that left', async () => {
    const stage = await DataPlaneStage.create();
    const before = netkitLinks();
    let isFirst = true;
    // The first one is of a type that goes to no such device.
    const load = (...args: Parameters<Toolbox['load']>): number => {
      if (!isFirst) return stage.toolbox.load(...args);
      isFirst = false;
      const { instructions } = new Assembler('bw_wrong').exitWith(2).build();
      const spec = { name: 'bw_wrong', type: BPF_PROG_TYPES.BPF_PROG_TYPE_XDP, license: 'GPL', instructions };
      return loadProgram({ ...spec, instructions: link(spec, {}) });
    };
    const toolbox = new Proxy(stage.toolbox, {
      get: (target, name) => {
        if (name === 'load') return load;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    try {
      const wish = { ...stage.places, name: 'bond0', lowerName: 'bwl-00c0ffee', mtu: 1500 };
      const bond = stage.host(() => EbpfBond.create({ ...stage.surroundings, toolbox }, wish));
      expect(isFirst).toBe(false);
      expect(stage.lab.link('host', 'bond0')?.info?.kind).toBe('veth');
      expect(bond.detail).toMatch(/^tcx, /);
      expect(netkitLinks()).toBe(before);
      stage.host(() => bond.destroy());
    } finally {
      stage.close();
    }
  });

  test('is veth where programs are attached by filters', async () => {
    const stage = await DataPlaneStage.create({ attach: 'clsact' });
    try {
      stage.bondOfAll();
      expect(stage.lab.link('host', 'bond0')?.info?.kind).toBe('veth');
    } finally {
      stage.close();
    }
  });
});
