// What is to be done that a bond is as a file says: the difference between what is and what is to be, as steps in order. Pure.
import type { ConfigBond, ConfigRequest, Described, LinkRequest, RouteRequest } from '../api/api.js';
import type { WantedMember } from '../../keeper/index.js';
import { advice } from '../../base/index.js';
import {
  canonicalValue,
  createBond,
  findOption,
  isOfMembers,
  type OptionValue,
  type OptionValues,
  valueOf,
} from '../../policy/index.js';
import { common, routeKey, union, without } from './described-sets.js';
import type { LeavingMember, Step, StepOf, Texts } from './steps.js';

/** How a file is carried out; see ConfigRequest. */
export type ApplyWishes = Required<Omit<ConfigRequest, 'bonds'>>;

/** A bond as it is to be. Interfaces by their own names, addresses and destinations as the kernel writes them. */
export interface DesiredBond extends Omit<ConfigBond, 'members'> {
  readonly members: readonly {
    readonly name: string;
    /** By which name the file has it. */
    readonly asked: string;
    readonly options: Texts;
  }[];
}

/** A bond as it is, in the same words. */
export interface PresentBond {
  readonly options: OptionValues;
  readonly adminUp: boolean;
  readonly mtu: number;
  readonly address: string;
  readonly members: readonly { readonly name: string; readonly forget: boolean }[];
  readonly wanted: readonly WantedMember[];
  /** Names of those that are wanted and no members. */
  readonly awaited: readonly string[];
  readonly addresses: readonly string[];
  /** Those that a file can say. */
  readonly routes: readonly RouteRequest[];
  readonly described: Described;
  readonly had: StepOf<'keep'>['had'];
}

/** An option's value as it is set. */
export function optionText(value: OptionValue | undefined): string {
  return typeof value === 'object' ? (value ?? []).join(',') : String(value ?? '');
}

/** The options of a new bond with these. */
function optionsOfNew(name: string, options: Texts): OptionValues | undefined {
  const address = '02:00:00:00:00:01';
  const fresh = createBond({
    name,
    address,
    addressIsRandom: true,
    mtu: 1500,
    options: Object.entries(options),
  });
  return fresh.ok ? fresh.value.snapshot().options : undefined;
}

/** Options of the bond itself, which are there before its members. */
export function ownOptions(bond: DesiredBond): Texts {
  return Object.fromEntries(Object.entries(bond.options).filter(([name]) => !isOfMembers(name)));
}

const nameOf = (option: string): string => findOption(option)?.name ?? option;

/** What the file says of a bond. */
export function describedBy(bond: DesiredBond): Described {
  return {
    addresses: bond.addresses,
    routes: bond.routes,
    members: bond.members.map(({ name }) => name),
    options: Object.keys(ownOptions(bond)).map(nameOf),
  };
}

/** A bond that is to be made, as it will be then. */
function newBond(bond: DesiredBond): PresentBond {
  return {
    options: optionsOfNew(bond.name, ownOptions(bond)) ?? ({} as OptionValues),
    adminUp: false,
    mtu: 1500,
    // It gets a random one.
    address: '',
    members: [],
    wanted: [],
    awaited: [],
    addresses: [],
    routes: [],
    described: { addresses: [], routes: [], members: [], options: [] },
    had: { addresses: [], routes: [] },
  };
}

/**
 * The steps from `present` (undefined: no such bond) to `desired`. `isThere` says whether there is an interface of a name: at the
 * start of a daemon a member that is missing is awaited.
 */
export function difference(
  desired: DesiredBond,
  present: PresentBond | undefined,
  wishes: ApplyWishes,
  isThere: (name: string) => boolean,
): readonly Step[] {
  const { name: bond } = desired;
  const now = present ?? newBond(desired);
  const file = describedBy(desired);
  // Only what is not there yet will be of the file's making.
  const fresh = without(file, {
    addresses: now.addresses,
    routes: now.routes,
    members: now.members.map(({ name }) => name),
    options: [],
  });
  const gone = without(now.described, file);
  const first = union(now.described, fresh);
  const early: readonly Step[] = [
    ...noted(bond, now.described, first),
    ...lostRoutes(bond, gone, now),
    ...(present === undefined ? [] : optionSteps(desired, gone, now)),
    ...changedLink(desired, now),
    ...(desired.up && !now.adminUp ? [{ kind: 'up', bond } as const] : []),
    ...joins(desired, now, wishes),
    ...memberOptions(desired, now, name => wishes.isLenient && !isThere(name)),
    ...newAddresses(desired, now),
    ...lostAddresses(bond, gone, now),
    ...leaves(bond, gone, now),
    ...noted(bond, first, common(first, file)),
  ];
  const steps = [...early, ...newRoutes(desired, now, wishes, early.length > 0)];
  if (present === undefined) return [{ kind: 'create', bond, options: ownOptions(desired) }, ...steps];
  if (steps.length === 0) return steps;
  return [{ kind: 'keep', bond, had: now.had, active: now.options.active_slave }, ...steps];
}

function noted(bond: string, from: Described, to: Described): Step[] {
  const isSame = (['addresses', 'routes', 'members', 'options'] as const).every(
    part => without(from, to)[part].length + without(to, from)[part].length === 0,
  );
  return isSame ? [] : [{ kind: 'describe', bond, to, from }];
}

function lostRoutes(bond: string, gone: Described, now: PresentBond): Step[] {
  const there = new Set(now.routes.map(routeKey));
  const routes = gone.routes.filter(route => there.has(routeKey(route)));
  return routes.length === 0 ? [] : [{ kind: 'remove-routes', bond, routes }];
}

/** All options as they are, but for those that are none of the bond's own, or cannot be changed. */
function textsOf(options: OptionValues): Texts {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([name]) => nameOf(name) === name && !isOfMembers(name))
      .filter(([name]) => name !== 'slaves' && name !== 'data_plane')
      .map(([name, value]) => [name, optionText(value)]),
  );
}

/** Those of an earlier file get their usual values, together, as the driver's rules hold between them; then those of this file are set. */
function optionSteps(desired: DesiredBond, gone: Described, now: PresentBond): Step[] {
  const { name: bond } = desired;
  const usual = optionsOfNew(bond, { mode: now.options.mode });
  // The mode is what the others are read by, and cannot be changed while there are members.
  const wrong = gone.options.filter(
    name =>
      name !== 'mode' &&
      name !== 'data_plane' &&
      optionText(valueOf(now.options, name)) !== optionText(usual && valueOf(usual, name)),
  );
  const reset = Object.fromEntries(wrong.map(name => [name, optionText(usual && valueOf(usual, name))]));
  const to = ownOptions(desired);
  const differs = Object.entries(to).some(([name, value]) => !isSet(now.options, name, value));
  const from = textsOf(now.options);
  return [
    ...(wrong.length === 0 ? [] : [{ kind: 'options', bond, to: reset, from, isReset: true } as const]),
    // A reset may change others with it.
    ...(differs || wrong.length > 0 ? [{ kind: 'options', bond, to, from } as const] : []),
  ];
}

/** True when an option of the bond is so already. */
export function isSet(now: OptionValues, name: string, value: string): boolean {
  return optionText(valueOf(now, name)) === canonicalValue(name, value);
}

function changedLink({ name: bond, mtu, mac }: DesiredBond, now: PresentBond): Step[] {
  const to: LinkRequest = {
    ...(mtu !== null && mtu !== now.mtu && { mtu }),
    ...(mac !== null && mac !== now.address && { address: mac }),
  };
  if (Object.keys(to).length === 0) return [];
  const from: LinkRequest = {
    ...(to.mtu !== undefined && { mtu: now.mtu }),
    ...(to.address !== undefined && { address: now.address }),
  };
  return [{ kind: 'link', bond, to, from }];
}

/** At the start of a daemon one by one, as each has options of its own when it joins later. */
function joins(desired: DesiredBond, now: PresentBond, wishes: ApplyWishes): Step[] {
  const { name: bond } = desired;
  const isUp = now.adminUp || desired.up;
  const takeDown = desired.takeDown || wishes.takeDown;
  const { takeAddresses } = wishes;
  const isMember = (name: string): boolean => now.members.some(member => member.name === name);
  if (wishes.isLenient) {
    return desired.members.flatMap(({ name, asked: member, options }): Step[] => {
      const wish = { takeDown, takeAddresses, options };
      const known = now.wanted.find(wanted => wanted.name === member);
      if (isMember(name) && known !== undefined && isSameWish(known, wish)) return [];
      return [{ kind: 'await', bond, member, ...wish, isUp, joins: !isMember(name), wanted: now.wanted }];
    });
  }
  const members = desired.members.map(({ name }) => name).filter(name => !isMember(name));
  return members.length === 0 ? [] : [{ kind: 'join', bond, members, takeDown, takeAddresses, isUp }];
}

type Wish = Pick<WantedMember, 'takeDown' | 'takeAddresses' | 'options'>;

function isSameWish(one: Wish, other: Wish): boolean {
  const names = new Set([...Object.keys(one.options), ...Object.keys(other.options)]);
  return (
    one.takeDown === other.takeDown &&
    one.takeAddresses === other.takeAddresses &&
    Array.from(names).every(name => one.options[name] === other.options[name])
  );
}

/** What members have of their own, as `IFACE:N` for each: `queue_id` and the like. */
class MemberValues {
  readonly #bond: string;
  readonly #options: OptionValues;
  readonly #values = new Map<string, string>();
  readonly steps: Step[] = [];

  constructor(bond: string, options: OptionValues) {
    this.#bond = bond;
    this.#options = options;
  }

  /** Undefined where it is not known: one that is to join gets the usual one. */
  of(option: string, member: string): string | undefined {
    const known = this.#values.get(`${option} ${member}`);
    const listed = valueOf(this.#options, option);
    const own = Array.isArray(listed) ? listed.find(text => text.startsWith(`${member}:`)) : undefined;
    return known ?? own?.slice(member.length + 1);
  }

  set(option: string, member: string, value: string, rest: { readonly mayMiss?: boolean } = {}): void {
    const before = this.of(option, member) ?? '0';
    if (before === value.trim()) return;
    this.#values.set(`${option} ${member}`, value.trim());
    const [to, from] = [`${member}:${value}`, `${member}:${before}`];
    this.steps.push({ kind: 'member-option', bond: this.#bond, option, to, from, ...rest });
  }
}

/**
 * A queue belongs to one member: those that leave theirs to another of the file do that first, so that two can exchange. Where
 * one would have to come from a member that the file does not move, nothing is touched, and the daemon refuses that.
 */
function untieQueues(
  desired: DesiredBond,
  now: PresentBond,
  isMissing: (name: string) => boolean,
  values: MemberValues,
): void {
  const wanted = new Map(
    desired.members.flatMap(({ name, asked, options }) => {
      const queue = options['queue_id'];
      return queue === undefined || isMissing(asked) ? [] : [[name, queue] as const];
    }),
  );
  const tied = (now.options.queue_id ?? []).map(text => text.split(':')).filter(([, queue]) => queue !== '0');
  const claimed = tied.filter(([member, queue]) =>
    Array.from(wanted).some(([other, wish]) => other !== member && wish === queue),
  );
  const canLeave = claimed.every(([member = '', queue]) => (wanted.get(member) ?? queue) !== queue);
  if (!canLeave) return;
  for (const [member = ''] of claimed) values.set('queue_id', member, '0');
}

/** Options of members in the lines of the members, then those in the bond's, each for itself. */
function memberOptions(
  desired: DesiredBond,
  now: PresentBond,
  isMissing: (name: string) => boolean,
): readonly Step[] {
  const { name: bond } = desired;
  const values = new MemberValues(bond, now.options);
  untieQueues(desired, now, isMissing, values);
  for (const { name, asked, options } of desired.members) {
    if (isMissing(asked)) continue;
    for (const [option, value] of Object.entries(options)) values.set(option, name, value);
  }
  const missing = new Set(desired.members.map(({ asked }) => asked).filter(isMissing));
  for (const [option, value] of Object.entries(desired.options)) {
    if (!isOfMembers(option)) continue;
    const [name = '', text] = value.split(':', 2);
    const member = desired.members.find(({ asked }) => asked === name.trim())?.name ?? name.trim();
    const mayMiss = missing.has(name) ? { mayMiss: true } : {};
    if (text !== undefined) values.set(option, member, text, mayMiss);
    else if (valueOf(now.options, option) !== member)
      // Which member was active is kept apart.
      values.steps.push({ kind: 'member-option', bond, option, to: member, from: null, ...mayMiss });
  }
  return values.steps;
}

function newAddresses({ name: bond, addresses: wished }: DesiredBond, now: PresentBond): Step[] {
  const addresses = wished.filter(address => !now.addresses.includes(address));
  return addresses.length === 0 ? [] : [{ kind: 'add-addresses', bond, addresses }];
}

function lostAddresses(bond: string, gone: Described, now: PresentBond): Step[] {
  const addresses = gone.addresses.filter(address => now.addresses.includes(address));
  return addresses.length === 0 ? [] : [{ kind: 'remove-addresses', bond, addresses }];
}

function leaves(bond: string, gone: Described, now: PresentBond): Step[] {
  const values = new MemberValues(bond, now.options);
  const own = (name: string): Texts =>
    Object.fromEntries(
      ['prio', 'queue_id'].flatMap(option => {
        const value = values.of(option, name);
        return value === undefined || value === '0' ? [] : [[option, value]];
      }),
    );
  const members: LeavingMember[] = now.members
    .filter(({ name }) => gone.members.includes(name))
    .map(({ name, forget }) => ({ name, forget, options: own(name) }));
  const awaited = now.awaited.filter(name => gone.members.includes(name));
  if (members.length + awaited.length === 0) return [];
  return [{ kind: 'leave', bond, members, awaited, wanted: now.wanted }];
}

/** All that are wished: some may have gone with an address. */
function newRoutes(desired: DesiredBond, now: PresentBond, wishes: ApplyWishes, hasOthers: boolean): Step[] {
  const { name: bond, routes, up } = desired;
  const there = new Set(now.routes.map(routeKey));
  const added = routes.filter(route => !there.has(routeKey(route)));
  if (!up || routes.length === 0 || (added.length === 0 && !hasOthers)) return [];
  return [{ kind: 'add-routes', bond, routes, added, eachAlone: wishes.isLenient }];
}

/** What is with a bond and not in the file, as sentences: nobody's file made it, so it was left. */
export function strangers(
  { name: bond, members }: DesiredBond,
  now: { readonly members: readonly string[]; readonly awaited: readonly string[] },
): readonly string[] {
  const others = (names: readonly string[]): readonly string[] =>
    names.filter(name => !members.some(wanted => wanted.name === name || wanted.asked === name));
  return [
    ...others(now.members).map(
      name => `${name} is a member of ${bond}, but not in the file; it was left where it is.`,
    ),
    ...others(now.awaited).map(
      name =>
        `${name} is awaited by ${bond}, but not in the file; '${advice('bondwire release {bond} {iface}', { bond, iface: name })}' ends that.`,
    ),
  ];
}

/** In what a bond that was to be as before is not, as clauses. */
export function leftOver(before: PresentBond, after: PresentBond): readonly string[] {
  const options = Object.entries(textsOf(before.options)).flatMap(([name, value]) =>
    changed(name, value, optionText(valueOf(after.options, name))),
  );
  const list = (bond: PresentBond) => ({
    members: bond.members.map(({ name }) => name).join(', '),
    active: bond.options.active_slave ?? 'none',
    own: (['prio', 'queue_id'] as const)
      .flatMap(name => bond.options[name])
      .toSorted()
      .join(', '),
    // The first IPv4 address of a network is the source of packets.
    addresses: [
      ...bond.addresses.filter(address => !address.includes(':')),
      ...bond.addresses.filter(address => address.includes(':')).toSorted(),
    ].join(', '),
    routes: bond.routes.map(routeKey).toSorted().join(', '),
  });
  const [was, is] = [list(before), list(after)];
  return [
    ...options,
    ...changed('MTU', String(before.mtu), String(after.mtu)),
    ...changed('MAC address', before.address, after.address),
    ...changed('being up', String(before.adminUp), String(after.adminUp)),
    ...changed('members', was.members, is.members),
    ...changed('active member', was.active, is.active),
    ...changed('prio and queue_id', was.own, is.own),
    ...changed('addresses', was.addresses, is.addresses),
    ...changed('routes', was.routes, is.routes),
  ];
}

function changed(what: string, was: string, is: string): string[] {
  return was === is ? [] : [`${what}: ${is || 'none'}, before ${was || 'none'}`];
}
