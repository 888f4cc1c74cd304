// Constants of link messages, spelled as in linux/rtnetlink.h, linux/if_link.h and linux/if.h.

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_SETLINK = 19;

/** Flags of an interface (`ifi_flags`). */
export const IFF = {
  IFF_UP: 0x1,
  IFF_BROADCAST: 0x2,
  IFF_LOOPBACK: 0x8,
  IFF_POINTOPOINT: 0x10,
  IFF_RUNNING: 0x40,
  IFF_NOARP: 0x80,
  IFF_PROMISC: 0x100,
  IFF_ALLMULTI: 0x200,
  IFF_MASTER: 0x400,
  IFF_SLAVE: 0x800,
  IFF_MULTICAST: 0x1000,
  IFF_LOWER_UP: 0x10000,
  IFF_DORMANT: 0x20000,
} as const;

/** Attribute types of a link message. */
export const IFLA = {
  IFLA_ADDRESS: 1,
  IFLA_BROADCAST: 2,
  IFLA_IFNAME: 3,
  IFLA_MTU: 4,
  IFLA_LINK: 5,
  IFLA_QDISC: 6,
  IFLA_MASTER: 10,
  IFLA_TXQLEN: 13,
  IFLA_OPERSTATE: 16,
  IFLA_LINKMODE: 17,
  IFLA_LINKINFO: 18,
  IFLA_NET_NS_PID: 19,
  IFLA_IFALIAS: 20,
  IFLA_STATS64: 23,
  IFLA_AF_SPEC: 26,
  IFLA_GROUP: 27,
  IFLA_NET_NS_FD: 28,
  IFLA_EXT_MASK: 29,
  IFLA_PROMISCUITY: 30,
  IFLA_NUM_TX_QUEUES: 31,
  IFLA_NUM_RX_QUEUES: 32,
  IFLA_CARRIER: 33,
  IFLA_CARRIER_CHANGES: 35,
  IFLA_LINK_NETNSID: 37,
  IFLA_PROTO_DOWN: 39,
  IFLA_GSO_MAX_SEGS: 40,
  IFLA_GSO_MAX_SIZE: 41,
  IFLA_XDP: 43,
  IFLA_EVENT: 44,
  IFLA_NEW_NETNSID: 45,
  IFLA_CARRIER_UP_COUNT: 47,
  IFLA_CARRIER_DOWN_COUNT: 48,
  IFLA_NEW_IFINDEX: 49,
  IFLA_MIN_MTU: 50,
  IFLA_MAX_MTU: 51,
  IFLA_PROP_LIST: 52,
  IFLA_ALT_IFNAME: 53,
  IFLA_PERM_ADDRESS: 54,
  IFLA_TSO_MAX_SIZE: 59,
  IFLA_TSO_MAX_SEGS: 60,
  IFLA_ALLMULTI: 61,
  IFLA_GSO_IPV4_MAX_SIZE: 63,
} as const;

/** Attribute types inside IFLA_LINKINFO. */
export const IFLA_INFO = {
  IFLA_INFO_KIND: 1,
  IFLA_INFO_DATA: 2,
  IFLA_INFO_XSTATS: 3,
  IFLA_INFO_SLAVE_KIND: 4,
  IFLA_INFO_SLAVE_DATA: 5,
} as const;

/** What each IF_OPER_* number of IFLA_OPERSTATE is called in RFC 2863 (linux/if.h). */
export const OPERATIONAL_STATES = [
  'unknown',
  'not-present',
  'down',
  'lower-layer-down',
  'testing',
  'dormant',
  'up',
] as const;

/** Operational state of a link (RFC 2863). */
export type OperationalState = (typeof OPERATIONAL_STATES)[number];

/** IN6_ADDR_GEN_MODE_*: how an interface makes its link-local IPv6 address; `none` makes none. */
export const ADDR_GEN_MODES = ['eui64', 'none', 'stable-privacy', 'random'] as const;

/** See ADDR_GEN_MODES. */
export type AddrGenMode = (typeof ADDR_GEN_MODES)[number];

/** AF_UNSPEC, AF_INET, AF_BRIDGE, AF_INET6: address families in rtnetlink headers. */
export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_BRIDGE = 7;
export const AF_INET6 = 10;
