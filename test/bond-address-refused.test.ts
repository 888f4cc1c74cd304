// A MAC address of the bond that a member refuses while it is up: nothing changes, and what is told is true (driver:
// bond_set_mac_address, where the command fails). Members that refuse: macvlans, which take no address that another device on
// the same interface has. Real interfaces; needs root and BPF.
import { afterEach, expect, test } from 'vitest';
import { closeStages, Stage, until } from './support/stage.js';

afterEach(closeStages);

/** A stage with `mv0`, which refuses the address of `low0`. */
async function withRefuser(): Promise<{ readonly stage: Stage; readonly refused: string }> {
  const stage = await Stage.open();
  await stage.ip('link', 'add', 'low0', 'type', 'veth', 'peer', 'name', 'far0');
  await stage.ip('link', 'set', 'far0', 'up');
  await stage.ip('link', 'set', 'low0', 'up');
  await stage.ip('link', 'add', 'link', 'low0', 'name', 'mv0', 'type', 'macvlan', 'mode', 'private');
  return { stage, refused: stage.mac('low0') };
}

const macs = (stage: Stage, ...names: readonly string[]): string[] => names.map(name => stage.mac(name));

test.each([
  ['active-backup', 'ebpf', ['eth0', 'mv0']],
  ['active-backup', 'userspace', ['mv0', 'eth0']],
  ['balance-xor', 'ebpf', ['eth0', 'mv0', 'eth1']],
])('%s on %s of %s: the bond and all members keep their address', async (mode, plane, members) => {
  const { stage, refused } = await withRefuser();
  await stage.api.create({ name: 'bond0', options: { mode, miimon: '100', data_plane: plane } });
  await stage.api.enslave('bond0', { interfaces: members });
  await stage.api.up('bond0');
  const [before = ''] = macs(stage, 'bond0');
  await stage.ip('link', 'set', 'bond0', 'address', refused);
  await until('it is told', async () =>
    (await stage.events()).some(event =>
      event.message.includes(`${refused} of bond0 was taken back to ${before}`),
    ),
  );
  const told = (await stage.events()).filter(event => event.type === 'address').map(event => event.message);
  expect(told.join('\n')).toContain('mv0 refuses it');
  expect(told.join('\n')).not.toContain('so have its members');
  expect(macs(stage, 'bond0', ...members)).toEqual(['bond0', ...members].map(() => before));
  expect((await stage.show()).address).toBe(before);

  // One that nobody refuses is taken, and told.
  const other = '02:00:5e:77:00:01';
  await stage.ip('link', 'set', 'bond0', 'address', other);
  await until('all have it', () => macs(stage, ...members).every(mac => mac === other));
  await until('it is told', async () =>
    (await stage.events()).some(event =>
      event.message.includes(`MAC address ${other}, and so have its members`),
    ),
  );
});

test('balance-tlb: the active member decides; a backup keeps its own in any case', async () => {
  const { stage, refused } = await withRefuser();
  const options = { mode: 'balance-tlb', miimon: '100', primary: 'mv0' };
  await stage.api.create({ name: 'bond0', options });
  await stage.api.enslave('bond0', { interfaces: ['mv0', 'eth0'] });
  await stage.api.up('bond0');
  await stage.active('mv0');
  const [bond = '', member, backup] = macs(stage, 'bond0', 'mv0', 'eth0');
  await stage.ip('link', 'set', 'bond0', 'address', refused);
  await until('it is taken back', async () =>
    (await stage.events()).some(event => event.message.includes(`taken back to ${bond}`)),
  );
  expect(macs(stage, 'bond0', 'mv0', 'eth0')).toEqual([bond, member, backup]);
});

test('by the API it is a refusal, and an address that nobody refuses is given', async () => {
  const { stage, refused } = await withRefuser();
  await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
  await stage.api.enslave('bond0', { interfaces: ['eth0', 'mv0'] });
  await stage.api.up('bond0');
  const before = macs(stage, 'bond0', 'eth0', 'mv0');
  await expect(stage.api.link('bond0', { address: refused })).rejects.toThrow(
    /was not given to bond0: a member refuses it/,
  );
  expect(macs(stage, 'bond0', 'eth0', 'mv0')).toEqual(before);
  const other = '02:00:5e:77:00:02';
  await stage.api.link('bond0', { address: other });
  expect(macs(stage, 'bond0', 'eth0', 'mv0')).toEqual([other, other, other]);
});
