// The questions of an ARP monitor and what may answer them: ARP requests and neighbour solicitations as the driver builds
// them (bond_arp_send, bond_ns_send), and the addresses in ARP packets and neighbour messages (bond_arp_rcv, bond_na_rcv).
import {
  BROADCAST_MAC,
  err,
  formatIpv4,
  formatIpv6,
  formatMac,
  ok,
  parseIpv4,
  parseIpv6,
  parseMac,
  type Result,
} from '../base/index.js';
import { ipv6GroupMac } from './announcements.js';
import { ARP_LENGTH, ARP_OPERATION, emitArp, parseArp } from './arp.js';
import {
  emitEthernet,
  ETHERNET_LENGTH,
  ETHERTYPE,
  parseEthernet,
  VLAN_TAG_LENGTH,
  type VlanTag,
} from './ethernet.js';
import { IP_PROTOCOL } from './ipv4.js';
import { emitIpv6Header, IPV6_LENGTH, parseIpv6Header } from './ipv6.js';
import { emitNdisc, NDISC_LENGTH, parseNdisc } from './ndisc.js';

/** Who asks whom; `sender` null for the unspecified address. Tags from the outermost inwards. */
export interface Probe {
  readonly mac: string;
  readonly sender: string | null;
  readonly target: string;
  readonly vlans: readonly VlanTag[];
}

/** The addresses that count in a validated frame: of ARP the packet's, of IPv6 the header's. */
export interface ProbeAnswer {
  readonly protocol: 'arp' | 'nd';
  readonly isReply: boolean;
  readonly sender: string;
  readonly target: string;
  /** Ethernet address that the frame was for. */
  readonly destination: string;
}

/** Where questions for an IPv6 address go, as text: the group, and its MAC address; undefined for what is none. */
export function solicitedNode(target: string): { readonly group: string; readonly mac: string } | undefined {
  const address = parseIpv6(target);
  if (!address.ok) return undefined;
  const group = solicitedNodeGroup(address.value);
  return { group: formatIpv6(group), mac: formatMac(ipv6GroupMac(group)) };
}

/** ff02::1:ffXX:XXXX of an address (RFC 4291 §2.7.1). */
function solicitedNodeGroup(address: Uint8Array): Uint8Array {
  const group = new Uint8Array(16);
  group.set([0xff, 0x02]);
  group.set([1, 0xff], 11);
  group.set(address.subarray(13, 16), 13);
  return group;
}

/** A broadcast ARP request, or a neighbour solicitation to the solicited-node group; or why an address is none. */
export function probeFrame(probe: Probe): Result<Uint8Array, string> {
  const source = parseMac(probe.mac);
  if (!source.ok) return source;
  return probe.target.includes(':') ? solicitation(source.value, probe) : request(source.value, probe);
}

function request(source: Uint8Array, { sender, target, vlans }: Probe): Result<Uint8Array, string> {
  const targetIp = parseIpv4(target);
  if (!targetIp.ok) return targetIp;
  const senderIp = parseIpv4(sender ?? '0.0.0.0');
  if (!senderIp.ok) return senderIp;
  const destination = parseMac(BROADCAST_MAC);
  if (!destination.ok) return destination;
  const frame = new Uint8Array(ETHERNET_LENGTH + vlans.length * VLAN_TAG_LENGTH + ARP_LENGTH);
  const header = { destination: destination.value, source, vlanTags: vlans, etherType: ETHERTYPE.ARP };
  const packet = {
    operation: ARP_OPERATION.REQUEST,
    senderMac: source,
    senderIp: senderIp.value,
    targetMac: new Uint8Array(6),
    targetIp: targetIp.value,
  };
  emitArp(packet, frame, emitEthernet(header, frame));
  return ok(frame);
}

function solicitation(source: Uint8Array, { sender, target, vlans }: Probe): Result<Uint8Array, string> {
  const targetIp = parseIpv6(target);
  if (!targetIp.ok) return targetIp;
  const senderIp = parseIpv6(sender ?? '::');
  if (!senderIp.ok) return senderIp;
  const group = solicitedNodeGroup(targetIp.value);
  // An unspecified sender tells no link address (RFC 4861 §4.3).
  const linkAddress = senderIp.value.every(byte => byte === 0) ? null : source;
  const payloadLength = linkAddress === null ? NDISC_LENGTH - 8 : NDISC_LENGTH;
  const frame = new Uint8Array(
    ETHERNET_LENGTH + vlans.length * VLAN_TAG_LENGTH + IPV6_LENGTH + payloadLength,
  );
  const header = {
    destination: ipv6GroupMac(group),
    source,
    vlanTags: vlans,
    etherType: ETHERTYPE.IPV6,
  };
  const ip = {
    trafficClass: 0,
    flowLabel: 0,
    payloadLength,
    nextHeader: IP_PROTOCOL.ICMPV6,
    hopLimit: 255,
    source: senderIp.value,
    destination: group,
    routerAlert: false,
  };
  const at = emitIpv6Header(ip, frame, emitEthernet(header, frame));
  const message = {
    kind: 'solicitation',
    router: false,
    solicited: false,
    override: false,
    target: targetIp.value,
    linkAddress,
  } as const;
  emitNdisc(senderIp.value, group, message, frame, at);
  return ok(frame);
}

/** What an ARP packet or a neighbour message says, or why the frame is neither. VLAN tags are passed over. */
export function parseProbeAnswer(frame: Uint8Array): Result<ProbeAnswer, string> {
  const header = parseEthernet(frame);
  if (!header.ok) return header;
  const { etherType, payloadOffset } = header.value;
  const forWhom = formatMac(header.value.destination);
  if (etherType === ETHERTYPE.ARP) {
    const arp = parseArp(frame, payloadOffset);
    if (!arp.ok) return arp;
    const { operation, senderIp, targetIp } = arp.value;
    return ok({
      protocol: 'arp',
      isReply: operation === ARP_OPERATION.REPLY,
      sender: formatIpv4(senderIp),
      target: formatIpv4(targetIp),
      destination: forWhom,
    });
  }
  if (etherType !== ETHERTYPE.IPV6) return err('frame is neither ARP nor IPv6');
  const ip = parseIpv6Header(frame, payloadOffset);
  if (!ip.ok) return ip;
  const { source, destination, payloadOffset: start, payloadEnd } = ip.value;
  const message = parseNdisc(source, destination, frame, start, payloadEnd);
  if (!message.ok) return message;
  return ok({
    protocol: 'nd',
    isReply: message.value.kind === 'advertisement',
    sender: formatIpv6(source),
    target: formatIpv6(destination),
    destination: forWhom,
  });
}
