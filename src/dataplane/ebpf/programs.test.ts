// The programs of a bond, run on crafted frames over real devices: who is chosen, what is noted, what is counted.
// Needs root.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { fromBytes } from '../../ebpf/index.js';
import { monotonicNs } from '../../linux/index.js';
import { MAX_MEMBERS } from '../limits.js';
import type { DeviceReader } from './program-parts.js';
import { DIVERSION, MEMBER_FLAGS, NO_SLOT } from './shared-state.js';
import { ProgramBench, VERDICT } from './testing.js';
import { Toolbox } from './toolbox.js';

const toolboxes = new Map<DeviceReader, Toolbox>();
/** Made once: reading the kernel's types takes a while. */
const toolboxFor = (reader: DeviceReader): Toolbox => {
  const toolbox = toolboxes.get(reader) ?? Toolbox.probe({ reader });
  toolboxes.set(reader, toolbox);
  return toolbox;
};
const best = Toolbox.probe().context.reader;
const READERS: readonly DeviceReader[] = best === 'cast' ? ['cast', 'probe', 'none'] : [best, 'none'];

let bench: ProgramBench;
const open = (reader: DeviceReader, members: number): ProgramBench => {
  const toolbox = toolboxFor(reader);
  expect(toolbox.context.reader).toBe(reader);
  bench = ProgramBench.open(toolbox, members);
  return bench;
};
afterEach(() => bench.close());

/** Runs a program over and over; this much of it in one call, so that it is running nearly all the time. */
const LINUX = new URL('../../../dist/linux/index.js', import.meta.url).href;
const RUNNER = `
  const { parentPort, workerData: { fd, linux, stop } } = require('node:worker_threads');
  import(linux).then(({ progTestRun }) => {
    let frames = 0;
    const targets = new Set(), data = new Uint8Array(64);
    const turn = () => {
      if (Atomics.load(stop, 0) === 1) return parentPort.postMessage({ frames, targets: [...targets] });
      for (let i = 0; i < 50; i++) targets.add(progTestRun(fd, { data, repeat: 200 }).retval);
      frames += 10000;
      setImmediate(turn);
    };
    parentPort.postMessage('ready');
    turn();
  });`;

/** A frame to this address. */
const to = (mac: string, length = 64): Uint8Array => {
  const frame = new Uint8Array(length);
  frame.set(mac.split(':').map(byte => Number.parseInt(byte, 16)));
  return frame;
};

describe.each(READERS)('every reader: %s', reader => {
  it('sends through current', () => {
    open(reader, 3);
    expect(bench.transmit()).toBe(bench.ifindex(0));
    bench.state.current = 2;
    expect(bench.transmit()).toBe(bench.ifindex(2));
    expect(bench.records()).toEqual([]);
  });

  it('counts a frame that finds no member, once, and notes when the first was', () => {
    open(reader, 0);
    const before = monotonicNs();
    bench.state.current = NO_SLOT;
    expect(bench.transmit(undefined, 5)).toBe(VERDICT.drop);
    expect(bench.state.drops).toBe(5);
    const loss = bench.state.takeLoss();
    expect(loss.packets).toBe(5);
    expect(loss.sinceNs).toBeGreaterThanOrEqual(before);
    expect(loss.sinceNs).toBeLessThanOrEqual(monotonicNs());
    expect(bench.state.takeLoss()).toEqual({ packets: 0, sinceNs: null });
    expect(bench.transmit()).toBe(VERDICT.drop);
    expect(bench.state.takeLoss().sinceNs).toBeGreaterThan(loss.sinceNs ?? 0n);
    expect(bench.state.drops).toBe(6);
  });

  it('chooses nobody by itself when it may not divert', () => {
    open(reader, 2);
    bench.state.flags = 0;
    bench.state.current = NO_SLOT;
    expect(bench.transmit()).toBe(VERDICT.drop);
    expect(bench.receive(0)).toBe(VERDICT.drop);
    expect(bench.state.current).toBe(NO_SLOT);
  });

  it('never sends into a slot that is free', () => {
    open(reader, 2);
    bench.state.vacate(0);
    expect(bench.transmit()).toBe(bench.ifindex(1));
    bench.state.vacate(1);
    expect(bench.transmit()).toBe(VERDICT.drop);
  });

  it('passes over slots of the order that are stale or out of range', () => {
    open(reader, 4);
    bench.state.vacate(1);
    bench.state.order = [63, 1, NO_SLOT, MAX_MEMBERS, 3, 2];
    bench.state.current = NO_SLOT;
    expect(bench.transmit()).toBe(bench.ifindex(3));
    expect(bench.state.current).toBe(3);
  });

  it('reads the order from whichever half counts', () => {
    open(reader, 3);
    for (const order of [[2, 1], [1], [0, 2, 1], [2], [1, 2]]) {
      bench.state.order = order;
      expect(bench.state.order).toEqual(order);
      bench.state.current = NO_SLOT;
      expect(bench.transmit()).toBe(bench.ifindex(order[0] ?? 0));
    }
  });

  it('accepts from current, and refuses from the others', () => {
    open(reader, 3);
    expect(bench.receive(0)).toBe(bench.lowerIfindex);
    expect(bench.receive(1)).toBe(VERDICT.drop);
    expect(bench.receive(2, to('02:00:00:00:00:01'))).toBe(VERDICT.drop);
  });

  it('accepts from a backup that is always heard', () => {
    open(reader, 2);
    bench.state.setMemberFlags(1, MEMBER_FLAGS.acceptAlways);
    expect(bench.receive(1)).toBe(bench.lowerIfindex);
    bench.state.setMemberFlags(1, 0);
    expect(bench.receive(1)).toBe(VERDICT.drop);
  });

  it('leaves link-local frames with a backup, and only those', () => {
    open(reader, 2);
    for (let last = 0; last < 16; last++) {
      const mac = `01:80:c2:00:00:0${last.toString(16)}`;
      expect(bench.receive(1, to(mac)), mac).toBe(VERDICT.pass);
      expect(bench.receive(0, to(mac)), mac).toBe(bench.lowerIfindex);
    }
    const others = ['01:80:c2:00:00:10', '01:80:c2:00:01:00', '01:80:c3:00:00:00', '00:80:c2:00:00:00'];
    for (const mac of others) expect(bench.receive(1, to(mac)), mac).toBe(VERDICT.drop);
  });

  it('takes the shortest frame that there is', () => {
    open(reader, 2);
    for (const length of [14, 15, 21, 60]) {
      expect(bench.receive(0, to('ff:ff:ff:ff:ff:ff', length))).toBe(bench.lowerIfindex);
      expect(bench.receive(1, to('ff:ff:ff:ff:ff:ff', length))).toBe(VERDICT.drop);
      expect(bench.receive(1, to('01:80:c2:00:00:02', length))).toBe(VERDICT.pass);
      expect(bench.transmit(to('ff:ff:ff:ff:ff:ff', length))).toBe(bench.ifindex(0));
    }
  });
});

describe.each(READERS.filter(reader => reader !== 'none'))('devices are read: %s', reader => {
  it.each(['carrier lost', 'set down'])('diverts once when current is dead: %s', how => {
    open(reader, 3);
    if (how === 'set down') bench.setUp(0, false);
    else bench.setCarrier(0, false);
    const before = monotonicNs();
    for (let i = 0; i < 3; i++) expect(bench.transmit(undefined, 100)).toBe(bench.ifindex(1));
    expect(bench.state.current).toBe(1);
    expect(bench.state.switches).toBe(1n);
    const records = bench.records().map(record => fromBytes(DIVERSION, record));
    expect(records).toEqual([{ fromSlot: 0, toSlot: 1, atNs: expect.any(BigInt) }]);
    expect(records[0]?.atNs).toBeGreaterThanOrEqual(before);
    expect(bench.state.takeLoss().packets).toBe(0);
  });

  it('stays with the new one when the old one comes back, and returns when that fails', () => {
    open(reader, 2);
    bench.setCarrier(0, false);
    expect(bench.transmit()).toBe(bench.ifindex(1));
    bench.setCarrier(0, true);
    expect(bench.transmit()).toBe(bench.ifindex(1));
    bench.setCarrier(1, false);
    expect(bench.transmit()).toBe(bench.ifindex(0));
    expect(bench.records()).toHaveLength(2);
  });

  it('drops and counts when none can send, and keeps current', () => {
    open(reader, 2);
    bench.setCarrier(0, false);
    bench.setCarrier(1, false);
    expect(bench.transmit(undefined, 7)).toBe(VERDICT.drop);
    expect(bench.state.takeLoss().packets).toBe(7);
    expect(bench.state.current).toBe(0);
    bench.setCarrier(1, true);
    expect(bench.transmit()).toBe(bench.ifindex(1));
  });

  it('with diverting off, sends into the dead member and counts', () => {
    open(reader, 2);
    bench.state.flags = 0;
    bench.setCarrier(0, false);
    const before = monotonicNs();
    expect(bench.transmit(undefined, 9)).toBe(bench.ifindex(0));
    const loss = bench.state.takeLoss();
    expect(loss.packets).toBe(9);
    expect(loss.sinceNs).toBeGreaterThanOrEqual(before);
    expect(bench.state.drops).toBe(0);
    bench.transmit(undefined, 2);
    bench.setCarrier(0, true);
    bench.transmit(undefined, 5);
    expect(bench.state.takeLoss().packets).toBe(2);
    bench.state.vacate(0);
    bench.join(0, 'm0');
    expect(bench.state.takeLoss()).toEqual({ packets: 0, sinceNs: null });
  });

  it('accepts at once from the member that would be chosen, and from no other', () => {
    open(reader, 3);
    bench.setCarrier(0, false);
    bench.state.order = [0, 2, 1];
    expect(bench.receive(1)).toBe(VERDICT.drop);
    expect(bench.state.current).toBe(2);
    expect(bench.receive(2)).toBe(bench.lowerIfindex);
    expect(bench.transmit()).toBe(bench.ifindex(2));
    expect(bench.receive(1, to('01:80:c2:00:00:0e'))).toBe(VERDICT.pass);
  });

  it('accepts before it has sent anything when there was no current', () => {
    open(reader, 2);
    bench.state.current = NO_SLOT;
    bench.setCarrier(0, false);
    expect(bench.receive(1)).toBe(bench.lowerIfindex);
    expect(bench.state.current).toBe(1);
  });

  it('finds the one that lives among 64', () => {
    open(reader, MAX_MEMBERS);
    for (let slot = 0; slot < MAX_MEMBERS; slot++) if (slot !== 41) bench.setCarrier(slot, false);
    expect(bench.transmit()).toBe(bench.ifindex(41));
    bench.state.order = Array.from({ length: MAX_MEMBERS }, (_, i) => MAX_MEMBERS - 1 - i);
    for (const slot of [0, 63, 17]) {
      bench.setCarrier(slot, true);
      bench.setCarrier(bench.state.current, false);
      expect(bench.transmit()).toBe(bench.ifindex(slot));
    }
  });

  it('a device that is gone is dead, whatever its memory holds now', () => {
    open(reader, 2);
    bench.state.order = [0, 1];
    const lost = bench.ifindex(0);
    for (let round = 0; round < 60; round++) {
      bench.unplug(0);
      bench.state.current = 0;
      expect(bench.transmit(undefined, 1000)).toBe(bench.ifindex(1));
      bench.connect(0);
      bench.state.current = 0;
      expect(bench.transmit(undefined, 1000)).toBe(bench.ifindex(1));
      expect(bench.state.memberAt(0)).toBe(lost);
    }
  });

  it('a device of the same index elsewhere is not the member', () => {
    open(reader, 2);
    const other = ProgramBench.open(toolboxFor(reader), 1);
    try {
      // Same index, up, with carrier, but in another namespace: as a member that was moved there.
      expect(other.ifindex(0)).toBe(bench.ifindex(0));
      bench.state.adoptDeviceOf(0, other.state, 0);
      expect(bench.transmit()).toBe(bench.ifindex(1));
    } finally {
      other.close();
    }
  });

  it('loses no frame while the daemon rewrites order and current', async () => {
    open(reader, 5);
    bench.setCarrier(0, false);
    bench.setCarrier(3, false);
    const stop = new Int32Array(new SharedArrayBuffer(4));
    // On another processor: frame after frame, for as long as this one changes the plan.
    const runner = new Worker(RUNNER, {
      eval: true,
      workerData: { fd: bench.transmitFd(), linux: LINUX, stop },
    });
    await once(runner, 'message');
    const orders = [[0, 1, 2], [3, 2], [4], [0, 3, 2, 1], [0, 1, 2, 3, 4], [1]];
    const deadline = monotonicNs() + 20_000_000_000n;
    for (let change = 0; change < 100_000 && monotonicNs() < deadline; change++) {
      bench.state.order = orders[change % orders.length] ?? [];
      bench.state.current = [0, NO_SLOT, 3][change % 3] ?? 0;
    }
    Atomics.store(stop, 0, 1);
    const [run] = (await once(runner, 'message')) as [{ frames: number; targets: number[] }];
    await runner.terminate();
    expect(run.frames).toBeGreaterThan(1000);
    expect(bench.state.switches).toBeGreaterThan(0n);
    expect(bench.state.drops).toBe(0);
    const alive = new Set([1, 2, 4].map(slot => bench.ifindex(slot)));
    expect(run.targets.filter(target => !alive.has(target))).toEqual([]);
  });
});

describe.runIf(best !== 'none')('the ring', () => {
  it('notes at most what fits into the ring, and goes on', () => {
    open(best, 2);
    bench.setCarrier(0, false);
    for (let i = 0; i < 3000; i++) {
      bench.state.current = 0;
      expect(bench.transmit()).toBe(bench.ifindex(1));
    }
    expect(bench.state.switches).toBe(3000n);
    const kept = bench.records().length;
    expect(kept).toBeGreaterThan(2000);
    expect(kept).toBeLessThan(3000);
    bench.state.current = 0;
    bench.transmit();
    expect(bench.records()).toHaveLength(1);
  }, 300_000);
});
