// The options of a bond by name: their types, how one is found, and the order in which several are applied. All of it follows from
// the rows of `option-table.ts`: no name of an option is written down here.
import { meantWord } from '../../base/index.js';
import { OPTION_HABITS } from './habits.js';
import type { ModeName, OptionKind, OptionRow } from './option-row.js';
import { OPTION_ROWS } from './option-table.js';

type Row = (typeof OPTION_ROWS)[number];

/** Every option by its one name (aliases such as num_unsol_na lead to it). */
export type OptionName = Row['name'];

/** Options that are kept as one number (words included), by the driver's name. */
export type NumberOption = Extract<Row, { readonly kind: 'word' | 'number' }>['name'];

/** The others: each is written in a way of its own. */
export type OtherOption = Exclude<OptionName, NumberOption>;

/** An option that exists. */
export type OptionSpec = OptionRow<OptionName, OptionKind>;

/** All options, in the order in which they are listed and, but for those that are `first`, applied. */
export const OPTION_TABLE: readonly OptionSpec[] = OPTION_ROWS;

/** All options that are kept as one number. */
export const NUMBER_OPTIONS: readonly NumberOption[] = OPTION_ROWS.flatMap(row =>
  row.kind === 'word' || row.kind === 'number' ? [row.name] : [],
);

/** Values by kind: words as words, numbers as numbers (delays in ms), names or null, lists as lists. */
interface ValueOfKind {
  readonly word: string;
  readonly number: number;
  readonly interface: string | null;
  readonly list: readonly string[];
  readonly address: string;
  /** `IFACE:N`, one a member, in the order of joining. */
  readonly 'per-member': readonly string[];
  readonly members: readonly string[];
}

/** A value as reports and `show --json` give it. */
export type OptionValue = ValueOfKind[OptionKind];

/** All values by name, and one more by the driver's second name for num_grat_arp. */
export type OptionValues = {
  readonly [R in Row as R['name']]: R['name'] extends 'mode' ? ModeName : ValueOfKind[R['kind']];
} & { readonly num_unsol_na: number };

const BY_NAME: ReadonlyMap<string, OptionSpec> = new Map(
  OPTION_TABLE.flatMap(spec => [spec.name, ...spec.aliases].map(name => [name, spec] as const)),
);

/** The option with this name or alias. */
export function findOption(name: string): OptionSpec | undefined {
  return BY_NAME.get(name);
}

/** The value of the option with this name or alias; undefined where there is no such option. */
export function valueOf(values: OptionValues, name: string): OptionValue | undefined {
  const spec = findOption(name);
  return spec === undefined ? undefined : values[spec.name];
}

/** The spec of an option that exists. */
export function optionSpec(name: OptionName): OptionSpec {
  const spec = BY_NAME.get(name);
  if (spec === undefined) throw new Error(`Option ${name} is missing from the table`);
  return spec;
}

/** The word that an option shows for a number, or undefined when it has none. */
export function wordOf(name: OptionName, value: number): string | undefined {
  const spec = optionSpec(name);
  return spec.kind === 'word' ? spec.words.find(word => word.value === value)?.word : undefined;
}

/** The known name that looks most like `name`, when one is near enough to be meant. */
export function nearestOption(name: string): string | undefined {
  return meantWord(name.replace(/^bond[-_]/, ''), [...BY_NAME.keys()], OPTION_HABITS);
}

const IN_ORDER: readonly OptionSpec[] = [
  ...OPTION_TABLE.filter(({ first }) => first),
  ...OPTION_TABLE.filter(({ first }) => !first),
];

function rank(name: string): number {
  const spec = BY_NAME.get(name);
  return spec === undefined ? IN_ORDER.length : IN_ORDER.indexOf(spec);
}

/**
 * Names (or aliases) of several options that are set together, in the order in which they must be applied: the driver's
 * netlink order, unknown names last. The order of equals is kept.
 */
export function inApplyOrder(names: readonly string[]): string[] {
  return names.toSorted((a, b) => rank(a) - rank(b));
}
