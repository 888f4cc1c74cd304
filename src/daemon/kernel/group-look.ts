// Which groups interfaces are to hear, looked at for all bonds at once: the kernel does not announce it, and a look at one interface
// takes as long as one at all.
import { readFileSync } from 'node:fs';

/** Milliseconds between two looks. */
const INTERVAL_MS = 500;
/** So many looks after which an interface is told of though its groups did not change: other addresses may have. */
const ANYHOW_EVERY = 10;

/** What the kernel tells of all interfaces of the thread's namespace, a line a group, which begins with the interface's index. */
const DEVICE_GROUPS = '/proc/thread-self/net/dev_mcast';

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
    return readFileSync(DEVICE_GROUPS, 'latin1');
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
  readonly #followers = new Set<Follower>();
  #text = '';
  #looks = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #others = new Set<() => void>();

  constructor(read: () => string = readGroups) {
    this.#read = read;
  }

  /** From here on, until what this gives is called. */
  follow(ifindex: number, changed: () => void): () => void {
    const follower: Follower = { ifindex, changed, groups: undefined };
    this.#followers.add(follower);
    this.#timer ??= setInterval(() => this.#look(), INTERVAL_MS).unref();
    return () => {
      this.#followers.delete(follower);
      if (this.#followers.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** Told whenever the groups of any interface changed, and now and then in any case; as long as anybody follows one. */
  onChange(changed: () => void): () => void {
    this.#others.add(changed);
    return () => void this.#others.delete(changed);
  }

  #look(): void {
    this.#looks += 1;
    const text = this.#read();
    const isSame = text === this.#text;
    this.#text = text;
    const groups = isSame ? undefined : groupsByInterface(text);
    for (const follower of this.#followers) {
      // Some at each look: all at once would keep monitors waiting.
      const isDue = (this.#looks + follower.ifindex) % ANYHOW_EVERY === 0;
      const now = groups === undefined ? follower.groups : (groups.get(follower.ifindex) ?? '');
      if (!isDue && now === follower.groups && now !== undefined) continue;
      follower.groups = now;
      follower.changed();
    }
    if (!isSame || this.#looks % ANYHOW_EVERY === 0) for (const changed of this.#others) changed();
  }
}

/** That of the daemon. */
export const groupLook: GroupLook = new GroupLook();
