// Who is a member of which bond: names, patterns and MAC addresses of files against the interfaces of the machine. (config)
import { badInterfaceName, shown } from '../base/index.js';
import type { Fact, Finding, KnownInterface, Place } from './facts.js';
import { described, resolve } from './machine-match.js';
import { HABITS, type Tool } from './original-tools.js';

export interface Member {
  readonly name: string;
  readonly place: Place;
}

export interface Membership {
  /** Members of a bond in order of joining. */
  of(bond: string): readonly Member[];
  /** The bond of an interface, or null. */
  bondOf(name: string): string | null;
}

/** Finds the members of all bonds and tells what is wrong with them. */
export function joinMembers(bonds: {
  readonly facts: readonly Fact[];
  readonly machine: readonly KnownInterface[];
  readonly made: ReadonlyMap<string, Place>;
  readonly findings: Finding[];
}): Membership {
  const { facts, machine, made, findings } = bonds;
  const error = (place: Place, message: string, tool?: Tool): void => {
    const goesOn = tool !== undefined && HABITS[tool].passesOver.has('invalid-request');
    const how = goesOn ? `${message.replace(/\.$/, '')}; ${HABITS[tool].how}, and it was left out.` : message;
    findings.push({ level: goesOn ? 'warning' : 'error', place, message: how });
  };
  const members = new Map<string, Member[]>();
  const owners = new Map<string, string>();
  const join = (bond: string, name: string, place: Place, tool?: Tool): void => {
    const bad = badInterfaceName(name);
    const owner = owners.get(name);
    if (bad !== null) error(place, `"${shown(name)}" cannot be the name of an interface: ${bad}.`, tool);
    else if (name === bond) error(place, `${shown(bond)} cannot be a member of itself.`, tool);
    else if (name === 'lo') error(place, 'lo is the loopback interface, which can be no member.', tool);
    else if (made.has(name))
      error(place, `${shown(name)} is a bond itself, and a bond cannot be a member of ${shown(bond)}.`, tool);
    else if (owner !== undefined && owner !== bond) {
      error(place, `${shown(name)} is a member of ${shown(owner)} already; an interface has one bond.`, tool);
    } else if (owner === undefined) {
      owners.set(name, bond);
      members.set(bond, [...(members.get(bond) ?? []), { name, place }]);
    }
  };
  for (const fact of facts) {
    if (fact.kind !== 'member' || !made.has(fact.bond)) continue;
    const names = resolve(machine, fact.member).filter(
      name => fact.member.by === 'name' || (name !== fact.bond && name !== 'lo' && !made.has(name)),
    );
    for (const name of names) join(fact.bond, name, fact.place, fact.tool);
    if (names.length > 0) continue;
    error(
      fact.place,
      `No interface of this machine has ${described(fact.member)}, so a member of ${shown(fact.bond)} is missing; write its name into bondwire.yaml.`,
    );
  }
  for (const fact of facts) {
    if (fact.kind !== 'order' || !made.has(fact.bond)) continue;
    const known = members.get(fact.bond);
    if (known === undefined) {
      for (const name of fact.interfaces) join(fact.bond, name, fact.place);
      const message = `No file names members of ${shown(fact.bond)}; those of this line were taken, in its order.`;
      findings.push({ level: 'warning', place: fact.place, message });
    } else {
      const rank = ({ name }: Member): number => {
        const at = fact.interfaces.indexOf(name);
        return at < 0 ? fact.interfaces.length : at;
      };
      members.set(
        fact.bond,
        known.toSorted((a, b) => rank(a) - rank(b)),
      );
    }
  }
  return { of: bond => members.get(bond) ?? [], bondOf: name => owners.get(name) ?? null };
}
