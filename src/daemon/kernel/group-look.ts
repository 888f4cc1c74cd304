// Which groups interfaces are to hear, looked at for all bonds at once: the kernel does not announce it, and a look at one interface
// takes as long as one at all.
import { ProcText } from '../../linux/index.js';
import { FollowedLook } from './paced-look.js';

const PACE = { leastMs: 500, mostMs: 5000, times: 500, laterMs: 100 } as const;
/** After this time those who want to know of any change are told though there was none: two groups may have one address. */
const ANYHOW_MS = 30_000;

/** What the kernel tells of all interfaces of the thread's namespace, a line a group, which begins with the interface's index. */
const deviceGroups = new ProcText('/proc/thread-self/net/dev_mcast');

/** The lines of each interface, of /proc/net/dev_mcast. */
export function groupsByInterface(text: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const line of text.split('\n')) {
    const ifindex = Number.parseInt(line, 10);
    if (!Number.isNaN(ifindex)) found.set(ifindex, `${found.get(ifindex) ?? ''}${line}\n`);
  }
  return found;
}

function readGroups(): string {
  try {
    return deviceGroups.read();
  } catch {
    return '';
  }
}

interface Follower {
  readonly ifindex: number;
  readonly changed: () => void;
  groups: string | undefined;
}

/** Tells followers of interfaces whose groups changed; looks as long as there are any. */
export class GroupLook {
  readonly #read: () => string;
  #text = '';
  /** Those that follow since the last look are told in any case. */
  #areNew = false;
  #toldMs = 0;
  readonly #look: FollowedLook<Follower>;
  readonly #others = new Set<() => void>();

  /** `spentMs`: see `PacedLook`. */
  constructor(read: () => string = readGroups, spentMs?: () => number) {
    this.#read = read;
    this.#look = new FollowedLook(PACE, () => this.#run(), spentMs);
  }

  /** From here on, until what this gives is called. */
  follow(ifindex: number, changed: () => void): () => void {
    this.#areNew = true;
    return this.#look.follow({ ifindex, changed, groups: undefined });
  }

  /** Told whenever the groups of any interface changed, and now and then in any case; as long as anybody follows one. */
  onChange(changed: () => void): () => void {
    this.#others.add(changed);
    return () => void this.#others.delete(changed);
  }

  #run(): void {
    const text = this.#read();
    const isSame = text === this.#text;
    if (!isSame || this.#areNew) this.#tell(groupsByInterface(text));
    this.#text = text;
    this.#areNew = false;
    if (isSame && performance.now() < this.#toldMs + ANYHOW_MS) return;
    this.#toldMs = performance.now();
    for (const changed of this.#others) changed();
  }

  #tell(groups: ReadonlyMap<number, string>): void {
    for (const follower of this.#look.followers) {
      const now = groups.get(follower.ifindex) ?? '';
      if (now === follower.groups) continue;
      follower.groups = now;
      follower.changed();
    }
  }
}

/** That of the daemon. */
export const groupLook: GroupLook = new GroupLook();
