// The metronome of one bond as its daemon keeps it: made with the first lease, given another program when other members have one.
import type { ProgramSpec } from '../../ebpf/index.js';
import type { Attachment, AttachWish, Hooks } from './attachment.js';
import {
  attachMetronome,
  isWhole,
  makeMetronome,
  type Metronome,
  metronomeOf,
  removeMetronome,
} from './metronome.js';
import { metronomeProgram } from './metronome-program.js';
import type { ProgramContext } from './program-parts.js';

/** Name of the pin of its program. */
const METRONOME_PIN = 'metronome';

/** What it needs of the bond. */
export interface MetronomeParts {
  readonly lowerName: string;
  readonly context: ProgramContext;
  readonly hooks: () => Hooks;
  /** A descriptor; the caller closes it. */
  readonly load: (program: ProgramSpec) => number;
  /** How programs are attached here. */
  readonly wish: () => Pick<AttachWish, 'kind'>;
  readonly noted: () => Metronome | undefined;
  /** Written down, before what it says is done. */
  readonly note: (metronome: Metronome) => void;
  readonly hold: (attachment: Attachment) => void;
}

export class BondMetronome {
  readonly #parts: MetronomeParts;
  /** Members of these slots are spoken for, as far as this process made sure. */
  #slots: readonly number[] | undefined;
  /** Why there is none: it is not tried again. */
  problem: string | undefined;

  constructor(parts: MetronomeParts) {
    this.#parts = parts;
  }

  /** Members of these slots are spoken for. */
  speakFor(slots: readonly number[]): void {
    if (this.problem !== undefined || slots.every(slot => this.#slots?.includes(slot))) return;
    try {
      this.#slots = this.#make(slots);
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
      removeMetronome(this.#parts.hooks().netlink, metronomeOf(this.#parts.lowerName));
    }
  }

  #make(wanted: readonly number[]): readonly number[] {
    const { context, lowerName, hooks, load, wish, noted, note, hold } = this.#parts;
    const { netlink } = hooks();
    const known = noted();
    const isThere = known !== undefined && isWhole(hooks(), known);
    if (isThere && wanted.every(slot => known.slots.includes(slot))) return known.slots;
    const slots = [...new Set([...(isThere ? known.slots : []), ...wanted])].toSorted((a, b) => a - b);
    let now = isThere ? known : metronomeOf(lowerName);
    if (!isThere) {
      removeMetronome(netlink, now);
      note(now);
      makeMetronome(netlink, now, lowerName);
    }
    const attachment = attachMetronome(
      hooks(),
      load(metronomeProgram(context, slots)),
      now,
      { pin: METRONOME_PIN, ...wish() },
      made => note((now = { ...now, attachment: made })),
    );
    note({ ...now, attachment, slots });
    hold(attachment);
    return slots;
  }
}
