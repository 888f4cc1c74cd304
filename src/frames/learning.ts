// Learning packets: frames of an address to itself, by which a switch learns behind which port it is (alb_send_lp_vid).
import { parseMac, type Result } from '../base/index.js';
import { emitEthernet, ETHERTYPE, type VlanTag } from './ethernet.js';

/** Least length of an Ethernet frame, without its checksum. */
const LEAST_LENGTH = 60;

/** 60 bytes (64 with a tag) from the address to itself, EtherType 0x9000, all zero; or why the address is none. */
export function learningPacket(mac: string, tag: VlanTag | null = null): Result<Uint8Array, string> {
  const address = parseMac(mac);
  if (!address.ok) return address;
  const frame = new Uint8Array(LEAST_LENGTH + (tag === null ? 0 : 4));
  const ends = { destination: address.value, source: address.value };
  emitEthernet({ ...ends, vlanTags: tag === null ? [] : [tag], etherType: ETHERTYPE.LOOPBACK }, frame);
  return { ok: true, value: frame };
}
