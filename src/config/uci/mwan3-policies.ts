// mwan3's members and policies: which lines a rule may use, in the order of the metrics of the members. (config)
import { shown } from '../../base/index.js';
import type { Place } from '../facts.js';
import type { Family, Way } from './mwan3-lines.js';
import { numberOf, type Telling, valueOf, valuesOf } from './telling.js';
import type { UciSection } from './uci-file.js';

/** A member: one way out in a policy. */
export interface PolicyMember {
  readonly line: string;
  readonly family: Family;
  readonly metric: number;
  readonly weight: number;
  readonly place: Place;
}

export interface Policy {
  readonly name: string;
  readonly section: UciSection;
  /** By metric; those with the lowest share. */
  readonly members: readonly PolicyMember[];
  /** What becomes of packets when none of the members works. */
  readonly lastResort: 'default' | 'drop';
}

const MOST_WEIGHT = 1000;

/** Reads policies when a rule asks for them, so that those that nobody uses are known. */
export class Policies {
  readonly #read = new Map<string, Policy>();
  readonly #usedMembers = new Set<UciSection>();

  readonly #sections: readonly UciSection[];
  readonly #ways: readonly Way[];
  readonly #telling: Telling;

  constructor(sections: readonly UciSection[], ways: readonly Way[], telling: Telling) {
    this.#sections = sections;
    this.#ways = ways;
    this.#telling = telling;
  }

  /** Null: there is none of this name. */
  of(name: string): Policy | null {
    const read = this.#read.get(name);
    if (read !== undefined) return read;
    const section = this.#sections.find(each => each.type === 'policy' && each.name === name);
    if (section === undefined) return null;
    const members = valuesOf(section, 'use_member')
      .flatMap(({ text, place }) => this.#member(text, place) ?? [])
      .toSorted((a, b) => a.metric - b.metric);
    const resort = valueOf(section, 'last_resort') ?? 'unreachable';
    const policy: Policy = {
      name,
      section,
      members,
      lastResort: resort === 'default' ? 'default' : 'drop',
    };
    this.#telling.mark(section, ['use_member', 'last_resort']);
    this.#read.set(name, policy);
    return policy;
  }

  #member(name: string, place: Place): PolicyMember | null {
    const telling = this.#telling;
    const section = this.#sections.find(each => each.type === 'member' && each.name === name);
    if (section === undefined) {
      telling.tell('warning', place, `There is no member ${shown(name)}; it was left out, as mwan3 does.`);
      return null;
    }
    this.#usedMembers.add(section);
    telling.mark(section, ['interface', 'metric', 'weight']);
    const wanted = valueOf(section, 'interface') ?? '';
    const way = this.#ways.find(each => each.name === wanted);
    if (way === undefined) {
      const message = `The member ${shown(name)} was left out: its interface ${shown(wanted)} is none, or is not enabled.`;
      telling.tell('note', section.place, message);
      return null;
    }
    const weight = numberOf(telling, section, 'weight', 1);
    if (weight > MOST_WEIGHT || weight < 1)
      telling.about(
        section,
        ['weight'],
        'warning',
        `weight ${weight} is none from 1 to ${MOST_WEIGHT}; the nearest was taken.`,
      );
    return {
      line: way.line,
      family: way.family,
      metric: numberOf(telling, section, 'metric', 1),
      weight: Math.min(MOST_WEIGHT, Math.max(1, weight)),
      place: section.place,
    };
  }

  /** Tells of what no rule that counts leads to. */
  tellUnused(): void {
    for (const section of this.#sections) {
      const { type, name } = section;
      const isUsed = type === 'policy' ? this.#read.has(name ?? '') : this.#usedMembers.has(section);
      if ((type !== 'policy' && type !== 'member') || isUsed) continue;
      this.#telling.markAll(section);
      const whose = type === 'policy' ? 'no rule that counts uses it' : 'no policy that a rule uses has it';
      this.#telling.tell('note', section.place, `The ${type} ${shown(name ?? '')} was left out: ${whose}.`);
    }
  }
}

/** Lines of a policy in a family, or in both, in order, each once. */
export function linesIn({ members }: Policy, family: Family | 'any'): readonly string[] {
  const fit = members.filter(member => family === 'any' || member.family === family);
  return Array.from(new Set(fit.map(({ line }) => line)));
}

/** True where members of the lowest metric in a family share. */
export function isShared({ members }: Policy): boolean {
  return (['ipv4', 'ipv6'] as const).some(family => {
    const own = members.filter(member => member.family === family);
    return new Set(own.filter(({ metric }) => metric === own[0]?.metric).map(({ line }) => line)).size > 1;
  });
}
