// What other rooms may use of `arms`.
export { type RealArm, runReal } from './run-real.js';
