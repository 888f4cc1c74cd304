// What other rooms may use of `dataplane`.
export type {
  BondDataPlane,
  BondPlaces,
  DataPlaneKind,
  Diversion,
  KnownBond,
  Loss,
  NewBond,
} from './contract.js';
export { EbpfBond } from './ebpf/ebpf-bond.js';
export { wishesOf } from './ebpf/environment.js';
export { hasProgram, hookedAtPair, isTransmitted } from './ebpf/hooks.js';
export type { PinStore } from './ebpf/pins.js';
export { notedMembers } from './noted-members.js';
export { doAll } from './quietly.js';
export { isLowerEnd, markedRunDir, pairAt } from './pair.js';
export { RECEIVE_PROGRAM, TRANSMIT_PROGRAM } from './ebpf/programs.js';
export { DATA_PLANE_NAMES } from './kinds.js';
export { MAX_MEMBERS } from './limits.js';
export { Toolbox, type ToolboxWishes } from './ebpf/toolbox.js';
export { forwarder } from './userspace/forwarder.js';
export {
  type KeptSocket,
  NO_KEEPER,
  type SocketKeeper,
  type TakenSocket,
} from './userspace/socket-keeper.js';
export { isSilenced } from './userspace/rebuild.js';
export { UserspaceBond } from './userspace/userspace-bond.js';
