// What a bond that is a pair of interfaces has in common with any other, whichever data plane moves its packets between the pair and
// its members: it knows the pair, and who is in which slot.
import type { MemberIndex } from '../policy/index.js';
import type { Loss } from './contract.js';
import type { Pair } from './pair.js';
import { doAll, quietly } from './quietly.js';

/** Who is in which slot, and what was counted there: words in memory that whoever moves the packets sees too. */
export interface Slots {
  /** Slot that sends, or a number that is no slot's. */
  readonly current: number;
  slotOf(member: MemberIndex): number | undefined;
  /** Interface in a slot; 0 when it is free, or no slot. */
  memberAt(slot: number): MemberIndex;
  members(): readonly MemberIndex[];
  /** When the member of a slot last received, as far as it was noted; 0: never. */
  receivedNs(slot: number): bigint;
  /** Frames that found no member, since the bond exists. */
  readonly drops: number;
  /** What was lost since it was taken last. */
  takeLoss(): Loss;
}

/** The part of BondDataPlane that asks the pair and the slots alone, and the order in which a bond is let go of. */
export abstract class PairedBond {
  protected readonly pair: Pair;
  readonly #slots: Slots;
  #closed = false;

  protected constructor(pair: Pair, slots: Slots) {
    this.pair = pair;
    this.#slots = slots;
  }

  abstract removeMember(member: MemberIndex): void;

  /** Before it is let go of: what is to carry its packets on without us. */
  protected abstract outlive(): void;

  /** Steps that give back what this process has of it: descriptors, memory. Each is done once, whatever becomes of the others. */
  protected abstract giveBack(): readonly (() => unknown)[];

  /** Steps that take down what is left of it when its members are out and it was let go of; the note of it goes last. */
  protected abstract remains(): readonly (() => unknown)[];

  get bondIfindex(): number {
    return this.pair.bondIfindex;
  }

  get lowerIfindex(): number {
    return this.pair.lowerIfindex;
  }

  setCarrier(on: boolean): void {
    this.pair.setCarrier(on);
  }

  setMtu(mtu: number): void {
    this.pair.setMtu(mtu);
  }

  renamed(bondName: string): void {
    this.pair.renamed(bondName);
  }

  current(): MemberIndex | null {
    return this.memberAt(this.#slots.current);
  }

  members(): readonly MemberIndex[] {
    return this.#slots.members();
  }

  lastReceivedNs(member: MemberIndex): bigint | null {
    const slot = this.#slots.slotOf(member);
    const at = slot === undefined ? 0n : this.#slots.receivedNs(slot);
    return at === 0n ? null : at;
  }

  takeLoss(): Loss {
    return this.#slots.takeLoss();
  }

  droppedTotal(): number {
    return this.#slots.drops;
  }

  close(): void {
    if (this.#closed) return;
    quietly(() => this.outlive());
    this.#letGo();
  }

  destroy(): void {
    const members = this.#closed ? [] : this.members();
    let left: unknown;
    // As much as can be is taken down; the first failure is told afterwards.
    doAll([
      ...members.map(member => () => this.removeMember(member)),
      // Not a second time: a descriptor that was closed may be another's by then.
      () => {
        left ??= quietly(() => this.#letGo());
      },
      ...this.remains(),
    ]);
    if (left !== undefined) throw left;
  }

  /** True once it was let go of. */
  protected get isClosed(): boolean {
    return this.#closed;
  }

  protected memberAt(slot: number): MemberIndex | null {
    const member = this.#slots.memberAt(slot);
    return member === 0 ? null : member;
  }

  #letGo(): void {
    if (this.#closed) return;
    this.#closed = true;
    const failures = this.giveBack().map(quietly);
    const first = failures.find(failure => failure !== undefined);
    if (first !== undefined) throw first;
  }
}
