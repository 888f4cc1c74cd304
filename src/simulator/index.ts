// What other rooms and other packages may use of `simulator`.
export { type Comparison, compareTimelines, unmet } from './compare-timelines.js';
export * from './observations.js';
export * from './scenario.js';
export { checkScenario, parseAnyScenario, parseScenario, printScenario } from './scenario-json.js';
export { observationText, renderSideBySide } from './timeline-text.js';
export { RULES, type Rule, type Violation } from './rules.js';
export type { Pace, PolicyMaker, SimulatedPolicy } from './bond-world.js';
export {
  DEFAULT_PACE,
  PACES,
  type FlowTotals,
  type GroupEnd,
  settleMs,
  simulate,
  type Simulated,
  type SimulateOptions,
  type Told,
} from './simulate.js';
export { comparableScenario } from './generate-comparable.js';
export { randomScenario } from './generate.js';
export { shrinkScenario, smallerScenarios } from './shrink.js';
export { happeningText, storyText } from './story.js';
export { flagLetters } from './lacp-partner.js';
export { Random } from './random.js';
export * from './uplinks/index.js';
