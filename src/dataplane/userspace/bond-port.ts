// Forwarding of one bond in the worker: frames of the host go to the member that the plan names, frames of members to the
// host. A frame that a member refuses because it has no carrier is sent again on the next at once.
import { ETHERTYPE } from '../../frames/index.js';
import type { FixedMemory } from '../../linux/index.js';
import { BalanceSender } from './balance-sender.js';
import { MemberPort, type MemberPlace } from './member-port.js';
import { Outbox } from './outbox.js';
import { BATCH, RingReader, type RingPlace } from './ring-reader.js';
import { NO_MEMBER, SharedState, type SlotPlan } from './shared-state.js';
import { receivedAs } from './receiver-slots.js';
import { SpreadSender, type Told } from './spread-sender.js';

/** Batches of one ring before the others have their turn. */
const MOST_ROUNDS = 8;

export class BondPort {
  readonly host: RingReader;
  readonly members = new Map<number, MemberPort>();
  readonly #state: SharedState;
  readonly #diverted: Told;
  readonly #outbox: Outbox;
  readonly #spread: SpreadSender;
  readonly #balance: BalanceSender;

  /** `memory` is the shared state; `diverted` is told when `current` was moved, or a member passed over. */
  constructor(host: RingPlace, memory: FixedMemory, diverted: Told) {
    const state = new SharedState(memory.buffer);
    this.#state = state;
    this.#outbox = new Outbox(state, memory);
    this.host = this.#reader(host, undefined);
    this.#diverted = diverted;
    this.#spread = new SpreadSender(state, this.#outbox, this.members, diverted);
    this.#balance = new BalanceSender(state, this.#outbox, this.members, diverted, from =>
      this.#divert(from),
    );
  }

  addMember(slot: number, ifindex: number, place: MemberPlace): void {
    this.members.set(slot, new MemberPort(ifindex, place, this.#reader(place.ring, slot)));
  }

  #reader(place: RingPlace, slot: number | undefined): RingReader {
    const ring = new RingReader(place, this.#state, slot);
    this.#outbox.recover(ring);
    return ring;
  }

  /** Carries what the host wants to send. */
  fromHost(): void {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const count = this.host.fetch();
      if (count === 0) return;
      // Asked for after the frames were fetched, so a frame is never sent by an older plan than it knew.
      const plan = this.#state.plan();
      if (plan.mode === 'active-backup') this.#sendAll(count, plan);
      else if (plan.mode === 'balance-tlb' || plan.receivers !== null)
        this.#balance.send(this.host, count, plan);
      else this.#spread.send(this.host, count, plan);
      this.host.release();
      if (count < BATCH) return;
    }
  }

  /** Carries what a member received; also when nothing of it may pass, so that its ring does not fill. */
  fromMember(slot: number, nowMs: number): void {
    const ring = this.members.get(slot)?.ring;
    if (ring === undefined) return;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const count = ring.fetch();
      if (count === 0) return;
      this.#state.noteReceived(slot);
      const isHeard = this.#accepts(slot, nowMs);
      const plan = this.#state.plan();
      if (isHeard || plan.receivers !== null) {
        ring.restoreTags();
        let passed = 0;
        for (let i = 0; i < count; i++)
          if (this.#passes(ring, i, slot, plan, isHeard)) this.#outbox.put(ring, i, passed++);
        this.#deliver(passed);
      }
      ring.release();
      if (count < BATCH) return;
    }
  }

  /** Whether a frame of a member is the bond's; in balance-alb it has the bond's address then. */
  #passes(ring: RingReader, i: number, slot: number, plan: SlotPlan, isHeard: boolean): boolean {
    // 802.3ad: frames of the slow protocols stay at the member.
    if (plan.receivers === null) return plan.mode !== '802.3ad' || !isSlow(ring.frame(i));
    const isCurrent = slot === this.#state.current;
    const as = receivedAs(plan, ring.frame(i), slot, { isHeard, isCurrent });
    if (as === 'to bond') ring.setDestination(i, plan.receivers.bondAddress);
    return as !== 'dropped';
  }

  /** All by the member that is current. */
  #sendAll(count: number, plan: SlotPlan): void {
    this.host.restoreTags();
    for (let i = 0; i < count; i++) this.#outbox.put(this.host, i, i);
    let done = 0;
    while (done < count) {
      const slot = this.#state.current;
      const member = this.members.get(slot);
      const sent = member?.send(this.#outbox, done, count, plan.throughQdisc[slot] === true) ?? 'dead';
      if (typeof sent === 'number') {
        done += sent;
      } else if (sent === 'own fault' || sent === 'busy') {
        this.#state.addFault(sent === 'busy' ? 'busy' : 'unsendable', 1);
        done += 1;
      } else if (plan.divert) {
        if (this.#divert(slot)) continue;
        this.#state.addLoss('drops', count - done);
        return;
      } else {
        this.#state.addLoss(member === undefined ? 'drops' : 'dead', count - done);
        return;
      }
    }
  }

  /** The next in order that can send becomes current; false when there is none. True also when somebody moved it meanwhile. */
  #divert(from: number): boolean {
    if (this.#state.current !== from) return true;
    const to = this.#choose();
    if (to === undefined) return false;
    if (this.#state.moveCurrent(from, to)) this.#diverted(from, to);
    return true;
  }

  #choose(): number | undefined {
    return this.#state.plan().order.find(slot => this.members.get(slot)?.canSend() === true);
  }

  #accepts(slot: number, nowMs: number): boolean {
    const plan = this.#state.plan();
    const { current } = this.#state;
    if (slot === current || plan.acceptAlways[slot] === true) return true;
    // In 802.3ad the plan names all that are heard.
    if (!plan.divert || plan.mode === '802.3ad') return false;
    if (current !== NO_MEMBER && this.members.get(current)?.couldSend(nowMs) === true) return false;
    // As on transmit: whoever finds out first moves, so that the answer to the first diverted frame is not dropped.
    if (this.#choose() !== slot) return false;
    if (this.#state.moveCurrent(current, slot)) this.#diverted(current, slot);
    return this.#state.current === slot;
  }

  #deliver(count: number): void {
    let done = 0;
    while (done < count) {
      const sent = this.#outbox.send(this.host.fd, done, count);
      if (sent > 0) {
        done += sent;
      } else if (sent !== -4) {
        this.#state.addFault('undelivered', 1);
        done += 1;
      }
    }
  }
}

/** Of the slow protocols (LACP). */
function isSlow(frame: Uint8Array): boolean {
  return (((frame[12] ?? 0) << 8) | (frame[13] ?? 0)) === ETHERTYPE.SLOW;
}
