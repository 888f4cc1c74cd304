// One test of each subject whose own file is part of the long run: the ARP monitor, awaited members, what is left after a bond,
// doctor, bonds without a daemon, a supervised daemon. All but the last share one daemon. Needs root and BPF.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { pictureOf, pins, untilAsBefore } from './support/picture.js';
import { closeStages, Stage, until } from './support/stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterEach(async () => {
  for (const name of stage.lab.members) stage.lab.restore(name);
  for (const { name } of (await stage.api.show()).bonds) await stage.api.destroy(name);
});
afterAll(closeStages);

test('destroy leaves links, addresses, routes and eBPF objects as they were, after a failover too', async () => {
  // An interface that was never up has a queueing discipline (noop) that it does not get back: nothing can give it.
  for (const up of [true, false]) for (const name of stage.lab.members) stage.lab.setUp('host', name, up);
  const before = await pictureOf(stage);
  await stage.bond();
  stage.lab.cut('eth0');
  await stage.active('eth1');
  stage.lab.restore('eth0');
  await stage.api.destroy('bond0');
  await untilAsBefore(stage, before, (now, then) => expect(now).toEqual(then));
  expect(pins(stage)).toEqual([]);
});

test('by the ARP monitor, a silent switch port is left, and used again when it answers', async () => {
  await stage.bond({
    miimon: '0',
    arp_interval: '100',
    arp_ip_target: stage.lab.peerIp,
    arp_validate: 'all',
    primary: 'eth0',
  });
  await stage.active('eth0');
  stage.lab.silence('eth0');
  await stage.active('eth1');
  await stage.reached();
  stage.lab.restore('eth0');
  await stage.active('eth0');
});

test('an interface that is not there joins when it appears', async () => {
  await stage.bond({}, ['eth0']);
  await stage.api.enslave('bond0', { interfaces: ['bwlate'], await: true });
  expect(await stage.show()).toMatchObject({ awaited: ['bwlate'] });
  await stage.ip('link', 'add', 'bwlate', 'type', 'veth', 'peer', 'name', 'bwlate-p');
  await until('bwlate is a member', async () =>
    (await stage.show()).members.some(({ name }) => name === 'bwlate'),
  );
  await stage.ip('link', 'del', 'bwlate');
});

test('doctor finds a member that is set down, and its command mends it', async () => {
  const doctor = async (): Promise<string> => (await stage.bondwire.command(['doctor'])).stdout;
  await stage.bond();
  await stage.ip('link', 'set', 'eth1', 'down');
  const told = await until('it is told', async () => {
    const said = await doctor();
    return said.includes('member eth1 is set down') && said;
  });
  expect(told).toContain('fix: ip link set dev eth1 up\n');
  await stage.ip('link', 'set', 'dev', 'eth1', 'up');
  await until('doctor is content', async () => /ok +bond0 +\S+, 2 of 2 members up/.test(await doctor()));
});

test('a member that was deleted while no daemon ran is no member any more', async () => {
  await stage.ip('link', 'add', 'bwgone', 'type', 'veth', 'peer', 'name', 'bwgone-p');
  await stage.bond({}, ['eth0', 'bwgone']);
  await stage.bondwire.stop('SIGKILL');
  await stage.ip('link', 'del', 'bwgone');
  await stage.bondwire.start();
  await until('one member', async () => (await stage.show()).members.length === 1);
  await stage.reached();
});

test('a supervised daemon that is killed is started again, and the bond forwards again', async () => {
  const supervised = await Stage.open({ daemonArgs: ['--supervise'] });
  await supervised.bond({ data_plane: 'userspace' });
  const { pid } = await supervised.api.status();
  process.kill(pid, 'SIGKILL');
  await until('another answers', async () => {
    const now = await supervised.api.status().catch(() => undefined);
    return now !== undefined && now.pid !== pid;
  });
  await supervised.reached();
});
