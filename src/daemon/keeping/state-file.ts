// What a daemon must know to go on where another stopped: written before and after every change, whole and atomically.
import { mkdirSync, readFileSync } from 'node:fs';
import { copyOf, keepTwice, type Kept, readTwice, UnreadableFile } from '../../linux/index.js';
import type { SavedBond } from '../../policy/index.js';
import type { IfconfigCounters } from '../../report/index.js';
import type { SavedBelongings } from '../members/address-transfer.js';
import type { Described } from '../api/api.js';
import type { OriginalSettings } from '../members/original-settings.js';
import { parseState, type StateHead } from './state-schema.js';

export const STATE_VERSION = 1;

/** How a member is being given back. */
export interface Leaving {
  readonly restoreAddress: boolean;
}

export interface SavedMember {
  readonly original: OriginalSettings;
  /** True from before the first change to the interface until it has joined: a daemon that finds it so undoes it. */
  readonly joining: boolean;
  /** Set while it leaves: a daemon that finds it finishes that. */
  readonly leaving?: Leaving;
  /** Whether addresses or routes came with it when it joined. */
  readonly took?: boolean;
  /** True for one that is not awaited when it vanishes. */
  readonly forget?: boolean;
  /** What it had counted before it joined. */
  readonly counted?: IfconfigCounters;
  /** True while it is promiscuous because it did not take the MAC address that the bond's frames come with. */
  readonly refusesAddress?: boolean;
}

/** An interface that is to be a member whenever it is there. */
export interface WantedMember {
  readonly name: string;
  /** The interface that was it last: it may have been renamed since, or be known by an alternative name. */
  readonly ifindex?: number;
  readonly takeDown: boolean;
  readonly takeAddresses: boolean;
  /** Options of a member as text, given when it joins. */
  readonly options: Readonly<Record<string, string>>;
}

export interface SavedRunner {
  readonly name: string;
  readonly bondIfindex: number;
  readonly lowerIfindex: number;
  /** Directory of its pins, below the run directory's bpffs. */
  readonly pins: string;
  readonly policy: SavedBond;
  /** True while it is destroyed: a daemon that finds it so finishes that. */
  readonly ending: boolean;
  readonly members: readonly SavedMember[];
  readonly taken: readonly SavedBelongings[];
  /** MAC addresses that were added to members' lists. */
  readonly filters: readonly (readonly [number, readonly string[]])[];
  /** What members that left had counted while they were here. */
  readonly departed?: IfconfigCounters;
  /** Interfaces that are to be members whenever they are there. */
  readonly wanted?: readonly WantedMember[];
  /** What a file made of it. */
  readonly described?: Described;
  /** Indexes of interfaces that left, and come up when the bond has another MAC address than theirs. */
  readonly heldDown?: readonly number[];
}

export interface SavedState {
  readonly version: number;
  /** Of this boot: interface indexes and pins mean nothing after the next. */
  readonly bootId: string;
  /** Inode of the network namespace. */
  readonly netns: string;
  /** Its cookie, where the kernel has them: another namespace may have the inode of one that is gone. */
  readonly netnsCookie?: string;
  readonly bonds: readonly SavedRunner[];
}

/** What the state file of a run directory says to a daemon of this boot and network namespace. */
export interface LoadedState {
  readonly bonds: readonly SavedRunner[];
  /** False where there is no file of this boot and namespace: what is at work all the same is in no book. */
  readonly isOurs: boolean;
  /** Why the copy was read instead of the file, as a clause. */
  readonly instead?: string;
  /** Why no daemon may start with it: a sentence or two. */
  readonly problem?: string;
}

const NOT_OURS: LoadedState = { bonds: [], isOurs: false };

export function stateFilePath(runDir: string): string {
  return `${runDir}/state.json`;
}

/** Reads the state; throws nothing. What cannot be read, or made sense of, is a problem, and never "no bonds". */
export function loadState(runDir: string, netns: string, cookie?: string): LoadedState {
  const path = stateFilePath(runDir);
  const boot = bootId();
  let kept: Kept<SavedState | StateHead> | undefined;
  try {
    kept = readTwice(path, text => parseState(text, { version: STATE_VERSION, bootId: boot }));
  } catch (error) {
    return { ...NOT_OURS, problem: `${(error as Error).message}. ${adviceFor(error, path)}` };
  }
  if (kept === undefined || kept.value.bootId !== boot) return NOT_OURS;
  const { value, instead } = kept;
  if (!('bonds' in value)) {
    const problem = `${path} cannot be used: it is of version ${value.version}, and this Bondwire writes ${STATE_VERSION}. Bonds were left as they are; start the Bondwire that wrote it, or name another directory with --run-dir.`;
    return { ...NOT_OURS, problem };
  }
  const { bonds, netnsCookie } = value;
  const isAnother = cookie !== undefined && netnsCookie !== undefined && netnsCookie !== cookie;
  // The one that had this inode is gone, and its interfaces with it.
  if (value.netns === netns && isAnother) return NOT_OURS;
  if (value.netns === netns) return { bonds, isOurs: true, ...(instead !== undefined && { instead }) };
  if (bonds.length === 0) return NOT_OURS;
  const problem = `${path} belongs to a daemon in another network namespace; start this one with another --run-dir.`;
  return { ...NOT_OURS, problem };
}

/** Nothing of it does harm: a daemon that finds no file deletes no bond that is at work. */
function adviceFor(error: unknown, path: string): string {
  const knows = 'It knows what members were like before they joined, and bonds were left as they are';
  if (!(error instanceof UnreadableFile) || error.kind === 'damaged') {
    return `${knows}: mend it; or move it away with its copy (${copyOf(path)}) and start again, which says what is at work.`;
  }
  return `${knows}: start again when it can be read; or move it away and start again, which takes ${error.path === path ? 'its copy' : 'what is left'} instead.`;
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

/** A bond that says what is to be known of it. */
export interface Savable {
  saved(): SavedRunner;
}

/** Reads and writes RUN_DIR/state.json. */
export class StateFile {
  readonly #runDir: string;
  readonly #bootId: string;
  readonly #netns: string;
  readonly #cookie: string | undefined;
  /** What was written of each bond: one that did not change is not asked again. */
  readonly #texts = new WeakMap<Savable, string>();
  readonly #takenTexts = new WeakMap<SavedBelongings, string>();

  /** `netns` and `cookie` are of the network namespace that the bonds are in. */
  constructor(runDir: string, netns: string, cookie?: string) {
    mkdirSync(runDir, { recursive: true, mode: 0o755 });
    this.#runDir = runDir;
    this.#bootId = bootId();
    this.#netns = netns;
    this.#cookie = cookie;
  }

  load(): LoadedState {
    return loadState(this.#runDir, this.#netns, this.#cookie);
  }

  /** Replaces the file and its copy; a crash leaves the old or the new one of each. All bonds are asked, or only the one that changed. */
  save(bonds: readonly Savable[], changed?: object): void {
    const cookie = this.#cookie === undefined ? {} : { netnsCookie: this.#cookie };
    const head = { version: STATE_VERSION, bootId: this.#bootId, netns: this.#netns, ...cookie };
    const texts = bonds.map(bond => this.#textOf(bond, changed === undefined || bond === changed));
    const text = `${JSON.stringify(head).slice(0, -1)},"bonds":[${texts.join(',')}]}`;
    keepTwice(stateFilePath(this.#runDir), text);
  }

  #textOf(bond: Savable, isChanged: boolean): string {
    const known = isChanged ? undefined : this.#texts.get(bond);
    const text = known ?? this.#fullText(bond.saved());
    this.#texts.set(bond, text);
    return text;
  }

  /** What was taken from an interface does not change while the bond lives, and thousands of routes make it most of the text. */
  #fullText({ taken, ...bond }: SavedRunner): string {
    const texts = taken.map(belongings => {
      const text = this.#takenTexts.get(belongings) ?? JSON.stringify(belongings);
      this.#takenTexts.set(belongings, text);
      return text;
    });
    return `${JSON.stringify(bond).slice(0, -1)},"taken":[${texts.join(',')}]}`;
  }
}
