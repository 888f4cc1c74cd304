// The only room that makes system calls. Calls are synchronous; the C library is loaded at the first of them.
export { addAddress, addressFromText, deleteAddress, listAddresses } from './addresses.js';
export { BPF_TCX_INGRESS, createTcxLink, detachLink } from './bpf-link.js';
export {
  createMap,
  mmapArray,
} from './bpf-map.js';
export {
  getPinned,
  linkInfo,
  pinObject,
  programFdById,
  programInfo,
} from './bpf-object.js';
export {
  loadProgram,
  progTestRun,
} from './bpf-program.js';
export { tcxAvailable, tcxProgramIds } from './bpf-query.js';
export { effectiveCapabilities } from './capabilities.js';
export { monotonicMs, monotonicNs } from './clock.js';
export { isErrno, SystemError } from './errors.js';
export { Ethtool } from './ethtool.js';
export { closeFd } from './ffi.js';
export {
  createBridge,
  createVeth,
  deleteLink,
  getLink,
  listLinks,
  requireLink,
  setLink,
} from './links.js';
export type { MappedMemory } from './memory.js';
export { isBpffs, mountBpffs, unmountFileSystem, withHostMounts } from './mounts.js';
export {
  addDeviceAddress,
  deleteDeviceAddress,
  listDeviceAddresses,
} from './neighbours.js';
export {
  createNamedNetns,
  currentNetnsId,
  deleteNamedNetns,
  listNamedNetns,
  netnsPath,
  openNetns,
  withNetns,
} from './netns.js';
export { PacketSocket } from './packet-socket.js';
export { RingBuffer } from './ring-buffer.js';
export { addRoute, listRoutes } from './routes.js';
export { Rtnetlink } from './rtnetlink.js';
export { readSysctl, writeSysctl } from './sysctl.js';
export {
  addBpfFilter,
  addClsact,
  deleteBpfFilter,
  deleteClsact,
  listBpfFilters,
  listQdiscs,
} from './traffic-control.js';
export { UdpBatch } from './udp-batch.js';
