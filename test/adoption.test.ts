// A daemon may die: packets go on, the next one takes over, and its books are right (issue 2, items 4 and "Must show").
// Needs root.
import { afterEach, describe, expect, test } from 'vitest';
import { pins } from './support/picture.js';
import { closeStages, Stage, until } from './support/stage.js';
import { expectNothingLost, Traffic } from './support/traffic.js';

afterEach(closeStages);

const RATE = 2000;

describe.each([
  { signal: 'SIGKILL', privateMounts: false },
  { signal: 'SIGTERM', privateMounts: false },
  { signal: 'SIGKILL', privateMounts: true },
] as const)('A daemon ended by $signal, private mounts: $privateMounts', ({ signal, privateMounts }) => {
  test('no packet is lost: then, at a failure while nobody looks, when the next takes over, at its failover', async () => {
    const stage = await Stage.open({ privateMounts });
    await stage.bond();
    const traffic = await Traffic.start(stage, RATE);
    await stage.bondwire.stop(signal);
    await traffic.flowing();
    expect(pins(stage).length).toBe(5);
    stage.lab.cut('eth0');
    await traffic.flowing();
    await stage.bondwire.start();
    await traffic.flowing();
    let bond = await stage.show();
    expect(bond.active).toBe('eth1');
    expect(
      bond.members.map(({ name, linkFailureCount, miiStatus }) => [name, linkFailureCount, miiStatus]),
    ).toEqual([
      ['eth0', 1, 'down'],
      ['eth1', 0, 'up'],
    ]);
    stage.lab.restore('eth0');
    await stage.up('eth0');
    await until(
      'the switch forwards to eth0',
      () => stage.lab.link('switch', 'p0')?.operationalState === 'up',
    );
    stage.lab.cut('eth1');
    await stage.active('eth0');
    await traffic.flowing();
    bond = await stage.show();
    expect(bond.members.map(({ name, linkFailureCount }) => [name, linkFailureCount])).toEqual([
      ['eth0', 1],
      ['eth1', 1],
    ]);
    expectNothingLost(await traffic.report(`${signal}, private mounts ${privateMounts}`));
    const failover = (await stage.events()).findLast(event => event.type === 'failover');
    expect(failover).toMatchObject({ from: 'eth1', to: 'eth0', lostPackets: 0 });
  });
});

test('A failure that came and went while nobody looked is counted once', async () => {
  const stage = await Stage.open();
  await stage.bond();
  const traffic = await Traffic.start(stage, RATE);
  await stage.bondwire.stop('SIGKILL');
  stage.lab.cut('eth0');
  await traffic.flowing();
  stage.lab.restore('eth0');
  await traffic.flowing();
  await stage.bondwire.start();
  await stage.up('eth0');
  expectNothingLost(await traffic.report('failure that came and went'));
  const bond = await stage.show();
  expect(bond.active).toBe('eth1');
  expect(bond.members.map(member => member.linkFailureCount)).toEqual([1, 0]);
});

test('Two failures one after the other while nobody looked are counted, one for each member, and nothing is lost', async () => {
  const stage = await Stage.open();
  await stage.bond();
  const traffic = await Traffic.start(stage, RATE);
  await stage.bondwire.stop('SIGKILL');
  stage.lab.cut('eth0');
  await traffic.flowing();
  stage.lab.restore('eth0');
  // A device sends nothing from its carrier's coming until the kernel has looked at it (linkwatch: dev_activate); a daemon that reads it
  // brings that about (rtnl_getlink), but there is none now.
  const isUp = (place: 'host' | 'switch', name: string) =>
    stage.lab.link(place, name)?.operationalState === 'up';
  await until('eth0 sends, and the switch forwards it', () => isUp('host', 'eth0') && isUp('switch', 'p0'));
  stage.lab.cut('eth1');
  await traffic.flowing();
  await stage.bondwire.start();
  await traffic.flowing();
  expect((await stage.show()).active).toBe('eth0');
  stage.lab.restore('eth1');
  await stage.up('eth1');
  expectNothingLost(await traffic.report('two failures'));
  const bond = await stage.show();
  expect(bond.active).toBe('eth0');
  expect(bond.members.map(member => member.linkFailureCount)).toEqual([1, 1]);
});

test('Options, priorities, failure counts and a running updelay survive', async () => {
  const stage = await Stage.open({ members: ['eth0', 'eth1', 'eth2'] });
  await stage.bond({
    updelay: '60000',
    primary: 'eth1',
    primary_reselect: 'better',
    num_grat_arp: '3',
    fail_over_mac: 'active',
  });
  await stage.api.set('bond0', { options: { prio: 'eth2:7' } });
  stage.lab.cut('eth2');
  await until('eth2 is down', async () => (await stage.member('eth2')).miiStatus === 'down');
  stage.lab.restore('eth2');
  await until('eth2 waits', async () => (await stage.member('eth2')).miiStatus === 'going back');
  const { options, active } = await stage.show();
  await stage.bondwire.stop('SIGKILL');
  await stage.bondwire.start();
  expect((await stage.show()).options).toEqual(options);
  expect((await stage.show()).active).toBe(active);
  const member = await stage.member('eth2');
  expect({ count: member.linkFailureCount, status: member.miiStatus }).toEqual({
    count: 1,
    status: 'going back',
  });
});

describe.each(['SIGKILL', 'SIGTERM'] as const)(
  'With all links down when the daemon is ended by %s',
  signal => {
    test('the next daemon brings traffic back once a link returns', async () => {
      const stage = await Stage.open();
      await stage.bond();
      stage.lab.cut('eth0');
      await stage.active('eth1');
      stage.lab.cut('eth1');
      await until('the bond has no carrier', async () => !(await stage.show()).carrier);
      await stage.bondwire.stop(signal);
      stage.lab.restore('eth1');
      // Without a daemon the bond works on after an orderly end; after a kill it waits for the next daemon.
      if (signal === 'SIGTERM') await stage.reached();
      await stage.bondwire.start();
      await stage.active('eth1');
      await stage.reached();
      expect((await stage.show()).carrier).toBe(true);
      expect((await stage.show()).members.map(member => member.linkFailureCount)).toEqual([1, 1]);
    });

    test('the next daemon says that there is no carrier while that is so', async () => {
      const stage = await Stage.open();
      await stage.bond();
      stage.lab.cut('eth0');
      stage.lab.cut('eth1');
      await until('the bond has no carrier', () => stage.lab.link('host', 'bond0')?.carrier === false);
      await stage.bondwire.stop(signal);
      await stage.bondwire.start();
      expect((await stage.show()).carrier).toBe(false);
      await until('the kernel knows', () => stage.lab.link('host', 'bond0')?.carrier === false);
      stage.lab.restore('eth0');
      await stage.active('eth0');
      await stage.reached();
    });
  },
);
