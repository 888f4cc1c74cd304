// How a member is given back: everything of the bond is taken off it, and it is as it was before it joined.
import { advice, type MacText } from '../../base/index.js';
import { type BondDataPlane, twice } from '../../dataplane/index.js';
import { getLink, setLink } from '../../linux/index.js';
import { IFF } from '../../netlink/index.js';
import type { Bond, BondEvent } from '../../policy/index.js';
import { addCounters, grownBy, type IfconfigCounters } from '../../report/index.js';
import type { FilterFollower } from '../kernel/filter-follower.js';
import type { Machine } from '../kernel/machine.js';
import { countersOf } from '../kernel/member-counters.js';
import { restoreSettings } from './original-settings.js';
import { randomMac } from '../kernel/random-mac.js';
import type { Leaving, SavedMember } from '../keeping/state-file.js';
import type { VlanFollower } from '../kernel/vlan-follower.js';

/** A member as the daemon keeps it. */
export interface MemberRecord
  extends Omit<SavedMember, 'original' | 'joining' | 'leaving' | 'refusesAddress' | 'forget'> {
  original: SavedMember['original'];
  forget?: boolean;
  joining: boolean;
  /** Set from before the first step of leaving to after the last. */
  leaving?: Leaving;
  refusesAddress?: boolean;
}

/** What departures need of the bond that is left. */
export interface LeftBond {
  readonly name: string;
  readonly plane: BondDataPlane;
  readonly policy: Bond;
  readonly records: Map<number, MemberRecord>;
  /** True from the first step of its destruction on. */
  readonly ending: boolean;
  /** Those that left, were up before, and stay down as the bond lives with their MAC address. */
  readonly heldDown: Set<number>;
  /** What members that left had counted while they were here. */
  departed: IfconfigCounters;
}

/** Who leaves one bond. */
export class Departures {
  readonly #machine: Machine;
  readonly #bond: LeftBond;
  readonly #filters: FilterFollower;
  readonly #vlans: VlanFollower;
  readonly #guard: (action: () => void) => void;
  readonly #save: () => void;
  /** Name of the one that was told of just now as staying down. */
  #toldTwin: string | undefined;

  constructor(
    machine: Machine,
    bond: LeftBond,
    parts: {
      readonly filters: FilterFollower;
      readonly vlans: VlanFollower;
      readonly guard: (action: () => void) => void;
      readonly save: () => void;
    },
  ) {
    this.#machine = machine;
    this.#bond = bond;
    this.#filters = parts.filters;
    this.#vlans = parts.vlans;
    this.#guard = parts.guard;
    this.#save = parts.save;
  }

  /** Written down first: a daemon that ends in between leaves the rest to the next. */
  detach(member: number, leaving: Leaving): void {
    const bond = this.#bond;
    const record = bond.records.get(member);
    if (record !== undefined) {
      record.leaving = leaving;
      if (this.#isTwin(record, leaving)) bond.heldDown.add(member);
      this.#save();
    }
    // Whatever of it fails (RUN_DIR may be full), the interface gets back what it had.
    try {
      this.#guard(() => twice(() => this.#filters.release(member)));
      this.#guard(() => twice(() => this.#vlans.release(member)));
      this.#guard(() => bond.plane.removeMember(member));
      this.#guard(() => {
        const counted = countersOf(getLink(this.#machine.netlink, member));
        bond.departed = addCounters(bond.departed, grownBy(counted, record?.counted ?? counted));
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
  #isTwin({ original, joining }: MemberRecord, { restoreAddress }: Leaving): boolean {
    const { ending, policy } = this.#bond;
    if (ending || joining || !original.up || policy.members().length === 0) return false;
    const own = restoreAddress ? original.address : getLink(this.#machine.netlink, original.ifindex)?.address;
    return own === policy.snapshot().address;
  }

  #restore({ original }: MemberRecord, { restoreAddress }: Leaving): void {
    const { name, heldDown } = this.#bond;
    const isHeld = heldDown.has(original.ifindex);
    const wish = isHeld ? { ...original, up: false } : original;
    const problems = restoreSettings(this.#machine.netlink, wish, { address: restoreAddress });
    for (const message of problems)
      this.#machine.journal.add(name, { severity: 'error', type: 'left', message });
    if (!isHeld) return;
    const other = advice('ip link set dev {iface} address {mac} up', {
      iface: original.name,
      mac: randomMac(),
    });
    const message = `${original.name} stays down, since ${name} lives on with its MAC address: the switch would send frames of ${name} to both. It comes up when ${name} is destroyed or has another MAC address; '${other}' brings it up with another of its own`;
    this.#machine.journal.add(name, { severity: 'warning', type: 'left', message });
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
    const { heldDown } = this.#bond;
    if (heldDown.size === 0) return;
    const { netlink } = this.#machine;
    for (const ifindex of Array.from(heldDown)) {
      const link = twice(() => getLink(netlink, ifindex));
      if (link !== undefined && link.address === address) continue;
      this.#guard(() => {
        const isUp = link === undefined || (link.flags & IFF.IFF_UP) !== 0;
        if (!isUp) twice(() => setLink(netlink, ifindex, { up: true }));
      });
      heldDown.delete(ifindex);
    }
    this.#save();
  }
}
