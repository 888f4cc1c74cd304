// The packets of one simulated bond: the rules of the eBPF programs (src/dataplane/ebpf/programs.ts, spread-programs.ts,
// balance-program.ts), step by step; and what they will have for 802.3ad.
import {
  arpWay,
  flowPlace,
  type ForwardingPlan,
  isBalanced,
  LoadTable,
  type MemberIndex,
  membersThat,
  transmitHash,
} from '../policy/index.js';
import { SLOW_PROTOCOLS_MAC } from '../frames/index.js';
import { type Frame, isLinkLocal } from './frame.js';
import { bytesOf } from './frame-bytes.js';
import type { NetworkInterface } from './network-interface.js';

interface Slot {
  readonly nic: NetworkInterface;
  acceptAlways: boolean;
  usable: boolean;
  /** It was told that it cannot send, since it is usable. */
  noticed: boolean;
}

/** What becomes of a frame that a member received. */
export type Received = 'to-bond' | 'to-member' | 'dropped';

/** `from` is null when nothing sent before. */
export type Diverted = (from: MemberIndex | null, to: MemberIndex) => void;

const ETHERTYPE_IPV4 = 0x0800;
const IGMP = 2;

export class SimulatedDataPlane {
  current: MemberIndex | null = null;
  /** Frames that found no member, and frames given to a member that could not send. */
  drops: number = 0;
  deadSends: number = 0;
  /** The lower end is up: without it nothing passes, and the bond has no carrier. */
  carrier: boolean = false;
  #plan: ForwardingPlan | null = null;
  #order: readonly MemberIndex[] = [];
  /** balance-rr: frames sent so far. */
  #turns = 0;
  readonly #slots = new Map<MemberIndex, Slot>();
  readonly #diverted: Diverted;
  readonly #chance: () => number;
  readonly #now: () => number;
  readonly #loads = new LoadTable();

  /** `chance` gives whole numbers of 32 bits, `now` the time in ms. */
  constructor(diverted: Diverted, chance: () => number, now: () => number) {
    this.#diverted = diverted;
    this.#chance = chance;
    this.#now = now;
  }

  addMember(nic: NetworkInterface): void {
    this.#slots.set(nic.ifindex, { nic, acceptAlways: false, usable: false, noticed: false });
  }

  removeMember(member: MemberIndex): void {
    this.#order = this.#order.filter(other => other !== member);
    if (this.current === member) this.current = null;
    this.#slots.delete(member);
  }

  members(): readonly MemberIndex[] {
    return [...this.#slots.keys()];
  }

  /** Members whose received frames are let through now, whatever `current` is. */
  acceptingAlways(): readonly MemberIndex[] {
    return this.members().filter(member => this.#slots.get(member)?.acceptAlways === true);
  }

  /** Members that the plan sends through, where several may. */
  usable(): readonly NetworkInterface[] {
    return [...this.#slots.values()].filter(slot => slot.usable).map(slot => slot.nic);
  }

  get #divert(): boolean {
    return this.#plan?.inlineFailover === true;
  }

  apply(plan: ForwardingPlan): void {
    for (const [member, slot] of this.#slots) {
      const planned = plan.members.find(each => each.member === member);
      slot.acceptAlways = planned?.heardBesides === true;
      const usable = planned?.usable === true;
      if (usable && !slot.usable) slot.noticed = false;
      slot.usable = usable;
    }
    this.#plan = plan;
    this.#loads.rebalance(plan.rebalance, this.#now());
    this.#order = membersThat(plan, ({ member }) => this.#slots.has(member));
    this.current = plan.active !== null && this.#slots.has(plan.active) ? plan.active : null;
  }

  /** Sends a frame of the host, or loses it and counts it. */
  transmit(frame: Frame): void {
    if (!this.carrier) return;
    const nics = this.#chosen(frame);
    if (nics.length === 0) this.drops++;
    for (const nic of nics) {
      if (!nic.canSend) this.deadSends++;
      nic.transmit(this.#sourced(frame, nic));
    }
  }

  /**
   * balance-tlb, balance-alb: what leaves by another member than the active one has that one's source address. In balance-alb ARP still names
   * the bond's, but answers that of their member.
   */
  #sourced(frame: Frame, nic: NetworkInterface): Frame {
    if (nic.ifindex === this.current) return frame;
    const source = this.#plan?.members.find(({ member }) => member === nic.ifindex)?.balance?.source;
    if (source === undefined) return frame;
    const { cargo } = frame;
    const names = cargo.kind === 'ask' && this.#plan?.receivers !== null;
    return { ...frame, source, ...(names && { cargo: { ...cargo, sender: frame.source } }) };
  }

  /** balance-alb: the member by which ARP of the host leaves; null where that is no ARP, or its member cannot send. */
  #byClient({ receivers }: ForwardingPlan, frame: Frame): NetworkInterface | null {
    if (receivers === null || (frame.cargo.kind !== 'ask' && frame.cargo.kind !== 'answer')) return null;
    const nic = this.#nic(arpWay(receivers, bytesOf(frame))?.member ?? null);
    return nic?.canSend === true ? nic : null;
  }

  #chosen(frame: Frame): readonly NetworkInterface[] {
    const usable = this.#order.filter(member => this.#slots.get(member)?.usable === true);
    const plan = this.#plan;
    if (plan === null) return [];
    if (plan.mode === 'balance-rr') return one(this.#roundRobin(frame));
    if (plan.mode === 'balance-xor')
      return one(this.#search(usable, transmitHash(plan.hashPolicy, bytesOf(frame)), false));
    if (plan.mode === '802.3ad') return one(this.#aggregated(plan, usable, frame));
    if (plan.mode === 'broadcast') {
      const copies = usable.map(member => this.#nic(member)).filter(nic => nic?.canSend === true);
      return copies.length > 0 ? copies.filter(nic => nic !== null) : one(this.#anyOther());
    }
    const way = this.#byClient(plan, frame);
    if (way !== null) return one(way);
    if (plan.mode === 'balance-tlb' || plan.mode === 'balance-alb')
      return one(this.#balanced(plan, usable, frame) ?? this.#activeBackup());
    return one(this.#activeBackup());
  }

  /** As balance-xor; but never through a port that LACP does not let send. */
  #aggregated(plan: ForwardingPlan, usable: readonly MemberIndex[], frame: Frame): NetworkInterface | null {
    const hash = transmitHash(plan.hashPolicy, bytesOf(frame));
    const able = usable.some(member => this.#nic(member)?.canSend === true);
    return able || !this.#divert ? this.#search(usable, hash, false) : null;
  }

  /** The member of the frame's flow; null when the frame goes by the active one. */
  #balanced(plan: ForwardingPlan, usable: readonly MemberIndex[], frame: Frame): NetworkInterface | null {
    const bytes = bytesOf(frame);
    const place = plan.receivers === null ? null : flowPlace(bytes);
    if (plan.receivers === null ? !isBalanced(bytes) : place === null) {
      this.#loads.countUnbalanced(bytes.length);
      return null;
    }
    const hash = (plan.byLoad ? place : null) ?? transmitHash(plan.hashPolicy, bytes);
    if (!plan.byLoad) return this.#search(usable, hash, false);
    const able = plan.members
      .map(({ member, balance }) => ({
        member,
        rank: balance?.rank ?? 0,
        speedMbps: balance?.speedMbps ?? 0,
      }))
      .filter(({ member }) => usable.includes(member) && this.#nic(member)?.canSend === true)
      .sort((a, b) => a.rank - b.rank);
    return this.#nic(this.#loads.choose(hash, bytes.length, able, this.current, this.#now()));
  }

  /** The current member, or the first of the order that can send where the plan may be left. */
  #activeBackup(): NetworkInterface | null {
    const nic = this.#nic(this.current);
    return nic === null || (!nic.canSend && this.#divert) ? this.#choose() : nic;
  }

  /** A member after the other; IGMP through the one that is active in name. */
  #roundRobin(frame: Frame): NetworkInterface | null {
    const named = this.#nic(this.current);
    if (isIgmp(frame)) {
      if (named !== null && (named.canSend || !this.#divert)) return named;
      return this.#search(this.#order, 0, true);
    }
    const each = this.#plan?.packetsPerSlave ?? 1;
    if (each === 0) return this.#search(this.#order, this.#chance(), true);
    this.#turns = (this.#turns + 1) >>> 0;
    return this.#search(this.#order, Math.floor(this.#turns / each), true);
  }

  /**
   * The member number `nth` modulo how many there are, or the next that can send. In balance-xor the one that was hit is used
   * whether it can or not, where the plan may not be left (`overAll` false).
   */
  #search(among: readonly MemberIndex[], nth: number, overAll: boolean): NetworkInterface | null {
    let passed: Slot | null = null;
    for (let step = 0; step < among.length; step++) {
      const slot = this.#slots.get(among[(nth + step) % among.length] ?? -1);
      if (slot?.usable !== true) continue;
      if (slot.nic.canSend) return this.#noticed(passed, slot.nic);
      if (this.#divert) passed = slot;
      else if (!overAll) return slot.nic;
    }
    const other = this.#anyOther();
    return other === null ? null : this.#noticed(passed, other);
  }

  /** Any member that can send, when no usable one can and the plan may be left. */
  #anyOther(): NetworkInterface | null {
    if (!this.#divert) return null;
    for (const { nic } of this.#slots.values()) if (nic.canSend) return nic;
    return null;
  }

  /** Tells once of a member that was passed over. */
  #noticed(passed: Slot | null, to: NetworkInterface): NetworkInterface {
    if (passed?.noticed === false) {
      passed.noticed = true;
      this.#diverted(passed.nic.ifindex, to.ifindex);
    }
    return to;
  }

  receive(member: NetworkInterface, frame: Frame): Received {
    if (this.#plan?.mode === '802.3ad' && frame.destination === SLOW_PROTOCOLS_MAC) return 'to-member';
    if (this.#accepts(member) || this.#isOwn(member, frame)) return this.carrier ? 'to-bond' : 'dropped';
    return isLinkLocal(frame.destination) ? 'to-member' : 'dropped';
  }

  /** balance-alb: unicast to the address of the member itself; the bond's, whichever address it has. */
  #isOwn({ ifindex }: NetworkInterface, { destination }: Frame): boolean {
    if (this.#plan === null || this.#plan.receivers === null) return false;
    return this.#plan.members.some(
      ({ member, balance }) => member === ifindex && balance?.source === destination,
    );
  }

  /** The frame as the bond gets it: what is for the address of a member is for the bond's. */
  forBond(frame: Frame): Frame {
    const { receivers = null, members = [] } = this.#plan ?? {};
    if (receivers === null || !members.some(({ balance }) => balance?.source === frame.destination))
      return frame;
    return { ...frame, destination: receivers.bondAddress };
  }

  #accepts(member: NetworkInterface): boolean {
    if (this.current === member.ifindex) return true;
    if (this.#slots.get(member.ifindex)?.acceptAlways === true) return true;
    // In 802.3ad the plan names all that are heard.
    if (!this.#divert || this.#plan?.mode === '802.3ad') return false;
    const current = this.#nic(this.current);
    if (current === null || current.canSend) return false;
    return this.#choose() === member;
  }

  #nic(member: MemberIndex | null): NetworkInterface | null {
    return member === null ? null : (this.#slots.get(member)?.nic ?? null);
  }

  /** Makes the first of the order that can send `current`. */
  #choose(): NetworkInterface | null {
    if (!this.#divert) return null;
    const from = this.current;
    for (const member of this.#order) {
      const nic = this.#nic(member);
      if (nic === null || !nic.canSend) continue;
      this.current = member;
      this.#diverted(from, member);
      return nic;
    }
    return null;
  }
}

function one(nic: NetworkInterface | null): readonly NetworkInterface[] {
  return nic === null ? [] : [nic];
}

function isIgmp({ cargo }: Frame): boolean {
  if (cargo.kind !== 'bytes') return false;
  const { bytes } = cargo;
  return (((bytes[12] ?? 0) << 8) | (bytes[13] ?? 0)) === ETHERTYPE_IPV4 && bytes[23] === IGMP;
}
