// What other rooms may use of `frames`: one file a protocol, and the announcements built from them.
export {
  gratuitousArp,
  igmpReports,
  ipv4GroupMac,
  ipv6GroupMac,
  mldReports,
  type ReportingInterface,
  unsolicitedNa,
} from './announcements.js';
export { ARP_LENGTH, ARP_OPERATION, type ArpPacket, emitArp, parseArp } from './arp.js';
export { internetChecksum, ipv6Checksum } from './checksum.js';
export {
  emitEthernet,
  ETHERNET_LENGTH,
  ETHERTYPE,
  type EthernetHeader,
  type ParsedEthernet,
  parseEthernet,
  VLAN_TAG_LENGTH,
  type VlanTag,
  tagFrame,
} from './ethernet.js';
export { emitIcmpEcho, type IcmpEcho, parseIcmpEcho } from './icmp-echo.js';
export {
  emitIgmp,
  type GroupRecord,
  IGMP_LENGTH,
  IGMP_RECORD_LENGTH,
  type IgmpReport,
  igmpLength,
  parseIgmp,
  RECORD_TYPE,
} from './igmp.js';
export {
  emitIpv4Header,
  IP_PROTOCOL,
  IPV4_LENGTH,
  IPV4_ROUTER_ALERT_LENGTH,
  type Ipv4Header,
  type ParsedIpv4,
  parseIpv4Header,
} from './ipv4.js';
export {
  emitIpv6Header,
  IPV6_LENGTH,
  IPV6_ROUTER_ALERT_LENGTH,
  type Ipv6Header,
  type ParsedIpv6,
  parseIpv6Header,
} from './ipv6.js';
export {
  emitMld,
  MLD2_LENGTH,
  MLD2_RECORD_LENGTH,
  MLD_LENGTH,
  type MldReport,
  mldLength,
  parseMld,
} from './mld.js';
export { HELLO, type Hello, helloFrame, OSSP_SUBTYPE, parseHello } from './hello.js';
export {
  type LacpEnd,
  type Lacpdu,
  lacpduFrame,
  type Marker,
  MARKER_TLV,
  markerFrame,
  markerResponse,
  parseSlowFrame,
  PORT_STATE,
  readMarker,
  SLOW_PDU_LENGTH,
  SLOW_PROTOCOLS_MAC,
  type SlowFrame,
} from './lacpdu.js';
export { learningPacket } from './learning.js';
export { emitNdisc, NDISC_LENGTH, type NdiscMessage, parseNdisc } from './ndisc.js';
export { parseProbeAnswer, type Probe, type ProbeAnswer, probeFrame, solicitedNode } from './probes.js';
