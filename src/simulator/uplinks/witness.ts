// What is known of each line without the policy: what its daemon was told, which of its questions were answered, and how the line
// really is. Rules are checked against this, so that a policy that errs does not judge itself. (simulator)
import { FAMILIES, type Family, type LineNumber, type Probe, type UplinkInput } from '../../uplinks/index.js';
import type { SimulatedLine } from './line.js';
import type { UplinkWorld } from './world.js';

/** A line in one family. */
export interface Witness {
  readonly line: SimulatedLine;
  readonly family: Family;
  /** As the daemon was told. */
  carrier: boolean;
  address: string | null;
  addressChangedMs: number;
  /** Pings answered since it is there, and since it last was not dead for so long that it had to be proven anew. */
  row: number;
  lastSignMs: number;
  /** True: nothing comes back by it. */
  deadSinceMs: number | null;
  /** Nothing is wrong with it. */
  soundSinceMs: number | null;
  /** There was trouble, so that patience may have been learned. */
  firstTroubleMs: number | null;
}

export const SIGNS = 3;
/** Questions that may still be answered. */
const REMEMBERED = 3000;
const LONG_AGO = Number.NEGATIVE_INFINITY;

export class Witnesses {
  readonly #all: Map<string, Witness> = new Map();
  readonly #asked: Map<number, Probe> = new Map();

  of(world: UplinkWorld, line: LineNumber, family: Family): Witness | undefined {
    const key = `${line} ${family}`;
    const known = this.#all.get(key);
    const of = world.lines[line - 1];
    if (known !== undefined || of === undefined) return known;
    const made: Witness = {
      line: of,
      family,
      carrier: false,
      address: null,
      addressChangedMs: LONG_AGO,
      row: 0,
      lastSignMs: LONG_AGO,
      deadSinceMs: null,
      soundSinceMs: LONG_AGO,
      firstTroubleMs: null,
    };
    this.#all.set(key, made);
    return made;
  }

  ofFamily(world: UplinkWorld, family: Family): Witness[] {
    return world.lines.flatMap(({ number }) => this.of(world, number, family) ?? []);
  }

  asked(probe: Probe): void {
    if (probe.kind !== 'ping') return;
    this.#asked.set(probe.id, probe);
    this.#asked.delete(probe.id - REMEMBERED);
  }

  /** The daemon is told something. */
  fed(world: UplinkWorld, input: UplinkInput): void {
    const { now } = world.clock;
    if (input.kind === 'answered') {
      const probe = this.#asked.get(input.probe);
      const witness = probe === undefined ? undefined : this.of(world, probe.line, probe.family);
      if (witness === undefined) return;
      this.#asked.delete(input.probe);
      witness.row++;
      witness.lastSignMs = now;
    } else if (input.kind === 'device') {
      for (const family of FAMILIES) {
        const witness = this.of(world, input.line, family);
        if (witness === undefined) continue;
        witness.carrier = input.device?.carrier === true;
        if (!witness.carrier) witness.row = 0;
      }
    } else if (input.kind === 'path') {
      const witness = this.of(world, input.line, input.family);
      if (witness === undefined) return;
      const address = input.path?.address ?? null;
      if (address === null) witness.row = 0;
      else if (witness.address !== null && witness.address !== address) witness.addressChangedMs = now;
      witness.address = address;
    }
  }

  /** A daemon that starts has asked nothing yet, and numbers its questions as it likes. */
  started(): void {
    this.#asked.clear();
  }

  /** The world may have changed. */
  look(world: UplinkWorld): void {
    const { now } = world.clock;
    for (const { number } of world.lines) {
      for (const family of FAMILIES) {
        const witness = this.of(world, number, family);
        if (witness === undefined) continue;
        const { line } = witness;
        witness.deadSinceMs = line.isDead(family) ? (witness.deadSinceMs ?? now) : null;
        witness.soundSinceMs = line.isSound(family) ? (witness.soundSinceMs ?? now) : null;
        if (witness.soundSinceMs === null) witness.firstTroubleMs ??= now;
      }
    }
  }
}

/** Traffic could be moved to it, as far as the daemon can know. */
export function isViable({ carrier, address, row }: Witness): boolean {
  return carrier && address !== null && row >= SIGNS;
}
