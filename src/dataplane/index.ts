// What other rooms may use of `dataplane`.
export type { BondDataPlane, BondPlaces, DataPlaneKind, Diversion, Loss, NewBond } from './contract.js';
export { EbpfBond } from './ebpf/ebpf-bond.js';
export { hasProgram } from './ebpf/attachment.js';
export { notedMembers } from './noted-members.js';
export { isLowerEnd } from './pair.js';
export { RECEIVE_PROGRAM, TRANSMIT_PROGRAM } from './ebpf/programs.js';
export { MAX_MEMBERS } from './ebpf/shared-state.js';
export { Toolbox, type ToolboxWishes } from './ebpf/toolbox.js';
export { forwarder } from './userspace/forwarder.js';
export {
  type KeptSocket,
  NO_KEEPER,
  type SocketKeeper,
  type TakenSocket,
} from './userspace/socket-keeper.js';
export { notedUserspaceVersion } from './userspace/parts-file.js';
export { UserspaceBond } from './userspace/userspace-bond.js';
