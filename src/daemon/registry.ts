// The bonds of a daemon, and which interface belongs to which.
import type { BondRunner } from './bond-runner.js';

export class Registry {
  readonly #runners = new Map<number, BondRunner>();

  add(runner: BondRunner): void {
    this.#runners.set(runner.plane.bondIfindex, runner);
  }

  remove(runner: BondRunner): void {
    this.#runners.delete(runner.plane.bondIfindex);
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
