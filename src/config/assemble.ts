// Makes bonds of the facts that files state: who is a member of what, which option comes from where, what Bondwire refuses.
// Everything that is in the result is told as understood, everything else with the reason. (config)
import { shown } from '../base/index.js';
import { canonicalValue, checkOptions, findOption } from '../policy/index.js';
import { badNewBond } from './check-bond.js';
import { deviceOf } from './device-wish.js';
import type { Fact, Finding, KnownInterface, Level, Place } from './facts.js';
import { described, resolve } from './machine-match.js';
import { isNeighbour } from './network-rules.js';
import { joinMembers, type Membership } from './membership.js';
import { type ModuleParameters, moduleParameters, type Parameter } from './module-parameters.js';
import type { BondWish, MemberWish } from './wishes.js';

export interface Assembled {
  readonly bonds: readonly BondWish[];
  readonly findings: readonly Finding[];
}

/** More bonds than this by max_bonds are a mistake. */
const MOST_BONDS = 1000;

interface Bonds {
  readonly facts: readonly Fact[];
  readonly machine: readonly KnownInterface[];
  /** Places where bonds are made, by name, in order. */
  readonly made: Map<string, Place>;
  readonly findings: Finding[];
}

/** An option with where it came from. */
interface GivenOption {
  readonly name: string;
  readonly value: string;
  readonly place: Place;
  /** A default of the module for all bonds, as against a wish for this one. */
  readonly isDefault: boolean;
  /** In a mode that does not have it, it is left out. */
  readonly isForItsMode: boolean;
}

/** Bonds from facts. `machine`: the interfaces there are, for those that files name by pattern or MAC address. */
export function assemble(facts: readonly Fact[], machine: readonly KnownInterface[] = []): Assembled {
  const bonds: Bonds = { facts, machine, made: new Map(), findings: [] };
  const parameters = collectBonds(bonds);
  const membership = joinMembers(bonds);
  const wishes: BondWish[] = [];
  for (const name of bonds.made.keys())
    wishes.push(assembleBond(bonds, name, { membership, parameters, others: wishes }));
  tellOfDevices(bonds, membership);
  tellOfHomeless(bonds, wishes);
  return { bonds: wishes, findings: withoutRepeats(bonds.findings) };
}

function tell(bonds: Bonds, level: Level, place: Place, message: string): void {
  bonds.findings.push({ level, place, message });
}

/** Finds out which bonds there are, and gives the parameters of the module by bond. */
function collectBonds(bonds: Bonds): (bond: string) => ModuleParameters {
  const { facts, made } = bonds;
  const add = (name: string, place: Place): void => {
    const bad = badNewBond(name);
    if (bad !== null) tell(bonds, 'error', place, `"${shown(name)}" cannot name a bond: ${bad}.`);
    else if (!made.has(name)) made.set(name, place);
  };
  for (const fact of facts) if (fact.kind === 'bond') add(fact.bond, fact.place);
  const given = facts.flatMap(fact => (fact.kind === 'parameter' ? [fact] : []));
  const ofAll = given.filter(({ bond }) => bond === null);
  const maxBonds = given.findLast(({ name }) => name === 'max_bonds');
  if (maxBonds !== undefined) {
    const wanted = moduleParameters([maxBonds]).maxBonds;
    if (wanted > MOST_BONDS) {
      tell(
        bonds,
        'error',
        maxBonds.place,
        `max_bonds=${wanted} is more than ${MOST_BONDS}; no machine needs that.`,
      );
    }
    for (let at = 0; at < Math.min(wanted, MOST_BONDS); at++) add(`bond${at}`, maxBonds.place);
    const names = wanted === 0 ? 'no bond' : wanted === 1 ? 'bond0' : `bond0 to bond${wanted - 1}`;
    tell(bonds, 'understood', maxBonds.place, `max_bonds: the module makes ${names} by itself.`);
  }
  for (const fact of facts) {
    if (fact.kind !== 'member' || made.has(fact.bond) || fact.isOfAny === true) continue;
    add(fact.bond, fact.place);
    if (made.has(fact.bond) && ofAll.length === 0) {
      tell(
        bonds,
        'warning',
        fact.place,
        `No file says that ${shown(fact.bond)} is a bond; it was taken for one, as this is its member.`,
      );
    }
  }
  const [first] = ofAll;
  // H01: without max_bonds the module makes bond0.
  if (made.size === 0 && first !== undefined && maxBonds === undefined) add('bond0', first.place);
  return bond => {
    const own = given.filter(parameter => parameter.bond === bond);
    for (const [at, { name, value, place }] of own.entries()) {
      const later = own.slice(at + 1).find(other => other.name === name && other.value !== value);
      if (later === undefined) continue;
      const where = `${later.place.file}:${later.place.line}`;
      const message = `${shown(name)}=${shown(value)} stands against ${shown(later.value)} at ${where}; the last counts.`;
      tell(bonds, 'warning', place, message);
    }
    const treated = moduleParameters(
      [...ofAll, ...own].map(({ name, value, place }): Parameter => ({ name, value, place })),
    );
    bonds.findings.push(...treated.findings);
    return treated;
  };
}

function assembleBond(
  bonds: Bonds,
  name: string,
  {
    membership,
    parameters,
    others,
  }: {
    readonly membership: Membership;
    readonly parameters: (bond: string) => ModuleParameters;
    readonly others: readonly BondWish[];
  },
): BondWish {
  const made = bonds.made.get(name) ?? { file: '', line: 1 };
  tell(bonds, 'understood', made, `${name} is a bond.`);
  const members = membership.of(name);
  for (const { name: member, place } of members)
    tell(bonds, 'understood', place, `${shown(member)} is a member of ${name}.`);
  const wishes: MemberWish[] = members.map(member => ({ name: member.name, options: {} }));
  const given = givenOptions(bonds, name, membership, parameters);
  const ofMembers = bonds.facts.flatMap(fact => {
    if (fact.kind !== 'member-option') return [];
    return resolve(bonds.machine, fact.member)
      .filter(member => members.some(each => each.name === member))
      .map(member => ({ member, name: fact.name, value: fact.value.trim(), place: fact.place }));
  });
  const options = new Map(given.map(option => [option.name, option.value]));
  const texts = [
    ...given.map(({ name: option, value }) => [option, value] as const),
    ...ofMembers.map(({ name: option, member, value }) => [option, `${member}:${value}`] as const),
  ];
  const checked = checkOptions(
    name,
    texts,
    members.map(member => member.name),
  );
  const wrong = new Set<number>();
  for (const { at, refusal } of checked.problems) {
    const option = at === null ? undefined : given[at];
    const ofMember = at === null ? undefined : ofMembers[at - given.length];
    const place = option?.place ?? ofMember?.place ?? made;
    // What will work one day is kept; what can never work is not.
    const stays = at === null || refusal.code === 'not-implemented';
    const level = option?.isForItsMode === true && refusal.code === 'wrong-mode' ? 'warning' : 'error';
    tell(bonds, level, place, refusal.message);
    if (stays || at === null) continue;
    wrong.add(at);
    if (option !== undefined) options.delete(option.name);
  }
  for (const message of checked.warnings) {
    const about = given.find(option => message.startsWith(`${option.name}=`));
    tell(bonds, 'warning', about?.place ?? made, message);
  }
  for (const [at, { name: option, value, place }] of given.entries()) {
    if (!wrong.has(at)) tell(bonds, 'understood', place, `${name}: ${option}=${shown(value)}.`);
  }
  for (const [at, { member, name: option, value, place }] of ofMembers.entries()) {
    if (wrong.has(given.length + at)) continue;
    const wish = wishes.find(each => each.name === member);
    if (wish !== undefined) Object.assign(wish, { options: { ...wish.options, [option]: value } });
    tell(bonds, 'understood', place, `${name}: ${option} of ${shown(member)} is ${shown(value)}.`);
  }
  return {
    name,
    options: Object.fromEntries(options),
    members: wishes,
    takeDown: true,
    ...deviceOf({
      facts: bonds.facts,
      name,
      others: [...others],
      tell: (level, place, message) => tell(bonds, level, place, message),
    }),
  };
}

/** The options of a bond, defaults of the module first, each name once. */
function givenOptions(
  bonds: Bonds,
  bond: string,
  membership: Membership,
  parameters: (bond: string) => ModuleParameters,
): GivenOption[] {
  const own: GivenOption[] = [];
  for (const fact of bonds.facts) {
    if (fact.kind === 'option' && fact.bond === bond)
      own.push(optionOf(fact, { isForItsMode: fact.isForItsMode === true }));
    if (fact.kind !== 'chosen') continue;
    const member = resolve(bonds.machine, fact.member).find(name => membership.bondOf(name) === bond);
    if (member !== undefined) own.push(optionOf({ ...fact, value: member }));
  }
  const defaults = parameters(bond).options.map(option =>
    optionOf(option, { isDefault: true, isForItsMode: true }),
  );
  const isSet = (name: string): boolean => own.some(option => option.name === name && option.value !== '0');
  // A monitor of its own takes the place of the module's default one, as the driver's options do.
  const dropped = new Set<string>([
    ...(isSet('arp_interval') && !isSet('miimon') ? ['miimon', 'updelay', 'downdelay'] : []),
    ...(isSet('miimon') ? ['arp_interval', 'arp_ip_target', 'arp_validate'] : []),
  ]);
  for (const { name, value, place } of defaults.filter(each => dropped.has(each.name))) {
    const message = `${name}=${shown(value)} of all bonds is not that of ${shown(bond)}, which has the other monitor of its own.`;
    tell(bonds, 'note', place, message);
  }
  const byName = new Map<string, GivenOption>();
  for (const option of [...defaults.filter(({ name }) => !dropped.has(name)), ...own]) {
    const before = byName.get(option.name);
    if (before !== undefined && !before.isDefault && before.value !== option.value) {
      const where = `${before.place.file}:${before.place.line}`;
      tell(
        bonds,
        'warning',
        option.place,
        `${option.name}=${shown(option.value)} stands against ${shown(before.value)} at ${where}; the last counts.`,
      );
    }
    byName.set(option.name, option);
  }
  return Array.from(byName.values());
}

function optionOf(
  { name, value, place }: { readonly name: string; readonly value: string; readonly place: Place },
  more: Partial<GivenOption> = {},
): GivenOption {
  const known = { name: findOption(name)?.name ?? name, value: canonicalValue(name, value), place };
  return { ...known, isDefault: false, isForItsMode: false, ...more };
}

type OfInterface = Fact & { readonly kind: 'address' | 'dhcp' | 'mac' | 'mtu' | 'route' };

function isOfInterface(fact: Fact): fact is OfInterface {
  return ['address', 'dhcp', 'mac', 'mtu', 'route'].includes(fact.kind);
}

/** Tells of what files say of members, and passes on what readers had to tell of bonds and members. */
function tellOfDevices(bonds: Bonds, membership: Membership): void {
  for (const fact of bonds.facts) {
    if (fact.kind === 'finding') {
      const about =
        fact.device === undefined ||
        bonds.made.has(fact.device) ||
        (fact.isOfBond !== true && membership.bondOf(fact.device) !== null);
      if (about) tell(bonds, fact.level, fact.place, fact.message);
      continue;
    }
    tellOfLostOption(bonds, membership, fact);
    if (fact.kind === 'member' && fact.isOfAny === true && !bonds.made.has(fact.bond)) {
      const who = fact.member.by === 'name' ? shown(fact.member.name) : described(fact.member);
      const message = `${shown(fact.bond)}, which ${who} is to join, is no bond by any of these files; the command was left out.`;
      tell(bonds, 'note', fact.place, message);
    }
    if (!isOfInterface(fact)) continue;
    const bond = membership.bondOf(fact.device);
    if (fact.kind === 'dhcp' && bonds.made.has(fact.device)) {
      const message = `${fact.how}: Bondwire asks nobody for addresses; run a DHCP client on ${shown(fact.device)}.`;
      tell(bonds, 'warning', fact.place, message);
    }
    if (bond === null || bonds.made.has(fact.device)) continue;
    const member = shown(fact.device);
    if (fact.kind === 'mtu')
      tell(bonds, 'note', fact.place, `${member} is a member of ${bond} and has its MTU.`);
    else if (fact.kind === 'mac')
      tell(bonds, 'note', fact.place, `${member} is a member of ${bond}, which decides its MAC address.`);
    else if (fact.kind === 'dhcp') {
      const message = `${fact.how} of ${member} has no use: as a member of ${bond} it has no addresses of its own.`;
      tell(bonds, 'note', fact.place, message);
    } else {
      const what = fact.kind === 'address' ? `The address ${fact.cidr}` : `The route to ${fact.to}`;
      tell(
        bonds,
        'warning',
        fact.place,
        `${what} of ${member} is not carried over: as a member of ${bond} it carries none of its own.`,
      );
    }
  }
}

/** Routes that name no interface go to the bond that has their gateway as a neighbour. */
function tellOfHomeless(bonds: Bonds, wishes: readonly BondWish[]): void {
  // Without a bond it is nobody's business here.
  for (const fact of wishes.length === 0 ? [] : bonds.facts) {
    if (fact.kind !== 'route' || fact.device !== '') continue;
    if (wishes.some(({ addresses }) => isNeighbour(fact.via, addresses))) continue;
    const message = `The route to ${fact.to} by ${fact.via} names no interface, and no bond here is in a network with its gateway; it was left out.`;
    tell(bonds, 'warning', fact.place, message);
  }
}

/** An option of something that is no bond, or no member, has no place in the result. */
function tellOfLostOption(bonds: Bonds, membership: Membership, fact: Fact): void {
  if (fact.kind === 'option' && !bonds.made.has(fact.bond)) {
    const message = `${shown(fact.name)}=${shown(fact.value)} was left out: no file makes ${shown(fact.bond)} a bond.`;
    tell(bonds, 'warning', fact.place, message);
  } else if (fact.kind === 'member-option' || fact.kind === 'chosen') {
    const names = resolve(bonds.machine, fact.member);
    if (names.some(name => membership.bondOf(name) !== null)) return;
    const whose =
      names.length === 0 ? `an interface with ${described(fact.member)}` : shown(names.join(', '));
    const message = `${shown(fact.name)} of ${whose} was left out: that is no member of a bond here.`;
    tell(bonds, 'warning', fact.place, message);
  }
}

function withoutRepeats(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ level, place, message }) => {
    const key = JSON.stringify([level, place.file, place.line, place.column ?? 0, message]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
