// ARP for IPv4 over Ethernet (RFC 826).
import { err, ok, type Result } from '../base/index.js';
import { putU16, u16 } from './bytes.js';

/** Bytes of a packet, Ethernet header not included. */
export const ARP_LENGTH = 28;

/** Operations (ar$op). */
export const ARP_OPERATION = { REQUEST: 1, REPLY: 2 } as const;

/**
 * ```
 * HTYPE(2)=1 PTYPE(2)=0x0800 HLEN(1)=6 PLEN(1)=4 OPER(2) SHA(6) SPA(4) THA(6) TPA(4)
 * ```
 */
export interface ArpPacket {
  readonly operation: number;
  readonly senderMac: Uint8Array;
  readonly senderIp: Uint8Array;
  readonly targetMac: Uint8Array;
  readonly targetIp: Uint8Array;
}

/** Reads the packet at `offset`, or says why it is none (other hardware or protocol types included). */
export function parseArp(bytes: Uint8Array, offset = 0): Result<ArpPacket, string> {
  if (bytes.length < offset + ARP_LENGTH) return err('ARP packet is cut short');
  if (u16(bytes, offset) !== 1) return err(`ARP hardware type ${u16(bytes, offset)} is not Ethernet`);
  if (u16(bytes, offset + 2) !== 0x0800) return err('ARP protocol type is not IPv4');
  if (bytes[offset + 4] !== 6 || bytes[offset + 5] !== 4) return err('ARP address lengths are not 6 and 4');
  return ok({
    operation: u16(bytes, offset + 6),
    senderMac: bytes.slice(offset + 8, offset + 14),
    senderIp: bytes.slice(offset + 14, offset + 18),
    targetMac: bytes.slice(offset + 18, offset + 24),
    targetIp: bytes.slice(offset + 24, offset + 28),
  });
}

/** Writes the packet at `offset`; returns the offset after it. */
export function emitArp(packet: ArpPacket, into: Uint8Array, offset = 0): number {
  putU16(into, offset, 1);
  putU16(into, offset + 2, 0x0800);
  into[offset + 4] = 6;
  into[offset + 5] = 4;
  putU16(into, offset + 6, packet.operation);
  into.set(packet.senderMac, offset + 8);
  into.set(packet.senderIp, offset + 14);
  into.set(packet.targetMac, offset + 18);
  into.set(packet.targetIp, offset + 24);
  return offset + ARP_LENGTH;
}
