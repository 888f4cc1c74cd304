// The reflex, run on crafted LACPDUs over real devices: what is answered, what ends a lease, what takes a member out of use.
// Needs root. What it costs is in `npm run bench:programs`.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lacpduFrame, type Lacpdu, type LacpEnd, PORT_STATE } from '../../frames/index.js';
import { monotonicNs, requireLink } from '../../linux/index.js';
import { AWAY_NS, LEAST_GAP_NS } from './lease-program.js';
import type { DeviceReader } from './program-parts.js';
import { MEMBER_FLAGS, NO_SLOT, SHARED_FLAGS } from './shared-state.js';
import { ProgramBench, VERDICT } from './testing.js';
import { Toolbox } from './toolbox.js';

const best = Toolbox.probe().context.reader;
const READERS: readonly DeviceReader[] = best === 'cast' ? ['cast', 'probe'] : best === 'probe' ? [best] : [];
const toolboxes = new Map(READERS.map(reader => [reader, Toolbox.probe({ reader })]));

const { ACTIVITY, TIMEOUT, AGGREGATION, SYNCHRONIZATION, COLLECTING, DISTRIBUTING, DEFAULTED, EXPIRED } =
  PORT_STATE;
const CARRYING = ACTIVITY | TIMEOUT | AGGREGATION | SYNCHRONIZATION | COLLECTING | DISTRIBUTING;
const US: LacpEnd = {
  systemPriority: 65535,
  system: '02:00:00:00:00:01',
  key: 15,
  portPriority: 255,
  port: 1,
  state: CARRYING,
};
const PARTNER: LacpEnd = { ...US, system: '02:00:00:00:00:99', key: 7, port: 11 };
const SECOND = 1_000_000_000n;

function frameOf(actor: LacpEnd, partner: LacpEnd): Uint8Array {
  const frame = lacpduFrame('02:00:00:00:00:77', { actor, partner } satisfies Lacpdu);
  if (!frame.ok) throw new Error(frame.error);
  return frame.value;
}
const EXPECTED = frameOf(PARTNER, US);
const changed = (change: Partial<LacpEnd>, view: Partial<LacpEnd> = {}): Uint8Array =>
  frameOf({ ...PARTNER, ...change }, { ...US, ...view });
const differently = (change: (frame: Uint8Array) => void): Uint8Array => {
  const frame = EXPECTED.slice();
  change(frame);
  return frame;
};

describe.each(READERS)('every reader of devices: %s', reader => {
  let bench: ProgramBench;
  const leases = () => bench.state.leases;
  const downs = (slot: number): number =>
    requireLink(bench.netlink, `m${slot}`).carrierDownCount ?? expect.unreachable('no count');
  const lease = (slot = 0): void =>
    leases().store(
      slot,
      {
        expected: EXPECTED,
        answer: frameOf(US, PARTNER),
        silenceNs: 3n * SECOND,
        carrierDowns: downs(slot),
      },
      1n,
    );
  const beat = (at: bigint, until: bigint): void => {
    leases().beat(at);
    leases().last(until);
  };
  /** The daemon is away, and its lease holds for another minute. */
  const away = (): void => beat(monotonicNs() - BigInt(AWAY_NS), monotonicNs() + 60n * SECOND);
  const isUsed = (slot = 0): boolean => (bench.state.memberFlags(slot) & MEMBER_FLAGS.usable) !== 0;
  const hasEnded = (): boolean | undefined => leases().seen(0)?.hasEnded;

  beforeEach(() => {
    const toolbox = toolboxes.get(reader) ?? expect.unreachable('it was found');
    expect(toolbox.context.reader).toBe(reader);
    bench = ProgramBench.open(toolbox, 2);
    bench.state.flags = SHARED_FLAGS.pass | SHARED_FLAGS.keepSlow;
    bench.kind = { mode: '802.3ad', hashPolicy: 'layer2' };
    bench.state.setOrder([0, 1], 2);
    lease();
  });
  afterEach(() => bench.close());

  it('answers out of the same member what it expects, and notes when that was', () => {
    away();
    const before = monotonicNs();
    expect(bench.receive(0, EXPECTED)).toBe(bench.ifindex(0));
    expect(leases().seen(0)).toMatchObject({ hasEnded: false, said: 1, cutNs: 0n });
    expect(leases().seen(0)?.heardNs).toBeGreaterThanOrEqual(before);
    expect(leases().seen(0)?.heardNs).toBeLessThanOrEqual(monotonicNs());
    expect(leases().seen(1)).toBeUndefined();
  });

  it('says nothing while the daemon is there, but notes when the partner was heard', () => {
    beat(monotonicNs(), monotonicNs() + 60n * SECOND);
    expect(bench.receive(0, EXPECTED)).toBe(VERDICT.pass);
    expect(leases().seen(0)).toMatchObject({ said: 0, hasEnded: false });
    expect(leases().seen(0)?.heardNs).toBeGreaterThan(1n);
  });

  it('says nothing when the lease is over', () => {
    beat(monotonicNs() - 9n * SECOND, monotonicNs() - 1n);
    expect(bench.receive(0, EXPECTED)).toBe(VERDICT.pass);
    expect(leases().seen(0)?.said).toBe(0);
  });

  it('speaks at most three times a second', () => {
    away();
    for (let turn = 0; turn < 5; turn++) bench.receive(0, EXPECTED, 100);
    const { said = 0 } = leases().seen(0) ?? {};
    expect(said).toBeGreaterThan(0);
    const took = monotonicNs() - (leases().daemonNs + BigInt(AWAY_NS));
    expect(said).toBeLessThanOrEqual(1 + Number(took / BigInt(LEAST_GAP_NS)));
  });

  it.each([
    ['longer than it need be', new Uint8Array([...EXPECTED, ...new Uint8Array(40)])],
    ['of a partner that does not distribute', changed({ state: CARRYING & ~DISTRIBUTING })],
    ['that knows us by other flags', changed({}, { state: US.state & ~(DISTRIBUTING | ACTIVITY) })],
  ])('takes a LACPDU %s', (_, frame) => {
    away();
    expect(bench.receive(0, frame)).toBe(bench.ifindex(0));
  });

  it.each([
    ['its priority', changed({ systemPriority: 1 })],
    ['its system', changed({ system: '02:00:00:00:00:98' })],
    ['its key', changed({ key: 8 })],
    ['the priority of its port', changed({ portPriority: 254 })],
    ['its port', changed({ port: 12 })],
    ['whether it is active', changed({ state: CARRYING & ~ACTIVITY })],
    ['how often it wants to hear us', changed({ state: CARRYING & ~TIMEOUT })],
    ['whether it aggregates', changed({ state: CARRYING & ~AGGREGATION })],
    ['that it holds us for nobody', changed({ state: CARRYING | DEFAULTED })],
    ['that it did not hear us', changed({ state: CARRYING | EXPIRED })],
    ['our priority', changed({}, { systemPriority: 1 })],
    ['our system', changed({}, { system: '02:00:00:00:00:02' })],
    ['our key', changed({}, { key: 16 })],
    ['the priority of our port', changed({}, { portPriority: 1 })],
    ['our port', changed({}, { port: 2 })],
    ['that we are in sync', changed({}, { state: CARRYING & ~SYNCHRONIZATION })],
    ['that we aggregate', changed({}, { state: CARRYING & ~AGGREGATION })],
  ])('ends the lease when the partner says something else of %s', (_, frame) => {
    away();
    expect(bench.receive(0, frame)).toBe(VERDICT.pass);
    expect(leases().seen(0)).toMatchObject({ hasEnded: true, said: 0, heardNs: 1n });
    expect(bench.receive(0, EXPECTED)).toBe(VERDICT.pass);
    expect(leases().seen(0)?.said).toBe(0);
    expect(isUsed()).toBe(true);
  });

  it.each([
    ['is not in sync', SYNCHRONIZATION],
    ['does not collect', COLLECTING],
  ])('sends nothing to a partner that %s, from that frame on', (_, flag) => {
    away();
    bench.state.setMemberFlags(0, MEMBER_FLAGS.usable | MEMBER_FLAGS.acceptAlways);
    const before = monotonicNs();
    expect(bench.receive(0, changed({ state: CARRYING & ~flag }))).toBe(VERDICT.pass);
    expect(hasEnded()).toBe(true);
    expect(bench.state.memberFlags(0)).toBe(MEMBER_FLAGS.acceptAlways);
    expect(leases().seen(0)?.cutNs).toBeGreaterThanOrEqual(before);
    for (let last = 0; last < 4; last++)
      expect(bench.transmit(new Uint8Array(64).fill(last, 0, 12))).toBe(bench.ifindex(1));
  });

  it('sends nothing to it either when the lease ended before, or is over', () => {
    away();
    bench.receive(0, changed({ key: 8 }));
    expect(isUsed()).toBe(true);
    bench.receive(0, changed({ key: 8, state: CARRYING & ~COLLECTING }));
    expect(isUsed()).toBe(false);
    lease(1);
    beat(monotonicNs() - 9n * SECOND, monotonicNs() - SECOND);
    bench.receive(1, changed({ state: CARRYING & ~COLLECTING }));
    expect(isUsed(1)).toBe(false);
  });

  it('leaves it to a daemon that is there whether the member is used', () => {
    beat(monotonicNs(), monotonicNs() + 60n * SECOND);
    bench.receive(0, changed({ state: CARRYING & ~COLLECTING }));
    expect(isUsed()).toBe(true);
    expect(hasEnded()).toBe(true);
  });

  it('a carrier that was away ends the lease', () => {
    away();
    bench.setCarrier(0, false);
    expect(bench.receive(0, EXPECTED)).toBe(VERDICT.pass);
    expect(hasEnded()).toBe(false);
    bench.setCarrier(0, true);
    expect(bench.receive(0, EXPECTED)).toBe(VERDICT.pass);
    expect(leases().seen(0)).toMatchObject({ hasEnded: true, said: 0 });
    lease();
    expect(bench.receive(0, EXPECTED)).toBe(bench.ifindex(0));
  });

  it.each([
    ['shorter than a LACPDU', EXPECTED.slice(0, 123)],
    ['of markers', differently(frame => frame.fill(2, 14, 15))],
    ['of another slow protocol', differently(frame => frame.fill(10, 14, 15))],
    ['to somebody else, four bytes', differently(frame => frame.fill(0x81, 3, 4))],
    ['to somebody else, two bytes', differently(frame => frame.fill(3, 5, 6))],
  ])('leaves frames %s alone', (_, frame) => {
    away();
    bench.state.current = NO_SLOT;
    expect(bench.receive(0, frame)).toBe(bench.receive(1, frame));
    expect(leases().seen(0)).toMatchObject({ hasEnded: false, said: 0, heardNs: 1n });
  });

  it('leaves LACPDUs with a tag alone', () => {
    away();
    const tagged = new Uint8Array([...EXPECTED.slice(0, 12), 0x81, 0x00, 0x00, 0x05, ...EXPECTED.slice(12)]);
    bench.receive(0, tagged);
    expect(leases().seen(0)).toMatchObject({ hasEnded: false, said: 0, heardNs: 1n });
  });

  it('a slot without a lease says nothing, and a new member has none', () => {
    away();
    expect(bench.receive(1, EXPECTED)).toBe(VERDICT.pass);
    leases().end(0);
    expect(bench.receive(0, EXPECTED)).toBe(VERDICT.pass);
    expect(leases().seen(0)).toBeUndefined();
    lease();
    bench.receive(0, EXPECTED);
    bench.join(0, 'm0');
    lease();
    expect(leases().seen(0)).toMatchObject({ said: 0, heardNs: 1n });
  });

  it('a lease that is stored again as it was stays as it is', () => {
    away();
    bench.receive(0, EXPECTED);
    const { heardNs } = leases().seen(0) ?? {};
    lease();
    expect(leases().seen(0)).toMatchObject({ heardNs, said: 1 });
    bench.receive(0, changed({ key: 8 }));
    lease();
    expect(leases().seen(0)).toMatchObject({ hasEnded: false, heardNs: 1n });
  });
});
