// Nothing of a bond stays behind, whichever way it ends (issue 2, item 5; H32). Real interfaces; needs root and BPF; part of test:all.
import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { pictureOf, pinnedIds, pins, stillThere, untilAsBefore } from './support/picture.js';
import { closeStages, Stage, until } from './support/stage.js';

afterEach(closeStages);

const same = (now: unknown, before: unknown): void => expect(now).toEqual(before);

/** Members in all the states that an interface may be in. */
async function variedStage(): Promise<Stage> {
  const stage = await Stage.open({ members: ['eth0', 'eth1', 'eth2', 'eth3'], ipv6: true });
  // An interface that was never up has a queueing discipline (noop) that it does not get back: nothing can give it.
  for (const name of stage.lab.members) {
    await stage.ip('link', 'set', name, 'up');
    await stage.ip('link', 'set', name, 'down');
  }
  await stage.ip('link', 'set', 'eth1', 'mtu', '1400', 'promisc', 'on');
  await stage.ip('link', 'set', 'eth2', 'address', '02:00:5e:10:00:02', 'allmulticast', 'on');
  await stage.ip('link', 'set', 'eth2', 'addrgenmode', 'none');
  await stage.ip('link', 'set', 'eth3', 'up');
  await until('eth3 has its own address', async () =>
    (await stage.ip('-6', 'addr', 'show', 'dev', 'eth3')).includes('fe80'),
  );
  await until('eth3 has finished', async () => !(await stage.ip('-6', 'addr')).includes('tentative'));
  return stage;
}

async function fullBond(stage: Stage, options: Record<string, string> = {}): Promise<void> {
  await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100', ...options } });
  await stage.api.enslave('bond0', { interfaces: stage.lab.members, takeDown: true });
  await stage.api.up('bond0');
  await stage.api.addAddresses('bond0', { addresses: [stage.lab.hostAddress, '2001:db8:9::2/64'] });
  await stage.reached();
}

describe.each(['none', 'active', 'follow'])('With fail_over_mac=%s', failOverMac => {
  test('destroy leaves links, addresses, routes, sysctls, qdiscs and eBPF objects as they were', async () => {
    const stage = await variedStage();
    const before = await pictureOf(stage);
    await fullBond(stage, { fail_over_mac: failOverMac });
    await stage.ip('link', 'set', 'bond0', 'mtu', '1600', 'promisc', 'on', 'allmulticast', 'on');
    await stage.ip('maddr', 'add', '01:00:5e:01:02:03', 'dev', 'bond0');
    await until('members have the MTU', () => stage.lab.link('host', 'eth1')?.mtu === 1600);
    await until('the group is on the member', async () =>
      (await stage.ip('maddr', 'show', 'dev', 'eth0')).includes('01:02:03'),
    );
    stage.lab.cut('eth0');
    await stage.active('eth1');
    await until(
      'the group moved',
      async () => !(await stage.ip('maddr', 'show', 'dev', 'eth0')).includes('01:02:03'),
    );
    stage.lab.restore('eth0');
    const ids = pinnedIds(stage);
    expect(ids.links.length).toBe(5);
    await stage.api.destroy('bond0');
    await untilAsBefore(stage, before, same);
    expect(pins(stage)).toEqual([]);
    await until('the eBPF objects are gone', () => stillThere(ids).length === 0);
    await stage.bondwire.stop();
    expect(
      readdirSync(stage.runDir).filter(
        name => !/^(bondwire\.log|events\.ndjson|lock|state\.json|state\.json\.copy)$/.test(name),
      ),
    ).toEqual([]);
  });

  test('members that are released one by one are as they were, the active one too', async () => {
    const stage = await variedStage();
    const before = await pictureOf(stage);
    await fullBond(stage, { fail_over_mac: failOverMac });
    for (const name of ['eth0', 'eth2', 'eth3', 'eth1'])
      await stage.api.release('bond0', { interfaces: [name] });
    await stage.ip('link', 'del', 'bond0');
    await until('the daemon knows', async () => (await stage.api.status()).bonds.length === 0);
    await untilAsBefore(stage, before, same);
    expect(pins(stage)).toEqual([]);
  });
});

test('A bond deleted with ip link leaves nothing, and the daemon goes on', async () => {
  const stage = await variedStage();
  const before = await pictureOf(stage);
  await fullBond(stage);
  const ids = pinnedIds(stage);
  await stage.ip('link', 'del', 'bond0');
  await until('the daemon knows', async () => (await stage.api.status()).bonds.length === 0, 1000);
  await untilAsBefore(stage, before, same);
  await until('the eBPF objects are gone', () => stillThere(ids).length === 0);
  await fullBond(stage);
});

test('A bond deleted while no daemon runs is cleared away by the next', async () => {
  const stage = await variedStage();
  const before = await pictureOf(stage);
  await fullBond(stage);
  await stage.ip('maddr', 'add', '01:00:5e:01:02:03', 'dev', 'bond0');
  await until('the group is on the member', async () =>
    (await stage.ip('maddr', 'show', 'dev', 'eth0')).includes('01:02:03'),
  );
  const ids = pinnedIds(stage);
  await stage.bondwire.stop('SIGKILL');
  await stage.ip('link', 'del', 'bond0');
  await stage.bondwire.start();
  expect((await stage.api.status()).bonds).toEqual([]);
  await untilAsBefore(stage, before, same);
  expect(pins(stage)).toEqual([]);
  await until('the eBPF objects are gone', () => stillThere(ids).length === 0);
});

test('Where nothing can be written down, members are released as they were, and who asked is told', async () => {
  const stage = await variedStage();
  const before = await pictureOf(stage);
  const mac = stage.mac('eth1');
  await fullBond(stage);
  // As when RUN_DIR is full, which root can have without a file system of its own.
  const blocked = readdirSync(stage.runDir)
    .filter(name => name.endsWith('.json'))
    .map(name => `${stage.runDir}/${name}.new`);
  expect(blocked.length).toBe(2);
  for (const path of blocked) mkdirSync(path);
  const released = await stage.api.release('bond0', { interfaces: ['eth1', 'eth2'] });
  // Once: what was saved just before may have been the first that could not be.
  const told = [...released.warnings, ...(await stage.events()).map(({ message }) => message)];
  expect(told).toContainEqual(expect.stringMatching(/cannot be written down \(EISDIR/));
  expect(stage.mac('eth1')).toBe(mac);
  expect(stage.mac('eth2')).toBe('02:00:5e:10:00:02');
  await stage.ip('link', 'set', 'eth1', 'up');
  await stage.bondwire.stop('SIGKILL');
  await stage.bondwire.start();
  expect((await stage.show()).members.map(({ name }) => name)).toEqual(['eth0', 'eth3']);
  expect((await stage.ip('link', 'show', 'eth1')).includes('UP')).toBe(true);
  await stage.ip('link', 'set', 'eth1', 'down');
  await stage.api.destroy('bond0');
  await untilAsBefore(stage, before, same);
  for (const path of blocked) rmdirSync(path);
  await until('it is written down again', async () =>
    (await stage.events()).some(({ message }) => message.includes('written down again')),
  );
  expect(JSON.parse(readFileSync(`${stage.runDir}/state.json`, 'utf8'))).toMatchObject({ bonds: [] });
});

test('When one of several interfaces is refused, the others are as they were and so is the bond', async () => {
  const stage = await variedStage();
  await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  const before = await pictureOf(stage);
  await expect(stage.api.enslave('bond0', { interfaces: ['eth0', 'eth1', 'eth3'] })).rejects.toThrow(
    /eth3.*is up/,
  );
  await expect(stage.api.enslave('bond0', { interfaces: ['eth0', 'nope'] })).rejects.toThrow(/nope/);
  await untilAsBefore(stage, before, same);
  expect((await stage.show()).members).toEqual([]);
});

test('When joining fails half-way, the interface and those that joined before it are as they were', async () => {
  const stage = await variedStage();
  // A macvlan takes no larger MTU than the interface below it.
  await stage.ip('link', 'add', 'small0', 'link', 'eth3', 'type', 'macvlan');
  await stage.ip('link', 'set', 'small0', 'up');
  await stage.ip('link', 'set', 'small0', 'down');
  const before = await pictureOf(stage, [...stage.lab.members, 'small0']);
  await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  await stage.ip('link', 'set', 'bond0', 'mtu', '9000');
  await until('the MTU is known', async () => (await stage.show()).mtu === 9000);
  const asked = stage.api.enslave('bond0', { interfaces: ['eth0', 'eth2', 'small0'] });
  await expect(asked).rejects.toThrow(/small0 cannot join bond0, and is as it was/);
  expect((await stage.show()).members).toEqual([]);
  await stage.api.destroy('bond0');
  await untilAsBefore(stage, before, same);
});

/** Kills the daemon at a random moment of a change. */
async function killedDuring(stage: Stage, change: () => Promise<unknown>): Promise<void> {
  const done = change().then(
    () => undefined,
    () => undefined,
  );
  await new Promise(resolve => setTimeout(resolve, Math.random() * 60));
  await stage.bondwire.stop('SIGKILL');
  await done;
  await stage.bondwire.start();
}

test('A daemon killed at any moment of any change leaves nothing half-done for the next', {
  timeout: 180_000,
}, async () => {
  const stage = await variedStage();
  const before = await pictureOf(stage);
  const names = ['eth0', 'eth1', 'eth2', 'eth3'];
  for (let round = 0; round < 4; round++) {
    const create = () =>
      stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
    await killedDuring(stage, create);
    if ((await stage.api.status()).bonds.length === 0) await create();
    const enslave = () => stage.api.enslave('bond0', { interfaces: names, takeDown: true });
    await killedDuring(stage, enslave);
    await checkWhole(stage, names);
    await enslave();
    await killedDuring(stage, () => stage.api.release('bond0', { interfaces: ['eth1', 'eth3'] }));
    await checkWhole(stage, names);
    await killedDuring(stage, () => stage.api.destroy('bond0'));
    if ((await stage.api.status()).bonds.length > 0) await stage.api.destroy('bond0');
    await untilAsBefore(stage, before, same);
    expect(pins(stage)).toEqual([]);
  }
});

/** Every interface is either a member in full or not at all. */
async function checkWhole(stage: Stage, names: readonly string[]): Promise<void> {
  const bond = await stage.show();
  const members = bond.members.map(member => member.name);
  expect(pins(stage).filter(path => path.includes('/receive-')).length).toBe(members.length);
  for (const name of names) {
    const link = stage.lab.link('host', name);
    const silent = stage.lab.inside('host', () => sysctl(name));
    if (members.includes(name)) {
      expect({ name, silent, mac: link?.address }).toEqual({ name, silent: '1', mac: bond.address });
    } else {
      expect({ name, silent, bondMac: link?.address === bond.address && name !== 'eth0' }).toEqual({
        name,
        silent: '0',
        bondMac: false,
      });
    }
  }
}

function sysctl(name: string): string {
  return readFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, 'latin1').trim();
}
