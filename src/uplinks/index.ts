// What other rooms may use of `uplinks`.
export * from './contract.js';
export * from './kernel-plan.js';
export * from './settings.js';
export type { UplinkSnapshot } from './snapshot.js';
export type { LinePlace } from './steering.js';
export { Uplink } from './uplink.js';
export { type Flush, UplinkKeeper, type UplinkPorts } from './uplink-keeper.js';
export { kernelPlan, type LineWay, type WayOf } from './make-kernel-plan.js';
export { planText, ruleText } from './plan-text.js';
export { HEARD_CHAIN, heardOrder } from './planned-table.js';
export { checkSettings } from './check-settings.js';
