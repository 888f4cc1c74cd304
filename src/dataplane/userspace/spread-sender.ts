// Sending of one bond in the worker where several members send: balance-rr, balance-xor, broadcast, 802.3ad. The rules are those of the
// eBPF programs (../ebpf/spread-programs.ts), but that a member is known to be dead by its refusing a frame, which then goes
// to the next at once.
import { transmitHash } from '../../policy/index.js';
import type { MemberPort } from './member-port.js';
import type { Outbox } from './outbox.js';
import { BATCH, type RingReader } from './ring-reader.js';
import type { SharedState, SlotPlan } from './shared-state.js';

const ETH_P_IP = 0x0800;
const IGMP = 2;
const IP_PROTOCOL_AT = 14 + 9;
const TWO_32 = 2 ** 32;

/** In place of a slot: no member can take the frame; it needs none any more. */
const NOWHERE = -1;
const DONE = -2;
/** In place of a number: IGMP, which in balance-rr goes through the member that is active in name. */
const BY_NAME = -1;

/** Told of a member that was passed over, and who sends in its place. */
export type Told = (from: number, to: number) => void;

export class SpreadSender {
  readonly #state: SharedState;
  readonly #outbox: Outbox;
  readonly #members: ReadonlyMap<number, MemberPort>;
  readonly #told: Told;
  /** Of each frame of the batch: the number that chooses its member, and the slot that it goes to. */
  readonly #numbers = new Float64Array(BATCH);
  readonly #targets = new Int32Array(BATCH);
  /** Which frames of the batch are in the outbox. */
  readonly #taken = new Int32Array(BATCH);
  /** Slots that refused a frame of this batch, as they cannot send. */
  readonly #dead = new Set<number>();

  constructor(state: SharedState, outbox: Outbox, members: ReadonlyMap<number, MemberPort>, told: Told) {
    this.#state = state;
    this.#outbox = outbox;
    this.#members = members;
    this.#told = told;
  }

  /** Sends the `count` frames that were fetched from the host. */
  send(host: RingReader, count: number, plan: SlotPlan): void {
    this.#dead.clear();
    if (plan.mode !== 'broadcast') {
      for (let i = 0; i < count; i++) this.#numbers[i] = this.#numberOf(host, i, plan);
    }
    host.restoreTags();
    if (isHashed(plan)) this.#byMember(host, count, plan);
    else this.#inOrder(host, plan.mode === 'broadcast' ? this.#broadcast(host, count, plan) : 0, count, plan);
  }

  /** Whose turn it is, or what the frame's hash is (bond_xmit_roundrobin_slave_get, bond_xmit_3ad_xor_slave_get). */
  #numberOf(host: RingReader, i: number, plan: SlotPlan): number {
    const frame = host.frame(i);
    if (plan.mode !== 'balance-rr') return transmitHash(plan.hashPolicy, frame, host.tagOf(i));
    if (isIgmp(frame)) return BY_NAME;
    if (plan.packetsPerSlave === 0) return Math.floor(Math.random() * TWO_32);
    return Math.floor(this.#state.takeTurn() / plan.packetsPerSlave);
  }

  /** Sends frames one after the other, as many a call as go to the same member: what takes turns shall not overtake. */
  #inOrder(host: RingReader, from: number, count: number, plan: SlotPlan): void {
    for (let i = from; i < count; ) {
      const slot = this.#targetOf(this.#numbers[i] ?? 0, plan);
      const member = this.#members.get(slot);
      if (member === undefined || this.#dead.has(slot)) {
        this.#state.addLoss(member === undefined ? 'drops' : 'dead', 1);
        i += 1;
        continue;
      }
      let mine = 0;
      for (let same = true; same; ) {
        this.#outbox.put(host, i + mine, mine);
        mine += 1;
        same = i + mine < count && this.#targetOf(this.#numbers[i + mine] ?? 0, plan) === slot;
      }
      i += this.#sendTo(slot, member, mine, plan);
    }
  }

  /** Sends the frames of each member together: a flow is on one member, so none overtakes another of its own. */
  #byMember(host: RingReader, count: number, plan: SlotPlan): void {
    this.#targets.fill(NOWHERE, 0, count);
    // After each turn but the last one more member is known to be dead.
    for (let left = true; left; ) left = this.#distribute(host, count, plan);
  }

  /** Sends every frame that is not done to its member; true when a member refused some, which are left. */
  #distribute(host: RingReader, count: number, plan: SlotPlan): boolean {
    for (let i = 0; i < count; i++) {
      if (this.#targets[i] === DONE) continue;
      const slot = this.#targetOf(this.#numbers[i] ?? 0, plan);
      this.#targets[i] = slot === NOWHERE ? DONE : slot;
      if (slot === NOWHERE) this.#state.addLoss('drops', 1);
    }
    let left = false;
    for (const [slot, member] of this.#members) {
      let mine = 0;
      for (let i = 0; i < count; i++) {
        if (this.#targets[i] !== slot) continue;
        this.#outbox.put(host, i, mine);
        this.#taken[mine++] = i;
      }
      const sent = mine === 0 ? 0 : this.#sendTo(slot, member, mine, plan);
      for (let k = 0; k < sent; k++) this.#targets[this.#taken[k] ?? 0] = DONE;
      if (sent < mine) left = true;
    }
    return left;
  }

  /**
   * Of the members in question the one with this number, modulo how many there are, or the next that can send. A dead one only
   * for IGMP, where the plan may not be left: the driver does not look there.
   */
  #targetOf(number: number, plan: SlotPlan): number {
    const { current } = this.#state;
    if (number === BY_NAME && this.#members.has(current) && !(plan.divert && this.#dead.has(current)))
      return current;
    if (plan.mode !== 'broadcast') {
      const among = plan.mode === 'balance-rr' ? plan.order : plan.usable;
      const { length } = among;
      for (let step = 0; step < length; step++) {
        const slot = among[(Math.max(number, 0) + step) % length] ?? NOWHERE;
        if (plan.isUsable[slot] !== true || !this.#members.has(slot)) continue;
        if (!this.#dead.has(slot)) return slot;
      }
    }
    // No usable one can: any other, where the plan may be left; but none that LACP does not let send.
    if (plan.divert && plan.mode !== '802.3ad')
      for (const slot of this.#members.keys()) if (!this.#dead.has(slot)) return slot;
    return NOWHERE;
  }

  /** A copy to every usable member; gives how many of the first frames at least one took. */
  #broadcast(host: RingReader, count: number, plan: SlotPlan): number {
    let most = 0;
    const slots = plan.usable.filter(slot => this.#members.has(slot));
    for (const slot of slots) {
      const member = this.#members.get(slot);
      if (member === undefined) continue;
      for (let i = 0; i < count; i++) this.#outbox.put(host, i, i);
      this.#outbox.copiesFollow = slot !== slots.at(-1);
      most = Math.max(most, this.#sendTo(slot, member, count, plan));
    }
    this.#outbox.copiesFollow = false;
    return most;
  }

  /**
   * Sends the first `count` frames of the outbox; gives how many it is done with: fewer when it is dead.
   * In balance-xor and 802.3ad the driver does not look whether the member that was hit can send: where the plan may not be left the frames
   * are lost in it.
   */
  #sendTo(slot: number, member: MemberPort, count: number, plan: SlotPlan): number {
    const done = member.sendAll(this.#outbox, count, plan.throughQdisc[slot] === true, this.#state);
    if (done === count) return count;
    if (isHashed(plan) && !plan.divert) {
      this.#state.addLoss('dead', count - done);
      return count;
    }
    this.#dead.add(slot);
    if (plan.divert && plan.mode !== 'broadcast') this.#notice(slot, plan);
    return done;
  }

  /** Tells once that a member cannot send, until it is usable again. */
  #notice(slot: number, plan: SlotPlan): void {
    const position = Math.max((plan.mode === 'balance-rr' ? plan.order : plan.usable).indexOf(slot), 0);
    const to = this.#targetOf(position, plan);
    if (to !== NOWHERE && this.#state.noticeDead(slot)) this.#told(slot, to);
  }
}

function isHashed({ mode }: SlotPlan): boolean {
  return mode === 'balance-xor' || mode === '802.3ad';
}

/** As bond_xmit_roundrobin_slave_get looks: IPv4 alone, the tag of a VLAN beside the frame. */
function isIgmp(frame: Uint8Array): boolean {
  return (((frame[12] ?? 0) << 8) | (frame[13] ?? 0)) === ETH_P_IP && frame[IP_PROTOCOL_AT] === IGMP;
}
