// What others do to the bond and its members with ip(8) is noticed at once and handled as the driver does (reference
// §1.4; issue 2, item 5; H30, H31, H33). Real interfaces; needs root and BPF.
import { afterEach, expect, test } from 'vitest';
import { hasProgram, RECEIVE_PROGRAM } from '../src/dataplane/index.js';
import { createNamedNetns, deleteNamedNetns } from '../src/linux/index.js';
import { pictureOf, pins, untilAsBefore } from './support/picture.js';
import { closeStages, Stage, until } from './support/stage.js';

const namespaces: string[] = [];

afterEach(async () => {
  await closeStages();
  for (const name of namespaces.splice(0)) deleteNamedNetns(name);
});

/** How long the daemon may take to notice. */
const AT_ONCE_MS = 1000;

const same = (now: unknown, before: unknown): void => expect(now).toEqual(before);
const soon = <T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> => until(what, ask, AT_ONCE_MS);

function elsewhere(): string {
  const name = `bw${process.pid}x${namespaces.length + 1}`;
  createNamedNetns(name);
  namespaces.push(name);
  return name;
}

async function bonded(
  options: Record<string, string> = {},
  lab: Parameters<typeof Stage.open>[0] = {},
): Promise<Stage> {
  const stage = await Stage.open(lab);
  await stage.bond(options);
  return stage;
}

test('ip link set bond0 down and up: no traffic, then traffic again, and the bond says so', async () => {
  const stage = await bonded();
  await stage.ip('link', 'set', 'bond0', 'down');
  await soon('the daemon knows', async () => !(await stage.show()).adminUp);
  await stage.ip('link', 'set', 'bond0', 'up');
  await soon('the daemon knows', async () => (await stage.show()).adminUp);
  await stage.reached();
  stage.lab.cut('eth0');
  await stage.active('eth1');
  await stage.reached();
});

test('ip link set bond0 mtu goes to the members and the lower end, and members get theirs back (H32)', async () => {
  const stage = await bonded();
  await stage.ip('link', 'set', 'bond0', 'mtu', '1400');
  await soon('members follow', () =>
    ['eth0', 'eth1'].every(name => stage.lab.link('host', name)?.mtu === 1400),
  );
  expect((await stage.show()).mtu).toBe(1400);
  await stage.ip('link', 'set', 'bond0', 'mtu', '9000');
  await soon('members follow', () =>
    ['eth0', 'eth1'].every(name => stage.lab.link('host', name)?.mtu === 9000),
  );
  await stage.api.release('bond0', { interfaces: ['eth0'] });
  expect(stage.lab.link('host', 'eth0')?.mtu).toBe(1500);
});

test('An MTU that one member refuses is taken back everywhere', async () => {
  const stage = await Stage.open({ members: ['eth0', 'eth1', 'under0'] });
  // A macvlan takes no larger MTU than the interface below it.
  await stage.ip('link', 'add', 'small0', 'link', 'under0', 'type', 'macvlan');
  await stage.bond({}, ['eth0', 'small0', 'eth1']);
  await stage.ip('link', 'set', 'bond0', 'mtu', '9000');
  await soon('the bond has its old MTU', () => stage.lab.link('host', 'bond0')?.mtu === 1500);
  await soon('it was told', async () =>
    (await stage.events()).some(event => /9000.*taken back to 1500/.test(event.message)),
  );
  for (const name of ['eth0', 'eth1', 'small0'])
    expect([name, stage.lab.link('host', name)?.mtu]).toEqual([name, 1500]);
  expect((await stage.show()).mtu).toBe(1500);
  const links = JSON.parse(await stage.ip('-j', 'link')) as { mtu: number; ifname: string }[];
  expect(links.filter(link => link.mtu === 9000)).toEqual([]);
});

test('ip link set bond0 address goes to all members; they get their own back (H31, H32)', async () => {
  const stage = await Stage.open();
  const own = ['eth0', 'eth1'].map(name => stage.mac(name));
  await stage.bond();
  expect(stage.mac('bond0')).toBe(own[0]);
  await stage.ip('link', 'set', 'bond0', 'address', '02:00:5e:00:00:99');
  await soon('members follow', () => ['eth0', 'eth1'].every(name => stage.mac(name) === '02:00:5e:00:00:99'));
  await stage.reached();
  await stage.api.release('bond0', { interfaces: ['eth0'] });
  expect(stage.mac('eth0')).toBe(own[0]);
  expect(stage.mac('bond0')).toBe('02:00:5e:00:00:99');
  await stage.api.release('bond0', { interfaces: ['eth1'] });
  expect(stage.mac('eth1')).toBe(own[1]);
  await soon('the bond has another address', () => stage.mac('bond0') !== '02:00:5e:00:00:99');
  await stage.api.enslave('bond0', { interfaces: ['eth1', 'eth0'] });
  expect([stage.mac('bond0'), stage.mac('eth0')]).toEqual([own[1], own[1]]);
});

test('Addresses that are added and removed with ip are what peers are told of at the next failover', async () => {
  const stage = await bonded();
  await stage.ip('addr', 'add', '10.9.0.77/24', 'dev', 'bond0');
  await stage.ip('addr', 'add', '10.9.0.78/24', 'dev', 'bond0');
  await stage.ip('addr', 'del', '10.9.0.78/24', 'dev', 'bond0');
  stage.lab.cut('eth0');
  await stage.active('eth1');
  const told = await until('peers were told', async () =>
    (await stage.events()).findLast(event => event.type === 'notified'),
  );
  expect(told.message).toContain('2 gratuitous ARP requests');
});

test('A renamed bond goes on under its new name', async () => {
  const stage = await bonded();
  await stage.ip('link', 'set', 'bond0', 'name', 'team7');
  await soon('the daemon knows', async () => (await stage.api.status()).bonds.join() === 'team7');
  await stage.bondwire.stop('SIGKILL');
  await stage.ip('link', 'set', 'team7', 'name', 'team8');
  await stage.bondwire.start();
  expect((await stage.api.status()).bonds).toEqual(['team8']);
  stage.lab.cut('eth0');
  await stage.active('eth1', 'team8');
  await stage.reached();
  await stage.api.destroy('team8');
  expect(pins(stage)).toEqual([]);
});

test('A renamed member stays; the primary goes by name, as in the driver (H15)', async () => {
  const stage = await bonded({ primary: 'main0' });
  expect((await stage.show()).active).toBe('eth0');
  await stage.ip('link', 'set', 'eth1', 'name', 'main0');
  await soon('the primary is active', async () => (await stage.show()).active === 'main0');
  await stage.reached();
  await stage.ip('link', 'set', 'main0', 'name', 'eth9');
  await soon('the daemon knows', async () =>
    (await stage.show()).members.some(member => member.name === 'eth9'),
  );
  // Chosen anew without a primary, it is the first one that is up (bond_choose_primary_or_current).
  expect((await stage.show()).active).toBe('eth0');
  await stage.bondwire.stop('SIGKILL');
  await stage.ip('link', 'set', 'eth9', 'name', 'eth1');
  await stage.bondwire.start();
  const before = stage.mac('bond0');
  await stage.api.release('bond0', { interfaces: ['eth1'] });
  expect(stage.mac('eth1')).not.toBe(before);
  expect(await stage.run('host', 'cat', '/proc/sys/net/ipv6/conf/eth1/disable_ipv6')).toBe('1\n');
});

test('A deleted member leaves; the other takes over', async () => {
  const stage = await bonded();
  await stage.ip('link', 'del', 'eth0');
  await soon(
    'it left',
    async () => (await stage.show()).members.map(member => member.name).join() === 'eth1',
  );
  await soon('the other is active', async () => (await stage.show()).active === 'eth1');
  await stage.reached();
  expect(pins(stage).filter(path => path.includes('receive')).length).toBe(1);
  expect((await stage.events()).filter(event => event.severity === 'error')).toEqual([]);
});

test('A member that moves to another namespace is free: its own MAC, MTU and flags, and no program', async () => {
  const stage = await Stage.open();
  await stage.ip('link', 'set', 'eth0', 'mtu', '1450');
  const own = stage.mac('eth0');
  await stage.bond({}, ['eth1', 'eth0']);
  await stage.api.set('bond0', { options: { active_slave: 'eth0' } });
  await stage.ip('link', 'set', 'bond0', 'promisc', 'on');
  await soon('eth0 is promiscuous', () => ((stage.lab.link('host', 'eth0')?.flags ?? 0) & 0x100) !== 0);
  const other = elsewhere();
  await stage.ip('link', 'set', 'eth0', 'netns', other);
  await soon(
    'it left',
    async () => (await stage.show()).members.map(member => member.name).join() === 'eth1',
  );
  const look = async () =>
    JSON.parse(await stage.ip('-n', other, '-j', '-d', 'link', 'show', 'eth0')) as Record<string, unknown>[];
  await soon('it has its own MAC', async () => (await look())[0]?.['address'] === own);
  const [link] = await look();
  expect({ mtu: link?.['mtu'], promiscuity: link?.['promiscuity'] }).toEqual({ mtu: 1450, promiscuity: 0 });
  expect(JSON.stringify(await stage.ip('-n', other, '-d', 'link', 'show', 'eth0'))).not.toContain('prog/');
  expect(pins(stage).filter(path => path.includes('receive')).length).toBe(1);
  await stage.active('eth1');
  await stage.reached();
});

test('A member that is set down fails over, and is a backup again when it comes back (H14)', async () => {
  const stage = await bonded();
  await stage.ip('link', 'set', 'eth0', 'down');
  await soon('the other is active', async () => (await stage.show()).active === 'eth1');
  await stage.reached();
  await stage.ip('link', 'set', 'eth0', 'up');
  await soon('eth0 is back', async () => (await stage.member('eth0')).miiStatus === 'up');
  const bond = await stage.show();
  expect([bond.active, bond.members[0]?.linkFailureCount]).toEqual(['eth1', 1]);
});

test("A member's MTU and MAC may be changed by others, as with the driver; it still gets its own back", async () => {
  const stage = await Stage.open();
  const own = stage.mac('eth1');
  await stage.bond();
  await stage.ip('link', 'set', 'eth1', 'mtu', '1300');
  await stage.ip('link', 'set', 'eth1', 'address', '02:00:5e:00:00:42');
  await soon('it was told', async () => {
    const messages = (await stage.events()).map(event => event.message).join('\n');
    return (
      /MTU of eth1 was changed by someone else to 1300/.test(messages) &&
      /eth1 was changed by someone else.*:42/.test(messages)
    );
  });
  expect([stage.lab.link('host', 'eth1')?.mtu, stage.mac('eth1')]).toEqual([1300, '02:00:5e:00:00:42']);
  await stage.api.release('bond0', { interfaces: ['eth1'] });
  expect([stage.lab.link('host', 'eth1')?.mtu, stage.mac('eth1')]).toEqual([1500, own]);
});

test('A bond that is moved to another namespace is destroyed and its members released', async () => {
  const stage = await Stage.open();
  const before = await pictureOf(stage);
  const names = ['eth0', 'eth1'];
  for (const name of names) {
    await stage.ip('link', 'set', name, 'up');
    await stage.ip('link', 'set', name, 'down');
  }
  const opened = await pictureOf(stage);
  expect(Object.keys(opened)).toEqual(Object.keys(before));
  await stage.bond();
  const other = elsewhere();
  await stage.ip('link', 'set', 'bond0', 'netns', other);
  await soon('the daemon knows', async () => (await stage.api.status()).bonds.length === 0);
  await untilAsBefore(stage, opened, same);
  expect(await stage.ip('-n', other, 'link')).not.toContain('bond0');
  expect(pins(stage)).toEqual([]);
  const netlink = stage.lab.netlink('host');
  for (const name of names) {
    const ifindex = stage.lab.link('host', name)?.ifindex ?? 0;
    expect(stage.lab.inside('host', () => hasProgram(netlink, ifindex, RECEIVE_PROGRAM))).toBe(false);
  }
});

test('A mode that somebody gave a member stays when the bond has no wish for it', async () => {
  const stage = await bonded();
  const isPromiscuous = (name: string): boolean => ((stage.lab.link('host', name)?.flags ?? 0) & 0x100) !== 0;
  await stage.ip('link', 'set', 'eth1', 'promisc', 'on');
  await stage.api.set('bond0', { options: { active_slave: 'eth1' } });
  await stage.reached();
  expect(isPromiscuous('eth1')).toBe(true);
  await stage.ip('link', 'set', 'bond0', 'promisc', 'on');
  await stage.api.set('bond0', { options: { active_slave: 'eth0' } });
  await soon('eth0 has the mode of the bond', () => isPromiscuous('eth0'));
  await stage.ip('link', 'set', 'bond0', 'promisc', 'off');
  await soon('it has not any more', () => !isPromiscuous('eth0'));
});
