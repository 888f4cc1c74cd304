// Chains of nftables on members do not see the frames of their bond: told of when the member joins, and when the chain comes later, once
// each. Needs root, BPF, ip and nft; part of test:all.
import { afterEach, expect, test } from 'vitest';
import { closeStages, Stage, until } from './support/stage.js';

afterEach(closeStages);

const CHAIN =
  /^Of (\S+): the nftables chain (\S+) of table (\S+) at the (ingress|egress) of member \S+ does not see/;

/** What was told of chains so far: `eth0 early ingress`. */
async function told(stage: Stage): Promise<string[]> {
  return (await stage.events()).flatMap(({ message, severity }) => {
    const [, member, chain, , hook] = CHAIN.exec(message) ?? [];
    return member === undefined ? [] : [`${severity}: ${member} ${chain} ${hook}`];
  });
}

async function load(stage: Stage, ...rules: string[]): Promise<void> {
  for (const rule of rules) await stage.run('host', 'nft', rule);
}

test('a chain that is there when a member joins is told in the answer, and one that comes later as an event', async () => {
  const stage = await Stage.open();
  const early = 'add chain netdev t early { type filter hook ingress device "eth0" priority 0; }';
  await load(stage, 'add table netdev t', early);
  await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  const joined = await stage.api.enslave('bond0', { interfaces: ['eth0', 'eth1'] });
  expect(joined.warnings.filter(text => CHAIN.test(text))).toEqual([
    expect.stringMatching(/^Of eth0: .* chain early .*; have it on bond0 itself \(device bond0\)/),
  ]);
  expect(await told(stage)).toEqual(['warning: eth0 early ingress']);

  const late = 'add chain netdev t late { type filter hook egress device "eth1" priority 0; }';
  await load(stage, late);
  await until('the later one is told', async () => (await told(stage)).length === 2);
  expect(await told(stage)).toEqual(['warning: eth0 early ingress', 'warning: eth1 late egress']);

  // The whole set anew, as by nft -f, with one chain more: what was told is not told again.
  const more = 'add chain netdev t more { type filter hook ingress device "eth1" priority 0; }';
  await load(stage, `delete table netdev t; add table netdev t; ${early}; ${late}; ${more}`);
  await until('the third one is told', async () => (await told(stage)).length > 2);
  expect((await told(stage)).slice(2)).toEqual(['warning: eth1 more ingress']);

  // Those of others are nobody's affair: the last of them comes after two that are not.
  const other = 'add chain netdev t other { type filter hook ingress device "bond0" priority 0; }';
  const last = 'add chain netdev t last { type filter hook egress device "eth0" priority 0; }';
  await load(stage, `add table inet u; add chain inet u forward; ${other}`, last);
  await until('the last one is told', async () => (await told(stage)).length > 3);
  expect((await told(stage)).slice(3)).toEqual(['warning: eth0 last egress']);
});

test('chains that were made while no daemon ran are told by the next', async () => {
  const stage = await Stage.open();
  await stage.bond();
  await stage.bondwire.stop();
  await load(
    stage,
    'add table netdev t',
    'add chain netdev t between { type filter hook ingress device "eth1" priority 0; }',
  );
  await stage.bondwire.start();
  await until('it is told', async () => (await told(stage)).length > 0);
  expect(await told(stage)).toEqual(['warning: eth1 between ingress']);
});
