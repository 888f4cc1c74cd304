// Members whose MAC address is fixed (H31, H33; driver: bond_enslave without ndo_set_mac_address). An ifb device is one that
// every kernel has; a macvlan in passthru mode on one has the operation and fails in it. The driver in 6.12 did the same with ifb:
// fail_over_mac=active as the first member of active-backup, EOPNOTSUPP after another and in other modes. Real interfaces; needs root and BPF; part of test:all.
import { afterEach, describe, expect, test } from 'vitest';
import { closeStages, Stage, until } from './support/stage.js';

afterEach(closeStages);

/** A stage with an interface `fix0` besides eth0 and eth1. */
async function withFixed(): Promise<Stage> {
  const stage = await Stage.open();
  // Where ifb is a module, loading it would make two devices in the machine's own namespace.
  await stage.lab.exec('host', ['sh', '-c', 'modprobe ifb numifbs=0 2>/dev/null || true']);
  await stage.ip('link', 'add', 'fix0', 'type', 'ifb');
  const words = ['ip', 'link', 'set', 'fix0', 'address', '02:00:5e:00:00:01'];
  const { status, stderr } = await stage.lab.exec('host', words);
  expect([status, stderr.trim()]).toEqual([2, 'RTNETLINK answers: Operation not supported']);
  return stage;
}

const addresses = (stage: Stage, ...names: readonly string[]): string[] => names.map(name => stage.mac(name));

describe('an interface that cannot change its MAC address', () => {
  test('as the first member it forces fail_over_mac=active; all members keep theirs, the bond follows', async () => {
    const stage = await withFixed();
    const [fixed, first, second] = addresses(stage, 'fix0', 'eth0', 'eth1');
    await stage.api.create({ name: 'bond0', options: { mode: 'active-backup', miimon: '100' } });
    await stage.api.enslave('bond0', { interfaces: ['fix0'] });
    expect(addresses(stage, 'bond0', 'fix0')).toEqual([fixed, fixed]);
    expect((await stage.show()).options['fail_over_mac']).toBe('active');
    expect((await stage.events()).map(event => event.message)).toContain(
      'fix0 cannot change its MAC address, so fail_over_mac of bond0 is set to active',
    );
    await stage.api.enslave('bond0', { interfaces: ['eth0', 'eth1'] });
    await stage.api.up('bond0');
    await stage.api.addAddresses('bond0', { addresses: [stage.lab.hostAddress] });
    expect(addresses(stage, 'bond0', 'fix0', 'eth0', 'eth1')).toEqual([fixed, fixed, first, second]);

    await stage.api.set('bond0', { options: { active_slave: 'eth0' } });
    await stage.reached();
    expect(addresses(stage, 'bond0', 'fix0', 'eth0', 'eth1')).toEqual([first, fixed, first, second]);
    stage.lab.cut('eth0');
    await until('another is active', async () => (await stage.show()).active !== 'eth0');
    const active = (await stage.show()).active ?? '';
    await until('the bond follows', () => stage.mac('bond0') === stage.mac(active));

    await stage.api.destroy('bond0');
    expect(addresses(stage, 'fix0', 'eth0', 'eth1')).toEqual([fixed, first, second]);
  });

  test('with fail_over_mac=active nothing is said, and it joins later than others too', async () => {
    const stage = await withFixed();
    const [fixed, first] = addresses(stage, 'fix0', 'eth0');
    await stage.bond({ fail_over_mac: 'active' }, ['eth0']);
    await stage.api.enslave('bond0', { interfaces: ['fix0'] });
    expect(addresses(stage, 'bond0', 'eth0', 'fix0')).toEqual([first, first, fixed]);
    expect((await stage.events()).filter(event => event.message.includes('cannot change'))).toEqual([]);
    await stage.api.release('bond0', { interfaces: ['eth0'] });
    await until('the bond follows', () => stage.mac('bond0') === fixed);
  });

  test.each([
    ['after another with fail_over_mac=none', { mode: 'active-backup' }, ['eth0'], 'fail_over_mac=active'],
    ['in a mode where all have one address', { mode: 'balance-xor' }, [], 'use mode=active-backup'],
    ['in balance-tlb', { mode: 'balance-tlb' }, [], 'use mode=active-backup'],
  ])('it is refused %s, and is as it was', async (_, options, before, advice) => {
    const stage = await withFixed();
    await stage.ip('link', 'set', 'fix0', 'up');
    await stage.ip('addr', 'add', '10.77.0.1/24', 'dev', 'fix0');
    const look = () => stage.ip('-br', 'addr', 'show', 'dev', 'fix0');
    const found = await look();
    await stage.api.create({ name: 'bond0', options: { miimon: '100', ...options } });
    if (before.length > 0) await stage.api.enslave('bond0', { interfaces: before });
    const { status, stderr } = await stage.bondwire.command([
      'enslave',
      'bond0',
      'fix0',
      '--take-down',
      '--take-addresses',
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain('it cannot change its MAC address');
    expect(stderr).toContain(advice);
    expect(await look()).toBe(found);
    expect((await stage.show()).members.map(member => member.name)).toEqual(before);
  });

  test('one that has the operation and fails in it is refused with what the kernel said, and is as it was', async () => {
    const stage = await withFixed();
    await stage.ip('link', 'set', 'fix0', 'up');
    await stage.ip('link', 'add', 'link', 'fix0', 'name', 'mac0', 'type', 'macvlan', 'mode', 'passthru');
    await stage.bond({}, ['eth0']);
    const own = stage.mac('mac0');
    const { status, stderr } = await stage.bondwire.command(['enslave', 'bond0', 'mac0']);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `bondwire: mac0 cannot join bond0, and is as it was: setting its MAC address to ${stage.mac('eth0')} failed: operation not supported on socket (EOPNOTSUPP): mode=active-backup with fail_over_mac=active changes no address of a member\n`,
    );
    expect(stage.mac('mac0')).toBe(own);
  });
});
