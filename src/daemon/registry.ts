// The bonds of a daemon, and which interface belongs to which.
import type { BondRunner } from './bond-runner.js';

export class Registry {
  readonly #runners = new Map<number, BondRunner>();
  readonly #parted = new Set<BondRunner>();

  add(runner: BondRunner): void {
    this.#runners.set(runner.plane.bondIfindex, runner);
  }

  /** Its interface is gone, but not all is back yet that it had: it is a bond no more, but is written down. */
  part(runner: BondRunner): void {
    this.#runners.delete(runner.plane.bondIfindex);
    this.#parted.add(runner);
  }

  remove(runner: BondRunner): void {
    this.#runners.delete(runner.plane.bondIfindex);
    this.#parted.delete(runner);
  }

  /** All of which the next daemon must know. */
  written(): readonly BondRunner[] {
    return [...this.#runners.values(), ...this.#parted];
  }

  all(): readonly BondRunner[] {
    return [...this.#runners.values()];
  }

  named(name: string): BondRunner | undefined {
    return this.all().find(runner => runner.name === name);
  }

  /** The bond whose interface, or lower end, has this index. */
  ofBond(ifindex: number): BondRunner | undefined {
    return this.#runners.get(ifindex) ?? this.all().find(runner => runner.plane.lowerIfindex === ifindex);
  }

  /** The bond that has this interface as a member. */
  ofMember(ifindex: number): BondRunner | undefined {
    return this.all().find(runner => runner.records.has(ifindex));
  }
}
