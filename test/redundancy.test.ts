// That a bond has lost what it is for is told: one usable member, one that went away, one whose switch takes frames and gives none
// back, something put on a member. Needs root and BPF; part of test:all.
import { afterEach, expect, test, vi } from 'vitest';
import { offered, pasted, typed } from './support/paste.js';
import { closeStages, ended, Stage, until } from './support/stage.js';

afterEach(closeStages);
vi.setConfig({ testTimeout: 240_000 });

async function said(stage: Stage, pattern: RegExp): Promise<string> {
  return until(`${pattern} is told`, async () => {
    return (await stage.events()).find(({ message }) => pattern.test(message))?.message;
  });
}

test('one usable member where there were several: event, show, doctor and its exit code, and the way back', async () => {
  const stage = await Stage.open();
  await stage.bond();
  // What hears was looked at, and the other one with it.
  await until('members are looked at', async () => {
    await stage.reached();
    return (await stage.member('eth0')).lastReceivedMs !== null;
  });
  expect((await typed(stage, 'bondwire doctor')).status).toBe(0);
  stage.lab.cut('eth1');
  await said(stage, /^bond0 has one usable member only, eth0: nothing takes over when it fails$/);
  expect(await pasted(stage, 'bondwire show')).toMatch(/^bond0 .*carrier up, one usable member only/m);
  const sick = await typed(stage, 'bondwire doctor');
  expect(sick.status).toBe(1);
  expect(sick.stdout).toMatch(
    /problem +bond0 +one member only is usable, eth0[^]*mend eth1 \(down\); 'bondwire events --bond bond0' says why/,
  );
  const warned = (await stage.events()).find(({ type }) => type === 'redundancy');
  expect(warned?.severity).toBe('warning');
  stage.lab.restore('eth1');
  await said(stage, /^bond0 has 2 usable members again: eth0, eth1$/);
  expect((await typed(stage, 'bondwire doctor')).status).toBe(0);
  await stage.api.release('bond0', { interfaces: ['eth1'] });
  const chosen = await typed(stage, 'bondwire doctor');
  expect(chosen.status).toBe(0);
  expect(chosen.stdout).toMatch(/warning +bond0 +it has one member only, eth0/);
});

test('a member that vanished is awaited, joins again under its old name with its options, and is let go by release', async () => {
  const stage = await Stage.open();
  await stage.ip('link', 'add', 'bwcard', 'type', 'veth', 'peer', 'name', 'bwcardp');
  await stage.ip('link', 'set', 'bwcardp', 'up');
  await stage.bond({ primary: 'eth0' }, ['eth0', 'bwcard']);
  await stage.api.set('bond0', { options: { prio: 'bwcard:7' } });
  const pull = () => stage.ip('link', 'del', 'bwcard');
  await pull();
  const told = await said(stage, /bwcard is gone; bond0 takes it again when it comes back/);
  expect((await stage.show()).awaited).toEqual(['bwcard']);
  expect((await typed(stage, 'bondwire doctor')).status).toBe(1);
  await stage.bondwire.stop('SIGKILL');
  await stage.bondwire.start();
  await stage.ip('link', 'add', 'bwcard', 'type', 'veth', 'peer', 'name', 'bwcardp');
  await until('it is a member', async () => {
    const { members, awaited } = await stage.show();
    return awaited.length === 0 && members.some(({ name }) => name === 'bwcard');
  });
  expect((await stage.show()).options).toMatchObject({
    prio: expect.arrayContaining(['bwcard:7']) as string[],
  });
  await pull();
  await until('it is awaited', async () => (await stage.show()).awaited.length === 1);
  await pasted(stage, offered(told, 'bondwire release {bond} {iface}'));
  expect((await stage.show()).awaited).toEqual([]);
  // Given to another namespace, it is used there.
  await stage.ip('link', 'set', 'eth0', 'netns', stage.lab.switch);
  await until('it left', async () => (await stage.show()).members.length === 0);
  expect((await stage.show()).awaited).toEqual([]);
});

test('a member that joined with --no-await is not awaited when it vanishes, nor after a restart of the daemon', async () => {
  const stage = await Stage.open();
  for (const name of ['bwcard', 'bwother'])
    await stage.ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`);
  await stage.bond({}, ['eth0']);
  await pasted(stage, 'bondwire enslave --no-await bond0 bwcard');
  await pasted(stage, 'bondwire enslave --await bond0 bwother');
  await stage.bondwire.stop('SIGKILL');
  await stage.bondwire.start();
  for (const name of ['bwcard', 'bwother']) await stage.ip('link', 'del', name);
  await until('both are gone', async () => (await stage.show()).members.length === 1);
  expect((await stage.show()).awaited).toEqual(['bwother']);
  expect((await stage.events()).filter(({ message }) => /bwcard.*takes it again/.test(message))).toEqual([]);
  // The wish may change: one that is a member already is told so by the same words.
  await stage.ip('link', 'add', 'bwother', 'type', 'veth', 'peer', 'name', 'bwotherp');
  await until('it is a member', async () => (await stage.show()).members.length === 2);
  await pasted(stage, 'bondwire enslave --no-await bond0 bwother');
  await stage.ip('link', 'del', 'bwother');
  await until('it is gone', async () => (await stage.show()).members.length === 1);
  expect((await stage.show()).awaited).toEqual([]);
});

test('a switch that takes frames and gives none back, with miimon alone: told with what notices it, which does', async () => {
  const stage = await Stage.open();
  await stage.bond();
  const ping = stage.lab.spawn('host', ['ping', '-q', '-i', '0.1', stage.lab.peerIp]);
  try {
    await until('it is heard', async () => ((await stage.member('eth0')).lastReceivedMs ?? 9999) < 2000);
    stage.lab.silence('eth0');
    const told = await said(stage, /^sent \d+ frames through eth0 and received nothing for \d+ s/);
    expect(await pasted(stage, 'bondwire show')).toMatch(/eth0 .*silent for \d/);
    const found = (await typed(stage, 'bondwire doctor')).stdout;
    expect(found).toMatch(/warning +bond0 +sent \d+ frames through eth0 and received nothing for \d+ s/);
    const shape = 'bondwire set {bond} link_watch=any miimon=100 arp_interval=100 arp_ip_target={target}';
    expect(found).toContain(offered(told, shape));
    await pasted(stage, offered(told, shape));
    await stage.active('eth1');
    await stage.reached();
  } finally {
    await ended(ping);
  }
});

test('a backup that hears nothing of what the active one hears: doctor says it, and nothing calls it a fault', async () => {
  const stage = await Stage.open();
  await stage.bond();
  const ping = stage.lab.spawn('host', ['ping', '-q', '-i', '0.1', stage.lab.peerIp]);
  try {
    stage.lab.silence('eth1');
    await until('it is seen', async () => (await stage.member('eth1')).deafness !== undefined);
    const { status, stdout } = await typed(stage, 'bondwire doctor');
    expect(stdout).toMatch(
      /^ok +bond0 +eth1 waits, and heard nothing for \d+ s, while \d+ frames came in by the active/m,
    );
    expect(status).toBe(0);
    expect((await stage.events()).filter(({ message }) => message.includes('eth1 waits'))).toEqual([]);
    expect((await stage.member('eth0')).deafness).toBeUndefined();
  } finally {
    await ended(ping);
  }
});

test('a quiet network is no fault, and a backup that hears nothing is none', async () => {
  const stage = await Stage.open();
  await stage.bond();
  await new Promise(resolve => setTimeout(resolve, 22_000));
  expect((await stage.show()).members.map(({ silence }) => silence)).toEqual([null, null]);
  expect((await stage.show()).members.filter(({ deafness }) => deafness !== undefined)).toEqual([]);
  expect((await stage.events()).filter(({ message }) => /received nothing/.test(message))).toEqual([]);
});

test('a macvlan put on a member is told, and hears something where doctor puts it', async () => {
  const stage = await Stage.open();
  await stage.bond();
  await stage.ip('link', 'add', 'link', 'eth1', 'name', 'mv0', 'type', 'macvlan');
  await said(stage, /^mv0 \(macvlan\) was put on member eth1 of bond0/);
  const told = (await typed(stage, 'bondwire doctor')).stdout;
  const shape = 'ip link del dev {upper}; ip link add link {bond} name {upper} type {kind}';
  expect(told).toMatch(/mv0 \(macvlan\) is on member eth1 and hears nothing/);
  await pasted(stage, offered(told, shape));
  expect(stage.lab.link('host', 'mv0')?.link).toBe(stage.lab.link('host', 'bond0')?.ifindex);
  expect((await typed(stage, 'bondwire doctor')).stdout).not.toMatch(/is on member/);
  await stage.reached();
});
