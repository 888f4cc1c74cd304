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
export { describeValues, numbersOf } from './options/option-parse.js';
export {
  findOption,
  inApplyOrder,
  nearestOption,
  NUMBER_OPTIONS,
  OPTION_TABLE,
  type OptionSpec,
  type OptionValue,
  type OptionValues,
  valueOf,
  wordOf,
} from './options/options.js';
export {
  type LacpContext,
  lacpActorChanged,
  lacpFlagsChanged,
  lacpHear,
  lacpJoin,
  lacpLeave,
  lacpLinkChanged,
  lacpOpened,
  lacpTick,
} from './lacp/lacp.js';
export { lacpSnapshot } from './lacp/lacp-snapshot.js';
export { FALLBACK } from './lacp/fallback.js';
export { restartSilence } from './lacp/receive.js';
export type { PortMember } from './lacp/port.js';
export type { WatchedBond } from './lacp/silence-state.js';
export type { Kept, KeptPort, Lease, PortLease } from './lacp/lease.js';
export { MODE_NAMES, type ModeName, type OptionWord } from './options/option-row.js';
export { CLIENT_PLACES } from './alb/clients.js';
export { type ArpWay, arpWay, flowPlace, readdressed } from './alb/outgoing.js';
export { type Choosable, isBalanced, LoadTable } from './modes/load-table.js';
export { MOST_HEADERS } from './modes/flow-keys.js';
export type { MemberAddress } from './addresses/mac-rules.js';
export { HASH_POLICIES, type HashPolicy, transmitHash } from './modes/transmit-hash.js';
