// Makes the machine as `bondwire.yaml` describes it, through the daemon: bonds that are missing are made whole, those that
// exist get what they lack. What this run made is removed again when something fails.
import type { BondWish } from '../../config/index.js';
import { memberOptionTexts } from '../../config/index.js';
import type { Described, EnslaveRequest, ShowBond } from '../../daemon/api/api.js';
import { canonicalValue, findOption, isOfMembers, valueOf } from '../../policy/index.js';
import type { ApiClient } from '../api-client.js';
import { tellWarnings } from '../printing/changed.js';
import { Failure } from '../reading/failure.js';
import { advice, plain } from '../printing/plain.js';
import { belongingsOf, putBack } from './put-back.js';
import type { Terminal } from '../printing/terminal.js';

export interface ApplyWishes {
  /** Also where the file does not say so. */
  readonly takeDown: boolean;
  readonly takeAddresses: boolean;
  /**
   * At the start of a daemon: an interface that is missing is warned of and awaited, and a bond that is there already is left
   * as it is when it cannot be made as described. A machine must not lose its connection for a dead card.
   */
  readonly isLenient?: boolean;
}

interface Applying {
  readonly api: ApiClient;
  readonly terminal: Terminal;
  readonly wishes: ApplyWishes;
}

/**
 * Applies all bonds, in order. When one fails, those that were made before it go again; a daemon that starts keeps those instead,
 * and gets sentences of what could not be made, unless nothing could.
 */
export async function applyBonds(
  api: ApiClient,
  terminal: Terminal,
  bonds: readonly BondWish[],
  wishes: ApplyWishes,
): Promise<readonly string[]> {
  const applying: Applying = { api, terminal, wishes };
  const there = new Set((await api.status()).bonds);
  const problems: string[] = [];
  const made: string[] = [];
  for (const bond of bonds) {
    if (there.has(bond.name)) {
      const problem = await changed(applying, bond);
      if (problem === undefined) terminal.out(`${bond.name} is as described: ${summary(bond)}.\n`);
      else problems.push(problem);
      continue;
    }
    try {
      await make(applying, bond, () => made.push(bond.name));
    } catch (error) {
      const isLast = bond === bonds.at(-1);
      const half = made.filter(name => name === bond.name);
      const isWorth = there.size > 0 || made.length > half.length || !isLast;
      if (wishes.isLenient !== true || !(error instanceof Failure) || !isWorth) {
        await removeAgain(applying, made);
        throw error;
      }
      await removeAgain(applying, half);
      if (half.length > 0) made.pop();
      problems.push(error.message);
      terminal.err(`bondwire: warning: ${error.message} ${plain(bond.name)} was not made.\n`);
    }
  }
  return problems;
}

/** Makes a bond; `created` is called when it is there, whatever becomes of the rest. */
async function make(applying: Applying, bond: BondWish, created: () => void): Promise<void> {
  const { api, terminal } = applying;
  tellWarnings(terminal, await api.create({ name: bond.name, options: optionsAtCreation(bond) }));
  created();
  await forget(applying, bond, false);
  await complete(applying, bond);
  terminal.out(`${bond.name} was made: ${summary(bond)}.\n`);
}

async function removeAgain({ api, terminal }: Applying, made: readonly string[]): Promise<void> {
  const undone: string[] = [];
  for (const name of made.toReversed()) {
    await api.destroy(name).then(
      () => undone.push(name),
      () =>
        terminal.err(
          `bondwire: ${plain(name)} could not be removed again; '${plain(advice('bondwire destroy {bond}', { bond: name }))}' does it.\n`,
        ),
    );
  }
  if (undone.length > 0)
    terminal.err(
      `bondwire: ${undone.toReversed().map(plain).join(', ')} removed again, because what follows failed.\n`,
    );
}

/** A bond that exists is made as described; the reason, which was told, when it was left as it is. */
async function changed(applying: Applying, bond: BondWish): Promise<string | undefined> {
  const { api, terminal, wishes } = applying;
  const before = await belongingsOf(api, bond.name);
  try {
    await forget(applying, bond, false);
    await changeOptions(applying, bond, await shown(api, bond.name));
    const isWhole = await complete(applying, bond);
    if (isWhole) return undefined;
    await putBack(applying, bond.name, described(bond), before);
    return `${plain(bond.name)} is without a route of the file.`;
  } catch (error) {
    if (error instanceof Failure) await putBack(applying, bond.name, described(bond), before);
    if (wishes.isLenient !== true || !(error instanceof Failure)) throw error;
    terminal.err(`bondwire: warning: ${error.message} ${plain(bond.name)} goes on as it is.\n`);
    return error.message;
  }
}

async function shown(api: ApiClient, name: string): Promise<ShowBond> {
  const [bond] = (await api.show(name)).bonds;
  if (bond === undefined) throw new Failure(1, `${plain(name)} went away meanwhile.`);
  return bond;
}

function summary(bond: BondWish): string {
  const members = bond.members.map(({ name }) => plain(name));
  return [
    members.length === 0 ? 'no members' : `members ${members.join(', ')}`,
    ...(bond.addresses.length === 0 ? [] : [`address ${bond.addresses.join(', ')}`]),
    bond.up ? 'up' : 'not brought up',
  ].join('; ');
}

function optionsAtCreation(bond: BondWish): Record<string, string> {
  return Object.fromEntries(Object.entries(bond.options).filter(([name]) => !isOfMembers(name)));
}

/** Options of a bond that exists: those that are not as the file says. */
async function changeOptions({ api, terminal }: Applying, bond: BondWish, now: ShowBond): Promise<void> {
  const options = Object.fromEntries(
    Object.entries(optionsAtCreation(bond)).filter(([name, value]) => {
      const current = valueOf(now.options, name);
      const text = Array.isArray(current) ? current.join(',') : String(current ?? '');
      return text !== canonicalValue(name, value);
    }),
  );
  if (Object.keys(options).length > 0) tellWarnings(terminal, await api.set(bond.name, { options }));
}

/** One by one, as each has options of its own: those that are missing join when they appear. Gives their names. */
async function joinOrAwait(
  api: ApiClient,
  terminal: Terminal,
  bond: BondWish,
  request: Omit<EnslaveRequest, 'interfaces'>,
): Promise<string[]> {
  for (const { name, options } of bond.members) {
    const wish = { ...request, interfaces: [name], await: true, options };
    tellWarnings(terminal, await api.enslave(bond.name, wish));
  }
  return [...(await shown(api, bond.name)).awaited];
}

/**
 * A queue belongs to one member: those that leave theirs to another of the file do that first, so that two can exchange. Where
 * one would have to come from a member that the file does not move, nothing is touched, and the daemon refuses that.
 */
async function untieQueues(
  api: ApiClient,
  bond: BondWish,
  now: ShowBond,
  missing: readonly string[],
): Promise<void> {
  const wanted = new Map<string, string>();
  for (const { at, name, option } of memberOptionTexts(bond)) {
    const member = bond.members[at]?.name ?? '';
    if (name === 'queue_id' && !missing.includes(member))
      wanted.set(member, option[1].slice(member.length + 1));
  }
  const tied = now.options.queue_id.map(text => text.split(':')).filter(([, queue]) => queue !== '0');
  const claimed = tied.filter(([member, queue]) =>
    Array.from(wanted).some(([other, wish]) => other !== member && wish === queue),
  );
  const canLeave = claimed.every(([member = '', queue]) => (wanted.get(member) ?? queue) !== queue);
  if (!canLeave) return;
  for (const [member = ''] of claimed) await api.set(bond.name, { options: { queue_id: `${member}:0` } });
}

/** To set what is so already would do something: as in the driver, the active member is chosen anew when a prio is set. */
function isAlready(now: ShowBond, [name, value]: readonly [string, string]): boolean {
  const current = valueOf(now.options, name);
  return Array.isArray(current) ? current.some(text => text === value.trim()) : current === value.trim();
}

/** Options that speak of members, each for itself; one that speaks of a member that is missing is warned of. */
async function setLate(
  api: ApiClient,
  terminal: Terminal,
  bond: BondWish,
  missing: readonly string[],
): Promise<void> {
  for (const [option, value] of Object.entries(bond.options).filter(([name]) => isOfMembers(name))) {
    const now = await shown(api, bond.name);
    if (isAlready(now, [option, value])) continue;
    const chosen = now.members.find(({ name }) => option === 'active_slave' && name === value.trim());
    if (chosen !== undefined && chosen.miiStatus !== 'up') {
      // A link that is out, or not there yet after a boot, is what the bond is for: it is to be made all the same.
      terminal.err(
        `bondwire: warning: active_slave=${plain(chosen.name)} was not set: its link is ${chosen.miiStatus}. It is not set when it comes up either; 'primary' is remembered.\n`,
      );
      continue;
    }
    try {
      tellWarnings(terminal, await api.set(bond.name, { options: { [option]: value } }));
    } catch (error) {
      const isAwaited = missing.some(name => value === name || value.startsWith(`${name}:`));
      if (!isAwaited || !(error instanceof Failure)) throw error;
      terminal.err(
        `bondwire: warning: ${error.message} It is not set when that joins either; 'primary' is remembered.\n`,
      );
    }
  }
}

/**
 * All or none; at the start of a daemon each for itself, as a bond without one of them is better than none. False when one is not
 * there.
 */
async function addRoutes({ api, terminal, wishes }: Applying, { name, routes }: BondWish): Promise<boolean> {
  let isWhole = true;
  if (wishes.isLenient !== true) {
    tellWarnings(terminal, await api.addRoutes(name, { routes }));
    return isWhole;
  }
  for (const route of routes) {
    try {
      tellWarnings(terminal, await api.addRoutes(name, { routes: [route] }));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      isWhole = false;
      terminal.err(`bondwire: warning: ${error.message}\n`);
    }
  }
  return isWhole;
}

/** Members under their own names, where the file has alternative ones. */
async function withOwnNames(api: ApiClient, bond: BondWish, now: ShowBond): Promise<BondWish> {
  const own = new Set(now.members.map(({ name }) => name));
  if (own.size === 0 || bond.members.every(({ name }) => own.has(name))) return bond;
  const { members: known } = await api.members(bond.name);
  const ownName = (name: string): string =>
    known.find(({ alternativeNames }) => alternativeNames.includes(name))?.name ?? name;
  return { ...bond, members: bond.members.map(member => ({ ...member, name: ownName(member.name) })) };
}

/**
 * What an earlier file made of the bond and this one does not have goes again: before its parts are made, routes and options, which
 * could be in the way of others; afterwards addresses and members, so that the bond is never without.
 */
async function forget({ api, terminal }: Applying, bond: BondWish, isMade: boolean): Promise<void> {
  const changed = await api.describe(bond.name, { ...described(bond), isMade });
  tellWarnings(terminal, changed);
  for (const what of changed.removed ?? [])
    terminal.out(`${plain(bond.name)} has lost ${plain(what)}: the file does not have it any more.\n`);
}

/** What the file says of a bond. */
function described(bond: BondWish): Described {
  return {
    addresses: bond.addresses,
    routes: bond.routes,
    members: bond.members.map(({ name }) => name),
    options: Object.keys(optionsAtCreation(bond)).map(option => findOption(option)?.name ?? option),
  };
}

/** Members that the file does not have, and no file made. */
function tellStrangers(terminal: Terminal, bond: BondWish, now: ShowBond): void {
  for (const { name: member } of now.members) {
    if (bond.members.some(wanted => wanted.name === member)) continue;
    terminal.err(
      `bondwire: warning: ${plain(member)} is a member of ${plain(bond.name)}, but not in the file; it was left where it is.\n`,
    );
  }
  for (const awaited of now.awaited) {
    if (bond.members.some(wanted => wanted.name === awaited)) continue;
    terminal.err(
      `bondwire: warning: ${plain(awaited)} is awaited by ${plain(bond.name)}, but not in the file; '${plain(advice('bondwire release {bond} {iface}', { bond: bond.name, iface: awaited }))}' ends that.\n`,
    );
  }
}

/** False when a route is missing. */
async function complete(applying: Applying, wish: BondWish): Promise<boolean> {
  const { api, terminal, wishes } = applying;
  const { name, addresses, routes } = wish;
  const before = await shown(api, name);
  const bond = await withOwnNames(api, wish, before);
  const mtu = bond.mtu !== null && bond.mtu !== before.mtu ? { mtu: bond.mtu } : {};
  const address = bond.mac !== null && bond.mac !== before.address ? { address: bond.mac } : {};
  if ('mtu' in mtu || 'address' in address)
    tellWarnings(terminal, await api.link(name, { ...mtu, ...address }));
  if (bond.up && !before.adminUp) tellWarnings(terminal, await api.up(name));
  const members = new Set(before.members.map(member => member.name));
  const interfaces = bond.members.map(member => member.name).filter(member => !members.has(member));
  let missing: readonly string[] = [];
  const takeDown = bond.takeDown || wishes.takeDown;
  const request = { ...(takeDown && { takeDown }), ...(wishes.takeAddresses && { takeAddresses: true }) };
  if (wishes.isLenient === true) missing = await joinOrAwait(api, terminal, bond, request);
  else if (interfaces.length > 0) tellWarnings(terminal, await api.enslave(name, { ...request, interfaces }));
  await untieQueues(api, bond, before, missing);
  const joined = await shown(api, name);
  for (const { at, option } of memberOptionTexts(bond))
    if (!missing.includes(bond.members[at]?.name ?? '') && !isAlready(joined, option))
      tellWarnings(terminal, await api.set(name, { options: { [option[0]]: option[1] } }));
  await setLate(api, terminal, bond, missing);
  if (addresses.length > 0) tellWarnings(terminal, await api.addAddresses(name, { addresses }));
  await forget(applying, bond, true);
  const now = await shown(api, name);
  tellStrangers(terminal, await withOwnNames(api, wish, now), now);
  if (routes.length === 0) return true;
  if (bond.up) return addRoutes(applying, bond);
  terminal.err(
    `bondwire: warning: The routes over ${plain(name)} were not added, because it is not brought up.\n`,
  );
  return true;
}
