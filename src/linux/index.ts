// The only room that makes system calls. Calls are synchronous; the C library is loaded at the first of them.
export {
  addAddress,
  addAddresses,
  addressFromText,
  deleteAddress,
  deleteAddresses,
  listAddresses,
  listIpv6Groups,
} from './addresses.js';
export {
  BPF_NETKIT_PRIMARY,
  BPF_TCX_EGRESS,
  BPF_TCX_INGRESS,
  createNetkitLink,
  createTcxLink,
  detachLink,
  updateLink,
} from './bpf-link.js';
export {
  BPF_F_MMAPABLE,
  BPF_F_NO_PREALLOC,
  BPF_MAP_TYPES,
  createMap,
  deleteMapKey,
  listMapKeys,
  lookupMap,
  type MapParameters,
  mmapArray,
  nextMapKey,
  raiseMemlockLimit,
  type UpdateMode,
  updateMap,
} from './bpf-map.js';
export {
  getPinned,
  type LinkObjectInfo,
  linkFdById,
  linkInfo,
  listLinkIds,
  listMapIds,
  listProgramIds,
  type MapInfo,
  mapFdById,
  mapInfo,
  mayFindObjects,
  type ProgramInfo,
  pinObject,
  programFdById,
  programInfo,
} from './bpf-object.js';
export {
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_PROG_TYPE_XDP,
  loadProgram,
  loadProgramWithLog,
  type ProgramParameters,
  ProgramRefused,
  progTestRun,
  type TestRunInput,
  type TestRunResult,
} from './bpf-program.js';
export { type HookEntry, hookEntries, netkitAvailable, tcxAvailable, tcxProgramIds } from './bpf-query.js';
export { CAPABILITIES, type Capability, effectiveCapabilities, parseCapabilities } from './capabilities.js';
export { lockFile } from './file-lock.js';
export {
  appendOwnFile,
  copyOf,
  keepTwice,
  keepTwiceIfOther,
  type Kept,
  readOwnFile,
  readTwice,
  removeTwice,
  replaceOwnFile,
  UnreadableFile,
} from './own-file.js';
export { monotonicMs, monotonicNs, threadCpuMs } from './clock.js';
export { conntrackSize, flushFlows, type FlowTransport, type KeptFlows, listFlows } from './conntrack.js';
export { isErrno, SystemError } from './errors.js';
export { connectTcpBy, connectUdpBy, receiveDatagram, sendDatagram } from './device-socket.js';
export { type DriverInfo, Ethtool, type Feature, FEATURE_GROUPS, type LinkSettings } from './ethtool.js';
export { channelPair, keepFromChildren, type Passed, receivePassed, sendPassed } from './fd-channel.js';
export { type FdWatch, onceWritable, watchReadable } from './fd-watch.js';
export { addressOf, closeFd, openFd } from './ffi.js';
export {
  createBridge,
  createDummy,
  createMacvlan,
  createNetkit,
  createVeth,
  createVlan,
  createVlanFilter,
  deleteLink,
  getLink,
  type LinkChanges,
  listLinks,
  type NewLink,
  requireLink,
  setLink,
  type PairOptions,
  type VethOptions,
} from './links.js';
export { followLinks, knownLinks, knownLinksOfKinds, LinkTable } from './link-table.js';
export { type MappedMemory, mapShared, viewMemory } from './memory.js';
export {
  BPFFS_SOURCE,
  type HeldDirectory,
  holdDirectory,
  isBpffs,
  type Mount,
  mountBpffs,
  mountFileSystem,
  parseMounts,
  unmountFileSystem,
  withHostMounts,
} from './mounts.js';
export {
  addDeviceAddress,
  addNeighbour,
  deleteDeviceAddress,
  deleteNeighbour,
  deviceAddressLists,
  listDeviceAddresses,
  listNeighbours,
} from './neighbours.js';
export {
  createNamedNetns,
  currentNetnsCookie,
  currentNetnsId,
  deleteNamedNetns,
  findNetns,
  listNamedNetns,
  netnsIdOf,
  netnsPath,
  openNetns,
  openOwnNetns,
  spawnInNetns,
  visitNetns,
  withNetns,
} from './netns.js';
export {
  NFNLGRP_NFTABLES,
  nftBatch,
  openNetfilter,
  readTable,
  type TableLook,
} from './netfilter.js';
export { deviceChains, watchChains } from './nftables.js';
export {
  inOtherNamespaces,
  type LinksElsewhere,
  linksElsewhere,
  type OtherNamespace,
} from './other-namespaces.js';
export { ETH_P_ALL, PacketSocket, type PacketSocketOptions, type ReceivedFrame } from './packet-socket.js';
export { ProcText } from './proc-text.js';
export { RingBuffer } from './ring-buffer.js';
export { leaveTagged, ARP_FRAMES, PROBE_ANSWERS, SLOW_FRAMES } from './socket-filter.js';
export {
  addRoute,
  addRoutes,
  deleteRoute,
  deleteRoutes,
  listRoutes,
  type RouteFilter,
  routeTo,
} from './routes.js';
export { Rtnetlink, type RtnetlinkOptions } from './rtnetlink.js';
export { addRules, deleteRules, knowsDscpRules, listRules } from './rules.js';
export { readSysctl, type SysctlFamily, writeSysctl } from './sysctl.js';
export { allProcessors, steerTransmit } from './transmit-queues.js';
export {
  addBpfFilter,
  addClassicFilter,
  addClsact,
  addDropFilter,
  type BpfFilter,
  deleteBpfFilter,
  deleteClsact,
  hasFilters,
  hasIngressQdisc,
  listBpfFilters,
  listQdiscs,
} from './traffic-control.js';
export { IcmpSocket, type ReceivedIcmp } from './icmp-socket.js';
export type { InetEndpoint } from './inet-endpoint.js';
export { InetSocket } from './inet-socket.js';
export { UdpBatch, type UdpBatchOptions } from './udp-batch.js';
export {
  isBoundTo,
  LinkProbe,
  mapPacketRing,
  openDirectSender,
  openPacketRing,
  type PacketRing,
  RING_BLOCK_BYTES,
  RING_FRAME_BYTES,
  RING_FRAMES_PER_BLOCK,
  takeRingDrops,
  takeSocketError,
} from './packet-ring.js';
export { type FixedMemory, SendVector } from './send-vector.js';
export { setProcessNice, setThreadNice, setThreadRealTime, threadNice } from './thread-priority.js';
export { clearWakeUp, PollSet, setWakeUp, WakeUp } from './wake-up.js';
export {
  becomeProgram,
  exitStatusOf,
  keepMountsPrivate,
  type Program,
  startInUserNamespace,
} from './user-namespace.js';
export { receiveUnixDatagrams, sendUnixDatagram } from './unix-datagram.js';
