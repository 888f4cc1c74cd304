// Link messages (struct ifinfomsg and its attributes): one network interface, as told by the kernel or as wanted.
import { err, ok, type Result } from '../base/index.js';
import {
  type Attribute,
  attributeList,
  bareText,
  type Codec,
  emitAttributes,
  type FieldTable,
  flag8,
  linkAddress,
  nestedFields,
  parseAttributes,
  readFields,
  s32,
  text,
  textAttribute,
  u8,
  u32,
  writeFields,
} from './attribute.js';
import { IFLA, IFLA_INFO, OPERATIONAL_STATES, type OperationalState } from './link-constants.js';
import { type LinkStatistics, linkStatistics } from './link-statistics.js';

const IFINFOMSG_LENGTH = 16;

/** What kind of device a link is (IFLA_LINKINFO). `data` is read further by the functions of `link-kinds.ts`. */
export interface LinkInfo {
  /** `veth`, `bridge`, `vlan`, …; absent for hardware. */
  readonly kind?: string;
  readonly data?: readonly Attribute[];
  /** Kind of the master that it is a port of. */
  readonly slaveKind?: string;
  readonly slaveData?: readonly Attribute[];
}

/** Attributes of a link; those absent were not told, or are not to be changed. */
export interface LinkAttributes {
  readonly name?: string;
  /** In a request, instead of `name`: another one by which the link is known (`ip link property`). */
  readonly alternativeName?: string;
  /** Other names by which the link is known, as the kernel lists them. */
  readonly alternativeNames?: readonly string[];
  /** Link-layer address as `aa:bb:…`. */
  readonly address?: string;
  readonly broadcast?: string;
  /** The address that the device came with; absent where the driver has none (veth). */
  readonly permanentAddress?: string;
  readonly mtu?: number;
  readonly minMtu?: number;
  readonly maxMtu?: number;
  /** Interface index of the other end (veth) or of the device below (VLAN, macvlan). */
  readonly link?: number;
  /** Namespace id of `link` when it is in another namespace. */
  readonly linkNetnsId?: number;
  /** Interface index of the bridge, bond or VRF that this is a port of; 0 to leave it. */
  readonly master?: number;
  readonly operationalState?: OperationalState;
  readonly linkMode?: number;
  /** netif_carrier_ok. */
  readonly carrier?: boolean;
  readonly carrierChanges?: number;
  readonly carrierUpCount?: number;
  readonly carrierDownCount?: number;
  readonly info?: LinkInfo;
  readonly statistics?: LinkStatistics;
  readonly alias?: string;
  /** File descriptor of the namespace to put the link into. */
  readonly netnsFd?: number;
  /** Process whose namespace to put the link into. */
  readonly netnsPid?: number;
  /** How many hold the device in promiscuous mode. */
  readonly promiscuity?: number;
  /** How many hold the device in all-multicast mode. */
  readonly allMulticastCount?: number;
  readonly txQueueLength?: number;
  readonly group?: number;
  readonly numTxQueues?: number;
  readonly numRxQueues?: number;
  readonly qdisc?: string;
  readonly protoDown?: boolean;
  readonly gsoMaxSize?: number;
  readonly gsoMaxSegments?: number;
  readonly gsoIpv4MaxSize?: number;
  readonly tsoMaxSize?: number;
  readonly tsoMaxSegments?: number;
  /** Per address family settings; see `addrGenModeOf()`. */
  readonly familySettings?: readonly Attribute[];
  /** What the dump shall hold or leave out (RTEXT_FILTER_*). */
  readonly extMask?: number;
  /** Where the link went, in the RTM_DELLINK of a move to another namespace. */
  readonly newNetnsId?: number;
  readonly newIfindex?: number;
}

/** One link. */
export interface Link extends LinkAttributes {
  /** AF_UNSPEC, or AF_BRIDGE in the bridge's own messages about its ports. */
  readonly family: number;
  /** ARPHRD_*: 1 for Ethernet, 772 for loopback. */
  readonly hardwareType: number;
  /** 0 in a request that names the link by `name`, or makes it. */
  readonly ifindex: number;
  /** IFF_*. */
  readonly flags: number;
  /** In a request: which of `flags` to change. */
  readonly changeMask: number;
  /** Attributes that have no property here. */
  readonly other: readonly Attribute[];
}

const operationalState: Codec<OperationalState> = {
  read: value => (value.length === 1 ? OPERATIONAL_STATES[value[0] ?? 0] : undefined),
  write: value => Uint8Array.of(OPERATIONAL_STATES.indexOf(value)),
};

const LINK_INFO: FieldTable<LinkInfo> = {
  kind: [IFLA_INFO.IFLA_INFO_KIND, text],
  data: [IFLA_INFO.IFLA_INFO_DATA, attributeList],
  slaveKind: [IFLA_INFO.IFLA_INFO_SLAVE_KIND, text],
  slaveData: [IFLA_INFO.IFLA_INFO_SLAVE_DATA, attributeList],
};

const alternativeNames: Codec<readonly string[]> = {
  nested: true,
  read: value =>
    attributeList
      .read(value)
      ?.flatMap(({ type, value: name }) => (type === IFLA.IFLA_ALT_IFNAME ? [text.read(name) ?? ''] : [])),
  write: names => attributeList.write(names.map(name => textAttribute(IFLA.IFLA_ALT_IFNAME, name))),
};

const LINK: FieldTable<LinkAttributes> = {
  name: [IFLA.IFLA_IFNAME, text],
  alternativeNames: [IFLA.IFLA_PROP_LIST, alternativeNames],
  alternativeName: [IFLA.IFLA_ALT_IFNAME, text],
  address: [IFLA.IFLA_ADDRESS, linkAddress],
  broadcast: [IFLA.IFLA_BROADCAST, linkAddress],
  permanentAddress: [IFLA.IFLA_PERM_ADDRESS, linkAddress],
  mtu: [IFLA.IFLA_MTU, u32],
  minMtu: [IFLA.IFLA_MIN_MTU, u32],
  maxMtu: [IFLA.IFLA_MAX_MTU, u32],
  link: [IFLA.IFLA_LINK, u32],
  linkNetnsId: [IFLA.IFLA_LINK_NETNSID, s32],
  master: [IFLA.IFLA_MASTER, u32],
  operationalState: [IFLA.IFLA_OPERSTATE, operationalState],
  linkMode: [IFLA.IFLA_LINKMODE, u8],
  carrier: [IFLA.IFLA_CARRIER, flag8],
  carrierChanges: [IFLA.IFLA_CARRIER_CHANGES, u32],
  carrierUpCount: [IFLA.IFLA_CARRIER_UP_COUNT, u32],
  carrierDownCount: [IFLA.IFLA_CARRIER_DOWN_COUNT, u32],
  info: [IFLA.IFLA_LINKINFO, nestedFields(LINK_INFO)],
  statistics: [IFLA.IFLA_STATS64, linkStatistics],
  alias: [IFLA.IFLA_IFALIAS, bareText],
  netnsFd: [IFLA.IFLA_NET_NS_FD, u32],
  netnsPid: [IFLA.IFLA_NET_NS_PID, u32],
  promiscuity: [IFLA.IFLA_PROMISCUITY, u32],
  allMulticastCount: [IFLA.IFLA_ALLMULTI, u32],
  txQueueLength: [IFLA.IFLA_TXQLEN, u32],
  group: [IFLA.IFLA_GROUP, u32],
  numTxQueues: [IFLA.IFLA_NUM_TX_QUEUES, u32],
  numRxQueues: [IFLA.IFLA_NUM_RX_QUEUES, u32],
  qdisc: [IFLA.IFLA_QDISC, text],
  protoDown: [IFLA.IFLA_PROTO_DOWN, flag8],
  gsoMaxSize: [IFLA.IFLA_GSO_MAX_SIZE, u32],
  gsoMaxSegments: [IFLA.IFLA_GSO_MAX_SEGS, u32],
  gsoIpv4MaxSize: [IFLA.IFLA_GSO_IPV4_MAX_SIZE, u32],
  tsoMaxSize: [IFLA.IFLA_TSO_MAX_SIZE, u32],
  tsoMaxSegments: [IFLA.IFLA_TSO_MAX_SEGS, u32],
  familySettings: [IFLA.IFLA_AF_SPEC, attributeList],
  extMask: [IFLA.IFLA_EXT_MASK, u32],
  newNetnsId: [IFLA.IFLA_NEW_NETNSID, s32],
  newIfindex: [IFLA.IFLA_NEW_IFINDEX, u32],
};

/** A link with the given properties and the rest empty: the start of a request. */
export function linkWith(properties: Partial<Link>): Link {
  return { family: 0, hardwareType: 0, ifindex: 0, flags: 0, changeMask: 0, other: [], ...properties };
}

/** Reads the payload of RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK or RTM_SETLINK. */
export function parseLink(payload: Uint8Array): Result<Link, string> {
  if (payload.length < IFINFOMSG_LENGTH)
    return err(`A link message of ${payload.length} bytes has no header`);
  const attributes = parseAttributes(payload, IFINFOMSG_LENGTH);
  if (!attributes.ok) return attributes;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const { fields, other } = readFields(LINK, attributes.value);
  return ok(
    Object.assign(fields, {
      family: view.getUint8(0),
      hardwareType: view.getUint16(2, true),
      ifindex: view.getInt32(4, true),
      flags: view.getUint32(8, true),
      changeMask: view.getUint32(12, true),
      other,
    }),
  );
}

/** Payload of a link message. */
export function emitLink(link: Link): Uint8Array {
  const attributes = emitAttributes([...writeFields(LINK, link), ...link.other]);
  const payload = new Uint8Array(IFINFOMSG_LENGTH + attributes.length);
  const view = new DataView(payload.buffer);
  view.setUint8(0, link.family);
  view.setUint16(2, link.hardwareType, true);
  view.setInt32(4, link.ifindex, true);
  view.setUint32(8, link.flags, true);
  view.setUint32(12, link.changeMask, true);
  payload.set(attributes, IFINFOMSG_LENGTH);
  return payload;
}
