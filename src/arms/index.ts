// What other rooms may use of `arms`.
export { type RealArm, runReal } from './run-real.js';
export { Arm, ARM_NAMES, type ArmName, HOST } from './card-arm.js';
export { Peer } from './card-peer.js';
