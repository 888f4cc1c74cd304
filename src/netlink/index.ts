// rtnetlink messages as values: parse and emit, no sockets. `src/linux` carries them.
export * from './address.js';
export * from './attribute.js';
export * from './classic-bpf.js';
export * from './conntrack.js';
export * from './link.js';
export * from './link-constants.js';
export * from './link-kinds.js';
export * from './link-statistics.js';
export * from './message.js';
export * from './neighbour.js';
export * from './netns-id.js';
export * from './nft-expression.js';
export * from './nft-table.js';
export * from './route.js';
export * from './rtnetlink.js';
export * from './rule.js';
export * from './traffic-control.js';
export * from './vlan-tags.js';
export {
  DEL_CHAIN,
  type DeviceChain,
  emitChainsQuestion,
  GET_CHAIN,
  NEW_CHAIN,
  parseDeviceChain,
} from './nftables.js';
