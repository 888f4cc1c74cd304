// What a row of the option table says. (policy)

/** Names of the modes, as the driver spells them; the index is the driver's number. */
export const MODE_NAMES = [
  'balance-rr',
  'active-backup',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
] as const;
export type ModeName = (typeof MODE_NAMES)[number];

/** A word and the number it stands for. Helper words (`off`, `maxval`, `default` …) are accepted but never shown. */
export interface OptionWord {
  readonly word: string;
  readonly value: number;
  readonly isDefault?: boolean;
}

/** How an option is written, and what its value is: see `OptionValues`. */
export type OptionKind = 'word' | 'number' | 'interface' | 'list' | 'address' | 'per-member' | 'members';

/** What is known of an option beside its name and kind; the facts are those of the driver's bond_opts table. */
export interface OptionFacts {
  readonly aliases: readonly string[];
  /** One line for people. */
  readonly summary: string;
  readonly unit: 'ms' | 's' | null;
  readonly words: readonly OptionWord[];
  readonly min: number;
  /** Null: only the numbers of the words are accepted. */
  readonly max: number | null;
  /** The number at creation; null where there is nothing to start from (interfaces, lists). */
  readonly initial: number | null;
  /** Modes in which it may be set, or all. */
  readonly modes: readonly ModeName[] | 'all';
  /** May not be changed while the bond has members (ENOTEMPTY). */
  readonly withoutMembers: boolean;
  /** May not be changed while the bond is up (EBUSY). */
  readonly whileDown: boolean;
  /** How sysfs prints it: `word number`, number, text; null: it has no file there. */
  readonly sysfs: 'word-number' | 'number' | 'text' | null;
  /** Of several options that are given together it is applied first, wherever its row stands. */
  readonly first: boolean;
}

/** One row of the table. */
export type OptionRow<Name extends string, Kind extends OptionKind> = OptionFacts & {
  readonly name: Name;
  readonly kind: Kind;
};
