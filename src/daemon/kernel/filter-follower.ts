// What members take in follows the bond: promiscuous and all-multicast mode, lists of addresses. After everything else that a
// failover brings: peers are told first.
import { listDeviceAddresses, setLink, type Rtnetlink } from '../../linux/index.js';
import { type ForwardingPlan, type MemberIndex, membersThat } from '../../policy/index.js';
import { AddressFilters, carryAlike } from './address-filters.js';
import { addressLookOf } from './address-look.js';
import { groupLook } from './group-look.js';

/** A list so long is given in an instant. */
const SHORT_LIST = 64;

/** Neither promiscuous nor all-multicast for the bond. */
const NO_MODES = JSON.stringify([false, false]);

/** Its hardware would keep out VLANs of the bond, frames to the bond's MAC address, or groups that could not be written down. */
type WhyAll = 'vlans' | 'address' | 'unwritten';

interface FollowedMember {
  readonly original: { readonly promiscuous: boolean; readonly allMulticast: boolean };
  readonly joining?: boolean;
  refusesAddress?: boolean;
}

export interface FilterParts {
  readonly netlink: Rtnetlink;
  readonly bondIfindex: number;
  readonly records: ReadonlyMap<MemberIndex, FollowedMember>;
  /** Does one thing, whatever becomes of it. */
  readonly guard: (action: () => void) => void;
  readonly save: () => void;
  /** As `save`; false when it could not be written down. */
  readonly note: () => boolean;
  readonly bondUp: () => boolean;
}

export class FilterFollower {
  readonly #parts: FilterParts;
  readonly #lists: AddressFilters;
  #plan: ForwardingPlan;
  /** The modes that members were given for the bond, by member. */
  readonly #given = new Map<MemberIndex, string>();
  /** Members that are to receive everything whatever the bond wishes, and why. */
  readonly #open = new Map<MemberIndex, Set<WhyAll>>();
  #modesDue = false;
  #listsDue = false;
  /** Who carried the groups at the last look. */
  #carried: readonly MemberIndex[] = [];
  /** Members lack something that they were to be given. */
  #isUndone = false;
  /** Looks no more at the bond's groups and the lists of all. */
  readonly #unfollow: () => void;
  #closed = false;

  constructor(
    parts: FilterParts,
    plan: ForwardingPlan,
    saved: readonly (readonly [number, readonly string[]])[] | undefined,
  ) {
    this.#parts = parts;
    this.#plan = plan;
    // Members that an earlier daemon had: what it gave them is not known.
    for (const [member, { refusesAddress }] of parts.records) {
      this.#given.set(member, '');
      if (refusesAddress === true) this.#open.set(member, new Set(['address']));
    }
    this.#lists = new AddressFilters(parts.netlink, saved, parts.note);
    const changed = (): void => parts.guard(() => this.sync());
    const ends = [
      groupLook.follow(parts.bondIfindex, changed),
      addressLookOf(parts.netlink).follow({
        interfaces: () => [parts.bondIfindex, ...parts.records.keys()],
        isWaiting: () => this.#isUndone,
        changed,
      }),
    ];
    this.#unfollow = () => ends.forEach(end => end());
  }

  /** Looks no more; what members have they keep. */
  close(): void {
    this.#closed = true;
    this.#unfollow();
  }

  /** What was added to members, as JSON. */
  save(): (readonly [number, readonly string[]])[] {
    return this.#lists.save();
  }

  /** Another plan is true now: what follows from it is due. */
  planned(plan: ForwardingPlan): void {
    const old = this.#plan;
    this.#plan = plan;
    const moved = !carryAlike(old, plan);
    if (moved) this.#listsDue = true;
    const isAlike =
      old.promiscuous === plan.promiscuous &&
      old.allMulticast === plan.allMulticast &&
      old.receivers?.hearsAll === plan.receivers?.hearsAll;
    if (moved || !isAlike) this.#modesDue = true;
  }

  /** Does what is due. */
  follow(): void {
    if (this.#modesDue) this.#applyModes();
    this.#modesDue = false;
    if (this.#listsDue) this.#syncOpenly();
    this.#listsDue = false;
  }

  /** Those that are to carry a long list from now on take in all groups while they are given it, one by one: that takes seconds. */
  #syncOpenly(): void {
    const { netlink, records, bondIfindex, guard } = this.#parts;
    const carriers = membersThat(this.#plan, ({ carriesGroups }) => carriesGroups);
    const arriving = carriers.filter(member => !this.#carried.includes(member));
    this.#carried = carriers;
    const isLong = arriving.length > 0 && listDeviceAddresses(netlink, bondIfindex).length > SHORT_LIST;
    const opened = isLong ? arriving.filter(member => records.has(member)) : [];
    for (const member of opened) guard(() => setLink(netlink, member, { allMulticast: true }));
    try {
      this.sync();
    } finally {
      for (const member of opened) {
        const wish = this.#carriesFilters(member) && this.#plan.allMulticast;
        const had = records.get(member)?.original.allMulticast === true;
        guard(() => setLink(netlink, member, { allMulticast: had || wish }));
      }
    }
  }

  /** Brings the members' lists in line with the bond's. */
  sync(): void {
    if (this.#closed) return;
    // Until all of it is done.
    this.#isUndone = true;
    const { records, bondIfindex, bondUp, save } = this.#parts;
    const members = [...records].filter(([, record]) => record.joining !== true).map(([member]) => member);
    const wish = { bondIfindex, bondUp: bondUp(), plan: this.#plan };
    if (this.#lists.sync(wish, members)) save();
    // What they had before they joined is written down: so that can be given back.
    for (const member of members) {
      const lacks = this.#lists.lacks(member);
      const isOpen = this.#open.get(member)?.has('unwritten') === true;
      if (lacks !== isOpen) this.receiveAll(member, 'unwritten', lacks);
    }
    this.#isUndone = members.some(member => this.#lists.lacks(member));
  }

  /** A member has joined: LACP is to be let in at once. */
  joined(): void {
    if (this.#plan.mode === '802.3ad') this.sync();
  }

  /** Whether a member is to receive everything (promiscuous mode) for this reason, whatever the bond wishes. */
  receiveAll(member: MemberIndex, why: WhyAll, isOpen: boolean): void {
    const reasons = this.#open.get(member) ?? new Set();
    if (reasons.has(why) === isOpen && this.#given.get(member) !== '') return;
    if (isOpen) reasons.add(why);
    else reasons.delete(why);
    this.#open.set(member, reasons);
    if (why === 'address') this.#note(member, isOpen);
    this.#applyModes();
  }

  /** Written down first: the next daemon is to leave it so. */
  #note(member: MemberIndex, refusesAddress: boolean): void {
    const record = this.#parts.records.get(member);
    if (record === undefined || (record.refusesAddress ?? false) === refusesAddress) return;
    record.refusesAddress = refusesAddress;
    this.#parts.save();
  }

  /** Takes everything off a member again. */
  release(member: MemberIndex): void {
    this.#open.delete(member);
    this.#given.delete(member);
    this.#lists.release(member);
  }

  #carriesFilters(member: MemberIndex): boolean {
    return this.#plan.members.some(each => each.member === member && each.carriesFilters);
  }

  /** Members that carry the bond's modes have them; others have their own back. */
  #applyModes(): void {
    const { netlink, records, guard } = this.#parts;
    const { promiscuous, allMulticast, active, receivers } = this.#plan;
    for (const [member, { original }] of records) {
      const carries = this.#carriesFilters(member);
      // balance-alb: frames to the address of a member that was lost.
      const takesOver = member === active && receivers?.hearsAll === true;
      const all = (this.#open.get(member)?.size ?? 0) > 0 || (carries && promiscuous) || takesOver;
      const wish = JSON.stringify([all, carries && allMulticast]);
      // Not again: somebody else may have set them meanwhile.
      if ((this.#given.get(member) ?? NO_MODES) === wish) continue;
      guard(() => {
        setLink(netlink, member, {
          promiscuous: original.promiscuous || all,
          allMulticast: original.allMulticast || (carries && allMulticast),
        });
        this.#given.set(member, wish);
      });
    }
  }
}
