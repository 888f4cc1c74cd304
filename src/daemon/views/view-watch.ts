// Watches directories of ours for what others do to the files in them.
import { type FSWatcher, statSync, watch } from 'node:fs';

/** Two calls to write (a shell truncates first) are one change. */
const PAUSE_MS = 15;
/** Where directories cannot be watched they are looked at. */
const LOOK_MS = 500;

interface Watched {
  readonly watcher: FSWatcher;
  readonly which: string;
}

/** Calls back with a directory in which something may have changed. */
export class ViewWatch {
  readonly #changed: (directory: string) => void;
  readonly #watched = new Map<string, Watched>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** Directories that the kernel would not watch for us. */
  readonly #unwatched = new Set<string>();
  #looks: NodeJS.Timeout | undefined;
  /** Directories that may be others by now than those that are watched. */
  readonly #suspect = new Set<string>();

  constructor(changed: (directory: string) => void) {
    this.#changed = changed;
  }

  /** Watches these from now on, and no others. */
  follow(directories: ReadonlySet<string>): void {
    for (const directory of Array.from(this.#watched.keys())) {
      if (!directories.has(directory)) this.#leave(directory);
    }
    this.#unwatched.clear();
    for (const directory of directories)
      if (this.#suspect.has(directory) || !this.#watched.has(directory)) this.#watch(directory);
    this.#suspect.clear();
    if (this.#unwatched.size === 0) {
      clearInterval(this.#looks);
      this.#looks = undefined;
    } else if (this.#looks === undefined) {
      this.#looks = setInterval(() => Array.from(this.#unwatched).forEach(this.#changed), LOOK_MS);
      this.#looks.unref();
    }
  }

  /** Directories may have been exchanged without news of it (something was mounted there). */
  suspectAll(): void {
    for (const directory of this.#watched.keys()) this.#suspect.add(directory);
  }

  close(): void {
    this.follow(new Set());
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Looks again in a while. */
  again(directory: string, afterMs: number = PAUSE_MS): void {
    if (this.#timers.has(directory)) return;
    const timer = setTimeout(() => {
      this.#timers.delete(directory);
      this.#changed(directory);
    }, afterMs);
    timer.unref();
    this.#timers.set(directory, timer);
  }

  #watch(directory: string): void {
    const which = whichIs(directory);
    const known = this.#watched.get(directory);
    if (known !== undefined && known.which === which) return;
    // Another one, or none: what was in it is not what we wrote.
    if (known !== undefined) this.again(directory);
    this.#leave(directory);
    if (which === undefined) return;
    try {
      const watcher = watch(directory, { persistent: false }, () => {
        this.#suspect.add(directory);
        this.again(directory);
      });
      // One that ends is looked at from the next time on.
      watcher.on('error', () => this.#leave(directory));
      this.#watched.set(directory, { watcher, which });
    } catch {
      // No more watches for this user, say (max_user_watches).
      this.#unwatched.add(directory);
    }
  }

  #leave(directory: string): void {
    this.#watched.get(directory)?.watcher.close();
    this.#watched.delete(directory);
  }
}

/** Which directory is there; undefined where none is to be reached. A new one often has the inode of the one that went. */
function whichIs(path: string): string | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? undefined : `${found.ino} ${found.birthtimeMs}`;
  } catch {
    // Links that lead in a circle, a file on the way.
    return undefined;
  }
}
