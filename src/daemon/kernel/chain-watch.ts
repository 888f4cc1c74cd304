// Tells of chains of nftables on members that do not see the frames of their bond, once each, whether the chain was there first or
// the member. Made by an administrator on the member, such a chain seems to work: nobody looks at doctor then.
import { deviceChains, watchChains } from '../../linux/index.js';
import type { DeviceChain } from '../../netlink/index.js';
import type { BondRunner } from '../bond-runner.js';
import { bypassedChains } from './bypassed-chains.js';
import type { Machine } from './machine.js';
import type { Registry } from '../registry.js';

/** Milliseconds from the first news to the look: a ruleset that is loaded anew is many messages, and is taken away in its first. */
const SETTLE_MS = 200;

/** The sentence for a clause of `bypassedChains`. */
export function bypassedText(bond: string, member: string, clause: string): string {
  return `Of ${member}: ${clause}; have it on ${bond} itself (device ${bond}), which sees them`;
}

/** What is told of one bond: clauses by member. */
type Told = ReadonlyMap<string, string>;

export class ChainWatch {
  readonly #machine: Machine;
  readonly #registry: Registry;
  readonly #told = new WeakMap<BondRunner, Told>();
  #stop: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(machine: Machine, registry: Registry) {
    this.#machine = machine;
    this.#registry = registry;
  }

  /** From here on new chains are heard of; those that are there are told of at once. */
  start(): void {
    this.#guard(() => {
      this.#stop = watchChains(() => this.#soon());
    });
    this.#soon();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#stop?.();
    this.#stop = undefined;
  }

  /** Tells what is new of a bond that got a member. */
  joined(runner: BondRunner): void {
    this.#guard(() => this.#look(runner, deviceChains()));
  }

  #look(runner: BondRunner, chains: readonly DeviceChain[]): void {
    const { name } = runner;
    const before = this.#told.get(runner);
    const members = runner.policy.members().map(member => member.name);
    const now = new Map(
      members.flatMap(member =>
        bypassedChains(chains, name, [member]).map(clause => [clause, member] as const),
      ),
    );
    // What is gone may come again, and is news then.
    this.#told.set(runner, now);
    for (const [clause, member] of now) {
      if (before?.has(clause) === true) continue;
      const message = bypassedText(name, member, clause);
      this.#machine.journal.add(name, { severity: 'warning', type: 'link', message, member });
    }
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#guard(() => {
        const chains = this.#registry.all().length > 0 ? deviceChains() : [];
        for (const runner of this.#registry.all()) this.#look(runner, chains);
      });
    }, SETTLE_MS).unref();
  }

  /** Nobody is to miss a bond for it. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#machine.log.error({ err: error }, 'the chains of nftables could not be looked at');
    }
  }
}
