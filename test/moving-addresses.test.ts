// The only way into a machine becomes a bond without being cut off: --take-down and --take-addresses,
// under a TCP session that goes on all the time. Real interfaces; needs root and BPF.
import { afterEach, expect, test } from 'vitest';
import { pictureOf, untilAsBefore } from './support/picture.js';
import { closeStages, Stage, until } from './support/stage.js';
import { tcpSession } from './support/tcp-session.js';

afterEach(closeStages);

const same = (now: unknown, before: unknown): void => expect(now).toEqual(before);

/** A host whose only connection is eth0, with all that an interface in use carries; eth1 is cabled and unused. */
async function inUse(): Promise<Stage> {
  const stage = await Stage.open({ ipv6: true });
  await stage.run('peer', 'ip', 'addr', 'add', '2001:db8:9::1/64', 'dev', 'eth0', 'nodad');
  await stage.ip('link', 'set', 'eth1', 'up');
  await stage.ip('link', 'set', 'eth1', 'down');
  await stage.ip('link', 'set', 'eth0', 'up');
  await stage.ip('addr', 'add', '10.9.0.2/24', 'dev', 'eth0');
  await stage.ip('addr', 'add', '10.9.0.3/24', 'dev', 'eth0', 'label', 'eth0:web');
  await stage.ip('addr', 'add', '192.0.2.7/32', 'dev', 'eth0');
  await stage.ip('addr', 'add', '2001:db8:9::2/64', 'dev', 'eth0', 'nodad');
  await stage.ip('route', 'add', 'default', 'via', '10.9.0.1', 'dev', 'eth0', 'src', '10.9.0.3');
  await stage.ip(
    'route',
    'add',
    '198.51.100.0/24',
    'via',
    '10.9.0.1',
    'dev',
    'eth0',
    'metric',
    '77',
    'mtu',
    '1400',
  );
  await stage.ip('route', 'add', '203.0.113.0/24', 'dev', 'eth0', 'table', '100');
  await stage.ip('route', 'add', 'default', 'via', '10.9.0.1', 'dev', 'eth0', 'table', '100');
  await stage.ip('-6', 'route', 'add', 'default', 'via', '2001:db8:9::1', 'dev', 'eth0');
  await stage.ip(
    '-6',
    'route',
    'add',
    '2001:db8:77::/48',
    'via',
    '2001:db8:9::1',
    'dev',
    'eth0',
    'metric',
    '9',
    'table',
    '101',
  );
  // The kernel drops it with its source address, wherever it goes.
  await stage.ip('link', 'add', 'other0', 'type', 'veth', 'peer', 'name', 'other1');
  await stage.ip('link', 'set', 'other1', 'up');
  await stage.ip('link', 'set', 'other0', 'up');
  await stage.ip('addr', 'add', '10.66.0.1/24', 'dev', 'other0');
  await stage.ip('route', 'add', '198.18.0.0/24', 'via', '10.66.0.2', 'dev', 'other0', 'src', '10.9.0.3');
  await stage.reached();
  await stage.reached('2001:db8:9::1');
  await until('nothing is tentative', async () => !(await stage.ip('-6', 'addr')).includes('tentative'));
  return stage;
}

async function routes(stage: Stage): Promise<string[]> {
  const four = await stage.ip('-4', 'route', 'show', 'table', 'all');
  const six = await stage.ip('-6', 'route', 'show', 'table', 'all');
  return `${four}\n${six}`
    .split('\n')
    .filter(line => /^(default|198|203|2001:db8:77)/.test(line))
    .map(line => line.trim())
    .sort();
}

test('TCP sessions over v4 and v6 live through moving, failing over, and destroying; all comes back', async () => {
  const stage = await inUse();
  const before = await pictureOf(stage);
  const routesBefore = await routes(stage);
  expect(routesBefore.length).toBe(7);
  const four = await tcpSession(stage, '10.9.0.1', 5001);
  const six = await tcpSession(stage, '2001:db8:9::1', 5002);
  await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  const output = await stage.bondwire.run(
    'enslave',
    '--take-down',
    '--take-addresses',
    'bond0',
    'eth0',
    'eth1',
  );
  expect(output).toBe('');
  await four.lives();
  await six.lives();
  expect(await routes(stage)).toEqual(routesBefore.map(line => line.replace('dev eth0', 'dev bond0')));
  const addresses = await stage.ip('-o', 'addr', 'show', 'dev', 'bond0');
  for (const address of ['10.9.0.2/24', '10.9.0.3/24', '192.0.2.7/32', '2001:db8:9::2/64', 'bond0:web']) {
    expect(addresses).toContain(address);
  }
  expect(await stage.ip('-o', 'addr', 'show', 'dev', 'eth0')).toBe('');
  stage.lab.cut('eth0');
  await stage.active('eth1');
  await four.lives();
  await six.lives();
  stage.lab.restore('eth0');
  await stage.up('eth0');
  await stage.api.destroy('bond0');
  await until('the switch forwards to eth0', () => stage.lab.link('switch', 'p0')?.operationalState === 'up');
  await four.lives();
  await six.lives();
  await untilAsBefore(stage, before, same);
  expect(await routes(stage)).toEqual(routesBefore);
});

test('Without the flags it is refused, with the command that would do, and nothing has changed', async () => {
  const stage = await inUse();
  await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  const before = await pictureOf(stage);
  const plain = await stage.bondwire.command(['enslave', 'bond0', 'eth1', 'eth0']);
  expect(plain.status).toBe(1);
  expect(plain.stderr).toMatch(
    /eth0 .*is up and carries the addresses 10\.9\.0\.2\/24.*'bondwire enslave --take-down --take-addresses bond0 eth1 eth0 --run-dir \S+'/s,
  );
  const down = await stage.bondwire.command(['enslave', '--take-down', 'bond0', 'eth1', 'eth0']);
  expect(down.status).toBe(1);
  expect(down.stderr).toMatch(
    /'bondwire enslave --take-addresses --take-down bond0 eth1 eth0 --run-dir \S+'/,
  );
  // Each of them would end the connection that it is typed over.
  expect(plain.stderr + down.stderr).not.toMatch(/ip (?:addr|route|link) /);
  expect(down.stderr).toContain('default via 10.9.0.1');
  expect(await pictureOf(stage)).toEqual(before);
});

test('When moving fails half-way, everything is given back and the session lives', async () => {
  const stage = await inUse();
  const before = await pictureOf(stage);
  const session = await tcpSession(stage, '10.9.0.1', 5001);
  await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  // A macvlan takes no larger MTU than the interface below it, so it cannot follow this bond.
  await stage.ip('link', 'add', 'under0', 'type', 'veth', 'peer', 'name', 'under1');
  await stage.ip('link', 'add', 'small0', 'link', 'under0', 'type', 'macvlan');
  await stage.ip('link', 'set', 'bond0', 'mtu', '2000');
  await until('the MTU is known', async () => (await stage.show()).mtu === 2000);
  const asked = stage.api.enslave('bond0', { interfaces: ['eth0', 'small0'], takeAddresses: true });
  await expect(asked).rejects.toThrow(/small0 cannot join bond0/);
  expect((stage.lab.link('host', 'bond0')?.flags ?? 1) & 1).toBe(0);
  expect(await stage.ip('-o', 'addr', 'show', 'dev', 'bond0')).toBe('');
  await session.lives();
  await stage.ip('link', 'del', 'under0');
  await stage.api.destroy('bond0');
  await untilAsBefore(stage, before, same);
  await session.lives();
});

test('A daemon killed while addresses move leaves them in one place, and the session lives', {
  timeout: 120_000,
}, async () => {
  const stage = await inUse();
  const before = await pictureOf(stage);
  const session = await tcpSession(stage, '10.9.0.1', 5001);
  for (let round = 0; round < 4; round++) {
    await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
    const asked = stage.api
      .enslave('bond0', { interfaces: ['eth0'], takeAddresses: true })
      .catch(() => undefined);
    await new Promise(resolve => setTimeout(resolve, 5 + Math.random() * 40));
    await stage.bondwire.stop('SIGKILL');
    await asked;
    await stage.bondwire.start();
    await session.lives();
    const destroyed = stage.api.destroy('bond0').catch(() => undefined);
    await new Promise(resolve => setTimeout(resolve, 5 + Math.random() * 60));
    await stage.bondwire.stop('SIGKILL');
    await destroyed;
    await stage.bondwire.start();
    if ((await stage.api.status()).bonds.length > 0) await stage.api.destroy('bond0');
    await session.lives();
    await untilAsBefore(stage, before, same);
  }
});

test('Two interfaces with addresses and routes of their own each get theirs back', async () => {
  const stage = await inUse();
  await stage.ip('link', 'set', 'eth1', 'up');
  await stage.ip('addr', 'add', '172.16.5.2/24', 'dev', 'eth1');
  await stage.ip('route', 'add', '172.17.0.0/16', 'via', '172.16.5.1', 'dev', 'eth1');
  await stage.ip('route', 'add', 'default', 'via', '172.16.5.1', 'dev', 'eth1', 'metric', '500');
  await until('nothing is tentative', async () => !(await stage.ip('-6', 'addr')).includes('tentative'));
  const before = await pictureOf(stage);
  await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  await stage.api.enslave('bond0', { interfaces: ['eth0', 'eth1'], takeAddresses: true });
  expect(await stage.ip('route')).toContain('172.17.0.0/16 via 172.16.5.1 dev bond0');
  await stage.reached();
  await stage.api.destroy('bond0');
  await untilAsBefore(stage, before, same);
});

test.each([
  { gateway: true, up: true },
  { gateway: false, up: true },
  { gateway: true, up: false },
])('Addresses without prefix route keep the routes that their manager made: %o', async ({ gateway, up }) => {
  const stage = await Stage.open();
  await stage.ip('link', 'set', 'eth0', 'up');
  await stage.ip('addr', 'add', '10.9.0.2/24', 'dev', 'eth0', 'noprefixroute');
  const subnet = [
    '10.9.0.0/24',
    'dev',
    'eth0',
    'proto',
    'kernel',
    'scope',
    'link',
    'src',
    '10.9.0.2',
    'metric',
    '100',
  ];
  await stage.ip('route', 'add', ...subnet);
  if (gateway)
    await stage.ip(
      'route',
      'add',
      'default',
      'via',
      '10.9.0.1',
      'dev',
      'eth0',
      'proto',
      'dhcp',
      'metric',
      '100',
    );
  await stage.reached();
  const before = await stage.ip('route', 'show', 'dev', 'eth0');
  await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  await stage.api.enslave('bond0', { interfaces: ['eth0', 'eth1'], takeDown: true, takeAddresses: true });
  await stage.reached();
  expect(await stage.ip('route', 'show', 'dev', 'bond0')).toBe(before);
  // The kernel takes routes off an interface that goes down: that is not to be taken for somebody's wish.
  if (!up) await stage.ip('link', 'set', 'bond0', 'down');
  await stage.api.destroy('bond0');
  expect(await stage.ip('route', 'show', 'dev', 'eth0')).toBe(before);
  await stage.reached();
});

test('Addresses that are no source by default (preferred_lft 0) are none on the bond, nor afterwards', async () => {
  const stage = await Stage.open({ ipv6: true });
  await stage.ip('link', 'set', 'eth0', 'up');
  await stage.ip('addr', 'add', '10.9.0.2/24', 'dev', 'eth0', 'preferred_lft', '0');
  await stage.ip('addr', 'add', '2001:db8:9::2/64', 'dev', 'eth0', 'nodad', 'preferred_lft', '0');
  const deprecated = async (device: string): Promise<string> =>
    (await stage.ip('-o', 'addr', 'show', 'dev', device, 'deprecated')).replaceAll(
      /^\d+: \S+|valid.*$/gm,
      '',
    );
  const before = await deprecated('eth0');
  expect(before).toMatch(/10\.9\.0\.2.*\n.*2001:db8:9::2/);
  await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  await stage.api.enslave('bond0', { interfaces: ['eth0', 'eth1'], takeDown: true, takeAddresses: true });
  expect((await deprecated('bond0')).replaceAll('bond0', 'eth0')).toBe(before);
  await stage.api.destroy('bond0');
  expect(await deprecated('eth0')).toBe(before);
});

test('A refused enslave leaves the bond what an earlier one brought', async () => {
  const stage = await Stage.open();
  await stage.ip('link', 'set', 'eth0', 'up');
  await stage.ip('addr', 'add', '10.9.0.2/24', 'dev', 'eth0');
  await stage.ip('route', 'add', 'default', 'via', '10.9.0.1');
  // Its MTU cannot be above that of what it stands on.
  await stage.ip('link', 'add', 'bwbase', 'type', 'veth', 'peer', 'name', 'bwpeer');
  await stage.ip('link', 'set', 'bwbase', 'up');
  await stage.ip('link', 'add', 'low', 'link', 'bwbase', 'type', 'macvlan');
  await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  await stage.api.enslave('bond0', { interfaces: ['eth0', 'eth1'], takeDown: true, takeAddresses: true });
  await stage.ip('link', 'set', 'bond0', 'mtu', '2000');
  await stage.api.release('bond0', { interfaces: ['eth0'] });
  await stage.ip('link', 'set', 'eth0', 'down');
  await expect(stage.api.enslave('bond0', { interfaces: ['eth0', 'low'] })).rejects.toThrow(
    /low cannot join bond0/,
  );
  expect(await stage.ip('addr', 'show', 'dev', 'bond0')).toContain('10.9.0.2/24');
  expect(await stage.ip('route', 'show', 'default')).toContain('dev bond0');
  await stage.reached();
  await stage.api.destroy('bond0');
  expect(await stage.ip('addr', 'show', 'dev', 'eth0')).toContain('10.9.0.2/24');
});

/** eth0 and eth1 with addresses, and a third interface; the routes over all of them that the kernel did not make. */
async function entangled(six = false): Promise<{ stage: Stage; listed: () => Promise<string[]> }> {
  const stage = await Stage.open({ ipv6: six });
  const lines = [
    'link add bwx type veth peer name bwx-p',
    'link set bwx-p up',
    ...['bwx', 'eth0', 'eth1'].map(name => `link set ${name} up`),
    'addr add 10.50.0.1/24 dev eth0',
    'addr add 10.51.0.1/24 dev eth1',
    'addr add 10.52.0.1/24 dev bwx',
  ];
  for (const line of lines) await stage.ip(...line.split(' '));
  const listed = async () => {
    const text = `${await stage.ip('route')}\n${await stage.ip('-6', 'route')}`;
    const rows = text.split('\n').map(row => row.replaceAll(/ +/g, ' ').trim());
    return rows.filter(row => row !== '' && !/proto kernel|linkdown|^fe80|^multicast/.test(row)).toSorted();
  };
  return { stage, listed };
}

const MOVED = { interfaces: ['eth0', 'eth1'], takeDown: true, takeAddresses: true };

test.each(['destroyed', 'deleted while no daemon runs'])(
  'Routes whose source is an address of another member come back too, and all others with them: %s',
  async end => {
    const { stage, listed } = await entangled();
    for (const route of [
      '10.61.0.0/24 dev eth0 src 10.51.0.1',
      'default via 10.50.0.254 dev eth0',
      '10.62.0.0/24 dev bwx src 10.50.0.1',
    ])
      await stage.ip('route', 'add', ...route.split(' '));
    const before = await listed();
    await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
    await stage.api.enslave('bond0', MOVED);
    expect(await listed()).toEqual(before.map(row => row.replace('dev eth0', 'dev bond0')).toSorted());
    if (end === 'destroyed') await stage.api.destroy('bond0');
    else {
      await stage.bondwire.stop('SIGKILL');
      await stage.ip('link', 'del', 'bond0');
      await stage.bondwire.start();
    }
    expect(await listed()).toEqual(before);
    expect((await stage.events()).filter(({ severity }) => severity === 'error')).toEqual([]);
  },
);

test('Routes over other interfaces with a gateway, on a nexthop object, and of IPv6 keep their source', async () => {
  const { stage, listed } = await entangled(true);
  for (const line of [
    '-6 addr add 2001:db8:50::1/64 dev eth0 nodad',
    'route add 10.60.0.0/24 dev bwx src 10.50.0.1',
    'route add default via 10.60.0.9 dev bwx src 10.50.0.1',
    'route add 10.20.0.0/16 via 10.60.0.9 dev bwx src 10.50.0.1',
    'nexthop add id 7 dev bwx',
    'route add 10.64.0.0/24 nhid 7 src 10.50.0.1',
    '-6 route add 2001:db8:60::/64 dev bwx src 2001:db8:50::1',
  ])
    await stage.ip(...line.split(' '));
  const before = await listed();
  expect(before.filter(row => row.includes('src 10.50.0.1'))).toHaveLength(4);
  expect(before.filter(row => row.includes('src 2001:db8:50::1'))).toHaveLength(1);
  await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  await stage.api.enslave('bond0', MOVED);
  expect(await listed()).toEqual(before);
  // What has a source that is the bond's own goes with that, and nobody is to hear of it.
  await stage.ip('addr', 'add', '10.55.0.1/24', 'dev', 'bond0');
  await stage.ip('route', 'add', '10.63.0.0/24', 'dev', 'bwx', 'src', '10.55.0.1');
  await stage.api.destroy('bond0');
  expect(await listed()).toEqual(before);
  expect((await stage.events()).filter(({ severity }) => severity === 'error')).toEqual([]);
});
