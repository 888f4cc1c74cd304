// queue_id: what was put into a transmit queue of the bond leaves by the member that is tied to it (kernel bond_slave_override).
// Real interfaces; needs root and BPF; part of test:all. XPS chooses the queue here; `tc ... action skbedit queue_mapping` does in the howto.
import { afterEach, describe, expect, test } from 'vitest';
import { PacketSocket, requireLink, steerTransmit } from '../src/linux/index.js';
import { NEVER } from './support/data-plane-stage.js';
import { closeStages, Stage } from './support/stage.js';

afterEach(closeStages);

const FRAMES = 60;

function counts(stage: Stage): number[] {
  return stage.lab.members.map(name => stage.lab.link('host', name)?.statistics?.txPackets ?? 0);
}

/** Sends frames of an experimental type on the bond, from a queue of it, and gives how many each member sent. */
function sentFrom(stage: Stage, queue: number): number[] {
  const { lab } = stage;
  const frame = new Uint8Array(60).fill(0xff, 0, 6).fill(2, 6, 12).fill(0x88, 12, 14);
  return lab.inside('host', () => {
    steerTransmit('bond0', queue);
    const { ifindex } = requireLink(lab.netlink('host'), 'bond0');
    const socket = PacketSocket.open({ ifindex, protocol: 0 });
    const before = counts(stage);
    for (let i = 0; i < FRAMES; i++) socket.send(frame);
    socket.close();
    let sent: number[] = [];
    for (let tries = 0; tries < 500; tries++) {
      sent = counts(stage).map((count, i) => count - (before[i] ?? 0));
      if (sent.reduce((sum, count) => sum + count, 0) >= FRAMES) break;
      Atomics.wait(NEVER, 0, 0, 2);
    }
    steerTransmit('bond0', 0);
    return sent;
  });
}

describe.each(['active-backup', 'balance-rr'])('mode=%s', mode => {
  test('a queue that is tied to a member leaves by it, while it can send, with and without a daemon', async () => {
    const stage = await Stage.open();
    await stage.bond({ mode });
    const untied = mode === 'balance-rr' ? [FRAMES / 2, FRAMES / 2] : [FRAMES, 0];
    // Turns are counted for each processor, and the sender may change it.
    const near = (sent: readonly number[]) =>
      sent.map((count, i) => (Math.abs(count - (untied[i] ?? 0)) <= 4 ? (untied[i] ?? 0) : count));
    expect(near(sentFrom(stage, 2))).toEqual(untied);
    await stage.api.set('bond0', { options: { queue_id: 'eth1:2' } });
    expect((await stage.show()).options['queue_id']).toEqual(['eth0:0', 'eth1:2']);
    expect(near(sentFrom(stage, 0))).toEqual(untied);
    expect(near(sentFrom(stage, 3))).toEqual(untied);
    expect(sentFrom(stage, 2)).toEqual([0, FRAMES]);
    await stage.bondwire.stop('SIGKILL');
    expect(sentFrom(stage, 2)).toEqual([0, FRAMES]);
    stage.lab.cut('eth1');
    expect(sentFrom(stage, 2)).toEqual([FRAMES, 0]);
    stage.lab.restore('eth1');
    await stage.bondwire.start();
    await stage.up('eth1');
    expect((await stage.show()).options['queue_id']).toEqual(['eth0:0', 'eth1:2']);
    expect(sentFrom(stage, 2)).toEqual([0, FRAMES]);
    await stage.api.set('bond0', { options: { queue_id: 'eth1:0' } });
    await stage.api.set('bond0', { options: { queue_id: 'eth0:2' } });
    expect(sentFrom(stage, 2)).toEqual([FRAMES, 0]);
  });
});

test('other modes and the user-space data plane do not have it: the one takes no notice, the other refuses', async () => {
  const stage = await Stage.open();
  await stage.bond({ mode: 'broadcast' });
  await stage.api.set('bond0', { options: { queue_id: 'eth1:2' } });
  const before = counts(stage);
  sentFrom(stage, 2);
  expect(counts(stage).map((count, i) => count - (before[i] ?? 0) >= FRAMES / 2)).toEqual([true, true]);
  await stage.api.destroy('bond0');
  await stage.bond({ data_plane: 'userspace' });
  await expect(stage.api.set('bond0', { options: { queue_id: 'eth1:2' } })).rejects.toThrow(
    'queue_id=eth1:2 was refused: the user-space data plane cannot carry it out here: a packet socket does not tell the queue of a frame; leave it at 0.',
  );
  expect((await stage.show()).options['queue_id']).toEqual(['eth0:0', 'eth1:0']);
});
