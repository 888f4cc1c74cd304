// What other rooms may use of `gateway`.
export { FlowFlusher, type FlusherNews } from './flow-flusher.js';
export { type Applied, KernelKeeper, type KernelNews, type WatchNews } from './kernel/kernel-keeper.js';
export type { NotedSetting } from './kernel/device-settings.js';
export { KernelRefused } from './kernel/refusals.js';
