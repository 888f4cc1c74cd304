// What a daemon must know to go on where another stopped: written before and after every change, whole and atomically.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { SavedBond } from '../policy/index.js';
import type { IfconfigCounters } from '../report/index.js';
import type { SavedBelongings } from './address-transfer.js';
import type { OriginalSettings } from './original-settings.js';

const STATE_VERSION = 1;

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
  /** What it had counted before it joined. */
  readonly counted?: IfconfigCounters;
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
}

export interface SavedState {
  readonly version: number;
  /** Of this boot: interface indexes and pins mean nothing after the next. */
  readonly bootId: string;
  /** Inode of the network namespace. */
  readonly netns: string;
  readonly bonds: readonly SavedRunner[];
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The file's outer form; undefined when it is something else. Any text gives an answer. */
export function parseState(text: string): SavedState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const isState = isFields(value) && typeof value['bootId'] === 'string' && Array.isArray(value['bonds']);
  return isState ? (value as Fields & SavedState) : undefined;
}

/** True for a bond as the file keeps it. */
export function isRunner(value: unknown): value is SavedRunner {
  if (!isFields(value)) return false;
  const { name, bondIfindex, lowerIfindex, pins, policy, members, taken, filters, wanted = [] } = value;
  return (
    typeof name === 'string' &&
    typeof bondIfindex === 'number' &&
    typeof lowerIfindex === 'number' &&
    typeof pins === 'string' &&
    isFields(policy) &&
    Array.isArray(members) &&
    members.every(member => isFields(member) && isFields(member['original'])) &&
    Array.isArray(taken) &&
    Array.isArray(filters) &&
    Array.isArray(wanted) &&
    wanted.every(wish => isFields(wish) && typeof wish['name'] === 'string' && isFields(wish['options']))
  );
}

/** The bonds that the file of a run directory names for this boot and network namespace; none when it cannot be read. */
export function bondsOfFile(runDir: string, netns: string): readonly SavedRunner[] {
  try {
    const state = parseState(readFileSync(`${runDir}/state.json`, 'utf8'));
    const isOurs = state?.bootId === bootId() && state.netns === netns;
    return isOurs ? state.bonds.filter(isRunner) : [];
  } catch {
    return [];
  }
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
  readonly #path: string;
  readonly #bootId: string;
  readonly #netns: string;
  /** What was written of each bond: one that did not change is not asked again. */
  readonly #texts = new WeakMap<Savable, string>();
  readonly #takenTexts = new WeakMap<SavedBelongings, string>();

  constructor(runDir: string, netns: string) {
    mkdirSync(runDir, { recursive: true, mode: 0o755 });
    this.#path = `${runDir}/state.json`;
    this.#bootId = bootId();
    this.#netns = netns;
  }

  /** The bonds of an earlier daemon of this boot and namespace; a sentence when there is a file that is not for us. */
  load(): { readonly bonds: readonly SavedRunner[]; readonly problem?: string } {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch {
      return { bonds: [] };
    }
    const state = parseState(text);
    if (state === undefined) return { bonds: [], problem: this.#unreadable('it is damaged') };
    if (state.bootId !== this.#bootId) return { bonds: [] };
    if (state.version !== STATE_VERSION) {
      return {
        bonds: [],
        problem: this.#unreadable(
          `it is of version ${state.version}, and this Bondwire writes ${STATE_VERSION}`,
        ),
      };
    }
    if (state.netns !== this.#netns) {
      if (state.bonds.length === 0) return { bonds: [] };
      return {
        bonds: [],
        problem: `${this.#path} belongs to a daemon in another network namespace; start this one with another --run-dir.`,
      };
    }
    if (!state.bonds.every(isRunner)) return { bonds: [], problem: this.#unreadable('it is damaged') };
    return { bonds: state.bonds };
  }

  #unreadable(why: string): string {
    return (
      `${this.#path} cannot be read: ${why}. It knows what members were like before they joined; ` +
      'mend it, or move it away and start without the bonds that it holds.'
    );
  }

  /** Replaces the file; a crash leaves the old or the new one. All bonds are asked, or only the one that changed. */
  save(bonds: readonly Savable[], changed?: object): void {
    const head = { version: STATE_VERSION, bootId: this.#bootId, netns: this.#netns };
    const texts = bonds.map(bond => this.#textOf(bond, changed === undefined || bond === changed));
    const temporary = `${this.#path}.new`;
    const text = `${JSON.stringify(head).slice(0, -1)},"bonds":[${texts.join(',')}]}`;
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, this.#path);
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
