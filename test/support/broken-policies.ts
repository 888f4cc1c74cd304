// Policies with one bug each, planted to see that the proving ground catches it. Each is the real bond with its state, its
// outputs or its snapshot changed on the way.
import { Bond, type BondSnapshot, createBond, type Input, type Output } from '../../src/policy/index.js';
import type { PolicyMaker, SimulatedPolicy } from '../../src/simulator/index.js';

type Saved = ReturnType<Bond['save']>;

/** What a bug may change; what is absent is as it should be. */
interface Bug {
  outputs?(outputs: Output[], bond: Bond): Output[];
  snapshot?(snapshot: BondSnapshot): BondSnapshot;
  /** After an input: what the bond goes on with. */
  state?(before: BondSnapshot, saved: Saved): Saved;
  noteInput?(input: Input, before: BondSnapshot, after: BondSnapshot): void;
}

class BrokenBond implements SimulatedPolicy {
  #bond: Bond;
  readonly #bug: Bug;

  constructor(bond: Bond, bug: Bug) {
    this.#bond = bond;
    this.#bug = bug;
  }

  handle(input: Input, now: number): ReturnType<Bond['handle']> {
    const before = this.#bond.snapshot();
    const handled = this.#bond.handle(input, now);
    this.#bug.noteInput?.(input, before, this.#bond.snapshot());
    if (this.#bug.state !== undefined) {
      const outputs = this.#bond.outputs();
      this.#bond = Bond.restore(this.#bug.state(before, this.#bond.save(now)), now);
      this.#pending.push(...outputs);
    }
    return handled;
  }

  readonly #pending: Output[] = [];

  outputs(): Output[] {
    const all = [...this.#pending.splice(0), ...this.#bond.outputs()];
    return this.#bug.outputs?.(all, this.#bond) ?? all;
  }

  deadline(): number | null {
    return this.#bond.deadline();
  }

  rest(untilMs: number): void {
    this.#bond.rest(untilMs);
  }

  snapshot(): BondSnapshot {
    const snapshot = this.#bond.snapshot();
    return this.#bug.snapshot?.(snapshot) ?? snapshot;
  }

  revision(): number {
    return this.#bond.revision();
  }

  facts(): ReturnType<Bond['facts']> {
    return this.#bond.facts();
  }

  members(): ReturnType<Bond['members']> {
    return this.#bond.members();
  }

  lease(): ReturnType<Bond['lease']> {
    return this.#bond.lease();
  }

  addressesFor(address: string): ReturnType<Bond['addressesFor']> {
    return this.#bond.addressesFor(address);
  }

  plan(): ReturnType<Bond['plan']> {
    return this.#bond.plan();
  }

  save(now?: number): Saved {
    return this.#bond.save(now);
  }
}

function maker(bug: () => Bug): PolicyMaker {
  return {
    create: wish => {
      const made = createBond(wish);
      return made.ok ? { ok: true, value: new BrokenBond(made.value, bug()) } : made;
    },
    restore: (saved, now) => new BrokenBond(Bond.restore(saved, now), bug()),
  };
}

/** A member whose link is back waits one tick more, or less, than updelay. */
export function updelayOff(ticks: 1 | -1): PolicyMaker {
  return maker(() => ({
    state: (before, saved) => {
      for (const member of saved.state.members) {
        const was = before.members.find(each => each.member === member.member);
        const began = member.link === 'back' && was?.link !== 'back';
        if (began) member.delayTicks = Math.max(0, member.delayTicks + ticks);
      }
      return saved;
    },
  }));
}

/** After a failover the old member stays active, beside the new one, until the next tick. */
export const twoActive: PolicyMaker = maker(() => {
  let former: number | null = null;
  return {
    noteInput: (input, before, after) => {
      if (input.kind === 'time') former = null;
      if (before.active !== after.active && after.active !== null) former = before.active;
    },
    outputs: outputs =>
      outputs.map(output =>
        output.kind === 'forward' && former !== null
          ? {
              kind: 'forward',
              plan: {
                ...output.plan,
                members: output.plan.members.map(each =>
                  each.member === former ? { ...each, heardBesides: true } : each,
                ),
              },
            }
          : output,
      ),
    snapshot: snapshot => ({
      ...snapshot,
      members: snapshot.members.map(member =>
        member.member === former ? { ...member, state: 'active' as const, inactive: false } : member,
      ),
    }),
  };
});

/** A member that leaves keeps the bond's address. */
export const addressNotRestored: PolicyMaker = maker(() => ({
  outputs: outputs =>
    outputs.map(output => (output.kind === 'detach-member' ? { ...output, restoreAddress: false } : output)),
}));

/** The carrier stays on when no member is left. */
export const carrierStays: PolicyMaker = maker(() => ({
  outputs: outputs => outputs.filter(output => output.kind !== 'carrier' || output.on),
}));

/** Gratuitous ARP requests get lost in the bond. */
export const garpLost: PolicyMaker = maker(() => ({
  outputs: outputs => outputs.filter(output => output.kind !== 'send' || output.what !== 'arp'),
}));

/** The first of several gratuitous ARP requests gets lost. */
export const firstGarpLost: PolicyMaker = maker(() => {
  let lost = false;
  return {
    outputs: outputs =>
      outputs.filter(output => {
        if (output.kind !== 'send' || output.what !== 'arp' || lost) return true;
        lost = true;
        return false;
      }),
  };
});

/** No bug at all: what catches the others must not catch this. */
export const untouched: PolicyMaker = maker(() => ({ state: (_, saved) => saved }));
