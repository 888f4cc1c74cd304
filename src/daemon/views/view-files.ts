// RUN_DIR/proc and RUN_DIR/sys: the driver's files, for programs that read files. Written whole by rename, only what
// changed, and removed when the daemon ends in order: a file that says "up" while nobody looks would be a lie. What others write
// to them is obeyed where the driver's file would be, and put right in any case.
import {
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { isErrno, readOwnFile } from '../../linux/index.js';
import { type FileTree, isSameEntry, type TreeEntry } from '../../report/index.js';
import { ViewSweep } from './view-sweep.js';
import { ViewWatch } from './view-watch.js';
import { isWritable, MOST_WRITTEN, type ViewWrite } from './view-writes.js';

/** Shortest time between two looks at what changed: a storm of events costs ten writes a second, not thousands. */
const PAUSE_MS = 100;
/** With many bonds a look takes long: the pause is so many times as long, so that packets' monitors have most of the processor. */
const PAUSE_TIMES = 10;
/** What others do to files is put right within a second. */
const LONGEST_PAUSE_MS = 700;
/** So long files are written in one go: thousands would keep monitors waiting, and whoever waits for an answer (40 to 400 µs each). */
const GO_MS = 20;
/** And so many in any case. */
const GO_FILES = 25;

const AREAS = ['proc', 'sys'] as const;
const MARK = 'README';
/** By which a directory of any version is known. */
const MARK_START = 'Made by bondwire and ';
/** An empty file may be one that somebody is about to write: for so long it is waited for. */
const EMPTY_MS = 300;
/** So long after a file was replaced, a writer may still be at the one that was there. */
const LATE_MS = 15;
/** Files that were replaced, until it is seen that nobody wrote to them in the last moment. */
const REPLACED = '.views.replaced';
/** What is not what we wrote any more. */
const SPOILT: TreeEntry = { text: '\0' };
const MARK_TEXT = `Made by bondwire and kept up to date while its daemon runs: what the kernel's bonding driver shows below
/proc/net/bonding and /sys/class/net, for the bonds of this run directory. Writing to the files of options sets them, as in sysfs;
what is refused is told as an event. Other files are put right when they are written to.
They are removed when the daemon ends in order. If it was killed, they are as they were then until it is back.
`;

const MARKS: FileTree = new Map(AREAS.map(area => [`${area}/${MARK}`, { text: MARK_TEXT }]));

export interface ViewFilesOptions {
  readonly runDir: string;
  /** What the files are to hold now, in parts that have no path in common: a part that is the same object as before did not change. */
  readonly trees: () => readonly FileTree[];
  /** The next tree is to be made anew, from nothing that is known. */
  readonly anew: () => void;
  /** Somebody wrote to files that set something. */
  readonly written: (writes: readonly ViewWrite[]) => Promise<void>;
  /** Told once for each different problem. */
  readonly failed: (message: string) => void;
}

export class ViewFiles {
  readonly #options: ViewFilesOptions;
  #written = new Map<string, TreeEntry>();
  /** Paths of `#written` by directory. */
  readonly #inside = new Map<string, Set<string>>();
  /** Parts that were looked at, and those of them that are written whole. */
  #trees: readonly FileTree[] = [];
  readonly #settled = new Set<FileTree>();
  /** What files were when they were written, or read since, by which those that others wrote to are known. */
  readonly #stamps = new Map<string, string>();
  /** Directories that are there. */
  readonly #directories = new Set<string>();
  readonly #watch = new ViewWatch(directory => this.#look(directory));
  #replaced = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Writes what was not written in the last go. */
  #rest: NodeJS.Timeout | undefined;
  readonly #sweep = new ViewSweep(() => {
    this.#options.anew();
    this.touch();
  });
  #lastMs = Number.NEGATIVE_INFINITY;
  #problem = '';
  #open = false;
  /** Milliseconds that the last writing took. */
  #tookMs = 0;

  constructor(options: ViewFilesOptions) {
    this.#options = options;
  }

  /** Sweeps away what a daemon left that was killed, and writes everything soon. */
  open(): void {
    try {
      for (const area of AREAS) this.#clear(area);
      rmSync(this.#at(REPLACED), { recursive: true, force: true });
      mkdirSync(this.#at(REPLACED), { mode: 0o700 });
      for (const area of AREAS) {
        mkdirSync(this.#at(area), { recursive: true, mode: 0o755 });
        this.#put(`${area}/${MARK}`, { text: MARK_TEXT });
      }
    } catch (error) {
      this.#tell(error);
      return;
    }
    this.#open = true;
    this.touch();
    this.#sweep.start();
  }

  /** Something may have changed: written after this turn, or a pause after the last time, longer where that took long. */
  touch(): void {
    if (!this.#open || this.#timer !== undefined) return;
    const pause = Math.max(PAUSE_MS, Math.min(LONGEST_PAUSE_MS, PAUSE_TIMES * this.#tookMs));
    const wait = Math.max(0, this.#lastMs + pause - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.write();
    }, wait);
    this.#timer.unref();
  }

  /** Writes what changed, the first of it at once. */
  write(): void {
    if (!this.#open) return;
    clearTimeout(this.#rest);
    const fromMs = performance.now();
    try {
      this.#sweep.work(isSweep => this.#writeChanged(isSweep));
    } catch (error) {
      this.#tell(error);
    } finally {
      this.#lastMs = performance.now();
      this.#tookMs = this.#lastMs - fromMs;
    }
  }

  #writeChanged(isSweep: boolean): void {
    const trees = [MARKS, ...this.#options.trees()];
    const changed = trees.filter(tree => !this.#settled.has(tree));
    const now = new Set(trees);
    const dropped = this.#trees.filter(tree => !now.has(tree));
    this.#trees = trees;
    for (const tree of dropped) this.#settled.delete(tree);
    const stays = (path: string): boolean => changed.some(tree => tree.has(path));
    // What goes, goes first: the link of an interface makes room for the directory of a member, and the other way.
    const gone = dropped.flatMap(tree =>
      [...tree.keys()].filter(path => this.#written.has(path) && !stays(path)),
    );
    const due = changed.flatMap(tree =>
      Array.from(tree).filter(([path, entry]) => !isSameEntry(this.#written.get(path), entry)),
    );
    const steps = gone.map(path => () => this.#remove(path));
    for (const [path, entry] of due) steps.push(() => this.#put(path, entry));
    if (isSweep) this.#watch.suspectAll();
    this.#goOn(steps, changed);
  }

  /** Does steps for a while, and the rest after whatever else is waiting; then the parts that they are of are settled. */
  #goOn(steps: readonly (() => void)[], parts: readonly FileTree[], failure?: unknown): void {
    const untilMs = performance.now() + GO_MS;
    let failed = failure;
    let done = 0;
    while (done < steps.length && (done < GO_FILES || performance.now() < untilMs)) {
      const step = steps[done];
      const problem = step === undefined ? undefined : quietly(step);
      // One file that cannot be written keeps no other from being.
      failed ??= problem;
      done += 1;
    }
    this.#watch.follow(new Set(this.#inside.keys()));
    if (done < steps.length) {
      this.#rest = setTimeout(() => {
        this.#tell(quietly(() => this.#goOn(steps.slice(done), parts, failed)));
      }, 1);
      this.#rest.unref();
      return;
    }
    this.#tell(failed);
    if (failed !== undefined) return;
    for (const part of parts) this.#settled.add(part);
    this.#problem = '';
  }

  /** Takes everything away. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#rest);
    this.#sweep.close();
    this.#watch.close();
    this.#written.clear();
    this.#inside.clear();
    this.#settled.clear();
    this.#trees = [];
    this.#stamps.clear();
    this.#directories.clear();
    try {
      for (const area of AREAS) this.#clear(area);
      rmSync(this.#at(REPLACED), { recursive: true, force: true });
    } catch (error) {
      this.#tell(error);
    }
  }

  #at(path: string): string {
    return `${this.#options.runDir}/${path}`;
  }

  /** Removes the directory if it is ours; throws when somebody else's is there (a run directory of `/`, say). */
  #clear(area: string): void {
    const directory = this.#at(area);
    if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) return;
    if (markOf(`${directory}/${MARK}`)?.startsWith(MARK_START) !== true) {
      throw new Error(
        `${directory} was not made by bondwire and is left alone, so there are no files of the driver's form; move it away, or name another directory with --run-dir.`,
      );
    }
    rmSync(directory, { recursive: true, force: true });
  }

  #put(path: string, entry: TreeEntry): void {
    const stamp = this.#stamps.get(path);
    if (stamp === undefined && 'link' in entry && this.#linkAnew(path, entry.link)) return;
    const temporary = this.#at('.view.new');
    const make = (): void => {
      if ('link' in entry) symlinkSync(entry.link, temporary);
      else
        writeFileSync(temporary, entry.text, { mode: entry.isPrivate === true ? 0o400 : 0o444, flag: 'wx' });
    };
    try {
      make();
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
      rmSync(temporary, { recursive: true, force: true });
      make();
    }
    const replaced = stamp !== undefined && isWritable(path) ? this.#keep(path) : undefined;
    const move = (): void => this.#inDirectoryOf(path, () => renameSync(temporary, this.#at(path)));
    try {
      move();
    } catch {
      this.#clearWay(path);
      move();
    }
    this.#wrote(path, entry);
    if (replaced !== undefined && this.#stampOf(replaced) !== stamp) this.#late(path, replaced);
    else if (replaced !== undefined) rmSync(this.#at(replaced), { force: true });
  }

  /** A link where nothing is takes one call; false where something is. */
  #linkAnew(path: string, target: string): boolean {
    try {
      this.#inDirectoryOf(path, () => symlinkSync(target, this.#at(path)));
    } catch (error) {
      // Or something is in the way, which is cleared as for a file.
      if (isErrno(error, 'EEXIST', 'ELOOP', 'ENOTDIR')) return false;
      throw error;
    }
    this.#wrote(path, { link: target });
    return true;
  }

  #wrote(path: string, entry: TreeEntry): void {
    this.#written.set(path, entry);
    this.#stamps.set(path, this.#stampOf(path));
    const directory = dirname(this.#at(path));
    const others = this.#inside.get(directory);
    if (others === undefined) this.#inside.set(directory, new Set([path]));
    else others.add(path);
  }

  #forget(path: string): void {
    this.#written.delete(path);
    this.#stamps.delete(path);
    const directory = dirname(this.#at(path));
    const others = this.#inside.get(directory);
    others?.delete(path);
    if (others?.size === 0) this.#inside.delete(directory);
  }

  /** Makes the directory of a file where it is not there, or not any more. */
  #inDirectoryOf(path: string, action: () => void): void {
    const directory = dirname(this.#at(path));
    if (this.#directories.has(directory)) {
      try {
        return action();
      } catch (error) {
        if (!isErrno(error, 'ENOENT')) throw error;
      }
    }
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    this.#directories.add(directory);
    action();
  }

  /** Removes what others put where a directory or a file of ours belongs; what is in a directory, or mounted there, is theirs. */
  #clearWay(path: string): void {
    const parts = path.split('/');
    for (let end = 1; end < parts.length; end++) {
      const directory = this.#at(parts.slice(0, end).join('/'));
      const found = lstatSync(directory, { throwIfNoEntry: false });
      if (found?.isDirectory() === true) continue;
      rmSync(directory, { force: true });
      return;
    }
    rmdirSync(this.#at(path));
  }

  #stampOf(path: string): string {
    const found = foundAt(this.#at(path));
    return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeMs}`;
  }

  /** A second name for the file that is about to be replaced; none where somebody put something there that can have none. */
  #keep(path: string): string | undefined {
    this.#replaced += 1;
    const replaced = `${REPLACED}/${this.#replaced}`;
    try {
      linkSync(this.#at(path), this.#at(replaced));
      return replaced;
    } catch {
      return undefined;
    }
  }

  /** Somebody wrote to a file after it was looked at and before it was replaced: that counts as well. */
  #late(path: string, replaced: string): void {
    if (!this.#open) return;
    if (this.#isBeingWritten(replaced)) {
      setTimeout(() => this.#late(path, replaced), LATE_MS).unref();
      return;
    }
    const text = writtenText(this.#at(replaced));
    rmSync(this.#at(replaced), { force: true });
    if (text === '') return;
    const done = this.#options.written([{ path, text }]);
    void done.catch((error: unknown) => this.#tell(error)).finally(() => this.touch());
  }

  /** Files of a directory that others wrote to, replaced or removed. */
  #look(directory: string): void {
    if (!this.#open) return;
    const writes: ViewWrite[] = [];
    let isSpoilt = false;
    for (const path of this.#inside.get(directory) ?? []) {
      if (this.#written.get(path) === SPOILT) continue;
      const stamp = this.#stampOf(path);
      if (stamp === this.#stamps.get(path)) continue;
      if (isWritable(path) && this.#isBeingWritten(path)) {
        this.#watch.again(directory);
        continue;
      }
      const text = isWritable(path) ? writtenText(this.#at(path)) : '';
      if (this.#stampOf(path) !== stamp) {
        this.#watch.again(directory);
        continue;
      }
      isSpoilt = true;
      this.#written.set(path, SPOILT);
      this.#stamps.set(path, stamp);
      if (text !== '') writes.push({ path, text });
    }
    if (!isSpoilt) return;
    // Which part it is of is not known: all are held against what is written, also those that are being written.
    clearTimeout(this.#rest);
    this.#settled.clear();
    // What they set shows in the files when they are put right.
    const done = writes.length === 0 ? Promise.resolve() : this.#options.written(writes);
    void done.catch((error: unknown) => this.#tell(error)).finally(() => this.touch());
  }

  #isBeingWritten(path: string): boolean {
    const found = foundAt(this.#at(path));
    if (found?.size !== 0) return false;
    // A time in the future is nobody's who writes now; the clock of files is finer than this one, and may be ahead by a part of a millisecond.
    return Math.abs(Date.now() - found.mtimeMs) < EMPTY_MS;
  }

  /** The file, and the directories that it leaves empty. */
  #remove(path: string): void {
    this.#forget(path);
    rmSync(this.#at(path), { recursive: true, force: true });
    for (let up = dirname(path); up.includes('/'); up = dirname(up)) {
      try {
        rmdirSync(this.#at(up));
        this.#directories.delete(this.#at(up));
      } catch {
        return;
      }
    }
  }

  #tell(error: unknown): void {
    if (error === undefined) return;
    const message = error instanceof Error ? error.message : JSON.stringify(error);
    if (message === this.#problem) return;
    this.#problem = message;
    this.#options.failed(message);
  }
}

/** Why it failed; undefined when it did not. */
function quietly(step: () => void): unknown {
  try {
    step();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What is there; undefined where nothing is, or where nothing can be reached (links in a circle, a file on the way). */
function foundAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** What somebody wrote, as far as it matters; nothing where that is no file of text. */
function writtenText(path: string): string {
  try {
    return readOwnFile(path, MOST_WRITTEN + 1) ?? '';
  } catch {
    return '';
  }
}

function markOf(path: string): string | undefined {
  try {
    return readOwnFile(path);
  } catch {
    return undefined;
  }
}
