// What other rooms may use of `dataplane`.
export type { BondDataPlane, Diversion, Loss } from './contract.js';
export { type BondPlaces, EbpfBond, type NewBond } from './ebpf/ebpf-bond.js';
export { hasReceiveProgram } from './ebpf/attachment.js';
export { type DeviceReader, RECEIVE_PROGRAM } from './ebpf/programs.js';
export { Toolbox } from './ebpf/toolbox.js';
