// balance-rr, balance-xor, broadcast and balance-tlb on real interfaces and both data planes: one of two members is cut under a
// stream of packets and comes back, with a daemon and (eBPF) while none runs; no packet is lost. Needs root.
import { afterEach, describe, expect, test } from 'vitest';
import { closeStages, Stage, until } from './support/stage.js';
import { expectNothingLost, Traffic } from './support/traffic.js';

afterEach(closeStages);

const RATE = 1000;
const MODES = [
  ['balance-rr', {}],
  ['balance-rr', { packets_per_slave: '0' }],
  ['balance-xor', {}],
  ['balance-xor', { xmit_hash_policy: 'layer3+4' }],
  ['balance-xor', { xmit_hash_policy: 'encap2+3' }],
  ['broadcast', {}],
  ['balance-tlb', {}],
  ['balance-tlb', { tlb_dynamic_lb: '0', xmit_hash_policy: 'layer3+4' }],
] as const;

/** Frames that each member has sent. */
function sent(stage: Stage): number[] {
  return stage.lab.members.map(name => stage.lab.link('host', name)?.statistics?.txPackets ?? 0);
}

async function forwards(stage: Stage, member: string): Promise<void> {
  await stage.up(member);
  const port = stage.lab.cables[member] ?? '';
  await until('the switch forwards again', () => stage.lab.link('switch', port)?.operationalState === 'up');
}

describe.each(MODES)('%s %o (H10, H12, H13, H16, H50, H53)', (mode, options) => {
  test.each(['ebpf', 'userspace'])(
    'a member is cut, comes back, and the other is cut: nothing is lost (%s)',
    async plane => {
      const stage = await Stage.open();
      await stage.bond({ mode, ...options, data_plane: plane });
      expect((await stage.show()).dataPlane).toBe(plane);
      const traffic = await Traffic.start(stage, RATE);
      for (const member of ['eth0', 'eth1', 'eth0']) {
        stage.lab.cut(member);
        await until(`${member} is down`, async () => (await stage.member(member)).miiStatus === 'down');
        await traffic.flowing();
        stage.lab.restore(member);
        await forwards(stage, member);
        await traffic.flowing();
      }
      expectNothingLost(
        await traffic.report(`${mode} ${JSON.stringify(options)}, ${plane}`),
        mode === 'broadcast',
      );
      expect((await stage.show()).members.map(member => member.linkFailureCount)).toEqual([2, 1]);
    },
  );

  test('the same while no daemon runs, and the next one takes over', async () => {
    const stage = await Stage.open();
    await stage.bond({ mode, ...options });
    const traffic = await Traffic.start(stage, RATE);
    await stage.bondwire.stop('SIGKILL');
    await traffic.flowing();
    stage.lab.cut('eth0');
    await traffic.flowing();
    const before = sent(stage);
    await stage.bondwire.start();
    await traffic.flowing();
    const bond = await stage.show();
    // Where one is the active member, the programs have moved to the other.
    expect(bond).toMatchObject({ mode, active: mode === 'balance-tlb' ? 'eth1' : null });
    expect(bond.members.map(member => [member.linkFailureCount, member.miiStatus])).toEqual([
      [1, 'down'],
      [0, 'up'],
    ]);
    const after = sent(stage);
    expect(after[0]).toBe(before[0]);
    expect(after[1]).toBeGreaterThan(before[1] ?? 0);
    stage.lab.restore('eth0');
    await forwards(stage, 'eth0');
    await traffic.flowing();
    expectNothingLost(
      await traffic.report(`${mode} ${JSON.stringify(options)}, no daemon`),
      mode === 'broadcast',
    );
  });
});
