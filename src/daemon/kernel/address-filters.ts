// The MAC addresses that a bond listens to besides its own (multicast groups, macvlans on top) are given to the members
// that carry them, as the kernel's dev_uc_sync and dev_mc_sync do, so that real NICs do not filter them out. Members of an 802.3ad bond
// have the group of the slow protocols there too: by a socket it would end with the daemon, and LACP does not.
import { equalValues } from '../../base/index.js';
import { SLOW_PROTOCOLS_MAC } from '../../frames/index.js';
import {
  addDeviceAddress,
  deleteDeviceAddress,
  isErrno,
  listDeviceAddresses,
  type Rtnetlink,
} from '../../linux/index.js';
import type { ForwardingPlan } from '../../policy/index.js';

/** Whose list is to be carried, and by whom. */
export interface FilterWish {
  readonly bondIfindex: number;
  readonly bondUp: boolean;
  readonly plan: Pick<ForwardingPlan, 'mode' | 'members' | 'askingAddresses' | 'questionGroups'>;
}

/** True when both plans give each member the same lists. */
export function carryAlike(a: FilterWish['plan'], b: FilterWish['plan']): boolean {
  const listsOf = ({ mode, members, askingAddresses, questionGroups }: FilterWish['plan']): unknown => [
    mode,
    askingAddresses,
    questionGroups,
    members
      .map(({ member, carriesFilters, carriesGroups, hearsQuestions }) => ({
        member,
        carriesFilters,
        carriesGroups,
        hearsQuestions,
      }))
      .sort((one, other) => one.member - other.member),
  ];
  return equalValues(listsOf(a), listsOf(b));
}

function isGroupAddress(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}

/** Keeps the lists of one bond's members. */
export class AddressFilters {
  readonly #netlink: Rtnetlink;
  /** What we added, by member. */
  readonly #added: Map<number, Set<string>>;
  readonly #note: () => boolean;
  /** Members to which something was not given, as it could not be written down. */
  readonly #unnoted = new Set<number>();

  /** `note` writes down what `save` gives: it is called before an address is added, which is not done when it gives false. */
  constructor(
    netlink: Rtnetlink,
    added: readonly (readonly [number, readonly string[]])[] = [],
    note: () => boolean = () => true,
  ) {
    this.#netlink = netlink;
    this.#note = note;
    this.#added = new Map(added.map(([member, macs]) => [member, new Set(macs)]));
  }

  /** What was added, as JSON. */
  save(): (readonly [number, readonly string[]])[] {
    return [...this.#added].filter(([, macs]) => macs.size > 0).map(([member, macs]) => [member, [...macs]]);
  }

  /** Brings the members' lists in line with the bond's. True when something changed. */
  sync(wish: FilterWish, members: readonly number[]): boolean {
    const wanted = wish.bondUp ? this.#listOf(wish.bondIfindex) : [];
    const groups = wanted.filter(isGroupAddress);
    const others = wanted.filter(mac => !isGroupAddress(mac));
    const { mode, members: planned, askingAddresses, questionGroups } = wish.plan;
    const hearsSlow = wish.bondUp && mode === '802.3ad';
    let changed = false;
    for (const member of members) {
      const carried = planned.find(each => each.member === member);
      const list = [
        ...(carried?.carriesGroups === true ? groups : []),
        ...(carried?.carriesFilters === true ? others : []),
        ...askingAddresses,
        ...(carried?.hearsQuestions === true ? questionGroups : []),
        ...(hearsSlow ? [SLOW_PROTOCOLS_MAC] : []),
      ];
      if (this.#syncMember(member, [...new Set(list)])) changed = true;
    }
    return changed;
  }

  /** True when it lacks addresses of the bond, as they could not be written down. */
  lacks(member: number): boolean {
    return this.#unnoted.has(member);
  }

  /** Takes everything off a member again. */
  release(member: number): void {
    this.#unnoted.delete(member);
    this.#syncMember(member, []);
    this.#added.delete(member);
  }

  /** Of those that are wished for, the ones that are not there: an address that is there is another's, and stays. */
  #withoutOthers(member: number, missing: readonly string[]): readonly string[] {
    if (missing.length === 0) return [];
    const present = this.#listOf(member);
    return missing.filter(mac => !present.includes(mac));
  }

  #listOf(ifindex: number): string[] {
    try {
      return listDeviceAddresses(this.#netlink, ifindex);
    } catch (error) {
      if (isErrno(error, 'ENODEV')) return [];
      throw error;
    }
  }

  /** Those of the addresses that may be added, as they are written down: all, or none. */
  #noted(member: number, added: Set<string>, mine: readonly string[]): readonly string[] {
    this.#unnoted.delete(member);
    if (mine.length === 0) return mine;
    for (const mac of mine) added.add(mac);
    if (this.#note()) return mine;
    this.#unnoted.add(member);
    for (const mac of mine) added.delete(mac);
    return [];
  }

  #syncMember(member: number, wish: readonly string[]): boolean {
    const added = this.#added.get(member) ?? new Set<string>();
    this.#added.set(member, added);
    let changed = false;
    const missing = wish.filter(mac => !added.has(mac));
    const mine = this.#noted(member, added, this.#withoutOthers(member, missing));
    for (const mac of mine) {
      if (attempt(() => addDeviceAddress(this.#netlink, member, mac))) changed = true;
      else added.delete(mac);
    }
    for (const mac of added) {
      if (wish.includes(mac)) continue;
      attempt(() => deleteDeviceAddress(this.#netlink, member, mac));
      added.delete(mac);
      changed = true;
    }
    return changed;
  }
}

/** True when the list was changed by us; an address that was there already stays the other's. */
function attempt(action: () => boolean): boolean {
  try {
    return action();
  } catch (error) {
    if (isErrno(error, 'ENODEV', 'EEXIST', 'ENOENT', 'EOPNOTSUPP', 'EINVAL')) return false;
    throw error;
  }
}
