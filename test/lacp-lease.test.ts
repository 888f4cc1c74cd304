// LACP that outlives its daemon, on real interfaces: one end's daemon is killed for longer than its partner waits, at the fast rate. Needs
// root, BPF, ip and ping; part of test:all. With LEASE_AWAY_SECONDS=600 the first test has no daemon for ten minutes.
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ManagedBondwire, type Meter } from '../src/lab/index.js';
import { listLinks, requireLink } from '../src/linux/index.js';
import { buildTomorrow } from './support/other-versions.js';
import { until } from './support/stage.js';
import { expectNoneLost, STREAM_RATE, streams } from './support/streams.js';
import { closeEnds, type End, TwoEnds } from './support/two-ends.js';

afterEach(closeEnds);
vi.setConfig({ testTimeout: 300_000 });

/** How long the partner waits for a LACPDU at the fast rate: three of its seconds. */
const TIMEOUT_MS = 3200;
/** How long the first test has no daemon. */
const AWAY_MS = Number(process.env['LEASE_AWAY_SECONDS'] ?? 0) * 1000 || 3 * TIMEOUT_MS;

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

async function last(end: End): Promise<number> {
  return (await end.events()).at(-1)?.seq ?? 0;
}

async function told(end: End, after = 0): Promise<string> {
  return (await end.events(after)).map(({ message }) => message).join('\n');
}

/** The partner has heard what the other end came to. */
async function settled(ends: TwoEnds, options: Readonly<Record<string, string>> = {}): Promise<void> {
  await ends.agreed({ lacp_rate: 'fast', xmit_hash_policy: 'layer3+4', ...options });
  await until('each has heard what the other came to', async () => {
    const shown = [await ends.left.show(), await ends.right.show()];
    return shown.every(({ members }) =>
      members.every(({ lacp }) => lacp?.actor.state === 63 && lacp.partner.state === 63),
    );
  });
}

describe('the daemon of one end is killed', () => {
  test(
    'for three times as long as its partner waits: nothing is lost, and the partner has nothing to tell',
    async () => {
      const ends = await TwoEnds.open();
      await settled(ends, { lacp_lease: '3600' });
      const before = await ends.left.show();
      const seen = await last(ends.right);
      const meters = await streams(ends);
      await ends.left.bondwire.stop('SIGKILL');
      await pause(AWAY_MS);
      expect((await ends.right.show()).members.map(({ lacp }) => lacp?.carries)).toEqual([true, true]);
      await ends.left.bondwire.start();
      await ends.left.agreed('eth0', 'eth1');
      await pause(TIMEOUT_MS);
      await expectNoneLost(meters);
      expect(await told(ends.right, seen)).toBe('');
      expect(await told(ends.left)).toMatch(
        /the programs said \d+ LACPDUs on eth0, eth1 meanwhile; their partners noticed nothing/,
      );
      const after = await ends.left.show();
      expect(after.members.map(({ lacp }) => [lacp?.actor, lacp?.partner])).toEqual(
        before.members.map(({ lacp }) => [lacp?.actor, lacp?.partner]),
      );
    },
    300_000 + AWAY_MS,
  );

  test('and the lease is over: the partner gives up in its own time', async () => {
    const ends = await TwoEnds.open();
    await settled(ends, { lacp_lease: '5' });
    const seen = await last(ends.right);
    await ends.left.bondwire.stop('SIGKILL');
    await pause(4000);
    expect(await told(ends.right, seen)).toBe('');
    await until('the partner gives up', async () =>
      (await ends.right.show()).members.every(({ lacp }) => lacp?.carries === false),
    );
    await ends.left.bondwire.start();
    await Promise.all([ends.left, ends.right].map(end => end.agreed('eth0', 'eth1')));
    await ends.reached();
  });

  test('and there is no lease: the partner gives up at once', async () => {
    const ends = await TwoEnds.open();
    await settled(ends, { lacp_lease: '0' });
    await ends.left.bondwire.stop('SIGKILL');
    await until('the partner gives up', async () =>
      (await ends.right.show()).members.every(({ lacp }) => lacp?.carries === false),
    );
  });

  test('a carrier that goes and comes ends the lease of that port alone', async () => {
    const ends = await TwoEnds.open();
    await settled(ends);
    await ends.left.bondwire.stop('SIGKILL');
    await pause(1500);
    ends.cut('eth1');
    await ends.right.agreed('eth0');
    ends.mend('eth1');
    await pause(TIMEOUT_MS);
    await ends.right.agreed('eth0');
    await ends.reached();
    await ends.left.bondwire.start();
    await until('it is told', async () => (await told(ends.left)).includes('it did not last on eth1'));
    await Promise.all([ends.left, ends.right].map(end => end.agreed('eth0', 'eth1')));
  });

  test('a bounce that the partner does not see ends it too', async () => {
    const ends = await TwoEnds.open();
    await settled(ends);
    await ends.left.bondwire.stop('SIGKILL');
    await pause(1500);
    ends.cut('eth1', 'left');
    ends.mend('eth1', 'left');
    await ends.right.agreed('eth0');
    await ends.reached();
  });

  test('a partner that speaks every 30 s and wants to hear something every second hears it', async () => {
    const ends = await TwoEnds.open();
    await Promise.all([
      ends.left.bond({ lacp_rate: 'slow' }, ends.cables),
      ends.right.bond({ lacp_rate: 'fast' }, ends.cables),
    ]);
    await Promise.all([ends.left, ends.right].map(end => end.agreed('eth0', 'eth1')));
    await until('the left end has heard what the right one came to', async () =>
      (await ends.left.show()).members.every(({ lacp }) => lacp?.partner.state === 63),
    );
    const seen = await last(ends.right);
    await ends.left.bondwire.stop('SIGKILL');
    await pause(3 * TIMEOUT_MS);
    expect(await told(ends.right, seen)).toBe('');
    await ends.left.bondwire.start();
    await ends.left.agreed('eth0', 'eth1');
    expect(await told(ends.right, seen)).toBe('');
  });

  test('a cable that falls silent is left without a daemon', async () => {
    const ends = await TwoEnds.open();
    await settled(ends);
    const meters = await streams(ends);
    await ends.left.bondwire.stop('SIGKILL');
    await pause(1500);
    ends.silence('eth1');
    await ends.right.agreed('eth0');
    const flows = async (meter: Meter): Promise<void> => {
      const wanted = meter.progress.received + STREAM_RATE;
      await until('packets arrive', () => meter.progress.received >= wanted);
    };
    await Promise.all(meters.map(flows));
    for (const meter of meters) meter.stop();
    await Promise.all(meters.map(({ done }) => done));
    ends.heal('eth1');
    await ends.left.bondwire.start();
    await until('it is told', async () => (await told(ends.left)).includes('it did not last on eth1'));
    await Promise.all([ends.left, ends.right].map(end => end.agreed('eth0', 'eth1')));
  });

  test('and its bond is destroyed by the next one: what spoke for it is gone', async () => {
    const ends = await TwoEnds.open();
    await settled(ends);
    const ours = (): string[] =>
      listLinks(ends.left.place.netlink).flatMap(({ name = '' }) => (name.startsWith('bw') ? [name] : []));
    expect(ours()).toHaveLength(4);
    await ends.left.bondwire.stop('SIGKILL');
    await ends.left.bondwire.start();
    await ends.left.api.destroy('bond0');
    expect(ours()).toEqual([]);
  });

  test('a partner that changes is answered no more, and sent nothing once it does not listen', async () => {
    const ends = await TwoEnds.open();
    await settled(ends);
    await ends.left.bondwire.stop('SIGKILL');
    await pause(1500);
    await ends.right.bondwire.run('set', 'bond0', 'ad_actor_sys_prio=1000');
    await until('the partner gives up', async () =>
      (await ends.right.show()).members.every(({ lacp }) => lacp?.carries === false),
    );
    const sent = (): number =>
      ['eth0', 'eth1'].reduce(
        (sum, name) => sum + (requireLink(ends.left.place.netlink, name).statistics?.txPackets ?? 0),
        0,
      );
    await pause(1500);
    const quiet = sent();
    await ends.left.exec('ping', '-c', '3', '-i', '0.2', '-W', '1', ends.right.address);
    expect(sent()).toBe(quiet);
    await ends.left.bondwire.start();
    await Promise.all([ends.left, ends.right].map(end => end.agreed('eth0', 'eth1')));
    await ends.reached();
  });
});

describe('the daemon is started anew', () => {
  test('twenty times, killed or in order: the partner has nothing to tell', async () => {
    const ends = await TwoEnds.open();
    await settled(ends);
    const seen = await last(ends.right);
    const meters = await streams(ends);
    for (let turn = 0; turn < 20; turn++) {
      await ends.left.bondwire.stop(turn % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
      await ends.left.bondwire.start();
    }
    await ends.left.agreed('eth0', 'eth1');
    await pause(TIMEOUT_MS);
    await expectNoneLost(meters);
    expect(await told(ends.right, seen)).toBe('');
  }, 900_000);

  test('twenty times by another version, with another layout of the shared state, and back: the partner has nothing to tell', async () => {
    const tomorrow = buildTomorrow();
    try {
      const ends = await TwoEnds.open();
      await settled(ends);
      const { runDir } = ends.left.bondwire;
      const spawn = (argv: readonly string[]): ChildProcess => ends.left.spawn(argv);
      const others = new ManagedBondwire({ spawn, bin: tomorrow.bin, runDir });
      const seen = await last(ends.right);
      const meters = await streams(ends);
      for (let turn = 0; turn < 20; turn++) {
        const [before, next] = turn % 2 === 0 ? [ends.left.bondwire, others] : [others, ends.left.bondwire];
        await before.stop('SIGTERM');
        // Longer than until the programs speak: what they said is known to the next daemon, whose state has another layout.
        if (turn === 0) await pause(2500);
        await next.start();
        expect((await ends.left.api.status()).adopted).toEqual(['bond0']);
      }
      expect(await told(ends.left)).toMatch(/the programs said \d+ LACPDUs on eth0, eth1 meanwhile/);
      await ends.left.agreed('eth0', 'eth1');
      await pause(TIMEOUT_MS);
      await expectNoneLost(meters);
      expect(await told(ends.right, seen)).toBe('');
    } finally {
      tomorrow.remove();
    }
  }, 900_000);

  test('after it ended in order, for longer than its lease: that was made long', async () => {
    const ends = await TwoEnds.open();
    await settled(ends, { lacp_lease: '3' });
    const seen = await last(ends.right);
    await ends.left.bondwire.stop('SIGTERM');
    await pause(3000 + 2 * TIMEOUT_MS);
    expect(await told(ends.right, seen)).toBe('');
    await ends.left.bondwire.start();
    await ends.left.agreed('eth0', 'eth1');
    expect(await told(ends.right, seen)).toBe('');
  });
});

describe('on the user-space data plane', () => {
  const linksOf = (pid: number): string[] =>
    readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        return [];
      }
    });

  /** The daemon that waits for the other's death has the packet sockets that the other one has. */
  async function prepared(end: End, daemon: number): Promise<void> {
    const supervisor = end.bondwire.pid ?? 0;
    const sockets = (pid: number): string[] => linksOf(pid).filter(link => link.startsWith('socket:'));
    await until('the next daemon waits', () => {
      const children = readdirSync(`/proc/${supervisor}/task`).flatMap(thread =>
        readFileSync(`/proc/${supervisor}/task/${thread}/children`, 'utf8').split(' ').map(Number),
      );
      const next = children.find(pid => pid > 0 && pid !== daemon);
      const kept = sockets(supervisor).filter(socket => sockets(daemon).includes(socket));
      return next !== undefined && kept.length > 0 && kept.every(socket => sockets(next).includes(socket));
    });
  }

  test('the supervisor has the next daemon there before a partner misses anything', async () => {
    const ends = await TwoEnds.open({ daemonArgs: ['--supervise'] });
    try {
      await settled(ends, { data_plane: 'userspace' });
      const seen = await last(ends.right);
      for (let death = 0; death < 3; death++) {
        const { pid } = await ends.left.api.status();
        await prepared(ends.left, pid);
        process.kill(pid, 'SIGKILL');
        await until('another daemon answers', async () => {
          const now = await ends.left.api.status().catch(() => undefined);
          return now !== undefined && now.pid !== pid;
        });
        await pause(TIMEOUT_MS);
      }
      expect(await told(ends.right, seen)).toBe('');
      await ends.left.agreed('eth0', 'eth1');
    } finally {
      // With SIGKILL the daemons would go on.
      await Promise.all([ends.left, ends.right].map(end => end.bondwire.stop('SIGTERM')));
    }
  });
});
