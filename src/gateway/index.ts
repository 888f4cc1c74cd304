// What other rooms may use of `gateway`.
export { type Applied, KernelKeeper, type KernelNews } from './kernel/kernel-keeper.js';
export type { NotedSetting } from './kernel/device-settings.js';
export { KernelRefused } from './kernel/refusals.js';
