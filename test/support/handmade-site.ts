// A site made by hand for unit tests of carrying out configurations: bonds as values. It writes down every act in the order in which it
// was done, any act can be made to fail, and the daemon can be made to die at any.
import { expect } from 'vitest';
import { err, ok, refusal, type Refusal, unreachable } from '../../src/base/index.js';
import {
  type ConfigBond,
  type ConfigRequest,
  type EventRecord,
  NOTHING_DESCRIBED,
} from '../../src/daemon/api/api.js';
import { Applying } from '../../src/daemon/apply/applying.js';
import type { Outcome, Told } from '../../src/daemon/apply/carry-out.js';
import type { PresentBond } from '../../src/daemon/apply/difference.js';
import type { Site } from '../../src/daemon/apply/site.js';
import type { Step } from '../../src/daemon/apply/steps.js';
import type { EventListener } from '../../src/daemon/keeping/journal.js';
import { type BondEvent, createBond, type OptionValues } from '../../src/policy/index.js';

function optionsOf(given: Readonly<Record<string, string>>): OptionValues {
  const address = '02:00:00:00:00:01';
  const options = Object.entries(given);
  const made = createBond({ name: 'b0', address, addressIsRandom: true, mtu: 1500, options });
  if (!made.ok) throw new Error(made.error.message);
  return made.value.snapshot().options;
}

/** A bond that is there, and that no file was carried out with. */
export const PRESENT: PresentBond = {
  options: optionsOf({ mode: 'active-backup', miimon: '100' }),
  adminUp: true,
  mtu: 1500,
  address: '02:00:00:00:00:01',
  members: [],
  wanted: [],
  awaited: [],
  addresses: ['192.0.2.1/24'],
  routes: [],
  described: NOTHING_DESCRIBED,
  had: { addresses: [], routes: [] },
};

const FILE: ConfigBond = {
  name: 'b0',
  options: { mode: 'active-backup', miimon: '100' },
  members: [],
  takeDown: false,
  addresses: ['192.0.2.1/24'],
  routes: [],
  mtu: null,
  mac: null,
  up: true,
};

export class HandmadeSite implements Site {
  readonly bonds = new Map<string, PresentBond>();
  /** `note`, `save`, `do KIND BOND`, `tell BOND`, … */
  readonly acts: string[] = [];
  /** What the state file has of what is to be undone. */
  book: readonly Step[] = [];
  /** Steps that were done, and what the book had then. */
  readonly done: { readonly step: Step; readonly book: readonly Step[] }[] = [];
  readonly told: (BondEvent & { readonly bond: string })[] = [];
  isBookFull = false;
  /** Reading a bond throws. */
  isBlind = false;
  applying: Applying;
  /** What comes before it is done, by act. */
  readonly #before = new Map<string, () => Outcome | 'dies' | undefined>();
  readonly #told = new Map<string, Told>();
  readonly #listeners = new Set<EventListener>();
  #died: (() => void) | undefined;

  constructor(...present: readonly string[]) {
    for (const name of present) this.bonds.set(name, PRESENT);
    this.applying = new Applying(this);
  }

  /** This act is refused, or throws, from now on. */
  fails(act: string, how: 'refused' | 'throws' = 'refused'): void {
    this.#before.set(act, () => {
      if (how === 'throws') throw new Error(`${act} threw`);
      return refused(`${act} was refused.`);
    });
  }

  /** This act is done, and tells this besides. */
  tells(act: string, told: Told): void {
    this.#told.set(act, told);
  }

  /** Runs just before this act. */
  at(act: string, run: () => void): void {
    this.#before.set(act, () => {
      run();
      return undefined;
    });
  }

  /** The daemon dies just before this act, while that runs: the promise is kept then. */
  async diesAt(act: string, run: (applying: Applying) => Promise<unknown>): Promise<void> {
    this.#before.set(act, () => 'dies');
    const died = new Promise<void>(resolve => (this.#died = resolve));
    const first = await Promise.race([died.then(() => 'died'), run(this.applying)]);
    expect(first).toBe('died');
    this.#before.delete(act);
    this.acts.length = 0;
  }

  /** The daemon after one that died, as it starts: it knows what the book says. */
  next(): Applying {
    this.applying = new Applying(this);
    this.applying.resume(this.book);
    this.save();
    return this.applying;
  }

  isEmpty(): boolean {
    return this.bonds.size === 0;
  }

  has(bond: string): boolean {
    return this.bonds.has(bond);
  }

  present(bond: string): PresentBond | undefined {
    if (this.isBlind) throw new Error('nothing can be read');
    return this.bonds.get(bond);
  }

  desired(bond: ConfigBond) {
    return { ...bond, members: bond.members.map(({ name, options }) => ({ name, asked: name, options })) };
  }

  company(bond: string) {
    const { members = [], awaited = [] } = this.bonds.get(bond) ?? {};
    return { members: members.map(({ name }) => name), awaited };
  }

  hasInterface(): boolean {
    return true;
  }

  async carryOut(step: Step): Promise<Outcome> {
    const act = `do ${step.kind} ${step.bond}`;
    this.acts.push(act);
    const first = this.#before.get(act)?.();
    if (first === 'dies') {
      this.#died?.();
      return new Promise<never>(() => {});
    }
    if (first !== undefined) return first;
    if (step.kind === 'create') this.note();
    // What is gone has nothing to be undone.
    else if (!this.bonds.has(step.bond) && step.kind === 'destroy') return ok({});
    else if (!this.bonds.has(step.bond)) return refused(`${step.bond} went away meanwhile.`);
    this.done.push({ step, book: this.book });
    this.#change(step);
    return ok(this.#told.get(act) ?? {});
  }

  rest(): Promise<void> {
    this.acts.push('rest');
    return Promise.resolve();
  }

  note(what = ''): Refusal | undefined {
    this.acts.push('note');
    if (this.isBookFull) return refusal('system', 'ENOSPC', `${what}: the book is full.`);
    this.book = this.applying.undo;
    return undefined;
  }

  save(): void {
    this.acts.push('save');
    this.book = this.applying.undo;
  }

  hold(): () => void {
    this.acts.push('hold');
    return () => void this.acts.push('let go');
  }

  tell(bond: string, event: BondEvent): void {
    this.acts.push(`tell ${bond}`);
    this.told.push({ ...event, bond });
    const record: EventRecord = { seq: 1, time: '', bond, ...event };
    for (const listener of this.#listeners) listener(record);
  }

  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listening(): number {
    return this.#listeners.size;
  }

  /** The acts alone that change a bond. */
  deeds(): readonly string[] {
    return this.acts.filter(act => act.startsWith('do ')).map(act => act.slice(3));
  }

  #change(step: Step): void {
    if (step.kind === 'destroy') this.bonds.delete(step.bond);
    else {
      const bond = this.bonds.get(step.bond) ?? PRESENT;
      this.bonds.set(step.bond, { ...bond, ...changeBy(step, bond) });
    }
  }
}

/** What a step changes of a bond; throws at kinds that this site knows nothing of. */
function changeBy(step: Step, { options, mtu, addresses, routes }: PresentBond): Partial<PresentBond> {
  switch (step.kind) {
    case 'create':
      return { options: optionsOf(step.options), adminUp: false, addresses: [] };
    case 'options':
      return { options: { ...options, miimon: Number(step.to['miimon']) } };
    case 'link':
      return { mtu: step.to.mtu ?? mtu };
    case 'up':
    case 'down':
      return { adminUp: step.kind === 'up' };
    case 'describe':
      return { described: step.to };
    case 'add-addresses':
      return { addresses: [...addresses, ...step.addresses] };
    case 'remove-addresses':
      return { addresses: addresses.filter(each => !step.addresses.includes(each)) };
    case 'add-routes':
      return { routes: [...routes, ...step.added] };
    case 'remove-routes':
      return { routes: routes.filter(each => !step.routes.includes(each)) };
    case 'keep':
    case 'give-back':
      return {};
    case 'destroy':
    case 'activate':
    case 'await':
    case 'join':
    case 'leave':
    case 'member-option':
    case 'rejoin':
    case 'unjoin':
    case 'want':
      throw new Error(`The site knows nothing of ${step.kind}`);
    default:
      return unreachable(step);
  }
}

function refused(message: string): Outcome {
  return err({ code: 'in-use', errno: 'EBUSY', message });
}

/** These bonds of a file, each with one address and up unless something else is said of it. */
export function request(
  bonds: readonly (Partial<ConfigBond> & { readonly name: string })[],
  wishes: Partial<ConfigRequest> = {},
): Required<ConfigRequest> {
  return {
    takeDown: false,
    takeAddresses: false,
    isLenient: false,
    ...wishes,
    bonds: bonds.map(bond => ({ ...FILE, ...bond })),
  };
}

/** Another miimon than `PRESENT` has. */
export const faster = { options: { mode: 'active-backup', miimon: '50' } };
