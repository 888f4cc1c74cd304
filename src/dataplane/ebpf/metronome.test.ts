// The metronome: what its program says at a beat and what it notices, over real devices; and the bridge that beats. Needs root.
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { type LacpEnd, lacpduFrame, parseSlowFrame } from '../../frames/index.js';
import {
  createBridge,
  createNamedNetns,
  deleteNamedNetns,
  ETH_P_ALL,
  Ethtool,
  getLink,
  listLinks,
  monotonicNs,
  netnsPath,
  PacketSocket,
  requireLink,
  Rtnetlink,
  withNetns,
} from '../../linux/index.js';
import { AWAY_NS } from './lease-program.js';
import { BondMetronome } from './bond-metronome.js';
import { makeMetronome, metronomeOf, removeMetronome } from './metronome.js';
import type { DeviceReader } from './program-parts.js';
import { MEMBER_FLAGS } from './shared-state.js';
import { ProgramBench } from './testing.js';
import { Toolbox } from './toolbox.js';

const best = Toolbox.probe().context.reader;
const READERS: readonly DeviceReader[] = best === 'cast' ? ['cast', 'probe'] : best === 'probe' ? [best] : [];
const SECOND = 1_000_000_000n;
const END: LacpEnd = {
  systemPriority: 65535,
  system: '02:00:00:00:00:01',
  key: 15,
  portPriority: 255,
  port: 1,
  state: 0x3f,
};

function frameOf(state: number, port: number): Uint8Array {
  const actor = { ...END, system: '02:00:00:00:00:99', port, state };
  const frame = lacpduFrame('02:00:00:00:00:77', { actor, partner: END });
  if (!frame.ok) throw new Error(frame.error);
  return frame.value;
}

/** The port that the first LACPDU of those that wait names; the kernel sends frames of its own there. Null: there is none. */
function portHeard(socket: PacketSocket): number | null {
  for (;;) {
    const frame = socket.receive();
    if (frame === undefined) return null;
    const slow = parseSlowFrame(frame.data);
    if (slow.ok && slow.value.kind === 'lacpdu') return slow.value.pdu.actor.port;
  }
}

describe.each(READERS)('a beat, every reader of devices: %s', reader => {
  let bench: ProgramBench;
  const leases = () => bench.state.leases;
  const lease = (slot: number, { partner = 0x3f, heardNs = monotonicNs(), ms = 3000 } = {}): void => {
    leases().end(slot);
    leases().store(
      slot,
      {
        expected: frameOf(partner, 11 + slot),
        answer: frameOf(0x3f, 1 + slot),
        silenceNs: BigInt(ms) * 1_000_000n,
        carrierDowns: requireLink(bench.netlink, `m${slot}`).carrierDownCount ?? -1,
      },
      heardNs,
    );
  };
  const away = (untilNs = monotonicNs() + 60n * SECOND): void => {
    leases().beat(monotonicNs() - BigInt(AWAY_NS));
    leases().last(untilNs);
  };
  const said = (): (number | undefined)[] => [0, 1].map(slot => leases().seen(slot)?.said);
  const isUsed = (slot: number): boolean => (bench.state.memberFlags(slot) & MEMBER_FLAGS.usable) !== 0;

  beforeEach(() => {
    bench = ProgramBench.open(Toolbox.probe({ reader }), 3);
    // A device with its carrier sends nothing before the kernel's linkwatch has run, which this asks for.
    bench.inside(() => {
      const ethtool = Ethtool.open();
      for (const name of ['m0', 'm1', 'm2']) ethtool.linkDetected(name);
      ethtool.close();
    });
    for (const slot of [0, 1]) lease(slot);
  });
  afterEach(() => bench.close());

  it('says to each partner what it is answered, out of its member', () => {
    away();
    const far = bench.inside(() =>
      ['x0', 'x1', 'x2'].map(name =>
        PacketSocket.open({ ifindex: requireLink(bench.netlink, name).ifindex, protocol: ETH_P_ALL }),
      ),
    );
    try {
      bench.beat([0, 1, 2]);
      expect(far.map(portHeard)).toEqual([1, 2, null]);
      expect(said()).toEqual([1, 1]);
    } finally {
      for (const socket of far) socket.close();
    }
  });

  it('says nothing while the daemon is there, nor when the lease is over or ended, nor to whom was answered just now', () => {
    leases().last(monotonicNs() + 60n * SECOND);
    leases().beat(monotonicNs());
    bench.beat([0, 1]);
    expect(said()).toEqual([0, 0]);
    away(monotonicNs() - 1n);
    bench.beat([0, 1]);
    expect(said()).toEqual([0, 0]);
    away();
    bench.beat([0, 1]);
    bench.beat([0, 1]);
    expect(said()).toEqual([1, 1]);
  });

  it('speaks every 30 s to a partner that wants no more', () => {
    lease(0, { partner: 0x3d });
    away();
    bench.beat([0, 1]);
    expect(said()).toEqual([1, 1]);
    lease(1);
    expect([leases().seen(0)?.said, leases().seen(1)?.said]).toEqual([1, 1]);
  });

  it('takes a member out of use whose partner was silent for too long, and no other', () => {
    lease(0, { heardNs: monotonicNs() - 4n * SECOND });
    away();
    bench.beat([0, 1]);
    expect([isUsed(0), isUsed(1), said()]).toEqual([false, true, [0, 1]]);
    expect(leases().seen(0)).toMatchObject({ hasEnded: true });
    expect(leases().seen(0)?.cutNs).toBeGreaterThan(0n);
    lease(1, { heardNs: monotonicNs() - 4n * SECOND, ms: 90_000 });
    bench.beat([0, 1]);
    expect(isUsed(1)).toBe(true);
  });

  it('notices silence when the lease is over, too, and leaves it to a daemon that is there', () => {
    lease(0, { heardNs: monotonicNs() - 4n * SECOND });
    leases().beat(monotonicNs());
    bench.beat([0]);
    expect(isUsed(0)).toBe(true);
    away(monotonicNs() - 1n);
    bench.beat([0]);
    expect(isUsed(0)).toBe(false);
  });

  it('says nothing on a link that was away', () => {
    bench.setCarrier(0, false);
    away();
    bench.beat([0]);
    bench.setCarrier(0, true);
    bench.beat([0]);
    expect(leases().seen(0)).toMatchObject({ said: 0, hasEnded: true });
  });
});

describe.runIf(best !== 'none')('the bridge', () => {
  const NETNS = `bw${process.pid}beat`;
  let netlink: Rtnetlink;
  const inside = <T>(work: () => T): T => withNetns(netnsPath(NETNS), work);
  beforeEach(() => {
    createNamedNetns(NETNS);
    netlink = inside(() => Rtnetlink.open());
  });
  afterEach(() => {
    netlink.close();
    deleteNamedNetns(NETNS);
  });
  const names = (): string[] => listLinks(netlink).flatMap(({ name = '' }) => (name === 'lo' ? [] : [name]));

  test('beats once a second, and goes without a trace, whatever is left of it', async () => {
    const metronome = metronomeOf('bwl-1234abcd');
    const end = inside(() => makeMetronome(netlink, metronome, 'bwl-1234abcd'));
    expect(names().toSorted()).toEqual(['bwl-1234abcdb', 'bwl-1234abcde', 'bwl-1234abcdp']);
    const ears = inside(() => PacketSocket.open({ ifindex: end, protocol: ETH_P_ALL }));
    const beats: number[] = [];
    ears.watch(({ data }) => {
      // 01:80:c2:00:00:00: STP.
      if (data[0] === 1 && data[5] === 0) beats.push(performance.now());
    });
    await expect.poll(() => beats.length, { timeout: 60_000 }).toBeGreaterThan(4);
    ears.close();
    const took = (beats.at(-1) ?? 0) - (beats[0] ?? 0);
    expect(took / (beats.length - 1)).toBeGreaterThan(900);
    removeMetronome(netlink, metronome);
    expect(names()).toEqual([]);
    inside(() => createBridge(netlink, { name: metronome.bridge }));
    removeMetronome(netlink, metronome);
    removeMetronome(netlink, metronome);
    expect(names()).toEqual([]);
  }, 90_000);

  test('interfaces that are not ours stay', () => {
    const metronome = metronomeOf('bwl-1234abcd');
    inside(() => createBridge(netlink, { name: 'br0' }));
    inside(() => createBridge(netlink, { name: metronome.bridge, alias: 'of somebody' }));
    removeMetronome(netlink, metronome);
    expect(names().toSorted()).toEqual(['br0', metronome.bridge]);
    expect(() => inside(() => makeMetronome(netlink, metronome, 'bwl-1234abcd'))).toThrow('EEXIST');
    expect(getLink(netlink, metronome.end)).toBeUndefined();
  });

  test('where it cannot be made that is said, and not tried again', () => {
    const lowerName = 'bwl-1234abcd';
    const { bridge } = metronomeOf(lowerName);
    inside(() => createBridge(netlink, { name: bridge, alias: 'of somebody' }));
    const acts: string[] = [];
    const metronome = new BondMetronome({
      lowerName,
      context: Toolbox.probe().context,
      hooks: () => ({ netlink, pins: expect.unreachable, mapId: undefined }) as never,
      load: () => expect.unreachable('nothing is loaded'),
      wish: () => ({}),
      noted: () => undefined,
      note: () => void acts.push('note'),
      hold: () => {},
    });
    inside(() => metronome.speakFor([0]));
    expect(metronome.problem).toContain('EEXIST');
    metronome.speakFor([0, 1]);
    expect([acts, names()]).toEqual([['note'], [bridge]]);
  });
});
