// What other rooms may use of `policy`.
export {
  Bond,
  createBond,
  type NewBond,
  SAVED_BOND_VERSION,
  type SavedBond,
  checkTogether,
} from './bond.js';
export { idleWatch } from './watched-link.js';
export {
  canonicalValue,
  type CheckedOptions,
  checkOptions,
  isOfMembers,
  optionNumber,
  type OptionProblem,
  type OptionText,
} from './check-options.js';
export * from './contract.js';
export { describeValues } from './option-parse.js';
export { OPTION_TABLE } from './option-table.js';
export {
  findOption,
  inApplyOrder,
  MODE_NAMES,
  type ModeName,
  nearestOption,
  NUMBER_OPTIONS,
  type OptionSpec,
  type OptionValue,
  type OptionValues,
  type OptionWord,
  wordOf,
} from './options.js';
export { isBalanced, LoadTable } from './load-table.js';
export { MOST_HEADERS } from './flow-keys.js';
export type { MemberAddress } from './mac-rules.js';
export { HASH_POLICIES, type HashPolicy, transmitHash } from './transmit-hash.js';
