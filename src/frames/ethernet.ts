// Ethernet II headers with any number of VLAN tags (IEEE 802.3, 802.1Q, 802.1ad).
import { err, ok, type Result } from '../base/index.js';
import { putU16, u16 } from './bytes.js';

/** Bytes of an untagged header. */
export const ETHERNET_LENGTH = 14;
/** Bytes that each VLAN tag adds. */
export const VLAN_TAG_LENGTH = 4;

/** Ethertypes that Bondwire names (linux/if_ether.h). */
export const ETHERTYPE = {
  IPV4: 0x0800,
  ARP: 0x0806,
  VLAN: 0x8100,
  QINQ: 0x88a8,
  IPV6: 0x86dd,
  SLOW: 0x8809,
  /** Ethernet configuration testing; frames to oneself. */
  LOOPBACK: 0x9000,
} as const;

/** A tag: `tpid` 0x8100 or 0x88a8, `tci` = priority (3 bits), drop eligible (1 bit), VLAN id (12 bits). */
export interface VlanTag {
  readonly tpid: number;
  readonly tci: number;
}

/**
 * ```
 * DST(6) SRC(6) [TPID(2) TCI(2)]* ETHERTYPE(2) payload
 * ```
 */
export interface EthernetHeader {
  readonly destination: Uint8Array;
  readonly source: Uint8Array;
  /** Outermost first. */
  readonly vlanTags: readonly VlanTag[];
  readonly etherType: number;
}

/** A header and where its payload begins. */
export interface ParsedEthernet extends EthernetHeader {
  readonly payloadOffset: number;
}

/** Reads a frame's header and all its tags, or says why it is none. */
export function parseEthernet(frame: Uint8Array): Result<ParsedEthernet, string> {
  if (frame.length < ETHERNET_LENGTH) return err(`frame of ${frame.length} bytes is shorter than a header`);
  const vlanTags: VlanTag[] = [];
  let offset = 12;
  let type = u16(frame, offset);
  while (type === ETHERTYPE.VLAN || type === ETHERTYPE.QINQ) {
    if (offset + VLAN_TAG_LENGTH + 2 > frame.length) return err('VLAN tag is cut short');
    vlanTags.push({ tpid: type, tci: u16(frame, offset + 2) });
    offset += VLAN_TAG_LENGTH;
    type = u16(frame, offset);
  }
  return ok({
    destination: frame.slice(0, 6),
    source: frame.slice(6, 12),
    vlanTags,
    etherType: type,
    payloadOffset: offset + 2,
  });
}

/** Writes the header at `offset`; returns where the payload begins. */
export function emitEthernet(header: EthernetHeader, into: Uint8Array, offset = 0): number {
  into.set(header.destination, offset);
  into.set(header.source, offset + 6);
  let at = offset + 12;
  for (const tag of header.vlanTags) {
    putU16(into, at, tag.tpid);
    putU16(into, at + 2, tag.tci);
    at += VLAN_TAG_LENGTH;
  }
  putU16(into, at, header.etherType);
  return at + 2;
}

/** The frame with tags put in front of those that it has, outermost first. */
export function tagFrame(frame: Uint8Array, tags: readonly VlanTag[]): Uint8Array {
  const at = 12;
  const tagged = new Uint8Array(frame.length + tags.length * VLAN_TAG_LENGTH);
  tagged.set(frame.subarray(0, at));
  for (const [i, { tpid, tci }] of tags.entries()) {
    putU16(tagged, at + i * VLAN_TAG_LENGTH, tpid);
    putU16(tagged, at + i * VLAN_TAG_LENGTH + 2, tci);
  }
  tagged.set(frame.subarray(at), at + tags.length * VLAN_TAG_LENGTH);
  return tagged;
}
