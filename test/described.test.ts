// A file that is carried out again: what it made and no longer has goes, what somebody else made stays; and what runs, written as a
// file that changes nothing. Real interfaces. Needs root; part of test:all.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { closeStages, Stage, until } from './support/stage.js';

afterEach(closeStages);

const head = 'version: 1\nbonds:\n  bond0:\n    options: ';

async function apply(stage: Stage, bond: string): Promise<string> {
  const file = join(stage.runDir, 'bondwire.yaml');
  writeFileSync(file, head + bond);
  const { status, stdout, stderr } = await stage.bondwire.command(['apply', file]);
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

const addresses = (stage: Stage): Promise<string> => stage.ip('-o', 'addr', 'show', 'dev', 'bond0');
const routes = async (stage: Stage): Promise<string> =>
  (await stage.ip('route', 'show', 'dev', 'bond0')) + (await stage.ip('-6', 'route', 'show', 'dev', 'bond0'));

test('apply takes away what an earlier file made and this one does not have, across a restart, and nothing else', async () => {
  const stage = await Stage.open({ ipv6: true, members: ['eth0', 'eth1', 'eth2'] });
  await apply(
    stage,
    `{ mode: active-backup, miimon: 100, updelay: 300, num_grat_arp: 3 }
    members: [eth0, eth1]
    addresses: [10.9.0.2/24, 10.9.0.7/24, '2001:db8:5::2/64', '2001:db8:5::7/64']
    routes: [{ to: default, via: 10.9.0.1 }, { to: 198.51.100.0/24, via: 10.9.0.1 }, { to: '2001:db8:9::/48', via: '2001:db8:5::1' }]
`,
  );
  // By somebody else, before the file says the same and after.
  await stage.ip('addr', 'add', '10.9.0.8/24', 'dev', 'bond0');
  await stage.ip('route', 'add', '203.0.113.0/24', 'via', '10.9.0.1', 'dev', 'bond0');
  await stage.bondwire.run('enslave', 'bond0', 'eth2');
  await stage.bondwire.run('set', 'bond0', 'resend_igmp=5');
  await stage.bondwire.stop('SIGKILL');
  await stage.bondwire.start();
  const file = join(stage.runDir, 'bondwire.yaml');
  writeFileSync(
    file,
    `${head}{ mode: active-backup, miimon: 100 }
    members: [eth1]
    addresses: [10.9.0.2/24, 10.9.0.8/24, '2001:db8:5::2/64']
    routes: [{ to: 198.51.100.0/24, via: 10.9.0.1 }]
`,
  );
  const second = await stage.bondwire.command(['apply', file]);
  expect(second.status).toBe(0);
  for (const lost of [
    'the address 10.9.0.7/24',
    'the address 2001:db8:5::7/64',
    'the route default via 10.9.0.1',
  ])
    expect(second.stdout).toContain(`bond0 has lost ${lost}: the file does not have it any more.`);
  expect(second.stdout).toMatch(/lost the route 2001:db8:9::\/48 via 2001:db8:5::1:/);
  expect(second.stdout).toContain('lost the member eth0');
  expect(second.stdout).toContain('lost the option updelay, which is 0 again');
  expect(second.stderr).toMatch(/^bondwire: warning: eth2 is a member of bond0, but not in the file/m);
  const now = await stage.show();
  expect(now.members.map(({ name }) => name).toSorted()).toEqual(['eth1', 'eth2']);
  expect([now.options.updelay, now.options.num_grat_arp, now.options.resend_igmp]).toEqual([0, 1, 5]);
  expect(await addresses(stage)).toMatch(/10\.9\.0\.2\/24[^]*10\.9\.0\.8\/24[^]*2001:db8:5::2\/64/);
  expect(await addresses(stage)).not.toMatch(/10\.9\.0\.7|2001:db8:5::7/);
  expect(await routes(stage)).toMatch(/198\.51\.100\.0\/24/);
  expect(await routes(stage)).toMatch(/203\.0\.113\.0\/24/);
  expect(await routes(stage)).not.toMatch(/default via 10|2001:db8:9::/);
  // What was there before the file said it is not the file's: it stays.
  const third = await apply(
    stage,
    `{ mode: active-backup, miimon: 100 }
    members: [eth1, eth2]
    addresses: [10.9.0.2/24]
`,
  );
  expect(third).not.toContain('10.9.0.8');
  expect(await addresses(stage)).toContain('10.9.0.8/24');
  expect(third).toContain('lost the route 198.51.100.0/24 via 10.9.0.1');
  await stage.reached();
});

test('an address is exchanged for another of its network, and the routes over it stay, those of others too', async () => {
  const stage = await Stage.open({ ipv6: true });
  const bond = (addresses: string): string => `{ mode: active-backup, miimon: 100 }
    members: [eth0, eth1]
    addresses: ${addresses}
    routes: [{ to: default, via: 10.9.0.1 }]
`;
  await apply(stage, bond('[10.9.0.2/24]'));
  await stage.ip('route', 'add', '203.0.113.0/24', 'via', '10.9.0.1', 'dev', 'bond0');
  expect(await apply(stage, bond('[10.9.0.3/24, 10.9.0.4/24]'))).toContain('lost the address 10.9.0.2/24');
  const now = await addresses(stage);
  expect([now.includes('10.9.0.2/'), now.includes('10.9.0.3/24'), now.includes('10.9.0.4/24')]).toEqual([
    false,
    true,
    true,
  ]);
  expect(await routes(stage)).toMatch(
    /default via 10\.9\.0\.1[^]*10\.9\.0\.0\/24[^]*203\.0\.113\.0\/24 via 10\.9\.0\.1/,
  );
  await stage.reached();
});

test('a file that fails half-way leaves the routes and addresses that the bond had, as those of a file', async () => {
  const stage = await Stage.open({ ipv6: true });
  const text = (address: string, via: string, members = 'eth0, eth1'): string =>
    `${head}{ mode: active-backup, miimon: 50 }
    members: [${members}]
    addresses: [${address}]
    routes: [{ to: default, via: ${via} }, { to: 198.51.100.0/24, via: 10.9.0.1 }]
`;
  const file = join(stage.runDir, 'bondwire.yaml');
  const attempt = async (content: string): Promise<{ status: number | null; stderr: string }> => {
    writeFileSync(file, content);
    return stage.bondwire.command(['apply', file]);
  };
  expect(await attempt(text('10.9.0.2/24', '10.9.0.1'))).toMatchObject({ status: 0, stderr: '' });
  const before = [await addresses(stage), await routes(stage)];
  for (const wrong of [
    text('10.9.0.2/24', '10.77.0.1'),
    text('10.9.0.2/24', '10.9.0.7', 'eth0, eth9'),
    text('10.99.0.2/24', '10.77.0.1'),
  ]) {
    const told = await attempt(wrong);
    expect(told.status).toBe(1);
    expect(told.stderr).toContain(
      'bond0 has the route default via 10.9.0.1 again, as the file was not carried out.',
    );
    await stage.reached();
    expect((await routes(stage)).split('\n')).toEqual(
      expect.arrayContaining(before[1]?.split('\n').filter(line => line.includes(' via ')) ?? []),
    );
    expect((await stage.show()).options.miimon).toBe(50);
  }
  // Next time it goes as what a file made, the address of the file that failed too.
  const right = await attempt(text('10.9.0.3/24', '10.9.0.1'));
  expect(right).toMatchObject({ status: 0, stderr: '' });
  expect(await addresses(stage)).not.toMatch(/10\.9\.0\.2|10\.99/);
  await stage.reached();
});

const KINDS: readonly (readonly [string, string, string])[] = [
  ['plain', 'mode=active-backup miimon=100', ''],
  [
    'primary and delays',
    'mode=active-backup miimon=50 updelay=200 downdelay=100 primary_reselect=better',
    'eth1',
  ],
  ['ARP monitor', 'mode=active-backup arp_interval=200 arp_ip_target=10.9.0.1,10.9.0.9 arp_validate=all', ''],
  ['own MAC addresses', 'mode=active-backup miimon=100 fail_over_mac=active', ''],
  ['user space', 'mode=broadcast miimon=100 data_plane=userspace', ''],
  ['load', 'mode=balance-tlb miimon=100 tlb_dynamic_lb=0 lp_interval=7', ''],
];

test.each(KINDS)(
  'export writes what apply finds done, and what makes the same anew: %s',
  async (_kind, options, primary) => {
    const stage = await Stage.open({ ipv6: true });
    await stage.bondwire.run('create', 'bond0', ...options.split(' '));
    await stage.bondwire.run('enslave', 'bond0', 'eth0', 'eth1');
    if (primary !== '') await stage.bondwire.run('set', 'bond0', `primary=${primary}`, 'prio=eth0:7');
    await stage.ip('link', 'set', 'bond0', 'mtu', '1400', 'up');
    await stage.ip('addr', 'add', '10.9.0.2/24', 'dev', 'bond0');
    await stage.ip('addr', 'add', '2001:db8:5::2/64', 'dev', 'bond0', 'nodad');
    await stage.ip('addr', 'add', '10.9.0.77/24', 'valid_lft', '999', 'preferred_lft', '999', 'dev', 'bond0');
    await stage.ip('route', 'add', 'default', 'via', '10.9.0.1', 'dev', 'bond0');
    await stage.ip('route', 'add', '2001:db8:9::/48', 'via', '2001:db8:5::1', 'dev', 'bond0');
    await stage.ip('route', 'add', '198.51.100.0/24', 'via', '10.9.0.1', 'dev', 'bond0', 'metric', '77');
    await until('the MTU is known', async () => (await stage.show()).mtu === 1400);
    const file = join(stage.runDir, 'bondwire.yaml');
    const text = await stage.bondwire.run('export');
    writeFileSync(file, text);
    expect(text).toMatch(/^# .*bond0: the address 10\.9\.0\.77\/24, which has a lifetime$/m);
    expect(text).toMatch(
      /^# .*bond0: the route 198\.51\.100\.0\/24 via 10\.9\.0\.1, which has the metric 77$/m,
    );
    const check = await stage.bondwire.command(['check', file]);
    expect([check.status, check.stdout + check.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    const picture = async (): Promise<unknown> => {
      const { rx: _rx, tx: _tx, txDropped: _dropped, members, ...bond } = await stage.show();
      const lines = (output: string): string[] =>
        output.replaceAll(/(?:valid|preferred)_lft \w+/g, '').split('\n');
      return {
        bond,
        members: members.map(({ name, state, address }) => [name, state, address]),
        addresses: lines(await addresses(stage)),
        routes: (await routes(stage)).split('\n').map(line => line.replace(/ pref medium|expires \w+/, '')),
      };
    };
    const before = await picture();
    const events = (await stage.events()).at(-1)?.seq ?? 0;
    expect(await stage.bondwire.command(['apply', file])).toMatchObject({ status: 0 });
    expect(await picture()).toEqual(before);
    expect((await stage.events(events)).filter(({ severity }) => severity !== 'info')).toEqual([]);
    expect(await stage.bondwire.run('export', 'bond0')).toBe(text);
    // And made anew by it, it is the same, but for what it could not say.
    await stage.bondwire.run('destroy', 'bond0');
    expect(await stage.bondwire.command(['apply', file])).toMatchObject({ status: 0 });
    const again = await stage.bondwire.run('export');
    expect(again.replaceAll(/^#.*\n/gm, '')).toBe(text.replaceAll(/^#.*\n/gm, ''));
  },
);
