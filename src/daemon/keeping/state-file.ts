// What a daemon must know to go on where another stopped: written before and after every change, whole and atomically.
import { mkdirSync, readFileSync } from 'node:fs';
import { copyOf, keepTwice, type Kept, readTwice, UnreadableFile } from '../../linux/index.js';
import type { SavedBelongings, SavedKeeping } from '../../keeper/index.js';
import type { Described } from '../api/api.js';
import type { Step } from '../apply/steps.js';
import { parseState, type StateHead } from './state-schema.js';

export const STATE_VERSION = 1;

/** What is kept of where a bond is, and of what its host did for it. */
export interface SavedPlace {
  readonly bondIfindex: number;
  readonly lowerIfindex: number;
  /** Directory of its pins, below the run directory's bpffs. */
  readonly pins: string;
  /** MAC addresses that were added to members' lists. */
  readonly filters: readonly (readonly [number, readonly string[]])[];
  /** What a file made of it. */
  readonly described?: Described;
}

export interface SavedRunner extends SavedKeeping, SavedPlace {}

export interface SavedState {
  readonly version: number;
  /** Of this boot: interface indexes and pins mean nothing after the next. */
  readonly bootId: string;
  /** Inode of the network namespace. */
  readonly netns: string;
  /** Its cookie, where the kernel has them: another namespace may have the inode of one that is gone. */
  readonly netnsCookie?: string;
  readonly bonds: readonly SavedRunner[];
  /** While a file is carried out: what undoes what was done of it, in order. A daemon that finds it does that. */
  readonly applying?: readonly Step[];
}

/** What the state file of a run directory says to a daemon of this boot and network namespace. */
export interface LoadedState {
  readonly bonds: readonly SavedRunner[];
  /** What undoes a file that was being carried out. */
  readonly applying?: readonly Step[];
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
  const { bonds, netnsCookie, applying } = value;
  const isAnother = cookie !== undefined && netnsCookie !== undefined && netnsCookie !== cookie;
  // The one that had this inode is gone, and its interfaces with it.
  if (value.netns === netns && isAnother) return NOT_OURS;
  if (value.netns === netns) {
    return {
      bonds,
      isOurs: true,
      ...(instead !== undefined && { instead }),
      ...(applying !== undefined && { applying }),
    };
  }
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

/** Of this boot of the kernel. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

/** A bond that says what is to be known of it. */
export interface Savable {
  saved(): SavedKeeping;
  readonly host: { saved(): SavedPlace };
}

const COMMA = Buffer.from(',');
const END = Buffer.from(']}');

/** Reads and writes RUN_DIR/state.json. */
export class StateFile {
  readonly #runDir: string;
  readonly #bootId: string;
  readonly #netns: string;
  readonly #cookie: string | undefined;
  /** What was written of each bond, as bytes: one that did not change is not asked again. */
  readonly #texts = new WeakMap<Savable, Uint8Array>();
  /** The steps that were written last, and their text: routes without number may be in them. */
  #applying: { readonly steps: readonly Step[]; readonly text: string } = { steps: [], text: '[]' };
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

  /** Replaces the file and its copy; a crash leaves the old or the new one of each. All bonds are asked, or only those that changed. */
  save(bonds: readonly Savable[], changed?: ReadonlySet<object>, applying: readonly Step[] = []): void {
    if (applying !== this.#applying.steps)
      this.#applying = { steps: applying, text: JSON.stringify(applying) };
    const begun = applying.length === 0 ? '' : `,"applying":${this.#applying.text}`;
    const cookie = this.#cookie === undefined ? {} : { netnsCookie: this.#cookie };
    const head = { version: STATE_VERSION, bootId: this.#bootId, netns: this.#netns, ...cookie };
    const pieces: Uint8Array[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)}${begun},"bonds":[`)];
    for (const bond of bonds) pieces.push(this.#textOf(bond, changed?.has(bond) ?? true), COMMA);
    // Instead of the last comma.
    if (bonds.length > 0) pieces.pop();
    pieces.push(END);
    keepTwice(stateFilePath(this.#runDir), pieces);
  }

  #textOf(bond: Savable, isChanged: boolean): Uint8Array {
    const known = isChanged ? undefined : this.#texts.get(bond);
    const text = known ?? Buffer.from(this.#fullText({ ...bond.saved(), ...bond.host.saved() }));
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
