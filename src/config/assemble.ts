// Makes bonds of the facts that files state: who is a member of what, which option comes from where, what Bondwire refuses.
// Everything that is in the result is told as understood, everything else with the reason. (config)
import { shown, unreachable } from '../base/index.js';
import { optionsOf } from './bond-options.js';
import { badNewBond } from './bondwire/check-bond.js';
import { deviceOf } from './device-wish.js';
import type { Fact, Finding, KnownInterface, Level, Place } from './facts.js';
import { described, resolve } from './machine-match.js';
import { isNeighbour } from './network-rules.js';
import { joinMembers, type Membership } from './membership.js';
import { type ModuleParameters, moduleParameters, type Parameter } from './module/module-parameters.js';
import { joiningAbove, tellOfDevicesAbove } from './upper-devices.js';
import type { BondWish } from './wishes.js';

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

/** Bonds from facts. `machine`: the interfaces there are, for those that files name by pattern or MAC address. */
export function assemble(facts: readonly Fact[], machine: readonly KnownInterface[] = []): Assembled {
  const bonds: Bonds = { facts, machine, made: new Map(), findings: [] };
  const parameters = collectBonds(bonds);
  const membership = joinMembers(bonds);
  const wishes: BondWish[] = [];
  for (const name of bonds.made.keys())
    wishes.push(assembleBond(bonds, name, { membership, parameters, others: wishes }));
  tellOfDevices(bonds, membership);
  tellOfDevicesAbove({
    ...bonds,
    membership,
    tell: (level, place, message) => tell(bonds, level, place, message),
  });
  tellOfHomeless(bonds, wishes);
  return { bonds: wishes, findings: withoutRepeats(bonds.findings) };
}

function tell(bonds: Bonds, level: Level, place: Place, message: string): void {
  bonds.findings.push({ level, place, message });
}

type GivenParameter = Fact & { readonly kind: 'parameter' };

/** Finds out which bonds there are, and gives the parameters of the module by bond. */
function collectBonds(bonds: Bonds): (bond: string) => ModuleParameters {
  const { facts } = bonds;
  for (const fact of facts) if (fact.kind === 'bond') addBond(bonds, fact.bond, fact.place);
  const given = facts.flatMap(fact => (fact.kind === 'parameter' ? [fact] : []));
  const ofAll = given.filter(({ bond }) => bond === null);
  const maxBonds = given.findLast(({ name }) => name === 'max_bonds');
  if (maxBonds !== undefined) addByModule(bonds, maxBonds);
  addByMembers(bonds, ofAll.length > 0);
  const [first] = ofAll;
  // H01: without max_bonds the module makes bond0.
  if (bonds.made.size === 0 && first !== undefined && maxBonds === undefined)
    addBond(bonds, 'bond0', first.place);
  return bond => {
    const own = parametersOf(bonds, bond, given);
    tellOfContradictions(bonds, own);
    const treated = moduleParameters(
      [...ofAll, ...own].map(({ name, value, place }): Parameter => ({ name, value, place })),
    );
    bonds.findings.push(...treated.findings);
    return treated;
  };
}

function addBond(bonds: Bonds, name: string, place: Place): void {
  const bad = badNewBond(name);
  if (bad !== null) tell(bonds, 'error', place, `"${shown(name)}" cannot name a bond: ${bad}.`);
  else if (!bonds.made.has(name)) bonds.made.set(name, place);
}

/** The bonds that the module makes when it is loaded. */
function addByModule(bonds: Bonds, maxBonds: GivenParameter): void {
  const { place } = maxBonds;
  const wanted = moduleParameters([maxBonds]).maxBonds;
  if (wanted > MOST_BONDS) {
    const message = `max_bonds=${wanted} is more than ${MOST_BONDS}; no machine needs that.`;
    tell(bonds, 'error', place, message);
  }
  for (let at = 0; at < Math.min(wanted, MOST_BONDS); at++) addBond(bonds, `bond${at}`, place);
  const names = wanted === 0 ? 'no bond' : wanted === 1 ? 'bond0' : `bond0 to bond${wanted - 1}`;
  tell(bonds, 'understood', place, `max_bonds: the module makes ${names} by itself.`);
}

/** What has members and is made by no file. With options for all bonds of the module there may well be such. */
function addByMembers(bonds: Bonds, hasOptionsOfAll: boolean): void {
  const { facts, made } = bonds;
  for (const fact of facts) {
    if (fact.kind !== 'member' || made.has(fact.bond) || fact.isOfAny === true) continue;
    addBond(bonds, fact.bond, fact.place);
    if (made.has(fact.bond) && !hasOptionsOfAll) {
      tell(
        bonds,
        'warning',
        fact.place,
        `No file says that ${shown(fact.bond)} is a bond; it was taken for one, as this is its member.`,
      );
    }
  }
}

/** The parameters that one bond gets, besides those for all. */
function parametersOf(bonds: Bonds, bond: string, given: readonly GivenParameter[]): GivenParameter[] {
  const own = given.filter(parameter => parameter.bond === bond);
  // What the module was loaded with for the first name is what every bond begins with.
  const ofLoad =
    own.length > 0 ? [] : given.filter(each => each.isOfLoad === true && isAfter(bond, each.bond ?? ''));
  const [load] = ofLoad;
  if (load !== undefined) {
    const message = `${shown(bond)} gets these options too: modprobe loads the module once, with those of ${shown(load.bond ?? '')}.`;
    tell(bonds, 'note', load.place, message);
  }
  return [...own, ...ofLoad];
}

/** Tells of parameters that a later one overrules. */
function tellOfContradictions(bonds: Bonds, own: readonly GivenParameter[]): void {
  for (const [at, { name, value, place }] of own.entries()) {
    const later = own.slice(at + 1).find(other => other.name === name && other.value !== value);
    if (later === undefined) continue;
    const where = `${later.place.file}:${later.place.line}`;
    const message = `${shown(name)}=${shown(value)} stands against ${shown(later.value)} at ${where}; the last counts.`;
    tell(bonds, 'warning', place, message);
  }
}

/** The number at the end of a name. */
function numberOf(name: string): number {
  return Number(/\d+$/.exec(name)?.[0] ?? 0);
}

/** Whether a bond is made after another, as ifup goes through them by their names. */
function isAfter(bond: string, other: string): boolean {
  const [one, two] = [numberOf(bond), numberOf(other)];
  return one === two ? bond > other : one > two;
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
  if (members.length === 0) {
    const message = `No file here names a member of ${name}; add the files that do, or write them into bondwire.yaml.`;
    tell(bonds, 'warning', made, message);
  }
  const options = optionsOf({
    bond: name,
    facts: bonds.facts,
    machine: bonds.machine,
    membership,
    parameters: parameters(name),
    made,
    tell: (level, place, message) => tell(bonds, level, place, message),
  });
  return {
    name,
    ...options,
    takeDown: true,
    ...deviceOf({
      facts: bonds.facts,
      name,
      others: [...others],
      tell: (level, place, message) => tell(bonds, level, place, message),
    }),
  };
}

type OfInterface = Fact & { readonly kind: 'address' | 'dhcp' | 'mac' | 'mtu' | 'route' };

function isOfInterface(fact: Fact): fact is OfInterface {
  return ['address', 'dhcp', 'mac', 'mtu', 'route'].includes(fact.kind);
}

/** Tells of what files say of members, and passes on what readers had to tell of bonds and members. */
function tellOfDevices(bonds: Bonds, membership: Membership): void {
  for (const fact of bonds.facts) {
    if (fact.kind === 'finding') passOn(bonds, membership, fact);
    else {
      tellOfLostOption(bonds, membership, fact);
      if (fact.kind === 'member') tellOfLostMember(bonds, fact);
      if (isOfInterface(fact)) tellOfInterface(bonds, membership, fact);
    }
  }
}

function passOn(bonds: Bonds, membership: Membership, fact: Fact & { readonly kind: 'finding' }): void {
  const { device, level, place, message, isOfBond } = fact;
  const isOurs =
    device === undefined ||
    bonds.made.has(device) ||
    (isOfBond !== true && membership.bondOf(device) !== null);
  if (isOurs) tell(bonds, level, place, message);
}

/** A command of some kind of device that would have made a member, had the device been a bond. */
function tellOfLostMember(bonds: Bonds, fact: Fact & { readonly kind: 'member' }): void {
  const isAbove = joiningAbove(fact, bonds.made).length > 0;
  if (fact.isOfAny !== true || bonds.made.has(fact.bond) || isAbove) return;
  const who = fact.member.by === 'name' ? shown(fact.member.name) : described(fact.member);
  const message = `${shown(fact.bond)}, which ${who} is to join, is no bond by any of these files; the command was left out.`;
  tell(bonds, 'note', fact.place, message);
}

/** What an interface is given has no place on a member. */
function tellOfInterface(bonds: Bonds, membership: Membership, fact: OfInterface): void {
  const isBond = bonds.made.has(fact.device);
  if (fact.kind === 'dhcp' && isBond) {
    const message = `${fact.how}: Bondwire asks nobody for addresses; run a DHCP client on ${shown(fact.device)}.`;
    tell(bonds, 'warning', fact.place, message);
  }
  const bond = membership.bondOf(fact.device);
  if (bond === null || isBond) return;
  const [level, message] = onMember(fact, shown(fact.device), bond);
  tell(bonds, level, fact.place, message);
}

function onMember(fact: OfInterface, member: string, bond: string): [Level, string] {
  switch (fact.kind) {
    case 'mtu':
      return ['note', `${member} is a member of ${bond} and has its MTU.`];
    case 'mac':
      return ['note', `${member} is a member of ${bond}, which decides its MAC address.`];
    case 'dhcp':
      return [
        'note',
        `${fact.how} of ${member} has no use: as a member of ${bond} it has no addresses of its own.`,
      ];
    case 'address':
    case 'route': {
      const what = fact.kind === 'address' ? `The address ${fact.cidr}` : `The route to ${fact.to}`;
      return [
        'warning',
        `${what} of ${member} is not carried over: as a member of ${bond} it carries none of its own.`,
      ];
    }
    default:
      return unreachable(fact);
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
  } else if (fact.kind === 'first-member' && !bonds.made.has(fact.bond)) {
    const message = `${fact.name}=${shown(fact.names.join(' '))} was left out: no file makes ${shown(fact.bond)} a bond.`;
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
