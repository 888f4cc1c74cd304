// The world of one bond as Linux gives it: the keeper's ports, and what a daemon notes of a bond besides what its keeper knows.
import type { BondDataPlane } from '../../dataplane/index.js';
import {
  type Book,
  type Clock,
  guarded,
  type Holder,
  type Host,
  type MemberRecord,
  type Outage,
} from '../../keeper/index.js';
import type { BondEvent, ForwardingPlan, MemberIndex } from '../../policy/index.js';
import { type Described, NOTHING_DESCRIBED } from '../api/api.js';
import type { SavedPlace } from '../keeping/state-file.js';
import { FilterFollower } from '../kernel/filter-follower.js';
import type { Machine } from '../kernel/machine.js';
import { VlanFollower } from '../kernel/vlan-follower.js';
import { sharedClock } from './shared-clock.js';
import { LinuxFrames } from './linux-frames.js';
import { LinuxIntake } from './linux-intake.js';
import { LinuxLinks } from './linux-links.js';

export interface LinuxParts {
  readonly machine: Machine;
  readonly plane: BondDataPlane;
  readonly records: ReadonlyMap<MemberIndex, MemberRecord>;
  readonly plan: ForwardingPlan;
  readonly bondName: () => string;
  readonly bondUp: () => boolean;
  /** All bonds of the daemon. */
  readonly holders: () => readonly Holder[];
  readonly parted: () => void;
  readonly ended: () => void;
  /** Name of the directory of its pins. */
  readonly pins: string;
  readonly filters?: readonly (readonly [number, readonly string[]])[];
  readonly described?: Described;
}

export class LinuxHost implements Host {
  readonly packets: BondDataPlane;
  readonly links: LinuxLinks;
  readonly frames: LinuxFrames;
  readonly intake: LinuxIntake;
  readonly clock: Clock;
  readonly book: Book;
  readonly vlans: VlanFollower;
  readonly holders: () => readonly Holder[];
  readonly parted: () => void;
  readonly ended: () => void;
  /** What the file made of the bond that was carried out last. */
  described: Described;
  readonly #pins: string;
  readonly #filters: FilterFollower;
  /** Whose part of the state file changes; see `belongTo`. */
  #owner: object = this;

  constructor(parts: LinuxParts) {
    const { machine, plane, records, bondName, bondUp } = parts;
    const { netlink, ethtool } = machine;
    const { bondIfindex } = plane;
    this.packets = plane;
    this.holders = parts.holders;
    this.parted = parts.parted;
    this.ended = parts.ended;
    this.described = parts.described ?? NOTHING_DESCRIBED;
    this.#pins = parts.pins;
    this.clock = sharedClock;
    this.book = {
      ...bookOf(machine, bondName),
      save: () => machine.save(this.#owner),
      saveSoon: () => machine.saveSoon(this.#owner),
      note: what => machine.note(this.#owner, what),
    };
    const { book } = this;
    const guard = (action: () => void): void => guarded(book, action);
    this.links = new LinuxLinks({
      machine,
      bondIfindex,
      bondName,
      warn: (member, message) => book.tell({ severity: 'warning', type: 'link', message, member }),
    });
    this.frames = new LinuxFrames(machine, plane);
    const filtered = {
      netlink,
      save: () => book.save(),
      note: () => book.note('') === undefined,
      guard,
      bondUp,
      bondIfindex,
      records,
    };
    this.#filters = new FilterFollower(filtered, parts.plan, parts.filters);
    this.vlans = new VlanFollower({
      netlink,
      ethtool,
      plane,
      records,
      bondName,
      guard,
      receiveAll: (member, isOpen) => this.#filters.receiveAll(member, 'vlans', isOpen),
      tell: event => book.tell(event),
    });
    this.intake = new LinuxIntake(this.#filters, this.vlans, this.links);
  }

  /** The state file is asked for what this one has saved, whenever something changes. */
  belongTo(owner: object): void {
    this.#owner = owner;
  }

  /** What the state file keeps besides what the keeper knows. */
  saved(): SavedPlace {
    const { bondIfindex, lowerIfindex } = this.packets;
    const filters = this.#filters.save();
    return { bondIfindex, lowerIfindex, pins: this.#pins, filters, described: this.described };
  }
}

/** What people are told of a bond. */
export function bookOf(
  { journal, log }: Pick<Machine, 'journal' | 'log'>,
  bondName: () => string,
): Pick<Book, 'tell' | 'failed'> {
  return {
    tell: (event: BondEvent, cost: Outage = {}) => {
      journal.add(bondName(), event, cost);
      const level = event.severity === 'warning' ? 'warn' : event.severity;
      log[level]({ bond: bondName(), type: event.type, ...cost }, event.message);
    },
    failed: error => {
      const message = error instanceof Error ? error.message : String(error);
      log.error({ err: error, bond: bondName() }, 'an action failed');
      journal.add(bondName(), { severity: 'error', type: 'daemon', message });
    },
  };
}
