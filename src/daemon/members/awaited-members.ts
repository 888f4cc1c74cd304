// Interfaces that are to be members whenever they are there: they join when they appear, and again when they come back. The
// driver leaves that to udev and the scripts of the distribution; a bond that a file describes is to be as described.
import {
  badInterfaceName,
  err,
  MOST_ALTERNATIVE_BYTES,
  ok,
  type Refusal,
  refusal,
  type Result,
  shown,
} from '../../base/index.js';
import type { WantedMember } from '../../keeper/index.js';
import { getLink } from '../../linux/index.js';
import type { BondRunner } from '../bond-runner.js';
import type { EnslaveWishes } from './join-candidates.js';
import type { Machine } from '../kernel/machine.js';
import type { Operations } from '../operations.js';
import type { Registry } from '../registry.js';

/** Milliseconds between two looks. One that is seen by two in a row joins: udev may give a new one another name first. */
const LOOK_INTERVAL_MS = 500;
/** After an attempt that failed half-way, the interface is left alone for so long. */
const REST_MS = 5000;

/** An interface that was awaited and is there, but does not join. */
interface Arrival {
  readonly ifindex: number;
  /** What was said of it. */
  readonly told?: string;
  /** Not tried again before, in the machine's milliseconds. */
  readonly notBefore?: number;
}

/** Those of the bond that are not its members now. */
export function awaitedBy(runner: BondRunner): readonly WantedMember[] {
  return runner.wanted.filter(wanted => memberOf(runner, wanted) === undefined);
}

/** The member that is meant: the one that was, whatever its name is by now, or the one that has the name. */
function memberOf(runner: BondRunner, { name, ifindex }: WantedMember): number | undefined {
  if (ifindex !== undefined && runner.records.has(ifindex)) return ifindex;
  return runner.policy.members().find(member => member.name === name)?.member;
}

export class AwaitedMembers {
  readonly #machine: Machine;
  readonly #registry: Registry;
  readonly #operations: Operations;
  /** By bond and name. */
  #arrivals = new Map<string, Arrival>();
  #timer: NodeJS.Timeout | undefined;

  constructor(machine: Machine, registry: Registry, operations: Operations) {
    this.#machine = machine;
    this.#registry = registry;
    this.#operations = operations;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** All the named interfaces that are there join, or none does; those that are not are awaited. */
  enslave(runner: BondRunner, names: readonly string[], wishes: EnslaveWishes): Result<undefined, Refusal> {
    const { netlink, journal } = this.#machine;
    const looked = Array.from(new Set(names), name => ({ name, link: getLink(netlink, name) }));
    const missing = looked.filter(({ link }) => link === undefined).map(({ name }) => name);
    for (const name of missing) {
      const bad = badInterfaceName(name, MOST_ALTERNATIVE_BYTES);
      if (bad === null) continue;
      const message = `"${shown(name)}" cannot be awaited by ${runner.name}: no interface can be called so, as ${bad}.`;
      return err(refusal('invalid-value', 'EINVAL', message));
    }
    const { takeDown, takeAddresses, options } = wishes;
    const wrong = this.#operations.checkMemberOptions(runner, names, options);
    if (wrong !== undefined) return err(wrong);
    const there = looked.filter(({ link }) => link !== undefined).map(({ name }) => name);
    const joined = this.#operations.enslave(runner, there, wishes);
    if (!joined.ok) return joined;
    runner.wanted = [
      ...runner.wanted.filter(({ name }) => !names.includes(name)),
      ...looked.map(
        ({ name, link }): WantedMember =>
          link === undefined
            ? { name, takeDown, takeAddresses, options }
            : { name, ifindex: link.ifindex, takeDown, takeAddresses, options },
      ),
    ];
    for (const name of missing) {
      const message = `${name} is not there; ${runner.name} does without it until it appears, and takes it then`;
      journal.add(runner.name, { severity: 'warning', type: 'awaited', message });
    }
    this.#machine.save(runner);
    return ok(undefined);
  }

  #look(): void {
    const before = this.#arrivals;
    this.#arrivals = new Map();
    for (const runner of this.#registry.all()) {
      this.#tie(runner);
      for (const wanted of awaitedBy(runner)) {
        const key = `${runner.name} ${wanted.name}`;
        try {
          const arrival = this.#arrived(runner, wanted, before.get(key));
          if (arrival !== undefined) this.#arrivals.set(key, arrival);
        } catch (error) {
          this.#machine.log.error({ err: error, bond: runner.name }, 'an awaited member could not join');
        }
      }
    }
  }

  /** Members are known by their interfaces from when they joined, by whomever that was asked for. */
  #tie(runner: BondRunner): void {
    for (const wanted of runner.wanted) {
      const ifindex = memberOf(runner, wanted) ?? wanted.ifindex;
      if (ifindex === undefined || ifindex === wanted.ifindex) continue;
      runner.wanted = runner.wanted.map(other => (other === wanted ? { ...wanted, ifindex } : other));
      this.#machine.save(runner);
    }
  }

  /** Looks whether it is there, and makes it a member; gives what is to be remembered of one that is there and did not join. */
  #arrived(runner: BondRunner, wanted: WantedMember, before: Arrival | undefined): Arrival | undefined {
    const { netlink, journal, now } = this.#machine;
    const { name } = wanted;
    const link = getLink(netlink, name);
    if (link === undefined) return undefined;
    const { ifindex } = link;
    const isMember = runner.records.has(ifindex);
    if (!isMember) {
      if (before?.ifindex !== ifindex) return { ifindex };
      if (now() < (before.notBefore ?? 0)) return before;
      const checked = this.#operations.candidates.check(runner, name, link, wanted);
      const joined = checked.ok
        ? this.#operations.enslave(runner, [name], { ...wanted, options: {} })
        : checked;
      if (!joined.ok) {
        const told = joined.error.message;
        if (told !== before.told)
          journal.add(runner.name, { severity: 'warning', type: 'awaited', message: told, member: name });
        return { ifindex, told, ...(checked.ok && { notBefore: now() + REST_MS }) };
      }
    }
    runner.wanted = runner.wanted.map(other => (other === wanted ? { ...wanted, ifindex } : other));
    this.#machine.save(runner);
    if (isMember) return undefined;
    // Better a member without them than none.
    const given = this.#operations.giveMemberOptions(runner, ifindex, wanted.options);
    if (!given.ok)
      journal.add(runner.name, { severity: 'warning', type: 'option', message: given.error.message });
    const message = `${name} is there; it was awaited, and joined ${runner.name}`;
    journal.add(runner.name, { severity: 'info', type: 'awaited', message, member: name });
    return undefined;
  }
}
