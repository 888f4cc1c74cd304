// What the address lists of bonds and members hold, looked at for all of them at once: unicast addresses come and go there without news
// (a macvlan on a bond in a container), and somebody else may take one away that a member had of its own.
import { deviceAddressLists, type Rtnetlink } from '../../linux/index.js';
import { FollowedLook } from './paced-look.js';

const PACE = { leastMs: 5000, mostMs: 60_000, times: 1000 } as const;

/** Who is told when lists are other than at the last look. */
export interface ListFollower {
  /** The interfaces whose lists it is about, as they are now. */
  readonly interfaces: () => readonly number[];
  /** True when it is to be told in any case: what it had to do it could not do yet. */
  readonly isWaiting: () => boolean;
  readonly changed: () => void;
}

type Lists = ReadonlyMap<number, string>;

export class AddressLook {
  readonly #read: (interfaces: ReadonlySet<number>) => Lists;
  /** What each interface had when it was looked at last. */
  #lists: Lists = new Map();
  readonly #look: FollowedLook<ListFollower>;

  /** `spentMs`: see `PacedLook`. */
  constructor(read: (interfaces: ReadonlySet<number>) => Lists, spentMs?: () => number) {
    this.#read = read;
    this.#look = new FollowedLook(PACE, () => this.#run(), spentMs);
  }

  /** From here on, until what this gives is called. Of what was there before the first look nothing is told. */
  follow(follower: ListFollower): () => void {
    return this.#look.follow(follower);
  }

  #run(): void {
    const before = this.#lists;
    const wanted = Array.from(this.#look.followers, follower => ({
      follower,
      interfaces: follower.interfaces(),
    }));
    const now = this.#read(new Set(wanted.flatMap(({ interfaces }) => interfaces)));
    if (isOtherThan(before, now)) this.#lists = now;
    for (const { follower, interfaces } of wanted)
      if (follower.isWaiting() || interfaces.some(each => now.get(each) !== before.get(each)))
        follower.changed();
  }
}

/** What is as it was is not kept twice. */
function isOtherThan(before: Lists, now: Lists): boolean {
  if (before.size !== now.size) return true;
  for (const [ifindex, list] of now) if (before.get(ifindex) !== list) return true;
  return false;
}

/** That of each daemon. */
const looks = new WeakMap<Rtnetlink, AddressLook>();

export function addressLookOf(netlink: Rtnetlink): AddressLook {
  const look = looks.get(netlink) ?? new AddressLook(wanted => deviceAddressLists(netlink, wanted));
  looks.set(netlink, look);
  return look;
}
