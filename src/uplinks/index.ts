// What other rooms may use of `uplinks`.
export * from './contract.js';
export * from './kernel-plan.js';
export * from './settings.js';
