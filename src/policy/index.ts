// What other rooms may use of `policy`.
export {
  Bond,
  createBond,
  type NewBond,
  SAVED_BOND_VERSION,
  type SavedBond,
} from './bond.js';
export { checkTogether } from './options/check-together.js';
export { idleWatch } from './options/monitor-warnings.js';
export {
  canonicalValue,
  type CheckedOptions,
  checkOptions,
  isOfMembers,
  optionNumber,
  type OptionProblem,
  type OptionText,
} from './options/check-options.js';
export * from './contract.js';
export * from './forwarding-plan.js';
export { describeValues } from './options/option-parse.js';
export { OPTION_TABLE } from './options/option-table.js';
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
} from './options/options.js';
export { type Choosable, isBalanced, LoadTable } from './modes/load-table.js';
export { MOST_HEADERS } from './modes/flow-keys.js';
export type { MemberAddress } from './addresses/mac-rules.js';
export { HASH_POLICIES, type HashPolicy, transmitHash } from './modes/transmit-hash.js';
