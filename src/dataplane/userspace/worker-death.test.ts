// A forwarding worker that dies at any moment, and the one after it, on rings in plain memory that this test fills as the kernel
// would. Frames go into a pair of Unix sockets by real calls; a death is a write to the shared memory, or a call, that throws.
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  channelPair,
  closeFd,
  type MappedMemory,
  mapShared,
  receivePassed,
  RING_BLOCK_BYTES,
  RING_FRAME_BYTES,
  RING_FRAMES_PER_BLOCK,
  SendVector,
} from '../../linux/index.js';
import { BondPort } from './bond-port.js';
import { receiverSlots } from './receiver-slots.js';
import { SHARED_BYTES, SharedState, type SlotPlan } from './shared-state.js';

const FULL = 0x1 | 0x10 | 0x40;
const UNTAGGED = 0x1;
const MAC_AT = 82;
const VNET_BYTES = 10;

/** All bytes are less than 128, as the receiving end reads text. */
const TAG = '\x08\x11\x20\x07';
const BOND = 'bond-m';
const OTHER = 'other-';
/** IPv4 with a header of five words that carries UDP. */
const REST = `\x08\x00\x45${'\0'.repeat(8)}\x11${'\0'.repeat(10)}`;

interface Ring {
  readonly memory: MappedMemory;
  /** Where the kernel would write next. */
  at: number;
}

class Died extends Error {}

let directory: string;
let opened: (() => void)[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bw-death-'));
  opened = [() => rmSync(directory, { recursive: true, force: true })];
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const close of opened.toReversed()) close();
});

function memoryOf(name: string, bytes: number): MappedMemory {
  const fd = openSync(join(directory, name), 'w+');
  ftruncateSync(fd, bytes);
  const memory = mapShared(fd, bytes, { writable: true });
  closeSync(fd);
  opened.push(() => memory.unmap());
  return memory;
}

/** Sender and receiver of what one interface carries. */
function cable(): readonly [number, number] {
  const [near, far] = channelPair();
  opened.push(
    () => closeFd(near),
    () => closeFd(far),
  );
  return [near, far];
}

/** What came out of a cable, without the virtio headers. */
function arrived(far: number): string[] {
  const all: string[] = [];
  for (;;) {
    const one = receivePassed(far);
    if (one === undefined || one === 'ended') return all;
    all.push(one.text.slice(VNET_BYTES));
  }
}

/** As tpacket_rcv: a slot that is not empty is full, and the frame is lost. */
function fill(ring: Ring, frame: string, isTagged: boolean): void {
  const offset = ring.at * RING_FRAME_BYTES;
  const words = new Int32Array(ring.memory.buffer, offset, 1);
  if (Atomics.load(words, 0) !== 0) throw new Error(`Slot ${ring.at} is not empty`);
  const view = new DataView(ring.memory.buffer, offset, RING_FRAME_BYTES);
  view.setUint32(4, frame.length, true);
  view.setUint32(8, frame.length, true);
  view.setUint16(12, MAC_AT, true);
  view.setUint16(24, 0x2007, true);
  view.setUint16(26, 0x0811, true);
  new Uint8Array(ring.memory.buffer, offset + MAC_AT - VNET_BYTES, VNET_BYTES).fill(0);
  new Uint8Array(ring.memory.buffer, offset + MAC_AT, frame.length).set(Buffer.from(frame));
  words[0] = isTagged ? FULL : UNTAGGED;
  ring.at = (ring.at + 1) % RING_FRAMES_PER_BLOCK;
}

const place = (ring: Ring, fd: number) => ({ fd, address: ring.memory.address, blocks: 1 });

/** One bond with two members: what outlives the worker. */
class Bond {
  readonly shared = memoryOf('state', SHARED_BYTES);
  readonly state = new SharedState(this.shared.buffer);
  readonly rings: Ring[] = ['host', 'member0', 'member1'].map(name => ({
    memory: memoryOf(name, RING_BLOCK_BYTES),
    at: 0,
  }));
  readonly cables = [cable(), cable(), cable()];
  #number = 0;

  constructor(plan: Partial<SlotPlan>) {
    this.state.initialise();
    this.state.occupy(0, 11);
    this.state.occupy(1, 12);
    const balanced = [0, 1].map(member => ({ member, speedMbps: 1000 }));
    this.state.publish(
      {
        mode: 'active-backup',
        hashPolicy: 'layer2',
        packetsPerSlave: 1,
        order: [0, 1],
        isUsable: [true, true],
        byLoad: false,
        rebalance: 0,
        balanced,
        sources: [Buffer.from(BOND), Buffer.from(OTHER)],
        receivers: null,
        divert: true,
        acceptAlways: [false, false],
        throughQdisc: [false, false],
        ...plan,
      },
      0,
    );
  }

  /** A worker that finds this bond. */
  worker(): BondPort {
    const sender = (i: number): number => this.cables[i]?.[0] ?? -1;
    const ring = (i: number): Ring => this.rings[i] ?? { memory: this.shared, at: 0 };
    const port = new BondPort(place(ring(0), sender(0)), this.shared, () => {});
    for (const slot of [0, 1]) {
      const at = { ring: place(ring(slot + 1), sender(slot + 1)), direct: sender(slot + 1) };
      port.addMember(slot, 11 + slot, at);
    }
    return port;
  }

  /** Frames that come into a ring, tagged and untagged ones; gives them as they are to come out. */
  come(ring: number, count: number): string[] {
    return Array.from({ length: count }, () => {
      this.#number += 1;
      // The destination is what hashes see.
      const to = `peer-${String.fromCharCode(this.#number % 128)}`;
      const isTagged = this.#number % 3 !== 0;
      const rest = `${REST}frame ${this.#number} ${'.'.repeat(40)}`;
      const into = this.rings[ring];
      if (into === undefined) throw new RangeError(`No ring ${ring}`);
      fill(into, to + BOND + rest, isTagged);
      return to + BOND + (isTagged ? TAG : '') + rest;
    });
  }

  /** What came out of the members; in balance-tlb and balance-alb with the source address of its member, which is taken for the bond's here. */
  sent(): string[] {
    return this.cables.slice(1).flatMap(([, far], slot) => {
      const source =
        slot > 0 && ['balance-tlb', 'balance-alb'].includes(this.state.plan().mode) ? OTHER : BOND;
      return arrived(far).map(frame =>
        frame.slice(6, 12) === source ? frame.slice(0, 6) + BOND + frame.slice(12) : `wrong source: ${frame}`,
      );
    });
  }
}

/** Has the `n`th step that others could see (a write to shared memory, a call that sends) kill the worker: before or after it. */
function dieAt(n: number, when: 'before' | 'after'): void {
  let steps = 0;
  const step = <T>(act: () => T): T => {
    const dies = ++steps === n;
    if (dies && when === 'before') throw new Died();
    const result = act();
    if (dies) throw new Died();
    return result;
  };
  const { store, or } = Atomics;
  const send: SendVector['send'] = Reflect.get(SendVector.prototype, 'send');
  vi.spyOn(Atomics, 'store').mockImplementation((...args) => step(() => store(...args)));
  vi.spyOn(Atomics, 'or').mockImplementation((...args) => step(() => or(...args)));
  vi.spyOn(SendVector.prototype, 'send').mockImplementation(function (this: SendVector, ...args) {
    return step(() => send.apply(this, args));
  });
}

/** Runs a worker that dies at that step; false when it was through before. */
function died(work: () => void): boolean {
  try {
    work();
    return false;
  } catch (error) {
    if (!(error instanceof Died)) throw error;
    return true;
  } finally {
    vi.restoreAllMocks();
  }
}

const NO_CLIENTS = receiverSlots(
  { bondAddress: '02:00:00:00:00:01', next: null, clients: [], hearsAll: false },
  () => undefined,
);

const MODES: readonly (readonly [string, Partial<SlotPlan>])[] = [
  ['active-backup', {}],
  ['balance-rr', { mode: 'balance-rr' }],
  ['balance-xor', { mode: 'balance-xor' }],
  ['balance-tlb', { mode: 'balance-tlb' }],
  ['balance-alb', { mode: 'balance-alb', byLoad: true, receivers: NO_CLIENTS }],
];

describe.each(['before', 'after'] as const)('A worker that dies %s any of its steps', when => {
  test.each(MODES)('in %s sends nothing twice, nothing damaged, and loses nothing', (_, plan) => {
    let deaths = 0;
    for (let n = 1, isDying = true; isDying; n++) {
      const bond = new Bond(plan);
      bond.worker();
      const wanted: string[] = [];
      // Twice, so that the vector and the slots hold what an earlier batch left there.
      for (const count of [9, 5]) {
        wanted.push(...bond.come(0, count));
        const first = bond.worker();
        if (count === 5) dieAt(n, when);
        isDying = died(() => first.fromHost());
      }
      if (isDying) deaths += 1;
      // It comes while nobody is there.
      wanted.push(...bond.come(0, 4));
      bond.worker().fromHost();
      const more = bond.worker();
      for (let turn = 0; turn < 3; turn++) {
        wanted.push(...bond.come(0, 20));
        more.fromHost();
      }
      expect([n, bond.sent().toSorted()]).toEqual([n, wanted.toSorted()]);
      for (const close of opened.splice(1).toReversed()) close();
    }
    // Of each frame at least that it was sent, that its slot goes back, and the slot itself.
    expect(deaths).toBeGreaterThan(15);
  });

  test('gives the host nothing twice, nothing damaged, and loses nothing', () => {
    let deaths = 0;
    for (let n = 1, isDying = true; isDying; n++) {
      const bond = new Bond({});
      const wanted = bond.come(1, 9);
      bond.worker().fromMember(0, 0);
      wanted.push(...bond.come(1, 5));
      const first = bond.worker();
      dieAt(n, when);
      isDying = died(() => first.fromMember(0, 0));
      if (isDying) deaths += 1;
      wanted.push(...bond.come(1, 4));
      bond.worker().fromMember(0, 0);
      const more = bond.worker();
      for (let turn = 0; turn < 3; turn++) {
        wanted.push(...bond.come(1, 20));
        more.fromMember(0, 0);
      }
      expect([n, arrived(bond.cables[0]?.[1] ?? -1)]).toEqual([n, wanted]);
      for (const close of opened.splice(1).toReversed()) close();
    }
    expect(deaths).toBeGreaterThan(15);
  });

  test('in broadcast loses and damages nothing; frames that not all members had are sent to all again', () => {
    let doubled = 0;
    for (let n = 1, isDying = true; isDying; n++) {
      const bond = new Bond({ mode: 'broadcast' });
      const wanted = bond.come(0, 5);
      const first = bond.worker();
      dieAt(n, when);
      isDying = died(() => first.fromHost());
      bond.worker().fromHost();
      for (const [, far] of bond.cables.slice(1)) {
        const came = arrived(far);
        expect([n, [...new Set(came)].toSorted()]).toEqual([n, wanted.toSorted()]);
        expect(came.length === 5 || came.length === 10).toBe(true);
        doubled += came.length - 5;
      }
      for (const close of opened.splice(1).toReversed()) close();
    }
    // The first member's copies, at the steps between its call and the other's.
    expect(doubled).toBeGreaterThan(0);
  });
});

test('A worker that is followed again and again before it has sent anything does not change what is sent', () => {
  const bond = new Bond({ mode: 'balance-tlb' });
  const wanted = bond.come(0, 6);
  for (let n = 1; n <= 6; n++) {
    const worker = bond.worker();
    vi.spyOn(SendVector.prototype, 'send').mockImplementation(() => {
      throw new Died();
    });
    expect(died(() => worker.fromHost())).toBe(true);
  }
  bond.worker().fromHost();
  expect(bond.sent().toSorted()).toEqual(wanted.toSorted());
});
