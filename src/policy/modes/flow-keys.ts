// What a frame says of its flow: addresses, ports, ICMP identifier. Two ways to look, as in the driver: its own plain one
// (bond_flow_ip) and the kernel's flow dissector, which looks into tunnels (__skb_flow_dissect with the bond's keys).
const ETH_HEADER = 14;
const ETH_P_IP = 0x0800;
const ETH_P_ARP = 0x0806;
const ETH_P_TEB = 0x6558;
const ETH_P_RARP = 0x8035;
const ETH_P_8021Q = 0x8100;
const ETH_P_IPV6 = 0x86dd;
const ETH_P_8021AD = 0x88a8;
const ETH_P_PPP_SES = 0x8864;
const ETH_P_MPLS_UC = 0x8847;
const ETH_P_MPLS_MC = 0x8848;
const ETH_P_1588 = 0x88f7;
const ETH_P_PRP = 0x88fb;
const ETH_P_FCOE = 0x8906;
const ETH_P_HSR = 0x892f;
const GRE_PROTO_PPP = 0x880b;

const HOP_BY_HOP = 0;
const ICMP = 1;
const IPIP = 4;
const TCP = 6;
const UDP = 17;
const DCCP = 33;
const IPV6 = 41;
const ROUTING = 43;
const FRAGMENT = 44;
const GRE = 47;
const ESP = 50;
const AH = 51;
const ICMPV6 = 58;
const DESTINATION = 60;
const SCTP = 132;
const UDPLITE = 136;
const MPLS = 137;

/** Where ports (or an SPI) stand in the transport header; protocols that are not here have none (proto_ports_offset). */
const PORTS_AT: Readonly<Partial<Record<number, number>>> = {
  [TCP]: 0,
  [UDP]: 0,
  [DCCP]: 0,
  [ESP]: 0,
  [SCTP]: 0,
  [UDPLITE]: 0,
  [AH]: 4,
};

/** ICMP and ICMPv6 types with an identifier: one list for both (icmp_has_id). */
const WITH_IDENTIFIER: ReadonlySet<number> = new Set([0, 8, 13, 14, 128, 129]);
/** icmp_is_err and icmpv6_is_err. */
const ICMP_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);
const ICMPV6_ERRORS: ReadonlySet<number> = new Set([1, 2, 3, 4]);
const ICMP_HEADER = 8;

/** Headers that the dissector goes through at most (MAX_FLOW_DISSECT_HDRS). */
export const MOST_HEADERS = 15;

/** Words as the driver's hash takes them, little-endian; 0 where there is nothing. */
export interface Flow {
  /** Source xor destination; of IPv6 the exclusive or of all words. */
  readonly addresses: number;
  readonly ports: number;
  /** type + 256 * code + 65536 * identifier; 0 when the packet has no identifier. */
  readonly identifier: number;
}

/** Two bytes as they go over the wire. */
export function at16(frame: Uint8Array, offset: number): number {
  return ((frame[offset] ?? 0) << 8) | (frame[offset + 1] ?? 0);
}

/** Four bytes as a little-endian machine reads them. */
function at32(frame: Uint8Array, offset: number): number {
  const byte = (i: number): number => frame[offset + i] ?? 0;
  return (byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)) >>> 0;
}

function xorWords(frame: Uint8Array, offset: number, words: number): number {
  let result = 0;
  for (let i = 0; i < words; i++) result ^= at32(frame, offset + 4 * i);
  return result >>> 0;
}

/** __skb_flow_get_ports. */
function portsAt(frame: Uint8Array, offset: number, protocol: number): number {
  const at = PORTS_AT[protocol];
  return at === undefined || offset + at + 4 > frame.length ? 0 : at32(frame, offset + at);
}

/** skb_flow_get_icmp_tci. An identifier of 0 counts as 1, so that it can be told from none. */
function identifierAt(frame: Uint8Array, offset: number): number {
  if (offset + ICMP_HEADER > frame.length) return 0;
  const [type = 0, code = 0] = frame.subarray(offset, offset + 2);
  if (!WITH_IDENTIFIER.has(type)) return 0;
  return (type | (code << 8) | ((at16(frame, offset + 4) || 1) << 16)) >>> 0;
}

interface IpHeader {
  readonly addresses: number;
  /** -1 when it is not known what follows (a fragment). */
  readonly protocol: number;
  readonly end: number;
}

/** bond_flow_ip: no extension headers are walked. Null when the header is not there. */
function ipHeader(frame: Uint8Array, offset: number, etherType: number): IpHeader | null {
  if (etherType === ETH_P_IP) {
    if (offset + 20 > frame.length) return null;
    const isFragment = (at16(frame, offset + 6) & 0x3fff) !== 0;
    return {
      addresses: xorWords(frame, offset + 12, 2),
      protocol: isFragment ? -1 : (frame[offset + 9] ?? 0),
      end: offset + ((frame[offset] ?? 0) & 0xf) * 4,
    };
  }
  if (etherType !== ETH_P_IPV6 || offset + 40 > frame.length) return null;
  return { addresses: xorWords(frame, offset + 8, 8), protocol: frame[offset + 6] ?? 0, end: offset + 40 };
}

/**
 * The driver's own way, for layer2+3 and layer3+4. An ICMP error counts as the packet that it complains about. Null when
 * this is no IP, or cut off.
 */
export function bondFlow(frame: Uint8Array, withPorts: boolean): Flow | null {
  const etherType = at16(frame, 12);
  const outer = ipHeader(frame, ETH_HEADER, etherType);
  if (outer === null) return null;
  const isIcmp = outer.protocol === ICMP || outer.protocol === ICMPV6;
  if (!isIcmp) {
    const ports = withPorts ? portsAt(frame, outer.end, outer.protocol) : 0;
    return { addresses: outer.addresses, ports, identifier: 0 };
  }
  const identifier = identifierAt(frame, outer.end);
  const isThere = outer.end + ICMP_HEADER <= frame.length;
  const errors = outer.protocol === ICMP ? ICMP_ERRORS : ICMPV6_ERRORS;
  if (!isThere || !errors.has(frame[outer.end] ?? 0)) {
    return { addresses: outer.addresses, ports: 0, identifier };
  }
  const inner = ipHeader(frame, outer.end + ICMP_HEADER, etherType);
  if (inner === null) return null;
  const ports = withPorts ? portsAt(frame, inner.end, inner.protocol) : 0;
  return { addresses: inner.addresses, ports, identifier: 0 };
}

/** Where the dissector is: what comes next, by ethertype or (after an IP header) by protocol. */
interface Walk {
  etherType: number;
  protocol: number;
  offset: number;
  addresses: number;
  ports: number;
  identifier: number;
}

/** What a header says of going on: an ethertype next, a protocol next, done, or not understood. */
type Step = 'ethertype' | 'protocol' | 'done' | 'bad';

function room(frame: Uint8Array, walk: Walk, bytes: number): boolean {
  return walk.offset + bytes <= frame.length;
}

function stepIpv4(frame: Uint8Array, walk: Walk): Step {
  const { offset } = walk;
  const words = (frame[offset] ?? 0) & 0xf;
  if (!room(frame, walk, 20) || words < 5) return 'bad';
  walk.protocol = frame[offset + 9] ?? 0;
  walk.addresses = xorWords(frame, offset + 12, 2);
  walk.offset += words * 4;
  return (at16(frame, offset + 6) & 0x3fff) === 0 ? 'protocol' : 'done';
}

function stepIpv6(frame: Uint8Array, walk: Walk): Step {
  if (!room(frame, walk, 40)) return 'bad';
  walk.protocol = frame[walk.offset + 6] ?? 0;
  walk.addresses = xorWords(frame, walk.offset + 8, 8);
  walk.offset += 40;
  return 'protocol';
}

/** PPPoE session; the protocol may be pressed into one byte. */
function stepPppoe(frame: Uint8Array, walk: Walk): Step {
  const { offset } = walk;
  if (!room(frame, walk, 8) || at16(frame, offset) !== 0x1100) return 'bad';
  let protocol = at16(frame, offset + 6);
  const isShort = (protocol & 0x0100) !== 0;
  if (isShort) protocol >>= 8;
  walk.offset += isShort ? 7 : 8;
  const next = PPP_TYPES[protocol];
  if (next !== undefined) {
    walk.etherType = next;
    return 'ethertype';
  }
  return (protocol & 0x0101) === 1 ? 'done' : 'bad';
}

const PPP_TYPES: Readonly<Partial<Record<number, number>>> = {
  0x21: ETH_P_IP,
  0x57: ETH_P_IPV6,
  0x281: ETH_P_MPLS_UC,
  0x283: ETH_P_MPLS_MC,
};

function stepEtherType(frame: Uint8Array, walk: Walk): Step {
  switch (walk.etherType) {
    case ETH_P_IP:
      return stepIpv4(frame, walk);
    case ETH_P_IPV6:
      return stepIpv6(frame, walk);
    case ETH_P_8021Q:
    case ETH_P_8021AD:
      if (!room(frame, walk, 4)) return 'bad';
      walk.etherType = at16(frame, walk.offset + 2);
      walk.offset += 4;
      return 'ethertype';
    case ETH_P_PPP_SES:
      return stepPppoe(frame, walk);
    case ETH_P_PRP:
    case ETH_P_HSR:
      if (!room(frame, walk, 6)) return 'bad';
      walk.etherType = at16(frame, walk.offset + 4);
      walk.offset += 6;
      return 'ethertype';
    case ETH_P_FCOE:
      return room(frame, walk, 38) ? 'done' : 'bad';
    case ETH_P_1588:
      return room(frame, walk, 34) ? 'done' : 'bad';
    // Nothing in them is a key of the bond's dissector.
    case ETH_P_ARP:
    case ETH_P_RARP:
    case ETH_P_MPLS_UC:
    case ETH_P_MPLS_MC:
      return 'done';
    default:
      return 'bad';
  }
}

/** __skb_flow_dissect_gre: versions 0 and 1 (PPTP), without routing. */
function stepGre(frame: Uint8Array, walk: Walk): Step {
  if (!room(frame, walk, 4)) return 'bad';
  const flags = at16(frame, walk.offset);
  const version = flags & 7;
  if ((flags & 0x4000) !== 0 || version > 1) return 'done';
  let etherType = at16(frame, walk.offset + 2);
  if (version === 1 && (etherType !== GRE_PROTO_PPP || (flags & 0x2000) === 0)) return 'done';
  let size = 4;
  if ((flags & 0x8000) !== 0) size += 4;
  if ((flags & 0x2000) !== 0) {
    if (!room(frame, walk, size + 4)) return 'bad';
    size += 4;
  }
  if ((flags & 0x1000) !== 0) size += 4;
  if (version === 0 && etherType === ETH_P_TEB) {
    if (!room(frame, walk, size + ETH_HEADER)) return 'bad';
    etherType = at16(frame, walk.offset + size + 12);
    size += ETH_HEADER;
  } else if (version === 1) {
    if ((flags & 0x0080) !== 0) size += 4;
    if (!room(frame, walk, size + 4)) return 'bad';
    const protocol = at16(frame, walk.offset + size + 2);
    if (protocol === 0x21) etherType = ETH_P_IP;
    else if (protocol === 0x57) etherType = ETH_P_IPV6;
    size += 4;
  }
  walk.etherType = etherType;
  walk.offset += size;
  return 'ethertype';
}

function stepProtocol(frame: Uint8Array, walk: Walk): Step {
  const { offset } = walk;
  const isIpv6 = walk.etherType === ETH_P_IPV6;
  switch (walk.protocol) {
    case GRE:
      return stepGre(frame, walk);
    case HOP_BY_HOP:
    case ROUTING:
    case DESTINATION:
      if (!isIpv6) return 'done';
      if (!room(frame, walk, 2)) return 'bad';
      walk.protocol = frame[offset] ?? 0;
      walk.offset += ((frame[offset + 1] ?? 0) + 1) * 8;
      return 'protocol';
    case FRAGMENT:
      if (!isIpv6) return 'done';
      if (!room(frame, walk, 8)) return 'bad';
      return 'done';
    case IPIP:
      walk.etherType = ETH_P_IP;
      return 'ethertype';
    case IPV6:
      walk.etherType = ETH_P_IPV6;
      return 'ethertype';
    case MPLS:
      walk.etherType = ETH_P_MPLS_UC;
      return 'ethertype';
    case ICMP:
    case ICMPV6:
      walk.identifier = identifierAt(frame, offset);
      return 'done';
    default:
      walk.ports = portsAt(frame, offset, walk.protocol);
      return 'done';
  }
}

/**
 * The flow dissector's way, for encap2+3 and encap3+4: the innermost addresses and ports through IPIP, 6in4, GRE, VLAN tags,
 * PPPoE, HSR and PRP, with IPv6 extension headers walked. Null when it does not understand the frame. Not modelled: TIPC
 * and batman-adv, which count as not understood.
 */
export function dissectFlow(frame: Uint8Array): Flow | null {
  const walk: Walk = {
    etherType: at16(frame, 12),
    protocol: 0,
    offset: ETH_HEADER,
    addresses: 0,
    ports: 0,
    identifier: 0,
  };
  let step: Step = 'ethertype';
  for (let headers = 0; ; ) {
    const next: Step = step === 'ethertype' ? stepEtherType(frame, walk) : stepProtocol(frame, walk);
    if (next === 'bad') return null;
    if (next === 'done') return walk;
    // The step from an IP header to what it carries is not counted.
    const isCounted = step === 'protocol' || next === 'ethertype';
    if (isCounted && ++headers > MOST_HEADERS) {
      if (next === 'protocol') walk.ports = portsAt(frame, walk.offset, walk.protocol);
      return walk;
    }
    step = next;
  }
}
