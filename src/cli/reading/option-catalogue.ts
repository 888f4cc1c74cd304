// The options of the policy's table as facts for people and scripts: what may be written, the default, where it counts.
import { numbersOf, OPTION_TABLE, type OptionSpec } from '../../policy/index.js';

/** One option as `bondwire options --json` prints it. */
export interface OptionFacts {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  /** What may be written, as a phrase. */
  readonly values: string;
  readonly unit: 'ms' | 's' | null;
  /** Value of a new bond, null where there is none. */
  readonly default: string | null;
  /** Modes in which it may be set. */
  readonly modes: 'all' | readonly string[];
  /** May be changed only while the bond has no members. */
  readonly withoutMembers: boolean;
  /** May be changed only while the bond is down. */
  readonly whileDown: boolean;
}

/** Every option, in the order of the table. */
export function optionCatalogue(): OptionFacts[] {
  return OPTION_TABLE.map(spec => ({
    name: spec.name,
    aliases: spec.aliases,
    summary: spec.summary,
    values: valuesOf(spec),
    unit: spec.unit,
    default: defaultOf(spec),
    modes: spec.modes,
    withoutMembers: spec.withoutMembers,
    whileDown: spec.whileDown,
  }));
}

function valuesOf(spec: OptionSpec): string {
  switch (spec.kind) {
    case 'word':
      return spec.words.map(({ word, value }) => `${word} (${value})`).join(', ');
    case 'number':
      if (spec.max === null) return spec.words.map(({ word, value }) => `${value} (${word})`).join(' or ');
      return numbersOf(spec);
    case 'interface':
      return 'a member, or nothing';
    case 'list':
      return 'addresses with commas between';
    case 'address':
      return 'a MAC address';
    case 'per-member':
      return `INTERFACE:N, N from ${spec.min} to ${spec.max ?? spec.min}`;
    case 'members':
      return 'read only';
    default:
      return spec.kind satisfies never;
  }
}

function defaultOf({ kind, words, initial }: OptionSpec): string | null {
  if (initial === null) return null;
  return kind === 'word' ? (words.find(({ value }) => value === initial)?.word ?? null) : String(initial);
}
