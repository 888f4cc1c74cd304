// What other rooms may use of `policy`.
export type * from './contract.js';
export { MODE_NAMES, type ModeName, type OptionValues } from './options.js';
