// How long 802.3ad takes on real interfaces: from set up to carrying, from a carrier that is back to carrying, until a silent cable is left, until a
// healed one carries again; with Bondwire at the other end and, where it is installed, Open vSwitch. Times are of events of the left end. They are
// printed, and decide nothing: `npm run bench:lacp` has twenty rounds, a test run one. Needs root, BPF, ip and ping; part of test:all.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { LACP_PEERS, type LacpPeer } from './support/lacp-peers.js';
import { until } from './support/stage.js';
import { closeEnds, TwoEnds } from './support/two-ends.js';

const ROUNDS = Number(process.env['BONDWIRE_ROUNDS'] ?? 1);
const FAST = { lacp_rate: 'fast', xmit_hash_policy: 'layer2+3' };
const CABLE = 'eth1';

afterEach(closeEnds);
vi.setConfig({ testTimeout: 120_000 + ROUNDS * 120_000 });

const pause = (forMs: number): Promise<void> => new Promise(resolve => setTimeout(resolve, forMs));

/** Whether the left end's events since say of its senders what is awaited, and how many milliseconds after that time. */
async function senders(ends: TwoEnds, sinceMs: number, includes: boolean): Promise<number | undefined> {
  const found = (await ends.left.events()).find(({ time, message }) => {
    if (Date.parse(time) < sinceMs || !message.includes('sends through')) return false;
    return (message.split(':')[0] ?? '').includes(CABLE) === includes;
  });
  return found === undefined ? undefined : Date.parse(found.time) - sinceMs;
}

/** Milliseconds until the cable is among those that carry, or no more. */
function untilSenders(ends: TwoEnds, sinceMs: number, includes: boolean): Promise<number> {
  return until(`${CABLE} is ${includes ? 'in' : 'out'}`, () => senders(ends, sinceMs, includes));
}

function told(what: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  console.log(`${what}: median ${at(0.5)} ms, longest ${at(1)} ms of ${sorted.length}`);
  expect(sorted.length).toBe(ROUNDS);
}

/** Many of one thing, one after the other. */
async function rounds(what: string, once: () => Promise<number>): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) times.push(await once());
  told(what, times);
}

/** A partner that is ours. */
const OURS = 'Bondwire';

interface Partner {
  readonly name: string;
  readonly start: (ends: TwoEnds) => Promise<void>;
  readonly peer: LacpPeer | null;
}

const PARTNERS: readonly Partner[] = [
  { name: OURS, peer: null, start: ends => ends.right.bond(FAST, ends.cables) },
  ...LACP_PEERS.filter(peer => peer.missing() === null).map(peer => ({
    name: peer.name,
    peer,
    start: (ends: TwoEnds) => peer.start(ends, { rate: 'fast' as const, active: true }),
  })),
];

for (const { name, peer, start } of PARTNERS)
  describe(`with ${name} at the other end`, () => {
    const open = async (options: Readonly<Record<string, string>>): Promise<TwoEnds> => {
      const ends = await TwoEnds.open(peer === null ? {} : { noDaemon: ['right'] });
      await start(ends);
      await ends.left.bond(options, ends.cables);
      await ends.left.agreed(...ends.cables);
      await ends.reached();
      return ends;
    };

    test('up, a carrier that is back, silence and its end', async () => {
      const ends = await open(FAST);
      await rounds(`${name}: from the bond set up to both ports carrying`, async () => {
        await ends.left.api.destroy('bond0');
        await ends.left.api.create({ name: 'bond0', options: { mode: '802.3ad', ...FAST } });
        await ends.left.api.enslave('bond0', { interfaces: ends.cables });
        const atMs = Date.now();
        await ends.left.api.up('bond0');
        const took = await untilSenders(ends, atMs, true);
        await ends.left.agreed(...ends.cables);
        return took;
      });
      await rounds(`${name}: from a carrier that is back to carrying`, async () => {
        ends.cut(CABLE);
        await ends.left.agreed('eth0');
        await pause(500);
        const atMs = Date.now();
        ends.mend(CABLE);
        const took = await untilSenders(ends, atMs, true);
        await ends.left.agreed(...ends.cables);
        return took;
      });
      const healed: number[] = [];
      await rounds(`${name}: a silent cable is left by LACP`, async () => {
        await pause(1000 + Math.random() * 1000);
        const atMs = Date.now();
        ends.silence(CABLE);
        const took = await untilSenders(ends, atMs, false);
        await pause(7000);
        const healedMs = Date.now();
        ends.heal(CABLE);
        healed.push(await untilSenders(ends, healedMs, true));
        await ends.left.agreed(...ends.cables);
        return took;
      });
      told(`${name}: from the end of a silence of nine seconds to carrying`, healed);
    });

    test('a silent cable with lacp_fast_silence=240', async () => {
      const ends = await open({ ...FAST, lacp_fast_silence: '240' });
      if (peer === null) await ends.right.bondwire.run('set', 'bond0', 'lacp_fast_silence=240');
      for (const at of [3, 4, 5, 6]) {
        const address = `10.8.0.${at}/24`;
        if (peer === null) await ends.right.api.addAddresses('bond0', { addresses: [address] });
        ends.left.spawn(['ping', '-q', '-i', '0.02', `10.8.0.${at}`], { stdio: 'ignore' });
      }
      ends.left.spawn(['ping', '-q', '-i', '0.02', ends.right.address], { stdio: 'ignore' });
      await rounds(`${name}: a silent cable is left with lacp_fast_silence=240`, async () => {
        await pause(7000 + Math.random() * 1000);
        const atMs = Date.now();
        ends.silence(CABLE);
        const took = await untilSenders(ends, atMs, false);
        ends.heal(CABLE);
        await ends.left.agreed(...ends.cables);
        return took;
      });
    });
  });
