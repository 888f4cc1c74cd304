// How a member is given back: everything of the bond is taken off it, and it is as it was before it joined.
import type { BondDataPlane } from '../dataplane/index.js';
import { getLink } from '../linux/index.js';
import { addCounters, grownBy, type IfconfigCounters } from '../report/index.js';
import type { FilterFollower } from './filter-follower.js';
import type { Machine } from './machine.js';
import { countersOf } from './member-counters.js';
import { restoreSettings } from './original-settings.js';
import type { Leaving, SavedMember } from './state-file.js';

/** A member as the daemon keeps it. */
export interface MemberRecord extends Omit<SavedMember, 'original' | 'joining' | 'leaving'> {
  original: SavedMember['original'];
  joining: boolean;
  /** Set from before the first step of leaving to after the last. */
  leaving?: Leaving;
}

/** What departures need of the bond that is left. */
export interface LeftBond {
  readonly name: string;
  readonly plane: BondDataPlane;
  readonly records: Map<number, MemberRecord>;
  /** What members that left had counted while they were here. */
  departed: IfconfigCounters;
}

/** Who leaves one bond. */
export class Departures {
  readonly #machine: Machine;
  readonly #bond: LeftBond;
  readonly #filters: FilterFollower;
  readonly #guard: (action: () => void) => void;
  readonly #save: () => void;

  constructor(
    machine: Machine,
    bond: LeftBond,
    parts: {
      readonly filters: FilterFollower;
      readonly guard: (action: () => void) => void;
      readonly save: () => void;
    },
  ) {
    this.#machine = machine;
    this.#bond = bond;
    this.#filters = parts.filters;
    this.#guard = parts.guard;
    this.#save = parts.save;
  }

  /** Written down first: a daemon that ends in between leaves the rest to the next. */
  detach(member: number, leaving: Leaving): void {
    const bond = this.#bond;
    const record = bond.records.get(member);
    if (record !== undefined) {
      record.leaving = leaving;
      this.#save();
    }
    // Whatever of it fails (RUN_DIR may be full), the interface gets back what it had.
    try {
      this.#guard(() => this.#filters.release(member));
      this.#guard(() => bond.plane.removeMember(member));
      const counted = countersOf(getLink(this.#machine.netlink, member));
      bond.departed = addCounters(bond.departed, grownBy(counted, record?.counted ?? counted));
      if (record !== undefined) this.#restore(record, leaving);
    } finally {
      bond.records.delete(member);
    }
  }

  #restore({ original }: MemberRecord, { restoreAddress }: Leaving): void {
    const problems = restoreSettings(this.#machine.netlink, original, { address: restoreAddress });
    for (const message of problems)
      this.#machine.journal.add(this.#bond.name, { severity: 'error', type: 'left', message });
  }
}
