// Who is a member of which bond: names, patterns and MAC addresses of files against the interfaces of the machine. (config)
import { badInterfaceName, shown, unreachable } from '../base/index.js';
import type { Fact, Finding, InterfaceRef, KnownInterface, Place } from './facts.js';

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

/** Names of the interfaces that a file means; none where the machine has none such. */
export function resolve(machine: readonly KnownInterface[], ref: InterfaceRef): string[] {
  switch (ref.by) {
    case 'name':
      return [ref.name];
    case 'mac':
      return machine.filter(({ mac }) => mac.toLowerCase() === ref.mac).map(({ name }) => name);
    case 'pattern':
      return machine.filter(({ name }) => matches(ref.pattern, name)).map(({ name }) => name);
    default:
      return unreachable(ref);
  }
}

/** Whether a name fits a pattern of `*`, `?` and `[…]`; patterns that are too long fit nothing. */
export function matches(pattern: string, name: string): boolean {
  if (pattern.length > 64) return false;
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    const close = char === '[' ? pattern.indexOf(']', at + 2) : -1;
    if (char === '*') source += source.endsWith('.*') ? '' : '.*';
    else if (char === '?') source += '.';
    else if (close > 0) {
      const inner = pattern
        .slice(at + 1, close)
        .replaceAll('\\', '\\\\')
        .replace(/^!/, '^')
        .replaceAll('[', '\\[');
      source += `[${inner}]`;
      at = close;
    } else source += char.replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&');
  }
  try {
    return new RegExp(`^${source}$`, 'u').test(name);
  } catch {
    // A range the wrong way round, such as [z-a].
    return false;
  }
}

/** Finds the members of all bonds and tells what is wrong with them. */
export function joinMembers(bonds: {
  readonly facts: readonly Fact[];
  readonly machine: readonly KnownInterface[];
  readonly made: ReadonlyMap<string, Place>;
  readonly findings: Finding[];
}): Membership {
  const { facts, machine, made, findings } = bonds;
  const error = (place: Place, message: string): void => {
    findings.push({ level: 'error', place, message });
  };
  const members = new Map<string, Member[]>();
  const owners = new Map<string, string>();
  const join = (bond: string, name: string, place: Place): void => {
    const bad = badInterfaceName(name);
    const owner = owners.get(name);
    if (bad !== null) error(place, `"${shown(name)}" cannot be the name of an interface: ${bad}.`);
    else if (name === bond) error(place, `${shown(bond)} cannot be a member of itself.`);
    else if (made.has(name))
      error(place, `${shown(name)} is a bond itself, and a bond cannot be a member of ${shown(bond)}.`);
    else if (owner !== undefined && owner !== bond) {
      error(place, `${shown(name)} is a member of ${shown(owner)} already; an interface has one bond.`);
    } else if (owner === undefined) {
      owners.set(name, bond);
      members.set(bond, [...(members.get(bond) ?? []), { name, place }]);
    }
  };
  for (const fact of facts) {
    if (fact.kind !== 'member' || !made.has(fact.bond)) continue;
    const names = resolve(machine, fact.member).filter(
      name => fact.member.by === 'name' || (name !== fact.bond && !made.has(name)),
    );
    for (const name of names) join(fact.bond, name, fact.place);
    if (names.length > 0) continue;
    const what =
      fact.member.by === 'mac'
        ? `the MAC address ${fact.member.mac}`
        : `the name ${shown(fact.member.by === 'pattern' ? fact.member.pattern : '')}`;
    error(
      fact.place,
      `No interface of this machine has ${what}, so a member of ${shown(fact.bond)} is missing; write its name into bondwire.yaml.`,
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
