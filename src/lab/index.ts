// What other rooms may use of `lab`.
export {
  CARD_MODELS,
  type Card,
  CardGuest,
  type CardGuestOptions,
  type CardModel,
  SWITCH,
} from './card-guest.js';
export type { CardAnswer } from './card-messages.js';
export { type CableEnd, createCable } from './cable.js';
export { type DemoOptions, runDemo } from './demo.js';
export { type GuestKernel, type GuestOptions, type GuestResult, guestIsReady, runInGuest } from './guest.js';
export { Lab, type LabOptions, type PlaceName } from './lab.js';
export {
  type Direction,
  type Fault,
  FAULT_FORMS,
  type FaultKind,
  faultFromText,
  faultText,
} from './isp/faults.js';
export { type FaultTimes, IspLab, type IspLabOptions, type LineWish } from './isp/isp-lab.js';
export { judge, type JudgeOptions, type Verdict } from './isp/judge.js';
export { FAMILIES, type Family, type Flow, FLOWS, type Happening, type Sample } from './isp/meter-samples.js';
export { UplinkMeter, type UplinkMeterOptions } from './isp/uplink-meter.js';
export { type Both, INSIDE, type IspPlace, type LabLine, SERVERS } from './isp/plan.js';
export type { WireCounts } from './isp/wire-control.js';
export { type LacpDemoOptions, runLacpDemo } from './lacp-demo.js';
export { runUplinkDemo, type UplinkDemoOptions } from './uplink-demo.js';
export { labCommand } from './lab-command.js';
export { cleanStale, guard, release } from './lab-guard.js';
export { namespaceName } from './names.js';
export { Place } from './place.js';
export {
  type Meter,
  type MeterOptions,
  type MeterProgress,
  type MeterReport,
  measureLoss,
  reportLine,
  type Spawn,
  startMeter,
} from './loss-meter.js';
export { type LossShares, sharesText } from './loss-shares.js';
export { StreamWatch } from './stream-watch.js';
export { runSimulatedDemo, type SimulatedDemoOptions } from './simulated-demo.js';
export { type CommandResult, ManagedBondwire } from './managed-bondwire.js';
