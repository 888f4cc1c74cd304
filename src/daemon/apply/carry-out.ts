// Does one step: what steps.ts says, by the operations that single requests are made of. Each is done whole or not at all.
import { valueOf } from '../../policy/index.js';
import { err, ok, type Refusal, type Result, unreachable } from '../../base/index.js';
import { getLink, listAddresses, type Rtnetlink, setLink } from '../../linux/index.js';
import { type Address, AF_INET, IFA_F } from '../../netlink/index.js';
import { removeFrom, removeRoutes } from '../api/described.js';
import type { BondRunner } from '../bond-runner.js';
import { addBondRoutes, setBondInterface } from '../kernel/bond-interface.js';
import type { Machine } from '../kernel/machine.js';
import { systemRefusal } from '../kernel/system-refusal.js';
import { addressText, giveAddresses, loadBelongings } from '../members/address-transfer.js';
import type { AwaitedMembers } from '../members/awaited-members.js';
import { notGivenText, putRoutes } from '../members/route-transfer.js';
import type { Done, Operations } from '../operations.js';
import type { Registry } from '../registry.js';
import { without } from './described-sets.js';
import { isSet, optionText } from './difference.js';
import type { Step, StepOf } from './steps.js';

/** What steps work with. */
export interface Workshop {
  readonly machine: Machine;
  readonly registry: Registry;
  readonly operations: Operations;
  readonly awaited: AwaitedMembers;
}

/** What a step told besides events: what went by it as clauses, what was not done and may be missing as sentences. */
export interface Told {
  readonly removed?: readonly string[];
  readonly warnings?: readonly string[];
  /** A route that may be missing is. */
  readonly isMissing?: boolean;
}

export type Outcome = Result<Told, Refusal>;

const nothing: Outcome = ok({});
const told = (done: Done, what: Told = {}): Outcome => (done.ok ? ok(what) : done);

/**
 * Does it. A bond that is gone has nothing to be undone; to do something with it is refused. `isNew`: the bond is of this file's making,
 * so all of it goes again when the file is not carried out to the end.
 */
export async function carryOut(shop: Workshop, step: Step, isNew = false): Promise<Outcome> {
  const { operations, registry } = shop;
  if (step.kind === 'create') return told(operations.create(step.bond, step.options));
  const runner = registry.named(step.bond);
  if (step.kind === 'destroy')
    return runner === undefined ? nothing : told(await operations.destruction.destroy(runner));
  if (runner === undefined) {
    const message = `${step.bond} went away meanwhile.`;
    return err({ code: 'unknown-bond', errno: 'ENODEV', message });
  }
  try {
    return withBond(shop, runner, step, isNew);
  } catch (error) {
    return err(systemRefusal(error, `${runner.name} was not changed`));
  }
}

function withBond(
  shop: Workshop,
  runner: BondRunner,
  step: Exclude<Step, StepOf<'create' | 'destroy'>>,
  isNew: boolean,
): Outcome {
  const { machine, operations, awaited } = shop;
  const { netlink } = machine;
  switch (step.kind) {
    case 'keep':
      return nothing;
    case 'give-back':
      return giveBack(shop, runner, step);
    case 'activate':
      return told(activate(shop, runner, step.member));
    case 'describe':
      return told(describe(machine, runner, step, isNew));
    case 'options':
      return setOptions(shop, runner, step);
    case 'member-option':
      return memberOption(shop, runner, step);
    case 'link':
      return told(setBondInterface(machine, runner, step.to));
    case 'up':
      return told(operations.up(runner));
    case 'down':
      setLink(netlink, runner.plane.bondIfindex, { up: false });
      runner.resync();
      return nothing;
    case 'join': {
      const { takeDown, takeAddresses } = step;
      return told(operations.enslave(runner, step.members, { takeDown, takeAddresses, options: {} }));
    }
    case 'await': {
      const { takeDown, takeAddresses, options } = step;
      return told(awaited.enslave(runner, [step.member], { takeDown, takeAddresses, options }));
    }
    case 'unjoin':
      operations.unjoin(runner, step.members);
      if (!step.isUp) setLink(netlink, runner.plane.bondIfindex, { up: false });
      runner.resync();
      return nothing;
    case 'want':
      runner.wanted = step.wanted;
      machine.save(runner);
      return nothing;
    case 'leave': {
      const names = [...step.members.map(({ name }) => name), ...step.awaited];
      return told(operations.release(runner, names), { removed: names.map(name => `the member ${name}`) });
    }
    case 'rejoin':
      return rejoin(shop, runner, step);
    case 'add-addresses':
      return told(operations.addAddresses(runner, step.addresses));
    case 'remove-addresses':
      return ok({ removed: removeFrom(netlink, runner, step.addresses) });
    case 'add-routes':
      return addRoutes(machine, runner, step);
    case 'remove-routes':
      return ok({ removed: removeRoutes(netlink, runner, step.routes) });
    default:
      return unreachable(step);
  }
}

/** What will be of a file's making is noted before it is made; what is not any more, when it is gone. */
function describe(
  machine: Machine,
  runner: BondRunner,
  { to, from }: StepOf<'describe'>,
  isNew: boolean,
): Done {
  const before = runner.host.described;
  runner.host.described = to;
  const grown = without(to, from);
  const hasGrown =
    grown.addresses.length + grown.routes.length + grown.members.length + grown.options.length > 0;
  // What is of a file's making in a new bond goes with it, as long as the file is not carried out.
  if (isNew || !hasGrown) {
    machine.saveSoon(runner);
    return ok(undefined);
  }
  const unwritten = machine.note(runner, `The file was not applied to ${runner.name}`);
  if (unwritten === undefined) return ok(undefined);
  runner.host.described = before;
  machine.save(runner);
  return err(unwritten);
}

function setOptions({ operations }: Workshop, runner: BondRunner, step: StepOf<'options'>): Outcome {
  const now = runner.policy.snapshot().options;
  const wrong = Object.entries(step.to).filter(([name, value]) => !isSet(now, name, value));
  if (wrong.length === 0) return nothing;
  const done = operations.set(runner, Object.fromEntries(wrong));
  const removed =
    step.isReset === true
      ? wrong.map(([name, value]) => `the option ${name}, which is ${value || 'empty'} again`)
      : [];
  return told(done, { removed });
}

/** To set what is so already would do something: as in the driver, the active member is chosen anew when a prio is set. */
function memberOption(
  { operations }: Workshop,
  runner: BondRunner,
  { option, to, mayMiss = false }: StepOf<'member-option'>,
): Outcome {
  const { options, members } = runner.policy.snapshot();
  const now = valueOf(options, option);
  const isSo = Array.isArray(now) ? now.some(text => text === to.trim()) : optionText(now) === to.trim();
  if (isSo) return nothing;
  const chosen = members.find(({ name }) => option === 'active_slave' && name === to);
  if (chosen !== undefined && chosen.link !== 'up') {
    // A link that is out, or not there yet after a boot, is what the bond is for: it is to be made all the same.
    const link = { fail: 'going down', down: 'down', back: 'going back' }[chosen.link];
    const warning = `active_slave=${to} was not set: its link is ${link}. It is not set when it comes up either; 'primary' is remembered.`;
    return ok({ warnings: [warning] });
  }
  const done = operations.set(runner, { [option]: to });
  if (done.ok || !mayMiss) return told(done);
  return ok({
    warnings: [`${done.error.message} It is not set when that joins either; 'primary' is remembered.`],
  });
}

function activate({ operations }: Workshop, runner: BondRunner, member: string): Done {
  const { options, members } = runner.policy.snapshot();
  const chosen = members.find(({ name }) => name === member);
  if (options.active_slave === member || chosen?.link !== 'up') return ok(undefined);
  return operations.set(runner, { active_slave: member });
}

function rejoin({ machine, operations }: Workshop, runner: BondRunner, step: StepOf<'rejoin'>): Outcome {
  const there = new Set(runner.policy.members().map(({ name }) => name));
  // One that cannot come back keeps no other away.
  const refusals: Refusal[] = [];
  for (const { name, forget, options } of step.members) {
    if (there.has(name)) continue;
    if (getLink(machine.netlink, name) === undefined) continue;
    const wishes = { takeDown: true, takeAddresses: false, forget, options };
    const joined = operations.enslave(runner, [name], wishes);
    if (!joined.ok) refusals.push(joined.error);
  }
  const [first] = refusals;
  if (first === undefined) return nothing;
  return err({ ...first, message: refusals.map(({ message }) => message).join(' ') });
}

/** All or none, or each for itself: a bond without one of them is better than none. */
function addRoutes(machine: Machine, runner: BondRunner, step: StepOf<'add-routes'>): Outcome {
  if (!step.eachAlone) return told(addBondRoutes(machine, runner, step.routes));
  const warnings = step.routes.flatMap(route => {
    const added = addBondRoutes(machine, runner, [route]);
    return added.ok ? [] : [added.error.message];
  });
  return ok({ warnings, isMissing: warnings.length > 0 });
}

function giveBack({ machine }: Workshop, runner: BondRunner, { had }: StepOf<'give-back'>): Outcome {
  const { netlink } = machine;
  const { bondIfindex: ifindex } = runner.plane;
  const { addresses, routes } = loadBelongings({ ifindex, name: runner.name, ...had });
  const problem = attempt(() => giveInOrder(netlink, runner, addresses));
  // In any case: a bond that lacks an address is to have its routes all the same.
  const [failed] = putRoutes(netlink, routes);
  runner.refreshStack();
  if (problem !== undefined)
    return err(systemRefusal(problem, `${runner.name} did not get back all its addresses`));
  if (failed === undefined) return nothing;
  return err(systemRefusal(failed.error, notGivenText(failed)));
}

/** What it threw. */
function attempt(action: () => void): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}

function giveInOrder(netlink: Rtnetlink, runner: BondRunner, addresses: readonly Address[]): void {
  const { bondIfindex: ifindex } = runner.plane;
  const home = { ifindex, name: runner.name };
  const problem = attempt(() => giveAddresses(netlink, addresses, runner.name, home));
  // Packets have the first address of a network for their source: the others wait until it is that again.
  const further = new Set(addresses.filter(isSecondary).map(addressText));
  const isOther = (address: Address): boolean => !isSecondary(address) && further.has(addressText(address));
  if (listAddresses(netlink, { ifindex }).some(isOther)) {
    removeFrom(netlink, runner, [...further]);
    giveAddresses(netlink, addresses.filter(isSecondary), runner.name, home);
  }
  if (problem !== undefined) throw problem;
}

function isSecondary({ family, flags = 0 }: Address): boolean {
  return family === AF_INET && (flags & IFA_F.IFA_F_SECONDARY) !== 0;
}
