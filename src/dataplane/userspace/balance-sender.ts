// Sending of one bond in the worker in balance-tlb and balance-alb: flows of IP go by load or by hash, everything else by the active member, in
// balance-alb ARP by the table of clients. The rules are those of the eBPF programs (../ebpf/balance-program.ts); what a dead member refuses goes to another at once.
import { ETHERTYPE } from '../../frames/index.js';
import { arpWay, flowPlace, isBalanced, LoadTable, transmitHash } from '../../policy/index.js';
import type { MemberPort } from './member-port.js';
import type { Outbox } from './outbox.js';
import { BATCH, type RingReader } from './ring-reader.js';
import { NO_MEMBER, type SharedState, type SlotPlan } from './shared-state.js';
import type { Told } from './spread-sender.js';

/** In place of a hash: the frame goes by the active member in any case. */
const UNBALANCED = -1;

export class BalanceSender {
  readonly #state: SharedState;
  readonly #outbox: Outbox;
  readonly #members: ReadonlyMap<number, MemberPort>;
  readonly #told: Told;
  /** Makes another member active, as this one cannot send; false when there is none. */
  readonly #divert: (from: number) => boolean;
  readonly #loads = new LoadTable();
  readonly #hashes = new Float64Array(BATCH);
  readonly #targets = new Int32Array(BATCH);
  /** ARP in balance-alb: the slot of its client, and whether it is a reply, which names that one's address. */
  readonly #ways = new Int32Array(BATCH);
  readonly #replies = new Uint8Array(BATCH);
  #count = 0;
  /** Slots that refused a frame of this batch, as they cannot send. */
  readonly #dead = new Set<number>();

  constructor(
    state: SharedState,
    outbox: Outbox,
    members: ReadonlyMap<number, MemberPort>,
    told: Told,
    divert: (from: number) => boolean,
  ) {
    this.#state = state;
    this.#outbox = outbox;
    this.#members = members;
    this.#told = told;
    this.#divert = divert;
  }

  /** Sends the `count` frames that were fetched from the host. */
  send(host: RingReader, count: number, plan: SlotPlan): void {
    const nowMs = performance.now();
    this.#loads.rebalance(plan.rebalance, nowMs);
    this.#dead.clear();
    this.#count = count;
    for (let i = 0; i < count; i++) {
      const frame = host.frame(i);
      this.#hashes[i] = hashOf(frame, host.tagOf(i), plan);
      const way = plan.receivers === null || !isArp(frame) ? null : arpWay(plan.receivers.table, frame);
      this.#ways[i] = way?.member ?? NO_MEMBER;
      this.#replies[i] = Number(way?.isReply === true);
      if (this.#hashes[i] === UNBALANCED && plan.byLoad) this.#loads.countUnbalanced(frame.length);
      this.#targets[i] = this.#targetOf(i, frame.length, plan, nowMs);
    }
    host.restoreTags();
    for (let i = 0; i < count; ) i += this.#sendFrom(host, i, count, plan, nowMs);
  }

  /** Sends the frames from `from` on that have the same member, one after the other; gives how many are done with. */
  #sendFrom(host: RingReader, from: number, count: number, plan: SlotPlan, nowMs: number): number {
    const slot = this.#targets[from] ?? NO_MEMBER;
    const member = this.#members.get(slot);
    if (member === undefined) {
      if (plan.divert && this.#divert(slot)) return this.#again(from, plan, nowMs);
      this.#state.addLoss('drops', 1);
      return 1;
    }
    let mine = 0;
    while (from + mine < count && this.#targets[from + mine] === slot) {
      this.#putSource(host, from + mine, slot, plan);
      this.#outbox.put(host, from + mine, mine);
      mine += 1;
    }
    const sent = member.sendAll(this.#outbox, mine, plan.throughQdisc[slot] === true, this.#state);
    if (sent === mine) return sent;
    // By hash, where the plan may not be left, the driver does not look whether the member that was hit can send.
    if (plan.divert || plan.byLoad) this.#dead.add(slot);
    return sent + this.#refused(from + sent, slot, plan, nowMs);
  }

  /** What becomes of a frame that its member cannot send: it is lost (1), or has another member now (0). */
  #refused(i: number, slot: number, plan: SlotPlan, nowMs: number): number {
    const isPlain = this.#hashes[i] === UNBALANCED;
    if (this.#ways[i] === slot) {
      // The active one can say it.
      this.#ways[i] = NO_MEMBER;
      if (slot !== this.#state.current) return this.#again(i, plan, nowMs);
    }
    const mayLeave = isPlain || !plan.byLoad ? plan.divert : true;
    if (!mayLeave) {
      this.#state.addLoss('dead', 1);
      return 1;
    }
    const { current } = this.#state;
    if (isPlain && slot === current && !this.#divert(slot)) {
      this.#state.addLoss('drops', 1);
      return 1;
    }
    this.#again(i, plan, nowMs);
    const to = this.#targets[i] ?? NO_MEMBER;
    if (this.#dead.has(to)) {
      // Nothing usable is left: any other, as the active member.
      if (!plan.divert || !this.#divert(to)) {
        this.#state.addLoss(plan.divert ? 'drops' : 'dead', 1);
        return 1;
      }
      this.#again(i, plan, nowMs);
    }
    if (!isPlain && plan.divert && to !== slot && this.#state.noticeDead(slot)) this.#told(slot, to);
    return 0;
  }

  /** Gives the frames from `i` on new members, after one was found dead. */
  #again(i: number, plan: SlotPlan, nowMs: number): 0 {
    for (let at = i; at < this.#count; at++) this.#targets[at] = this.#targetOf(at, 0, plan, nowMs);
    return 0;
  }

  /** The slot that a frame goes to; its bytes are counted for its flow. */
  #targetOf(i: number, bytes: number, plan: SlotPlan, nowMs: number): number {
    const { current } = this.#state;
    const hash = this.#hashes[i] ?? UNBALANCED;
    const way = this.#ways[i] ?? NO_MEMBER;
    if (way !== NO_MEMBER) return way;
    if (hash === UNBALANCED) return current;
    const able = plan.balanced.filter(
      ({ member }) => plan.isUsable[member] === true && this.#members.has(member) && !this.#dead.has(member),
    );
    if (plan.byLoad) return this.#loads.choose(hash, bytes, able, current, nowMs) ?? current;
    const usable = plan.balanced.filter(({ member }) => plan.isUsable[member] === true);
    for (let step = 0; step < usable.length; step++) {
      const entry = usable[(hash + step) % usable.length];
      if (entry !== undefined && able.includes(entry)) return entry.member;
    }
    return current;
  }

  /** What leaves by another member than the active one has that member's source address. */
  #putSource(host: RingReader, i: number, slot: number, plan: SlotPlan): void {
    if (this.#replies[i] === 1) host.setArpSender(i, this.#ways[i] === slot ? plan.sources[slot] : undefined);
    host.setSource(i, slot === this.#state.current ? undefined : plan.sources[slot]);
  }
}

function isArp(frame: Uint8Array): boolean {
  return (((frame[12] ?? 0) << 8) | (frame[13] ?? 0)) === ETHERTYPE.ARP;
}

/** What tells flows apart: in balance-alb where they go. */
function hashOf(frame: Uint8Array, tag: number, plan: SlotPlan): number {
  if (plan.receivers === null)
    return isBalanced(frame) ? transmitHash(plan.hashPolicy, frame, tag) : UNBALANCED;
  const place = flowPlace(frame);
  if (place === null) return UNBALANCED;
  return plan.byLoad ? place : transmitHash(plan.hashPolicy, frame, tag);
}
