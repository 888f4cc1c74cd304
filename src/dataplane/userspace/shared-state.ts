// What the control thread and the forwarding worker share of one bond, in a file that is mapped: the plan, where the worker
// is, and what it counted. A daemon that starts again goes on from it.
import { formatMac } from '../../base/index.js';
import {
  type Choosable,
  CLIENT_PLACES,
  HASH_POLICIES,
  type HashPolicy,
  MODE_NAMES,
  type ModeName,
} from '../../policy/index.js';
import { MAX_MEMBERS } from '../limits.js';
import type { ReceiverSlots } from './receiver-slots.js';

/** Grows when the meaning of a word changes. */
export const USERSPACE_VERSION = 6;
/** Bytes of the words; behind them lies the vector of what the worker sends. */
export const VECTOR_AT = 8192;
/** Bytes of the file. */
export const SHARED_BYTES = 16_384;
/** `current` when no member sends. */
export const NO_MEMBER = -1;

/** Bits of `flags`. */
const DIVERT = 1;
const BY_LOAD = 2;
/** Bits of a member's flags. */
const ACCEPT_ALWAYS = 1;
const THROUGH_QDISC = 2;
const USABLE = 4;

/** Words of 32 bits. */
const AT = {
  version: 0,
  /** Odd while the plan is being written. */
  change: 1,
  current: 2,
  flags: 3,
  orderLength: 4,
  mode: 5,
  hashPolicy: 6,
  packetsPerSlave: 7,
  drops: 8,
  dead: 9,
  taken: 10,
  busy: 11,
  unsendable: 12,
  undelivered: 13,
  hostHead: 14,
  /** 64 bits: when the first frame was lost since `taken` was written, CLOCK_MONOTONIC nanoseconds. */
  firstLoss: 16,
  /** balance-rr: frames sent so far. */
  turns: 18,
  /** balance-tlb: the plan's count of occasions to give all flows out anew. */
  rebalance: 19,
  /** What the worker is sending: a ring's number (FLIGHT), and the places in the vector from and to; 0: nothing. */
  flight: 20,
  order: 32,
  members: 32 + MAX_MEMBERS,
  /** 64 bits a slot: when its member last received, CLOCK_MONOTONIC nanoseconds; 0: never. */
  received: 512,
  /** balance-tlb, BALANCED_WORDS a slot. */
  balanced: 640,
  /** balance-alb: the bond's address, four bytes and two; slot, plus one, of who is given out next; CLIENT_WORDS a place. */
  bondAddress: 896,
  next: 898,
  clients: 1024,
} as const;
/** Place among those that joined, from 1 on; speed; source address, four bytes and two. */
const BALANCED = { rank: 0, speed: 1, source: 2 } as const;
const BALANCED_WORDS = 4;
/** IP addresses as numbers; slot, plus one: 0: none, or (-1) no client. */
const CLIENT = { ourIp: 0, ip: 1, slot: 2 } as const;
const CLIENT_WORDS = 3;
const NO_CLIENT = -1;
const MAC_BYTES = 6;
/** In `flight`: the ring of the host is 1, that of slot n is n + 2. */
const FLIGHT = { ringShift: 16, fromShift: 8, mask: 0xff, host: 1, firstSlot: 2 } as const;
const MEMBER_WORDS = 4;
/** `noticed`: it was told that the member cannot send, since it is usable. */
const MEMBER = { ifindex: 0, flags: 1, head: 2, noticed: 3 } as const;

/** What the worker counts besides `drops` and `dead`. */
export type Fault = 'busy' | 'unsendable' | 'undelivered';

/** Frames of a ring that are being sent: those at these places in the vector. */
export interface Flight {
  /** Undefined: the host's ring. */
  readonly slot: number | undefined;
  readonly from: number;
  readonly to: number;
}

/** The plan as the worker uses it: slots, not interfaces. */
export interface SlotPlan {
  readonly mode: ModeName;
  readonly hashPolicy: HashPolicy;
  readonly packetsPerSlave: number;
  readonly order: readonly number[];
  /** Those of `order` that may carry frames, and the same by slot. */
  readonly usable: readonly number[];
  readonly isUsable: readonly boolean[];
  /** balance-tlb: the members as they joined; `member` is a slot. `sources` is by slot. */
  readonly byLoad: boolean;
  readonly rebalance: number;
  readonly balanced: readonly Choosable[];
  readonly sources: readonly (Uint8Array | undefined)[];
  /** Null in other modes than balance-alb. */
  readonly receivers: ReceiverSlots | null;
  readonly divert: boolean;
  readonly acceptAlways: readonly boolean[];
  readonly throughQdisc: readonly boolean[];
}

const NO_PLAN: SlotPlan = {
  mode: 'active-backup',
  hashPolicy: 'layer2',
  packetsPerSlave: 1,
  order: [],
  usable: [],
  isUsable: [],
  byLoad: false,
  rebalance: 0,
  balanced: [],
  sources: [],
  receivers: null,
  divert: false,
  acceptAlways: [],
  throughQdisc: [],
};

/** A dotted quad as a number, and back. */
function numberOf(ip: string): number {
  return ip.split('.').reduce((word, octet) => (word << 8) | Number(octet), 0);
}
function textOf(ip: number): string {
  return [24, 16, 8, 0].map(shift => (ip >>> shift) & 0xff).join('.');
}

/** Of a word with a slot plus one. */
function memberOf(word: number): number | null {
  return word === 0 ? null : word - 1;
}

function viewsOf(buffer: ArrayBuffer) {
  return {
    words: new Int32Array(buffer, 0, VECTOR_AT / 4),
    firstLoss: new BigInt64Array(buffer, 4 * AT.firstLoss, 1),
    received: new BigInt64Array(buffer, 4 * AT.received, MAX_MEMBERS),
  };
}

/** The shared words of one bond. */
export class SharedState {
  #words: Int32Array;
  #firstLoss: BigInt64Array;
  #received: BigInt64Array;
  #seen = -1;
  #plan: SlotPlan = NO_PLAN;

  constructor(buffer: ArrayBuffer) {
    ({ words: this.#words, firstLoss: this.#firstLoss, received: this.#received } = viewsOf(buffer));
  }

  /** From here on this thread has a copy of its own, as it was last: the memory may go. */
  leave(): void {
    const copy = this.#words.buffer.slice(0, VECTOR_AT) as ArrayBuffer;
    ({ words: this.#words, firstLoss: this.#firstLoss, received: this.#received } = viewsOf(copy));
  }

  initialise(): void {
    this.#words.fill(0);
    this.#put(AT.current, NO_MEMBER);
    this.#put(AT.version, USERSPACE_VERSION);
  }

  get version(): number {
    return this.#get(AT.version);
  }

  #get(at: number): number {
    return Atomics.load(this.#words, at);
  }

  #put(at: number, value: number): void {
    Atomics.store(this.#words, at, value);
  }

  #member(slot: number, field: number): number {
    return AT.members + slot * MEMBER_WORDS + field;
  }

  /** Slot that sends, or NO_MEMBER. */
  get current(): number {
    return this.#get(AT.current);
  }

  set current(slot: number) {
    this.#put(AT.current, slot);
  }

  /** Moves `current`, unless the other thread did meanwhile. */
  moveCurrent(from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, AT.current, from, to) === from;
  }

  /** Interface of a slot; 0 when it is free, or no slot. */
  memberAt(slot: number): number {
    return slot < 0 || slot >= MAX_MEMBERS ? 0 : this.#get(this.#member(slot, MEMBER.ifindex));
  }

  slotOf(ifindex: number): number | undefined {
    for (let slot = 0; slot < MAX_MEMBERS; slot++) if (this.memberAt(slot) === ifindex) return slot;
    return undefined;
  }

  /** One that is free and not among those that are held. */
  freeSlot(held: ReadonlySet<number> = new Set()): number {
    for (let slot = 0; slot < MAX_MEMBERS; slot++)
      if (this.memberAt(slot) === 0 && !held.has(slot)) return slot;
    throw new Error(`A bond has at most ${MAX_MEMBERS} members, and as many are in use still.`);
  }

  occupy(slot: number, ifindex: number): void {
    this.#put(this.#member(slot, MEMBER.flags), 0);
    this.beginRing(slot);
    this.#put(this.#member(slot, MEMBER.noticed), 0);
    Atomics.store(this.#received, slot, 0n);
    this.#put(this.#member(slot, MEMBER.ifindex), ifindex);
  }

  members(): number[] {
    const all = Array.from({ length: MAX_MEMBERS }, (_, slot) => this.memberAt(slot));
    return all.filter(ifindex => ifindex !== 0);
  }

  /** Where the worker reads next in a member's ring, or (undefined) the host's: a worker that starts anew goes on there. */
  headOf(slot: number | undefined): number {
    return this.#get(slot === undefined ? AT.hostHead : this.#member(slot, MEMBER.head));
  }

  setHead(slot: number | undefined, head: number): void {
    this.#put(slot === undefined ? AT.hostHead : this.#member(slot, MEMBER.head), head);
  }

  /** A ring was opened anew: what is noted of the one before it does not count. */
  beginRing(slot: number | undefined): void {
    if (this.flight?.slot === slot) this.land();
    this.setHead(slot, 0);
  }

  /** Worker: these frames are being sent from now on, until `land`. */
  takeOff({ slot, from, to }: Flight): void {
    const ring = slot === undefined ? FLIGHT.host : slot + FLIGHT.firstSlot;
    this.#put(AT.flight, (ring << FLIGHT.ringShift) | (from << FLIGHT.fromShift) | to);
  }

  land(): void {
    this.#put(AT.flight, 0);
  }

  /** What a worker was sending when it died; undefined: nothing. */
  get flight(): Flight | undefined {
    const word = this.#get(AT.flight);
    const ring = word >>> FLIGHT.ringShift;
    if (ring === 0) return undefined;
    const slot = ring === FLIGHT.host ? undefined : ring - FLIGHT.firstSlot;
    return { slot, from: (word >>> FLIGHT.fromShift) & FLIGHT.mask, to: word & FLIGHT.mask };
  }

  /** Control thread: a new plan, and who is current by it. */
  publish(plan: Omit<SlotPlan, 'usable'>, current: number): void {
    Atomics.add(this.#words, AT.change, 1);
    for (const [i, slot] of plan.order.entries()) this.#put(AT.order + i, slot);
    this.#put(AT.orderLength, plan.order.length);
    this.#put(AT.flags, (plan.divert ? DIVERT : 0) | (plan.byLoad ? BY_LOAD : 0));
    this.#put(AT.rebalance, plan.rebalance);
    this.#putBalanced(plan);
    if (plan.receivers !== null) this.#putReceivers(plan.receivers);
    this.#put(AT.mode, MODE_NAMES.indexOf(plan.mode));
    this.#put(AT.hashPolicy, HASH_POLICIES.indexOf(plan.hashPolicy));
    this.#put(AT.packetsPerSlave, plan.packetsPerSlave);
    for (let slot = 0; slot < MAX_MEMBERS; slot++) {
      const flags =
        (plan.acceptAlways[slot] === true ? ACCEPT_ALWAYS : 0) |
        (plan.throughQdisc[slot] === true ? THROUGH_QDISC : 0) |
        (plan.isUsable[slot] === true ? USABLE : 0);
      const before = this.#get(this.#member(slot, MEMBER.flags));
      if ((flags & ~before & USABLE) !== 0) this.#put(this.#member(slot, MEMBER.noticed), 0);
      this.#put(this.#member(slot, MEMBER.flags), flags);
    }
    if (this.current !== current) this.current = current;
    Atomics.add(this.#words, AT.change, 1);
  }

  #balancedWord(slot: number, field: number): number {
    return AT.balanced + slot * BALANCED_WORDS + field;
  }

  #putBalanced({ balanced, sources }: Pick<SlotPlan, 'balanced' | 'sources'>): void {
    for (let slot = 0; slot < MAX_MEMBERS; slot++) {
      const at = balanced.findIndex(({ member }) => member === slot);
      this.#put(this.#balancedWord(slot, BALANCED.rank), at + 1);
      this.#put(this.#balancedWord(slot, BALANCED.speed), balanced[at]?.speedMbps ?? 0);
      this.#sourceOf(slot).set(sources[slot] ?? new Uint8Array(MAC_BYTES));
    }
  }

  #putReceivers({ bondAddress, table }: ReceiverSlots): void {
    new Uint8Array(this.#words.buffer, 4 * AT.bondAddress, MAC_BYTES).set(bondAddress);
    this.#put(AT.next, (table.next ?? NO_MEMBER) + 1);
    for (let place = 0; place < CLIENT_PLACES; place++)
      this.#put(AT.clients + place * CLIENT_WORDS + CLIENT.slot, NO_CLIENT);
    for (const { place, ourIp, ip, member } of table.clients) {
      const at = AT.clients + place * CLIENT_WORDS;
      this.#put(at + CLIENT.ourIp, numberOf(ourIp));
      this.#put(at + CLIENT.ip, numberOf(ip));
      this.#put(at + CLIENT.slot, (member ?? NO_MEMBER) + 1);
    }
  }

  #receivers(): ReceiverSlots {
    const bondAddress = new Uint8Array(this.#words.buffer, 4 * AT.bondAddress, MAC_BYTES).slice();
    const clients = Array.from({ length: CLIENT_PLACES }, (_, place) => {
      const at = AT.clients + place * CLIENT_WORDS;
      const ips = { ourIp: textOf(this.#get(at + CLIENT.ourIp)), ip: textOf(this.#get(at + CLIENT.ip)) };
      return { place, ...ips, word: this.#get(at + CLIENT.slot) };
    })
      .filter(({ word }) => word !== NO_CLIENT)
      .map(({ place, ourIp, ip, word }) => ({ place, ourIp, ip, member: memberOf(word) }));
    const table = { bondAddress: formatMac(bondAddress), next: memberOf(this.#get(AT.next)), clients };
    return { bondAddress, table: { ...table, hearsAll: false } };
  }

  #sourceOf(slot: number): Uint8Array {
    return new Uint8Array(this.#words.buffer, 4 * this.#balancedWord(slot, BALANCED.source), MAC_BYTES);
  }

  #balanced(): { slot: number; rank: number; speedMbps: number; source: Uint8Array }[] {
    const slots = Array.from({ length: MAX_MEMBERS }, (_, slot) => ({
      slot,
      rank: this.#get(this.#balancedWord(slot, BALANCED.rank)),
      speedMbps: this.#get(this.#balancedWord(slot, BALANCED.speed)),
      source: this.#sourceOf(slot).slice(),
    }));
    return slots.filter(({ rank }) => rank > 0).toSorted((a, b) => a.rank - b.rank);
  }

  /** The plan as it is now; read afresh only when it changed. */
  plan(): SlotPlan {
    for (;;) {
      const change = this.#get(AT.change);
      if (change === this.#seen) return this.#plan;
      // Being written: a few microseconds.
      if ((change & 1) === 1) continue;
      const order = Array.from({ length: this.#get(AT.orderLength) }, (_, i) => this.#get(AT.order + i));
      const flags = Array.from({ length: MAX_MEMBERS }, (_, slot) =>
        this.#get(this.#member(slot, MEMBER.flags)),
      );
      const isUsable = flags.map(flag => (flag & USABLE) !== 0);
      const balanced = this.#balanced();
      const sources: (Uint8Array | undefined)[] = [];
      for (const { slot, source } of balanced) sources[slot] = source;
      const mode = MODE_NAMES[this.#get(AT.mode)] ?? NO_PLAN.mode;
      const plan: SlotPlan = {
        mode,
        hashPolicy: HASH_POLICIES[this.#get(AT.hashPolicy)] ?? NO_PLAN.hashPolicy,
        packetsPerSlave: this.#get(AT.packetsPerSlave),
        order,
        usable: order.filter(slot => isUsable[slot] === true),
        isUsable,
        byLoad: (this.#get(AT.flags) & BY_LOAD) !== 0,
        rebalance: this.#get(AT.rebalance),
        balanced: balanced.map(({ slot, speedMbps }) => ({ member: slot, speedMbps })),
        sources,
        receivers: mode === 'balance-alb' ? this.#receivers() : null,
        divert: (this.#get(AT.flags) & DIVERT) !== 0,
        acceptAlways: flags.map(flag => (flag & ACCEPT_ALWAYS) !== 0),
        throughQdisc: flags.map(flag => (flag & THROUGH_QDISC) !== 0),
      };
      if (this.#get(AT.change) !== change) continue;
      this.#plan = plan;
      this.#seen = change;
      return plan;
    }
  }

  /** Worker: the number of a frame among those that take turns. */
  takeTurn(): number {
    return (Atomics.add(this.#words, AT.turns, 1) + 1) >>> 0;
  }

  /** Worker: notes that a usable member cannot send; false when that was noted before. */
  noticeDead(slot: number): boolean {
    return Atomics.exchange(this.#words, this.#member(slot, MEMBER.noticed), 1) === 0;
  }

  /** Worker: frames lost to a failure; `drops` found no member, `dead` had one that could not send. */
  addLoss(kind: 'drops' | 'dead', frames: number): void {
    if (Atomics.load(this.#firstLoss, 0) === 0n) {
      Atomics.store(this.#firstLoss, 0, process.hrtime.bigint());
    }
    Atomics.add(this.#words, AT[kind], frames);
  }

  /** Worker: frames came in on a member just now. */
  noteReceived(slot: number): void {
    Atomics.store(this.#received, slot, process.hrtime.bigint());
  }

  /** When a member last received; 0: never. */
  receivedNs(slot: number): bigint {
    return Atomics.load(this.#received, slot);
  }

  addFault(kind: Fault, frames: number): void {
    Atomics.add(this.#words, AT[kind], frames);
  }

  fault(kind: Fault): number {
    return this.#get(AT[kind]) >>> 0;
  }

  get drops(): number {
    return this.#get(AT.drops) >>> 0;
  }

  /** Control thread: what was lost since the last call. */
  takeLoss(): { readonly packets: number; readonly sinceNs: bigint | null } {
    const sinceNs = Atomics.exchange(this.#firstLoss, 0, 0n);
    const total = this.#get(AT.drops) + this.#get(AT.dead);
    const packets = (total - Atomics.exchange(this.#words, AT.taken, total | 0)) >>> 0;
    return { packets, sinceNs: packets === 0 || sinceNs === 0n ? null : sinceNs };
  }
}
