// Bonds of a daemon that end: their keepers do it; who asked waits until all is back that interfaces had.
import { type Refusal, type Result, ok } from '../base/index.js';
import type { BondRunner } from './bond-runner.js';

export class Destruction {
  readonly #unfinished = new Set<Promise<void>>();

  /** Ends a bond that is there. All but many routes is done when this returns; those are when its promise is kept. */
  async destroy(runner: BondRunner): Promise<Result<undefined, Refusal>> {
    await this.#ended(done => runner.destroy(done));
    return ok(undefined);
  }

  /** Releases all members and removes everything of a bond that is gone, or whose end began already. */
  dismantle(runner: BondRunner): Promise<void> {
    return this.#ended(done => runner.dismantle(done));
  }

  /** Waits for what is still given back; nothing that failed is thrown. */
  async finished(): Promise<void> {
    await Promise.allSettled(this.#unfinished);
  }

  #ended(begin: (done: () => void) => void): Promise<void> {
    const ended = new Promise<void>(begin);
    this.#unfinished.add(ended);
    return ended.finally(() => this.#unfinished.delete(ended));
  }
}
