// How a bond ends: its members are let go, its interface goes, and what was taken from interfaces goes back to them. The addresses
// and the way out are there again before anything that can wait.
import { type Result, ok, type Refusal } from '../base/index.js';
import { twice } from '../dataplane/index.js';
import { getLink, setLink } from '../linux/index.js';
import { IFF } from '../netlink/index.js';
import { BelongingsReturn, carriedBy, planReturn } from './members/belongings-return.js';
import type { BondRunner } from './bond-runner.js';
import type { Machine } from './kernel/machine.js';
import type { Registry } from './registry.js';

export class Destruction {
  readonly #machine: Machine;
  readonly #registry: Registry;
  readonly #unfinished = new Set<Promise<void>>();

  constructor(machine: Machine, registry: Registry) {
    this.#machine = machine;
    this.#registry = registry;
  }

  /** Ends a bond that is there. All but many routes is done when this returns; those are when its promise is kept. */
  async destroy(runner: BondRunner): Promise<Result<undefined, Refusal>> {
    const { netlink } = this.#machine;
    const { name } = runner;
    const link = twice(() => getLink(netlink, runner.plane.bondIfindex));
    if (link !== undefined && runner.taken.length > 0) {
      const carried = twice(() => carriedBy(netlink, link));
      runner.taken = planReturn(runner.taken, carried, link.ifindex, at => this.#willBeUp(runner, at));
    }
    await this.dismantle(runner, () => {
      // Down first: nobody is to be told of failovers from member to member while they leave.
      if (link === undefined) return;
      twice(() => setLink(netlink, link.ifindex, { up: false }));
      twice(() => runner.resync());
    });
    this.#machine.journal.add(name, { severity: 'info', type: 'left', message: `${name} was destroyed` });
    return ok(undefined);
  }

  /** Releases all members and removes everything; what is in `runner.taken` goes back. `before` comes when that is written down. */
  dismantle(runner: BondRunner, before: () => void = () => {}): Promise<void> {
    const ended = this.#dismantle(runner, before);
    this.#unfinished.add(ended);
    return ended.finally(() => this.#unfinished.delete(ended));
  }

  /** Waits for what is still given back; nothing that failed is thrown. */
  async finished(): Promise<void> {
    await Promise.allSettled(this.#unfinished);
  }

  async #dismantle(runner: BondRunner, before: () => void): Promise<void> {
    const { netlink, save } = this.#machine;
    const { name } = runner;
    runner.ending = true;
    // One that is a member of another bond by now has other uses.
    runner.taken = runner.taken.filter(({ ifindex }) => this.#isFree(ifindex, runner));
    save(runner);
    const homecoming = new BelongingsReturn(netlink, runner.taken, runner.plane.bondIfindex);
    const homes = new Set(runner.taken.map(({ ifindex }) => ifindex));
    // From here on there is no way back: what fails is tried once more, and keeps nothing else from being done.
    this.#attempt(name, before);
    this.#letGo(runner, member => homes.has(member));
    this.#attempt(name, () => runner.releaseHeld());
    this.#attempt(name, () => homecoming.first());
    this.#letGo(runner, () => true);
    try {
      runner.takeDown();
    } catch (error) {
      this.#left(name, `${name} left something behind: ${(error as Error).message}`);
    }
    // The state file keeps it until all is back: a daemon that starts in between goes on with that.
    this.#registry.part(runner);
    save(runner);
    const problems = await homecoming.rest(ifindex => this.#isFree(ifindex, runner));
    for (const problem of problems) this.#left(name, `${name} could not give everything back: ${problem}`);
    runner.taken = [];
    this.#registry.remove(runner);
    save(runner);
  }

  #attempt(name: string, step: () => void): void {
    try {
      twice(step);
    } catch (error) {
      this.#left(name, `A step of the end of ${name} failed: ${(error as Error).message}`);
    }
  }

  #willBeUp(runner: BondRunner, ifindex: number): boolean {
    const link = getLink(this.#machine.netlink, ifindex);
    if (link === undefined) return false;
    if (runner.heldDown.has(ifindex)) return true;
    return runner.records.get(ifindex)?.original.up ?? (link.flags & IFF.IFF_UP) !== 0;
  }

  #letGo(runner: BondRunner, which: (member: number) => boolean): void {
    for (const member of Array.from(runner.records.keys()))
      if (which(member)) runner.feed({ kind: 'leave', member, cause: 'released' });
  }

  #isFree(ifindex: number, runner: BondRunner): boolean {
    const other = this.#registry.ofMember(ifindex);
    return other === undefined || other === runner;
  }

  #left(name: string, message: string): void {
    this.#machine.journal.add(name, { severity: 'error', type: 'left', message });
  }
}
