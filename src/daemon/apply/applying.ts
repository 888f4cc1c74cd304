// Carries out a whole configuration: bond after bond, step after step, all or nothing. What undoes the steps that were done is written
// down before each, so that the next daemon can undo them where this one dies.
import type { Refusal, Result } from '../../base/index.js';
import { advice, err, ok } from '../../base/index.js';
import type { ConfigBond, ConfigRequest, Configured, ConfiguredBond, EventRecord } from '../api/api.js';
import { warningsOf } from '../api/warnings.js';
import { systemRefusal } from '../kernel/system-refusal.js';
import type { Outcome, Told } from './carry-out.js';
import { routeKey } from './described-sets.js';
import { type ApplyWishes, difference, leftOver, type PresentBond, strangers } from './difference.js';
import type { Site } from './site.js';
import { type Step, undoOf } from './steps.js';

/** Why a configuration was not carried out, and what became of what was done before that. */
export interface Unmade extends Refusal {
  readonly undone?: readonly string[];
}

/** Steps that give a bond back what it had of addresses and routes, whatever else stays as the file says. */
const GIVING: ReadonlySet<Step['kind']> = new Set(['add-addresses', 'add-routes', 'give-back']);

export class Applying {
  readonly #site: Site;
  readonly #done: Step[] = [];
  /** Bonds that are changed, as they were. */
  readonly #before = new Map<string, PresentBond>();
  #undo: readonly Step[] = [];
  #isEnding = false;

  constructor(site: Site) {
    this.#site = site;
  }

  /** What undoes what was done so far, for the state file. */
  get undo(): readonly Step[] {
    return this.#undo;
  }

  /** Makes all bonds as described, or leaves all as it was. */
  async apply({ bonds, ...wishes }: Required<ConfigRequest>): Promise<Result<Configured, Unmade>> {
    const release = this.#site.hold();
    try {
      const result = await this.#all(bonds, wishes);
      // Not where it threw: what undoes the rest stays in the file, for the next daemon.
      this.#commit();
      return result;
    } finally {
      release();
    }
  }

  async #all(bonds: readonly ConfigBond[], wishes: ApplyWishes): Promise<Result<Configured, Unmade>> {
    const had = !this.#site.isEmpty();
    const results: ConfiguredBond[] = [];
    let last: Refusal | undefined;
    for (const bond of bonds) {
      const isThere = this.#site.has(bond.name);
      const result = await this.#one(bond, wishes);
      last = result.ok ? undefined : result.error;
      if (result.ok) {
        results.push(result.value);
      } else {
        const undone = await this.#undoAll();
        if (!wishes.isLenient) return err({ ...result.error, undone });
        const outcome = isThere ? 'left' : 'unmade';
        const problem = result.error.message;
        results.push({ name: bond.name, outcome, warnings: [], removed: [], problem, undone });
      }
      if (wishes.isLenient) this.#commit();
    }
    // Whoever started a daemon for bonds of which none could be made is to hear of it.
    if (last === undefined || had || results.some(({ outcome }) => outcome !== 'unmade'))
      return ok({ done: true, bonds: results });
    const others = results.map(({ name, problem = '' }) => `${problem} ${name} was not made.`).slice(0, -1);
    return err({ ...last, undone: [...results.flatMap(({ undone }) => undone), ...others] });
  }

  /** What was done is there to stay. */
  #commit(): void {
    this.#done.length = 0;
    this.#before.clear();
    if (this.#undo.length === 0) return;
    this.#undo = [];
    this.#site.save();
  }

  async #one(bond: ConfigBond, wishes: ApplyWishes): Promise<Result<ConfiguredBond, Refusal>> {
    const site = this.#site;
    const { name } = bond;
    try {
      const present = site.present(name);
      if (present !== undefined) this.#before.set(name, present);
      const desired = site.desired(bond);
      const warnings: string[] = [];
      const removed: string[] = [];
      let isMissing = false;
      for (const step of difference(desired, present, wishes, link => site.hasInterface(link))) {
        if (this.#isEnding) return err(ending(name));
        const outcome = await this.#step(step);
        if (!outcome.ok) return outcome;
        warnings.push(...(outcome.value.warnings ?? []));
        removed.push(...(outcome.value.removed ?? []));
        isMissing ||= outcome.value.isMissing === true;
        await site.rest();
      }
      warnings.push(...strangers(desired, site.company(name)));
      if (desired.routes.length > 0 && !desired.up)
        warnings.push(`The routes over ${name} were not added, because it is not brought up.`);
      const result: ConfiguredBond = {
        name,
        outcome: present === undefined ? 'made' : 'changed',
        warnings,
        removed,
        undone: [],
      };
      if (!isMissing || present === undefined) return ok(result);
      const undone = await this.#giveBack(name, present);
      return ok({ ...result, problem: `${name} is without a route of the file.`, undone });
    } catch (error) {
      return err(systemRefusal(error, `The file was not applied to ${name}`));
    }
  }

  /** One step; events that it causes and somebody must see are warnings of it. */
  async #step(step: Step): Promise<Outcome> {
    this.#done.push(step);
    this.#undo = undoOf(this.#done);
    // With a new bond its maker writes it down; what is noted of itself is so too.
    const isNew = !this.#before.has(step.bond);
    if (!isNew && step.kind !== 'keep' && step.kind !== 'describe') {
      const unwritten = this.#site.note(`The file was not applied to ${step.bond}`);
      if (unwritten !== undefined) return err(unwritten);
    }
    const records: EventRecord[] = [];
    const stop = this.#site.listen(record => void records.push(record));
    let outcome: Outcome;
    try {
      outcome = await this.#site.carryOut(step, isNew);
    } finally {
      stop();
    }
    if (!outcome.ok) return outcome;
    const told: Told = outcome.value;
    return ok({ ...told, warnings: [...warningsOf(records, false), ...(told.warnings ?? [])] });
  }

  /** A bond that is without a route of the file keeps the addresses and routes that it had. */
  async #giveBack(name: string, before: PresentBond): Promise<readonly string[]> {
    const lost = this.#missing(name, before);
    for (const step of undoOf(this.#done))
      if (step.bond === name && GIVING.has(step.kind)) await this.#attempt(step);
    return this.#again(name, before, lost);
  }

  /** Undoes all that was done; gives sentences of what became of it. */
  async #undoAll(): Promise<readonly string[]> {
    const steps = this.#undo;
    const lost = new Map(
      Array.from(this.#before, ([name, before]) => [name, this.#lookFor(name, before)] as const),
    );
    const gone: string[] = [];
    const sentences: string[] = [];
    const problems = new Map<string, string[]>();
    for (const step of steps) {
      const isThere = this.#site.has(step.bond);
      const problem = await this.#attempt(step);
      if (step.kind === 'destroy' && isThere && problem === undefined) gone.unshift(step.bond);
      else if (step.kind === 'destroy' && problem !== undefined) {
        const how = advice('bondwire destroy {bond}', { bond: step.bond });
        sentences.push(`${step.bond} could not be removed again; '${how}' does it.`);
      } else if (problem !== undefined)
        problems.set(step.bond, [...(problems.get(step.bond) ?? []), problem]);
    }
    if (gone.length > 0) sentences.push(`${gone.join(', ')} removed again, because what follows failed.`);
    for (const [name, before] of this.#before) {
      if (!steps.some(({ bond }) => bond === name)) continue;
      const left = problems.get(name) ?? [];
      try {
        sentences.push(...this.#again(name, before, lost.get(name) ?? []));
        const after = this.#site.present(name);
        left.push(...(after === undefined ? [`${name} went away meanwhile`] : leftOver(before, after)));
      } catch (error) {
        // All that could be undone is: the next daemon must not do it again.
        left.push(`what it is like now could not be read (${(error as Error).message})`);
      }
      sentences.push(
        left.length === 0
          ? `${name} is as it was, as the file was not carried out.`
          : `${name} is not all as it was: ${left.join('; ')}.`,
      );
    }
    return sentences;
  }

  /** Does a step that undoes; why it failed, as a clause. */
  async #attempt(step: Step): Promise<string | undefined> {
    try {
      const outcome = await this.#site.carryOut(step);
      return outcome.ok ? undefined : outcome.error.message.replace(/\.$/, '');
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** As `#missing`; nothing where it cannot be found out, which must not keep anything from being undone. */
  #lookFor(name: string, before: PresentBond): readonly string[] {
    try {
      return this.#missing(name, before);
    } catch {
      return [];
    }
  }

  /** Addresses and routes that a bond had and has no more. */
  #missing(name: string, { addresses, routes }: PresentBond): readonly string[] {
    const now = this.#site.present(name);
    if (now === undefined) return [];
    const there = new Set(now.routes.map(routeKey));
    return [
      ...addresses.filter(address => !now.addresses.includes(address)).map(text => `the address ${text}`),
      ...routes.filter(route => !there.has(routeKey(route))).map(route => `the route ${routeKey(route)}`),
    ];
  }

  #again(name: string, before: PresentBond, lost: readonly string[]): readonly string[] {
    const still = new Set(this.#missing(name, before));
    return [
      ...lost
        .filter(what => !still.has(what))
        .map(what => `${name} has ${what} again, as the file was not carried out.`),
      ...Array.from(still, what => `${name} did not get back ${what}.`),
    ];
  }

  /** The daemon ends: what is being carried out is undone at its next step, and nothing is carried out any more. */
  end(): void {
    this.#isEnding = true;
  }

  /** Takes over what an earlier daemon had begun: until it is all undone, the next one must know of it. */
  resume(steps: readonly Step[]): void {
    this.#undo = steps;
  }

  /** What an earlier daemon had begun and not ended is undone; told as events. */
  async undoUnfinished(): Promise<void> {
    const steps = this.#undo;
    if (steps.length === 0) return;
    const problems = new Map<string, string[]>(steps.map(({ bond }) => [bond, []]));
    const made = new Set(steps.filter(({ kind }) => kind === 'destroy').map(({ bond }) => bond));
    for (const step of steps) {
      if (!this.#site.has(step.bond)) continue;
      const problem = await this.#attempt(step);
      if (problem !== undefined) problems.get(step.bond)?.push(problem);
    }
    for (const [bond, left] of problems) {
      const kept = this.#site.has(bond) ? 'it is as it was before that' : 'it went away meanwhile';
      const outcome = made.has(bond) ? 'it was removed again' : kept;
      const what = left.length === 0 ? outcome : `it is not all as it was: ${left.join('; ')}`;
      const message = `A file was being carried out with ${bond} when an earlier daemon ended; ${what}`;
      this.#site.tell(bond, { severity: 'warning', type: 'left', message });
    }
    this.#commit();
  }
}

function ending(bond: string): Refusal {
  return {
    code: 'system',
    errno: 'EINTR',
    message: `The file was not applied to ${bond}: the daemon was asked to end meanwhile. Apply it again when there is a daemon.`,
  };
}
