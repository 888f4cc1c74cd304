// The rules of every simulated network by name, and what is said of one that did not hold. `checkers.ts` states and checks them.

export const RULES = [
  'one-active',
  'never-none',
  'no-duplicates',
  'no-loops',
  'counters-grow',
  'addresses',
  'carrier-truth',
  'restored',
  'peers-told',
  'no-history',
  'lacp',
] as const;
export type Rule = (typeof RULES)[number];

/** A rule that did not hold. */
export interface Violation {
  readonly atMs: number;
  readonly rule: Rule;
  /** `HOST/BOND` or `HOST/INTERFACE`. */
  readonly of: string;
  readonly message: string;
}
