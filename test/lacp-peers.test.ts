// 802.3ad with partners that are not ours: the kernel's driver (in a guest, test/guest/lacp.test.ts) and Open vSwitch. With each:
// negotiation, a cut, a silent cable, another key, another priority, a restart of either side, at both rates, active and passive. A partner that this machine
// has not is left out, with the reason in the name of its test. Without our daemon they hear of us by the lease's programs (LEASE_AWAY_SECONDS=600: for ten
// minutes). Needs root, BPF, ip and ping; part of test:all.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { LACP_PEERS, type LacpPeer, type PeerOptions } from './support/lacp-peers.js';
import { until } from './support/stage.js';
import { expectNoneLost, streams } from './support/streams.js';
import { closeEnds, TwoEnds } from './support/two-ends.js';

afterEach(closeEnds);
vi.setConfig({ testTimeout: 600_000 });

const HASHED = { xmit_hash_policy: 'layer3+4', lacp_lease: '3600' };

/** How long there is no daemon: three times as long as a partner waits at the fast rate. */
const AWAY_MS = Number(process.env['LEASE_AWAY_SECONDS'] ?? 0) * 1000 || 9600;

/** Both sides send by these cables, and no others. */
async function both(ends: TwoEnds, peer: LacpPeer, ...cables: string[]): Promise<void> {
  await ends.left.agreed(...cables);
  await until(`${peer.name} sends by ${cables.join(', ')}`, async () => {
    return (await peer.carrying(ends)).join() === cables.join();
  });
}

async function joined(
  peer: LacpPeer,
  theirs: PeerOptions,
  ours: Readonly<Record<string, string>> = {},
): Promise<TwoEnds> {
  const ends = await TwoEnds.open({ noDaemon: ['right'] });
  await peer.start(ends, theirs);
  await ends.left.bond({ lacp_rate: theirs.rate, ...ours }, ends.cables);
  await both(ends, peer, 'eth0', 'eth1');
  await ends.reached();
  return ends;
}

/** How both ends speak. */
const WAYS: readonly (PeerOptions & {
  readonly ours: Readonly<Record<string, string>>;
  readonly what: string;
})[] = [
  { what: 'fast, both active', rate: 'fast', active: true, ours: {} },
  { what: 'slow, both active', rate: 'slow', active: true, ours: {} },
  { what: 'fast, it is passive', rate: 'fast', active: false, ours: {} },
  { what: 'slow, we are passive', rate: 'slow', active: true, ours: { lacp_active: 'off' } },
  { what: 'we ask for fast, it for slow', rate: 'slow', active: true, ours: { lacp_rate: 'fast' } },
];

for (const peer of LACP_PEERS) {
  const why = peer.missing();
  describe.runIf(why === null)(why === null ? peer.name : `${peer.name}: left out, as ${why}`, () => {
    test.each(WAYS)('a cut and a cable put back: $what', async ({ ours, ...theirs }) => {
      const ends = await joined(peer, theirs, ours);
      ends.cut('eth0');
      await both(ends, peer, 'eth1');
      await ends.reached();
      ends.mend('eth0');
      await both(ends, peer, 'eth0', 'eth1');
      await ends.reached();
    });

    test('a cable that falls silent is left by both at the fast rate, and taken back when it carries again', async () => {
      const ends = await joined(peer, { rate: 'fast', active: true });
      ends.silence('eth1');
      await both(ends, peer, 'eth0');
      await ends.reached();
      ends.heal('eth1');
      await both(ends, peer, 'eth0', 'eth1');
      await ends.reached();
    });

    test('either side is started again', async () => {
      const ends = await joined(peer, { rate: 'fast', active: true });
      await ends.left.bondwire.stop('SIGKILL');
      await ends.left.bondwire.start();
      await both(ends, peer, 'eth0', 'eth1');
      await ends.reached();
      await peer.stop(ends);
      await until('we noticed', async () =>
        (await ends.left.show()).members.every(({ lacp }) => lacp?.receive !== 'current'),
      );
      await peer.start(ends, { rate: 'fast', active: true });
      await both(ends, peer, 'eth0', 'eth1');
      await ends.reached();
    });

    test(
      'our daemon is killed for three times as long as it waits: it goes on sending by both, and nothing is lost',
      async () => {
        const ends = await joined(peer, { rate: 'fast', active: true }, HASHED);
        await until('it was heard in sync', async () =>
          (await ends.left.show()).members.every(({ lacp }) => lacp?.partner.state === 63),
        );
        const meters = await streams(ends);
        await ends.left.bondwire.stop('SIGKILL');
        const untilMs = performance.now() + AWAY_MS;
        const seen = new Set<string>();
        while (performance.now() < untilMs) {
          seen.add((await peer.carrying(ends)).join());
          await new Promise(resolve => setTimeout(resolve, 250));
        }
        expect([...seen]).toEqual(['eth0,eth1']);
        await ends.left.bondwire.start();
        await both(ends, peer, 'eth0', 'eth1');
        await expectNoneLost(meters);
        const told = (await ends.left.events()).map(({ message }) => message).join('\n');
        expect(told).toMatch(
          /the programs said \d+ LACPDUs on eth0, eth1 meanwhile; their partners noticed nothing/,
        );
      },
      600_000 + AWAY_MS,
    );

    test.runIf(!peer.lacks.includes('keys'))('another key of the partner is followed', async () => {
      const ends = await joined(peer, { rate: 'fast', active: true });
      await peer.setKey(ends, 77);
      await until('both ports heard of it', async () =>
        (await ends.left.show()).members.every(({ lacp }) => lacp?.partner.key === 77),
      );
      await both(ends, peer, 'eth0', 'eth1');
      await ends.reached();
    });

    test('another system priority of the partner is followed', async () => {
      const ends = await joined(peer, { rate: 'fast', active: true });
      await peer.setSystemPriority(ends, 4000);
      await until('both ports heard of it', async () =>
        (await ends.left.show()).members.every(({ lacp }) => lacp?.partner.systemPriority === 4000),
      );
      await both(ends, peer, 'eth0', 'eth1');
      await ends.reached();
    });
  });
}
