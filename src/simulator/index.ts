// What other rooms and other packages may use of `simulator`.
export { type Comparison, compareTimelines, unmet } from './compare-timelines.js';
export * from './observations.js';
export * from './scenario.js';
export { checkScenario, parseScenario, printScenario } from './scenario-json.js';
export { observationText, renderSideBySide } from './timeline-text.js';
