// Whole frames with which a host tells the network where it is now: gratuitous ARP, unsolicited neighbour
// advertisements, and membership reports. Built as the kernel builds them at a failover.
import { BROADCAST_MAC, err, ok, parseIpv4, parseIpv6, parseMac, type Result } from '../base/index.js';
import { ARP_LENGTH, ARP_OPERATION, emitArp } from './arp.js';
import { emitEthernet, ETHERNET_LENGTH, ETHERTYPE } from './ethernet.js';
import { emitIgmp, type GroupRecord, type IgmpReport, igmpLength, RECORD_TYPE } from './igmp.js';
import { emitIpv4Header, IP_PROTOCOL, IPV4_ROUTER_ALERT_LENGTH } from './ipv4.js';
import { emitIpv6Header, IPV6_LENGTH, IPV6_ROUTER_ALERT_LENGTH } from './ipv6.js';
import { emitMld, type MldReport, mldLength } from './mld.js';
import { emitNdisc, NDISC_LENGTH } from './ndisc.js';

const ALL_NODES = ip6('ff02::1');
const ALL_MLD2_ROUTERS = ip6('ff02::16');
const UNSPECIFIED_V6 = new Uint8Array(16);
const ALL_SYSTEMS = Uint8Array.of(224, 0, 0, 1);
const ALL_IGMP3_ROUTERS = Uint8Array.of(224, 0, 0, 22);

function ip6(text: string): Uint8Array {
  const parsed = parseIpv6(text);
  return parsed.ok ? parsed.value : new Uint8Array(16);
}

function isReportedIpv4(group: Uint8Array): boolean {
  return (group[0] ?? 0) >>> 4 === 14 && group.some((byte, i) => byte !== ALL_SYSTEMS[i]);
}

function isReportedIpv6(group: Uint8Array): boolean {
  return group[0] === 0xff && ((group[1] ?? 0) & 15) >= 2 && group.some((byte, i) => byte !== ALL_NODES[i]);
}

/** MAC of an IPv4 group: 01:00:5e and the low 23 bits (RFC 1112 §6.4). */
export function ipv4GroupMac(group: Uint8Array): Uint8Array {
  return Uint8Array.of(1, 0, 0x5e, (group[1] ?? 0) & 0x7f, group[2] ?? 0, group[3] ?? 0);
}

/** MAC of an IPv6 group: 33:33 and the low 32 bits (RFC 2464 §7). */
export function ipv6GroupMac(group: Uint8Array): Uint8Array {
  return Uint8Array.of(0x33, 0x33, group[12] ?? 0, group[13] ?? 0, group[14] ?? 0, group[15] ?? 0);
}

/**
 * The ARP announcement of `ip` at `mac`: a broadcast *request* whose sender and target are both `ip` and whose target
 * MAC is zero, 42 bytes (arp_send of inetdev_send_gratuitous_arp; the network card pads it). Fails on bad text.
 */
export function gratuitousArp(mac: string, ip: string): Result<Uint8Array, string> {
  const source = parseMac(mac);
  if (!source.ok) return source;
  const address = parseIpv4(ip);
  if (!address.ok) return address;
  const broadcast = parseMac(BROADCAST_MAC);
  if (!broadcast.ok) return broadcast;
  const frame = new Uint8Array(ETHERNET_LENGTH + ARP_LENGTH);
  const header = {
    destination: broadcast.value,
    source: source.value,
    vlanTags: [],
    etherType: ETHERTYPE.ARP,
  };
  emitArp(
    {
      operation: ARP_OPERATION.REQUEST,
      senderMac: source.value,
      senderIp: address.value,
      targetMac: new Uint8Array(6),
      targetIp: address.value,
    },
    frame,
    emitEthernet(header, frame),
  );
  return ok(frame);
}

/**
 * The unsolicited neighbour advertisement of `ip` at `mac`: to ff02::1 (33:33:00:00:00:01), hop limit 255, Override set,
 * Solicited clear, Router as told, with the target link-layer option (ndisc_send_unsol_na). Fails on bad text.
 */
export function unsolicitedNa(mac: string, ip: string, router: boolean): Result<Uint8Array, string> {
  const link = parseMac(mac);
  if (!link.ok) return link;
  const address = parseIpv6(ip);
  if (!address.ok) return address;
  const frame = new Uint8Array(ETHERNET_LENGTH + IPV6_LENGTH + NDISC_LENGTH);
  const destination = ipv6GroupMac(ALL_NODES);
  let at = emitEthernet({ destination, source: link.value, vlanTags: [], etherType: ETHERTYPE.IPV6 }, frame);
  at = emitIpv6Header(
    {
      trafficClass: 0,
      flowLabel: 0,
      payloadLength: NDISC_LENGTH,
      nextHeader: IP_PROTOCOL.ICMPV6,
      hopLimit: 255,
      source: address.value,
      destination: ALL_NODES,
      routerAlert: false,
    },
    frame,
    at,
  );
  emitNdisc(
    address.value,
    ALL_NODES,
    {
      kind: 'advertisement',
      router,
      solicited: false,
      override: true,
      target: address.value,
      linkAddress: link.value,
    },
    frame,
    at,
  );
  return ok(frame);
}

function igmpFrame(
  mac: Uint8Array,
  source: Uint8Array,
  destination: Uint8Array,
  report: IgmpReport,
): Uint8Array {
  const length = IPV4_ROUTER_ALERT_LENGTH + igmpLength(report);
  const frame = new Uint8Array(ETHERNET_LENGTH + length);
  const at = emitEthernet(
    { destination: ipv4GroupMac(destination), source: mac, vlanTags: [], etherType: ETHERTYPE.IPV4 },
    frame,
  );
  const payload = emitIpv4Header(
    {
      tos: 0xc0,
      totalLength: length,
      identification: 0,
      dontFragment: true,
      moreFragments: false,
      fragmentOffset: 0,
      ttl: 1,
      protocol: IP_PROTOCOL.IGMP,
      source,
      destination,
      routerAlert: true,
    },
    frame,
    at,
  );
  emitIgmp(report, frame, payload);
  return frame;
}

function mldFrame(
  mac: Uint8Array,
  source: Uint8Array,
  destination: Uint8Array,
  report: MldReport,
): Uint8Array {
  const length = mldLength(report);
  const frame = new Uint8Array(ETHERNET_LENGTH + IPV6_LENGTH + IPV6_ROUTER_ALERT_LENGTH + length);
  const at = emitEthernet(
    { destination: ipv6GroupMac(destination), source: mac, vlanTags: [], etherType: ETHERTYPE.IPV6 },
    frame,
  );
  const payload = emitIpv6Header(
    {
      trafficClass: 0,
      flowLabel: 0,
      payloadLength: length,
      nextHeader: IP_PROTOCOL.ICMPV6,
      hopLimit: 1,
      source,
      destination,
      routerAlert: true,
    },
    frame,
    at,
  );
  emitMld(source, destination, report, frame, payload);
  return frame;
}

/** Records "all sources of this group", in pieces of at most `perPiece`. */
function recordPieces(groups: readonly Uint8Array[], perPiece: number): GroupRecord[][] {
  const pieces: GroupRecord[][] = [];
  for (let i = 0; i < groups.length; i += perPiece) {
    const part = groups.slice(i, i + perPiece);
    pieces.push(part.map(group => ({ type: RECORD_TYPE.IS_EXCLUDE, group, sources: [] })));
  }
  return pieces;
}

/** What a membership report needs to know of the interface that it is sent on. */
export interface ReportingInterface {
  readonly mac: string;
  /** Source address; null for an interface without one (0.0.0.0 or :: is used). IPv6: a link-local address. */
  readonly ip: string | null;
  /** Bytes. Long version 3 (IGMP) or 2 (MLD) reports are split to fit. */
  readonly mtu: number;
}

/** Source address and usable groups as bytes; a bad group is left out. */
function prepare(
  from: ReportingInterface,
  groups: readonly string[],
  parse: (text: string) => Result<Uint8Array, string>,
  unspecified: Uint8Array,
  isReported: (group: Uint8Array) => boolean,
): Result<{ mac: Uint8Array; source: Uint8Array; groups: Uint8Array[] }, string> {
  const mac = parseMac(from.mac);
  if (!mac.ok) return mac;
  const source = from.ip === null ? ok(unspecified) : parse(from.ip);
  if (!source.ok) return source;
  const usable: Uint8Array[] = [];
  for (const text of groups) {
    const group = parse(text);
    if (!group.ok) return err(group.error);
    if (isReported(group.value)) usable.push(group.value);
  }
  return ok({ mac: mac.value, source: source.value, groups: usable });
}

/**
 * IGMP reports for `groups`: version 3 to 224.0.0.22 with one IS_EXCLUDE {} record a group, versions 1 and 2 one frame a
 * group, to the group. TTL 1, TOS 0xc0, Router Alert. Never for 224.0.0.1 (ip_mc_rejoin_groups). Fails on bad text.
 */
export function igmpReports(
  from: ReportingInterface,
  groups: readonly string[],
  version: 1 | 2 | 3,
): Result<Uint8Array[], string> {
  const ready = prepare(from, groups, parseIpv4, new Uint8Array(4), isReportedIpv4);
  if (!ready.ok) return ready;
  const { mac, source } = ready.value;
  if (version !== 3) {
    return ok(ready.value.groups.map(group => igmpFrame(mac, source, group, { version, group })));
  }
  const perFrame = Math.max(1, Math.floor((from.mtu - IPV4_ROUTER_ALERT_LENGTH - 8) / 8));
  const pieces = recordPieces(ready.value.groups, perFrame);
  return ok(pieces.map(records => igmpFrame(mac, source, ALL_IGMP3_ROUTERS, { version, records })));
}

/**
 * MLD reports for `groups`: version 2 to ff02::16 with one IS_EXCLUDE {} record a group, version 1 one frame a group, to
 * the group. Hop limit 1, Router Alert. Never for ff02::1 nor for groups below link scope. Fails on bad text.
 */
export function mldReports(
  from: ReportingInterface,
  groups: readonly string[],
  version: 1 | 2,
): Result<Uint8Array[], string> {
  const ready = prepare(from, groups, parseIpv6, UNSPECIFIED_V6, isReportedIpv6);
  if (!ready.ok) return ready;
  const { mac, source } = ready.value;
  if (version === 1) {
    return ok(ready.value.groups.map(group => mldFrame(mac, source, group, { version, group })));
  }
  const room = from.mtu - IPV6_LENGTH - IPV6_ROUTER_ALERT_LENGTH - 8;
  const pieces = recordPieces(ready.value.groups, Math.max(1, Math.floor(room / 20)));
  return ok(pieces.map(records => mldFrame(mac, source, ALL_MLD2_ROUTERS, { version, records })));
}
