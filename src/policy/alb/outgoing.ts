// balance-alb: how what the host sends is spread (bond_xmit_alb_slave_get, rlb_arp_xmit): ARP by the table of clients, IP by its destination,
// everything else by the active member. For data planes that are not eBPF; the same, step by step, as the transmit programs.
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
const ADDRESS_BYTES = 4;
const ADDRESS6_BYTES = 16;

/** All of these bytes, one over the other. */
function xor(frame: Uint8Array, at: number, bytes: number): number {
  let hash = 0;
  for (let i = at; i < at + bytes; i++) hash ^= frame[i] ?? 0;
  return hash;
}

function areAll(frame: Uint8Array, at: number, bytes: number, value: number): boolean {
  for (let i = at; i < at + bytes; i++) if (frame[i] !== value) return false;
  return true;
}

/** 33:33:00:00:00:01, which is to IPv6 what broadcast is to IPv4. */
function isToAllNodes(frame: Uint8Array): boolean {
  return areAll(frame, 0, 2, 0x33) && areAll(frame, 2, 3, 0) && frame[5] === 1;
}

/** The place of the frame's flow, by where it is going; null: it is not balanced, and goes by the active member. */
export function flowPlace(frame: Uint8Array): number | null {
  if (frame.length < IP_OFFSET || areAll(frame, 0, 6, 0xff)) return null;
  const etherType = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
  if (etherType === IPV4) return ipv4Place(frame);
  return etherType === IPV6 ? ipv6Place(frame) : null;
}

function ipv4Place(frame: Uint8Array): number | null {
  if (frame.length < IP_OFFSET + 20 || frame[IP_OFFSET + 9] === IGMP) return null;
  const destination = IP_OFFSET + 16;
  return areAll(frame, destination, ADDRESS_BYTES, 0xff) ? null : xor(frame, destination, ADDRESS_BYTES);
}

function ipv6Place(frame: Uint8Array): number | null {
  if (frame.length < IP_OFFSET + 40 || isToAllNodes(frame)) return null;
  if (frame[IP_OFFSET + 6] === ICMPV6) {
    const type = frame[IP_OFFSET + 40];
    if (type === undefined || NEIGHBOUR_TYPES.has(type)) return null;
  }
  // Who has no address yet asks whether anybody has the one it wants: heard on another port, it would hear itself.
  if (areAll(frame, IP_OFFSET + 8, ADDRESS6_BYTES, 0)) return null;
  return xor(frame, IP_OFFSET + 24, ADDRESS6_BYTES);
}

/** How an ARP packet of the host's own leaves. */
export interface ArpWay {
  readonly member: MemberIndex;
  /** Replies say this member's address. */
  readonly isReply: boolean;
}

/** The way of a frame that may be ARP; null: by the active member, as it is. */
export function arpWay({ bondAddress, next, clients }: ReceiversPlan, frame: Uint8Array): ArpWay | null {
  const arp = arpSeen(frame);
  if (arp === null || next === null || arp.senderMac !== bondAddress) return null;
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
