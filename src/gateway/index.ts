// What other rooms may use of `gateway`: uplinks on the machine.
export { DRILL_KINDS, type DrillKind } from './drill.js';
export { FlowFlusher, type FlusherNews } from './flow-flusher.js';
export { type Applied, KernelKeeper, type KernelNews, type WatchNews } from './kernel/kernel-keeper.js';
export type { NotedSetting } from './kernel/device-settings.js';
export { planOnPaper } from './plan-on-paper.js';
export { type Noted, UplinkRunner } from './uplink-runner.js';
export { type ProbeAnswers, type ProbeLine } from './probes/probe-ways.js';
export { Probes } from './probes/probes.js';
export { KernelRefused } from './kernel/refusals.js';
