// The daemon's hand on the state that it shares with running programs. What programs follow is published by one atomic
// store each, after what it leads to was written, so that a program sees the old or the new, on every processor.
import { parseMac } from '../../base/index.js';
import { type FieldsOf, over, type StructAccessor } from '../../ebpf/index.js';
import { type MappedMemory, mmapArray, monotonicNs } from '../../linux/index.js';
import {
  CLIENT_PLACES,
  type MemberBalance,
  type MemberIndex,
  type ReceiversPlan,
} from '../../policy/index.js';
import type { Loss } from '../contract.js';
import { MAX_MEMBERS } from '../limits.js';
import type { CarriedLease, CarriedLoss, CarriedState } from './carried-state.js';
import type { LearnedDevice } from './learner.js';
import { LiveLeases } from './live-leases.js';
import {
  BALANCING,
  CLIENT,
  LAYOUT_VERSION,
  LOSS,
  MEMBER,
  NO_SLOT,
  ORDER_CHANGE_SHIFT,
  ORDER_SECOND,
  ORDER_USABLE_SHIFT,
  RECEIVERS,
  REBALANCE_SECONDS,
  SHARED,
  TURN_CELLS,
} from './shared-state.js';

type Shared = StructAccessor<FieldsOf<typeof SHARED>>;
type LossEntry = StructAccessor<FieldsOf<typeof LOSS>>;

const { stride: MEMBER_STRIDE } = SHARED.fields.members.type;
const IFINDEX = MEMBER.offset('ifindex');
const WORD = 4;
const LONG = 8;

function viewsOf(buffer: ArrayBuffer) {
  return {
    shared: over(SHARED, new DataView(buffer)),
    words: new Uint32Array(buffer),
    longs: new BigUint64Array(buffer, 0, Math.floor(SHARED.size / LONG)),
  };
}

/** A dotted quad as a word of a frame. */
function wireOrder(ip: string): number {
  return ip.split('.').reduceRight((word, octet) => word * 256 + Number(octet), 0);
}

/** The mapped state of one bond; after `close()` a copy of what it was. */
export class LiveState {
  readonly #memory: MappedMemory;
  #shared: Shared;
  #words: Uint32Array;
  #longs: BigUint64Array;
  #leases: LiveLeases;
  #lastTakenNs = 0n;
  #closed = false;

  /** `mapFd` stays the caller's. */
  constructor(mapFd: number) {
    this.#memory = mmapArray(mapFd, SHARED.size);
    const { shared, words, longs } = viewsOf(this.#memory.buffer);
    this.#shared = shared;
    this.#words = words;
    this.#longs = longs;
    this.#leases = new LiveLeases(this.#memory.buffer);
  }

  /** Makes it the state of a new bond. */
  initialise(lowerIfindex: number): void {
    this.#shared.version = LAYOUT_VERSION;
    this.#shared.lowerIfindex = lowerIfindex;
    this.current = NO_SLOT;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const copy = this.#memory.buffer.slice(0);
    // Whoever still asks gets the last answer: a view of memory that is gone would end the process.
    ({ shared: this.#shared, words: this.#words, longs: this.#longs } = viewsOf(copy));
    this.#leases = new LiveLeases(copy);
    this.#memory.unmap();
  }

  /** What goes on without a daemon. */
  get leases(): LiveLeases {
    return this.#leases;
  }

  get version(): number {
    return this.#shared.version;
  }

  /** Slot that sends, or NO_SLOT. */
  get current(): number {
    return Atomics.load(this.#words, SHARED.offset('current') / WORD);
  }

  set current(slot: number) {
    this.#publish(SHARED.offset('current'), slot);
  }

  /** SHARED_FLAGS. */
  get flags(): number {
    return this.#shared.flags;
  }

  set flags(flags: number) {
    this.#publish(SHARED.offset('flags'), flags);
  }

  /** balance-rr: frames on one member before the next has its turn. */
  get packetsPerSlave(): number {
    return this.#shared.packetsPerSlave;
  }

  set packetsPerSlave(packets: number) {
    this.#publish(SHARED.offset('packetsPerSlave'), packets);
  }

  /** Ties a transmit queue of the bond to the member of a slot; NO_SLOT: to none. */
  tieQueue(queue: number, slot: number): void {
    const offset = SHARED.fields.queues.offset + queue * WORD;
    this.#publish(offset, slot === NO_SLOT ? 0 : slot + 1);
  }

  /** balance-tlb: what the programs are to know of the member of a slot. */
  setBalanced(slot: number, { rank, source, speedMbps }: MemberBalance): void {
    const entry = this.#shared.members.at(slot);
    const parsed = parseMac(source);
    entry.rank = rank;
    entry.speed = speedMbps;
    if (parsed.ok) entry.source = parsed.value;
  }

  /** balance-alb: the table of clients, and who is given to the next. An entry that changes counts for nobody meanwhile. */
  setReceivers({ bondAddress, next, clients }: ReceiversPlan): void {
    const { receivers } = this.#shared;
    const mac = parseMac(bondAddress);
    if (mac.ok) receivers.bondAddress = mac.value;
    const slotOf = (member: MemberIndex | null): number =>
      ((member === null ? undefined : this.slotOf(member)) ?? NO_SLOT) + 1;
    const wanted = new Map(clients.map(each => [each.place, each]));
    for (let place = 0; place < CLIENT_PLACES; place++) {
      const entry = this.#shared.clients.at(place);
      const wish = wanted.get(place);
      const slot = wish === undefined ? 0 : slotOf(wish.member) >>> 0;
      const [ourIp, ip] = wish === undefined ? [0, 0] : [wireOrder(wish.ourIp), wireOrder(wish.ip)];
      if (entry.slot === slot && (slot === 0 || (entry.ourIp === ourIp && entry.ip === ip))) continue;
      const offset = SHARED.fields.clients.offset + place * CLIENT.size + CLIENT.offset('slot');
      if (entry.ourIp !== ourIp || entry.ip !== ip) this.#publish(offset, 0);
      entry.ourIp = ourIp;
      entry.ip = ip;
      this.#publish(offset, slot);
    }
    this.#publish(SHARED.fields.receivers.offset + RECEIVERS.offset('next'), slotOf(next) >>> 0);
  }

  /** balance-tlb: all flows are given out anew when `asked` is not what it was. */
  rebalance(asked: number): void {
    const { balancing } = this.#shared;
    if (balancing.asked === BigInt(asked)) return;
    balancing.asked = BigInt(asked);
    balancing.unbalancedRate = balancing.unbalanced / BigInt(REBALANCE_SECONDS);
    balancing.unbalanced = 0n;
    balancing.sinceNs = monotonicNs();
    Atomics.add(this.#longs, (SHARED.fields.balancing.offset + BALANCING.offset('period')) / LONG, 1n);
  }

  /** For tests: the period began then, and lasts as long as that is in the future. */
  beginPeriod(atNs: bigint): void {
    this.#shared.balancing.sinceNs = atNs;
  }

  /** balance-rr: frames that each processor has sent so far. */
  turns(): readonly number[] {
    return Array.from({ length: TURN_CELLS }, (_, cell) => this.#shared.turns.at(cell).count);
  }

  /** How often the programs moved `current`. */
  get switches(): bigint {
    return this.#shared.switches;
  }

  /** Slots in the order in which the programs try them. */
  get order(): readonly number[] {
    const { order, slots } = this.#shared;
    const start = (order & ORDER_SECOND) === 0 ? 0 : MAX_MEMBERS;
    return Array.from({ length: order & (ORDER_SECOND - 1) }, (_, i) => slots.at(start + i));
  }

  set order(order: readonly number[]) {
    this.setOrder(order, order.length);
  }

  /** How many of the order's first slots are usable. */
  get usable(): number {
    return (this.#shared.order >>> ORDER_USABLE_SHIFT) & (ORDER_SECOND - 1);
  }

  /** Takes a slot out of the order. */
  withdraw(slot: number): void {
    const { order, usable } = this;
    const at = order.indexOf(slot);
    const isUsable = at >= 0 && at < usable;
    this.setOrder(
      order.filter(other => other !== slot),
      isUsable ? usable - 1 : usable,
    );
  }

  setOrder(order: readonly number[], usable: number): void {
    const old = this.order;
    const isSame = order.length === old.length && order.every((slot, i) => old[i] === slot);
    if (isSame && usable === this.usable) return;
    const half = (this.#shared.order & ORDER_SECOND) ^ ORDER_SECOND;
    const start = half === 0 ? 0 : MAX_MEMBERS;
    for (const [i, slot] of order.entries()) this.#shared.slots.set(start + i, slot);
    // Every change has a number of its own, so that a program sees that there was one.
    const change = ((this.#shared.order >>> ORDER_CHANGE_SHIFT) + 1) << ORDER_CHANGE_SHIFT;
    const count = (usable << ORDER_USABLE_SHIFT) | order.length;
    this.#publish(SHARED.offset('order'), (change | half | count) >>> 0);
  }

  /** Interface in a slot; 0 when it is free, or no slot. */
  memberAt(slot: number): MemberIndex {
    // Not by an accessor, which would be made for each of 64 slots whenever members are listed.
    return slot < MAX_MEMBERS ? (this.#words[(this.#memberOffset(slot) + IFINDEX) / WORD] ?? 0) : 0;
  }

  slotOf(member: MemberIndex): number | undefined {
    for (let slot = 0; slot < MAX_MEMBERS; slot++) if (this.memberAt(slot) === member) return slot;
    return undefined;
  }

  freeSlot(): number {
    const slot = this.slotOf(0);
    if (slot === undefined) throw new RangeError(`A bond has at most ${MAX_MEMBERS} members.`);
    return slot;
  }

  members(): readonly MemberIndex[] {
    return Array.from({ length: MAX_MEMBERS }, (_, slot) => this.memberAt(slot)).filter(
      member => member !== 0,
    );
  }

  /** Takes a free slot, with nothing lost so far. The device's address is not known yet. */
  occupy(slot: number, member: MemberIndex): void {
    const entry = this.#shared.members.at(slot);
    this.#leases.forget(slot);
    entry.flags = 0;
    entry.noticed = 0;
    entry.receivedNs = 0n;
    entry.device = 0n;
    this.#forget(entry.dead);
    this.#publish(this.#memberOffset(slot) + MEMBER.offset('ifindex'), member);
  }

  /** Frees a slot; programs that still hold it find a dead member. */
  vacate(slot: number): void {
    this.#publish(this.#memberOffset(slot) + MEMBER.offset('ifindex'), 0);
    this.#leases.end(slot);
    const entry = this.#shared.members.at(slot);
    entry.device = 0n;
    entry.flags = 0;
  }

  /** When the member of a slot last received, as far as it was noted; 0: never. */
  receivedNs(slot: number): bigint {
    return this.#shared.members.at(slot).receivedNs;
  }

  memberFlags(slot: number): number {
    return this.#shared.members.at(slot).flags;
  }

  /** The programs may tell again that the member of a slot cannot send. */
  forgetNotice(slot: number): void {
    this.#publish(this.#memberOffset(slot) + MEMBER.offset('noticed'), 0);
  }

  /** MEMBER_FLAGS of a slot. */
  setMemberFlags(slot: number, flags: number): void {
    this.#publish(this.#memberOffset(slot) + MEMBER.offset('flags'), flags);
  }

  /** Where the kernel has the device of a slot's member, and the namespace of all; undefined: the programs trust the plan for it. */
  setDevice(slot: number, learned: LearnedDevice | undefined): void {
    if (learned !== undefined) this.#shared.net = learned.net;
    this.#shared.members.at(slot).device = learned?.device ?? 0n;
  }

  /** For tests: the programs ask this slot for the device that another bond's slot asks. */
  adoptDeviceOf(slot: number, other: LiveState, otherSlot: number): void {
    this.#shared.members.at(slot).device = other.#shared.members.at(otherSlot).device;
  }

  /** Frames that found no member, since the bond exists. */
  get drops(): number {
    return Number(this.#shared.drops.count);
  }

  /** What was lost since it was taken last, by whichever daemon. */
  takeLoss(): Loss {
    const losses = [this.#shared.drops];
    for (let slot = 0; slot < MAX_MEMBERS; slot++) losses.push(this.#shared.members.at(slot).dead);
    let packets = 0;
    let sinceNs: bigint | null = null;
    for (const loss of losses) {
      const { count, taken } = loss;
      if (count === taken) continue;
      packets += Number(count - taken);
      const first = loss.firstNs;
      loss.taken = count;
      // A program that counted just now may not have noted the time yet; that one is from before.
      if (first > this.#lastTakenNs && (sinceNs === null || first < sinceNs)) sinceNs = first;
    }
    this.#lastTakenNs = monotonicNs();
    return { packets, sinceNs };
  }

  /** Adds what was counted elsewhere; programs may count meanwhile. */
  carry(earlier: CarriedState): void {
    this.#eachLease(earlier, (slot, lease) => this.#leases.merge(slot, lease));
    const { switches, drops, members } = earlier;
    Atomics.add(this.#longs, SHARED.offset('switches') / LONG, switches);
    this.#carryLoss(this.#shared.drops, SHARED.offset('drops'), drops);
    for (let slot = 0; slot < MAX_MEMBERS; slot++) {
      const member = members.get(this.memberAt(slot));
      if (member === undefined || this.memberAt(slot) === 0) continue;
      const entry = this.#shared.members.at(slot);
      this.#carryLoss(entry.dead, this.#memberOffset(slot) + MEMBER.offset('dead'), member.dead);
      if (entry.receivedNs === 0n) entry.receivedNs = member.receivedNs;
    }
  }

  /** Before the programs of this state are put in place: what LACP goes on saying, and until when. */
  carryLeases(earlier: CarriedState): void {
    const { leasing } = earlier;
    if (leasing === undefined) return;
    this.#leases.beat(leasing.daemonNs);
    this.#leases.last(leasing.untilNs);
    this.#eachLease(earlier, (slot, lease) => this.#leases.carry(slot, lease));
  }

  #eachLease({ members }: CarriedState, work: (slot: number, lease: CarriedLease) => void): void {
    for (let slot = 0; slot < MAX_MEMBERS; slot++) {
      const lease = this.memberAt(slot) === 0 ? undefined : members.get(this.memberAt(slot))?.lease;
      if (lease !== undefined) work(slot, lease);
    }
  }

  #carryLoss(entry: LossEntry, offset: number, { count, taken, firstNs }: CarriedLoss): void {
    // The earlier one is from before.
    if (count !== taken) entry.firstNs = firstNs;
    Atomics.add(this.#longs, (offset + LOSS.offset('count')) / LONG, count);
    entry.taken += taken;
  }

  #forget(loss: LossEntry): void {
    loss.taken = loss.count;
  }

  #memberOffset(slot: number): number {
    return SHARED.fields.members.offset + slot * MEMBER_STRIDE;
  }

  #publish(offset: number, value: number): void {
    Atomics.store(this.#words, offset / WORD, value);
  }
}
