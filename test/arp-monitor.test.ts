// The ARP monitor on real interfaces: a switch that falls silent with the carrier on is noticed, in every mode that has the
// monitor, on both data planes; with validation, through a VLAN, and with IPv6 targets. Needs root; part of test:all.
import { afterEach, describe, expect, test } from 'vitest';
import { closeStages, Stage, until } from './support/stage.js';
import { HAS_VLAN } from './support/vlan.js';

afterEach(closeStages);

const INTERVAL_MS = 100;

async function asking(options: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const stage = await Stage.open();
  await stage.bond({
    miimon: '0',
    arp_interval: String(INTERVAL_MS),
    arp_ip_target: stage.lab.peerIp,
    ...options,
  });
  await heard(stage);
  return stage;
}

/** Waits until every member counts as up by what it hears, and has for a while: switch ports start to forward late. */
async function heard(stage: Stage): Promise<void> {
  await until('all members are answered for a while', async () => {
    const before = await lastEvent(stage);
    await new Promise(resolve => setTimeout(resolve, 5 * INTERVAL_MS));
    const isQuiet = (await lastEvent(stage)) === before;
    return isQuiet && (await stage.show()).members.every(({ miiStatus }) => miiStatus === 'up');
  });
}

async function lastEvent(stage: Stage): Promise<number> {
  return (await stage.events()).at(-1)?.seq ?? 0;
}

/** ms between silencing a member and the event that says that it is given up. */
async function noticed(stage: Stage, member: string): Promise<number> {
  const after = await lastEvent(stage);
  const start = Date.now();
  stage.lab.silence(member);
  const event = await until(`${member} is given up`, async () =>
    (await stage.events(after)).find(each => each.type === 'link' && each.member === member),
  );
  return Date.parse(event.time) - start;
}

describe.each(['ebpf', 'userspace'])('data_plane=%s, active-backup (H24, H25, H28)', plane => {
  test.each(['none', 'all', 'filter'])('arp_validate=%s: a silent switch port is left', async validate => {
    const stage = await asking({ data_plane: plane, arp_validate: validate, primary: 'eth0' });
    await stage.active('eth0');
    const after = await lastEvent(stage);
    const ms = await noticed(stage, 'eth0');
    console.log(`active-backup ${plane} arp_validate=${validate}: noticed after ${ms} ms`);
    await stage.active('eth1');
    await stage.reached();
    expect((await stage.show()).carrier).toBe(true);
    const told = (await stage.events(after)).find(each => each.type === 'link' && each.member === 'eth0');
    expect(told?.message).toMatch(/no answer from .* for \d+ ms through eth0/);
    stage.lab.restore('eth0');
    await stage.up('eth0');
    await stage.active('eth0');
  });
});

test('H24: all silent: no carrier, then the first that is answered again is used', async () => {
  const stage = await asking({ arp_validate: 'all' });
  for (const name of stage.lab.members) stage.lab.silence(name);
  await stage.active(null);
  await until('the bond has no carrier', async () => !(await stage.show()).carrier);
  stage.lab.restore('eth1');
  await stage.active('eth1');
  await stage.reached();
});

test.each(['balance-rr', 'broadcast'])('%s: a silent member is left and comes back (H24)', async mode => {
  const stage = await asking({ mode });
  const failures = (await stage.member('eth0')).linkFailureCount;
  const ms = await noticed(stage, 'eth0');
  console.log(`${mode}: noticed after ${ms} ms`);
  await stage.reached();
  stage.lab.restore('eth0');
  await stage.up('eth0');
  expect((await stage.member('eth0')).linkFailureCount).toBe(failures + 1);
});

test.skipIf(!HAS_VLAN)('H24: a target behind a VLAN is asked with its tag (needs VLAN devices)', async () => {
  const stage = await Stage.open();
  await stage.bond({ miimon: '0' });
  await stage.ip('link', 'add', 'link', 'bond0', 'name', 'bond0.7', 'type', 'vlan', 'id', '7');
  await stage.ip('addr', 'add', '198.51.100.1/24', 'dev', 'bond0.7');
  await stage.ip('link', 'set', 'bond0.7', 'up');
  const [peer = ''] = (await stage.run('peer', 'ip', '-o', 'link')).match(/(?<=: )eth\w*(?=@)/) ?? [];
  await stage.run('peer', 'ip', 'link', 'add', 'link', peer, 'name', 'bwv', 'type', 'vlan', 'id', '7');
  await stage.run('peer', 'ip', 'addr', 'add', '198.51.100.9/24', 'dev', 'bwv');
  await stage.run('peer', 'ip', 'link', 'set', 'bwv', 'up');
  await stage.api.set('bond0', {
    options: { arp_interval: '100', arp_ip_target: '198.51.100.9', arp_validate: 'active' },
  });
  const after = await lastEvent(stage);
  await new Promise(resolve => setTimeout(resolve, 1500));
  expect((await stage.events(after)).filter(each => each.type === 'link')).toEqual([]);
  await stage.run('peer', 'ip', 'link', 'set', 'bwv', 'down');
  await until('it is missed', async () => (await stage.events(after)).some(each => each.type === 'link'));
});

test.each([
  ['active', '2001:db8::9'],
  ['all', '2001:db8::9'],
  ['all', 'fe80::9'],
])(
  'ns_ip6_target, arp_validate=%s, %s: an answer keeps the members, none costs one',
  async (validate, target) => {
    const stage = await Stage.open({ ipv6: true });
    await stage.bond({ miimon: '0' });
    await stage.ip('addr', 'add', '2001:db8::1/64', 'dev', 'bond0', 'nodad');
    const [peer = ''] = (await stage.run('peer', 'ip', '-o', 'link')).match(/(?<=: )eth\w*(?=@)/) ?? [];
    await stage.run('peer', 'ip', 'addr', 'add', `${target}/64`, 'dev', peer, 'nodad');
    await stage.api.set('bond0', {
      options: { arp_interval: '100', ns_ip6_target: target, arp_validate: validate },
    });
    await heard(stage);
    // A backup hears the active member's questions, which a switch floods; a real card lets in only what it was told to.
    const listening = async (): Promise<string[]> => {
      const members = (await stage.show()).members.map(({ name }) => name);
      const lists = await Promise.all(members.map(name => stage.ip('maddr', 'show', 'dev', name)));
      return members.filter((_, at) => (lists[at] ?? '').includes('33:33:ff:00:00:09'));
    };
    const { active } = await stage.show();
    const other = active === 'eth0' ? 'eth1' : 'eth0';
    await until('the backup listens', async () => (await listening()).join() === other);
    await stage.api.set('bond0', { options: { active_slave: other } });
    await until('the other one listens', async () => (await listening()).join() === active);
    await heard(stage);
    const after = await lastEvent(stage);
    await new Promise(resolve => setTimeout(resolve, 1500));
    expect((await stage.events(after)).filter(each => each.type === 'link')).toEqual([]);
    await stage.run('peer', 'ip', 'addr', 'del', `${target}/64`, 'dev', peer);
    await until('it is missed', async () => (await stage.events(after)).some(each => each.type === 'link'));
  },
);

test('H24: a target that is routed elsewhere is not asked, and that is said', async () => {
  const stage = await Stage.open();
  await stage.bond({ miimon: '0' });
  await stage.api.set('bond0', { options: { arp_interval: '100', arp_ip_target: '127.0.0.9' } });
  const told = await until('it is said', async () =>
    (await stage.events()).find(each => each.message.includes('is not asked')),
  );
  expect(told.message).toBe(
    'Target 127.0.0.9 of bond0 is not asked: the route to it does not go through bond0',
  );
  const link = await until('a member is missed', async () =>
    (await stage.events()).find(each => each.type === 'link'),
  );
  expect(link.message).toMatch(/nothing could be asked through eth\d; see the routes to 127\.0\.0\.9/);
});

test('A daemon that comes back goes on asking, and no member is given up for its absence', async () => {
  const stage = await asking({ arp_validate: 'all' });
  const after = await lastEvent(stage);
  await stage.bondwire.stop('SIGKILL');
  await new Promise(resolve => setTimeout(resolve, 2000));
  await stage.bondwire.start();
  await new Promise(resolve => setTimeout(resolve, 1500));
  expect((await stage.events(after)).filter(each => each.type === 'link')).toEqual([]);
  const [first = ''] = stage.lab.members;
  stage.lab.silence(first);
  await until('a silent switch is noticed again', async () =>
    (await stage.events(after)).some(each => each.type === 'link' && each.member === first),
  );
});

test('it listens on members only while it asks: without it no socket is left on them', async () => {
  const stage = await asking();
  /** Packet sockets in the host's namespace that are bound to a member, for all protocols (packet(7): /proc/net/packet). */
  const ears = async (): Promise<number> => {
    const { stdout } = await stage.lab.exec('host', ['cat', '/proc/net/packet']);
    const members = new Set(['eth0', 'eth1'].map(name => String(stage.lab.link('host', name)?.ifindex)));
    const rows = stdout
      .trim()
      .split('\n')
      .slice(1)
      .map(row => row.trim().split(/\s+/));
    return rows.filter(([, , , protocol, iface]) => protocol === '0003' && members.has(iface ?? '')).length;
  };
  expect(await ears()).toBe(2);
  await stage.bondwire.run('set', 'bond0', 'arp_interval=0');
  expect(await ears()).toBe(0);
  await stage.bondwire.run('set', 'bond0', 'arp_interval=100');
  expect(await ears()).toBe(2);
  await stage.ip('link', 'set', 'bond0', 'down');
  await until('it asks no more', async () => (await ears()) === 0);
  await stage.ip('link', 'set', 'bond0', 'up');
  await until('it asks', async () => (await ears()) === 2);
  await stage.api.release('bond0', { interfaces: ['eth1'] });
  expect(await ears()).toBe(1);
});
