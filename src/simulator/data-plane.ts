// The packets of one simulated bond: the rules of the eBPF programs (src/dataplane/ebpf/programs.ts), step by step.
import type { ForwardingPlan, MemberIndex } from '../policy/index.js';
import { type Frame, isLinkLocal } from './frame.js';
import type { NetworkInterface } from './network-interface.js';

interface Slot {
  readonly nic: NetworkInterface;
  acceptAlways: boolean;
}

/** What becomes of a frame that a member received. */
export type Received = 'to-bond' | 'to-member' | 'dropped';

/** `from` is null when nothing sent before. */
export type Diverted = (from: MemberIndex | null, to: MemberIndex) => void;

export class SimulatedDataPlane {
  current: MemberIndex | null = null;
  /** Frames that found no member, and frames given to a member that could not send. */
  drops: number = 0;
  deadSends: number = 0;
  /** The lower end is up: without it nothing passes, and the bond has no carrier. */
  carrier: boolean = false;
  #divert = false;
  #order: readonly MemberIndex[] = [];
  readonly #slots = new Map<MemberIndex, Slot>();
  readonly #diverted: Diverted;

  constructor(diverted: Diverted) {
    this.#diverted = diverted;
  }

  addMember(nic: NetworkInterface): void {
    this.#slots.set(nic.ifindex, { nic, acceptAlways: false });
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

  apply(plan: ForwardingPlan): void {
    for (const [member, slot] of this.#slots) {
      slot.acceptAlways = !plan.inactive.includes(member) && member !== plan.active;
    }
    this.#order = plan.order.filter(member => this.#slots.has(member));
    this.#divert = plan.inlineFailover;
    this.current = plan.active !== null && this.#slots.has(plan.active) ? plan.active : null;
  }

  /** Sends a frame of the host; the member that took it, or null when it is lost here. */
  transmit(frame: Frame): NetworkInterface | null {
    if (!this.carrier) return null;
    let nic = this.#nic(this.current);
    if (nic === null) nic = this.#choose();
    else if (!nic.canSend) {
      if (this.#divert) nic = this.#choose();
      else this.deadSends++;
    }
    if (nic === null) {
      this.drops++;
      return null;
    }
    nic.transmit(frame);
    return nic;
  }

  receive(member: NetworkInterface, frame: Frame): Received {
    if (this.#accepts(member)) return this.carrier ? 'to-bond' : 'dropped';
    return isLinkLocal(frame.destination) ? 'to-member' : 'dropped';
  }

  #accepts(member: NetworkInterface): boolean {
    if (this.current === member.ifindex) return true;
    if (this.#slots.get(member.ifindex)?.acceptAlways === true) return true;
    if (!this.#divert) return false;
    const current = this.#nic(this.current);
    if (current === null || current.canSend) return false;
    return this.#choose() === member;
  }

  #nic(member: MemberIndex | null): NetworkInterface | null {
    return member === null ? null : (this.#slots.get(member)?.nic ?? null);
  }

  /** Makes the first of the order that can send `current`. */
  #choose(): NetworkInterface | null {
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
