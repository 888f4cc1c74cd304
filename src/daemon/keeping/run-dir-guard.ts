// Looks whether the run directory still is the one whose lock this daemon holds. Where somebody emptied it, what it held is made anew:
// nobody could reach the daemon otherwise, and another one would know nothing of bonds that are at work.
import { statSync } from 'node:fs';
import { lockFile } from '../../linux/index.js';
import { lockPath, makeDirectories } from './places.js';
import { checkRunDirOwner } from './run-dir-owner.js';

/** One look costs one system call. */
const LOOK_MS = 1000;

interface Guarding {
  readonly runDir: string;
  /** Gives the lock free that is held at the start. */
  readonly unlock: () => void;
  /** The directory is empty, and ours again. */
  readonly anew: () => void;
  /** It is ours: what is missing in it can be put back. */
  readonly looked: () => void;
  /** Told once for each different problem. */
  readonly failed: (why: string) => void;
}

/** Guards the run directory of one daemon. */
export class RunDirGuard {
  readonly #guarding: Guarding;
  #unlock: () => void;
  /** Inode of the file that is locked. */
  #locked: number | undefined;
  #looks: NodeJS.Timeout | undefined;
  #problem = '';

  constructor(guarding: Guarding) {
    this.#guarding = guarding;
    this.#unlock = guarding.unlock;
    this.#locked = inodeOf(lockPath(guarding.runDir));
  }

  start(): void {
    this.#looks = setInterval(() => this.look() && this.#guarding.looked(), LOOK_MS);
    this.#looks.unref();
  }

  /** False where the directory is not ours now: nothing may be written there. */
  look(): boolean {
    const { runDir, anew } = this.#guarding;
    try {
      const path = lockPath(runDir);
      if (inodeOf(path) === this.#locked) return true;
      makeDirectories(runDir);
      checkRunDirOwner(runDir);
      const unlock = lockFile(path);
      if (unlock === undefined) {
        this.#failed('another daemon has it by now');
        return false;
      }
      this.#unlock();
      this.#unlock = unlock;
      this.#locked = inodeOf(path);
    } catch (error) {
      this.#failed((error as Error).message);
      return false;
    }
    this.#problem = '';
    anew();
    return true;
  }

  close(): void {
    clearInterval(this.#looks);
    this.#unlock();
  }

  #failed(why: string): void {
    if (why === this.#problem) return;
    this.#problem = why;
    this.#guarding.failed(why);
  }
}

/** Undefined where there is none. */
function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
