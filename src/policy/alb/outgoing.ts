// balance-alb: how what the host sends is spread (bond_xmit_alb_slave_get, rlb_arp_xmit): ARP by the table of clients, IP by its destination,
// everything else by the active member. For data planes that are not eBPF; the same, step by step, as the transmit programs.
import type { MacText } from '../../base/index.js';
import type { MemberIndex } from '../contract.js';
import type { ReceiversPlan } from '../forwarding-plan.js';
import { arpSeen } from './alb-frames.js';

/** EtherTypes and protocols that are told apart. */
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const IGMP = 2;
const ICMPV6 = 58;
const NEIGHBOUR_TYPES: ReadonlySet<number> = new Set([135, 136]);

const IP_OFFSET = 14;
const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const ALL_NODES = '33:33:00:00:00:01';

function macAt(frame: Uint8Array, at: number): MacText {
  return Array.from(frame.subarray(at, at + 6), byte => byte.toString(16).padStart(2, '0')).join(':');
}

function xor(bytes: Uint8Array): number {
  return bytes.reduce((hash, byte) => hash ^ byte, 0);
}

/** The place of the frame's flow, by where it is going; null: it is not balanced, and goes by the active member. */
export function flowPlace(frame: Uint8Array): number | null {
  if (frame.length < IP_OFFSET) return null;
  const etherType = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
  if (macAt(frame, 0) === BROADCAST) return null;
  if (etherType === IPV4) return ipv4Place(frame);
  return etherType === IPV6 ? ipv6Place(frame) : null;
}

function ipv4Place(frame: Uint8Array): number | null {
  if (frame.length < IP_OFFSET + 20 || frame[IP_OFFSET + 9] === IGMP) return null;
  const destination = frame.subarray(IP_OFFSET + 16, IP_OFFSET + 20);
  return destination.every(byte => byte === 0xff) ? null : xor(destination);
}

function ipv6Place(frame: Uint8Array): number | null {
  if (frame.length < IP_OFFSET + 40 || macAt(frame, 0) === ALL_NODES) return null;
  if (frame[IP_OFFSET + 6] === ICMPV6) {
    const type = frame[IP_OFFSET + 40];
    if (type === undefined || NEIGHBOUR_TYPES.has(type)) return null;
  }
  // Who has no address yet asks whether anybody has the one it wants: heard on another port, it would hear itself.
  if (frame.subarray(IP_OFFSET + 8, IP_OFFSET + 24).every(byte => byte === 0)) return null;
  return xor(frame.subarray(IP_OFFSET + 24, IP_OFFSET + 40));
}

/** How an ARP packet of the host's own leaves. */
export interface ArpWay {
  readonly member: MemberIndex;
  /** Replies say this member's address. */
  readonly isReply: boolean;
}

/** The way of a frame that may be ARP; null: by the active member, as it is. `isMembers`: that is the address of a member. */
export function arpWay(
  { next, clients }: ReceiversPlan,
  frame: Uint8Array,
  isMembers: (mac: MacText) => boolean,
): ArpWay | null {
  const arp = arpSeen(frame);
  if (arp === null || next === null || !isMembers(arp.senderMac)) return null;
  const known = clients.find(({ ourIp, ip }) => ip === arp.targetIp && ourIp === arp.senderIp);
  return { member: known?.member ?? next, isReply: arp.isReply };
}

const SENDER_MAC = 8;
const ETHERNET_SOURCE = 6;

/** The frame as it leaves by a member with this address: `source`, and in an ARP reply what it says. */
export function readdressed(
  frame: Uint8Array,
  mac: Uint8Array,
  what: { isActive: boolean; isReply: boolean },
): Uint8Array {
  const copy = Uint8Array.from(frame);
  if (!what.isActive) copy.set(mac, ETHERNET_SOURCE);
  if (what.isReply) copy.set(mac, IP_OFFSET + SENDER_MAC);
  return copy;
}
