// How a member is given back: everything of the bond is taken off it, and it is as it was before it joined.
import { advice, type MacText, twice } from '../base/index.js';
import type { BondEvent, BondFacts, MemberIndex } from '../policy/index.js';
import { lifeOf, MEMBERSHIP } from './membership.js';
import type { Host } from './ports.js';
import { type Counters, type Leaving, type MemberRecord, withGrowth } from './records.js';
import { guarded } from './trying.js';

/** What departures need of the bond that is left. */
export interface LeftBond {
  readonly policy: { facts(): BondFacts; members(): readonly unknown[] };
  readonly records: Map<MemberIndex, MemberRecord>;
  /** True from the first step of its destruction on. */
  readonly ending: boolean;
  /** Those that left, were up before, and stay down as the bond lives with their MAC address. */
  readonly heldDown: Set<MemberIndex>;
  /** What members that left had counted while they were here. */
  departed: Counters;
}

/** Who leaves one bond. */
export class Departures {
  readonly #host: Host;
  readonly #bond: LeftBond;
  /** Name of the one that was told of just now as staying down. */
  #toldTwin: string | undefined;

  constructor(host: Host, bond: LeftBond) {
    this.#host = host;
    this.#bond = bond;
  }

  /** Written down first: a keeper that ends in between leaves the rest to the next. */
  detach(member: MemberIndex, leaving: Leaving): void {
    const { links, packets, intake, book } = this.#host;
    const bond = this.#bond;
    const record = bond.records.get(member);
    if (record !== undefined) {
      record.leaving = leaving;
      if (this.#isTwin(record, leaving)) bond.heldDown.add(member);
      book.save();
    }
    // Whatever of it fails (the book may be full), the interface gets back what it had.
    try {
      guarded(book, () => intake.release(member));
      guarded(book, () => packets.removeMember(member));
      guarded(book, () => {
        const counted = links.counters(member);
        bond.departed = withGrowth(bond.departed, counted, record?.counted ?? counted);
      });
      if (record !== undefined) this.#restore(record, leaving);
    } finally {
      bond.records.delete(member);
    }
  }

  /**
   * True for one that would be up with the bond's MAC address beside it: the switch would learn that at two ports. (The driver warns
   * of it, and leaves every member down that was released.)
   */
  #isTwin(record: MemberRecord, { restoreAddress }: Leaving): boolean {
    const { original } = record;
    const { ending, policy } = this.#bond;
    const { does } = MEMBERSHIP[lifeOf(record, { inPlane: true })].released;
    if (ending || does !== 'give-back' || !original.up || policy.members().length === 0) return false;
    const own = restoreAddress ? original.address : this.#host.links.read(original.ifindex)?.address;
    return own === policy.facts().address;
  }

  #restore({ original }: MemberRecord, { restoreAddress }: Leaving): void {
    const { links, book } = this.#host;
    const { policy, heldDown } = this.#bond;
    const { name } = policy.facts();
    const isHeld = heldDown.has(original.ifindex);
    const wish = isHeld ? { ...original, up: false } : original;
    for (const message of links.restore(wish, { address: restoreAddress }))
      book.tell({ severity: 'error', type: 'left', message });
    if (!isHeld) return;
    const other = advice('ip link set dev {iface} address {mac} up', {
      iface: original.name,
      mac: links.randomAddress(),
    });
    const message = `${original.name} stays down, since ${name} lives on with its MAC address: the switch would send frames of ${name} to both. It comes up when ${name} is destroyed or has another MAC address; '${other}' brings it up with another of its own`;
    book.tell({ severity: 'warning', type: 'left', message });
    this.#toldTwin = original.name;
  }

  /** Without what the policy says of the MAC address of an interface that was told of just now as staying down. */
  untold(events: readonly BondEvent[]): readonly BondEvent[] {
    const twin = this.#toldTwin;
    this.#toldTwin = undefined;
    return events.filter(({ type, member }) => type !== 'address' || member === undefined || member !== twin);
  }

  /** Brings those up that were held down, unless the bond has their MAC address still; undefined: it has none any more. */
  bringUp(address: MacText | undefined): void {
    const { links, book } = this.#host;
    const { heldDown } = this.#bond;
    if (heldDown.size === 0) return;
    for (const ifindex of Array.from(heldDown)) {
      const link = twice(() => links.read(ifindex));
      if (link !== undefined && link.address === address) continue;
      guarded(book, () => {
        if (link?.adminUp === false) twice(() => links.set(ifindex, { up: true }));
      });
      heldDown.delete(ifindex);
    }
    book.save();
  }
}
