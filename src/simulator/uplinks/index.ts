// What the rest of `simulator` gives on of uplinks.
export { unmetOfUplink } from './expectations.js';
export { REAL_UPLINK, type UplinkMaker } from './daemon.js';
export { UPLINK_RULES, type UplinkRule, type UplinkViolation } from './rules.js';
export type { UplinkScenario } from './scenario.js';
export { checkUplinkScenario } from './scenario-json.js';
export {
  simulateUplink,
  type SimulatedUplink,
  type SimulateUplinkOptions,
} from './simulate.js';
export { randomUplink } from './generate.js';
export { stepText, uplinkStory } from './story.js';
export { shrinkUplink } from './shrink.js';
