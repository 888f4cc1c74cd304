// Which of several members sends a frame: the hash of each xmit_hash_policy, bit for bit as in the driver on a
// little-endian machine (bond_xmit_hash). The eBPF programs compute the same.
import { at16, bondFlow, dissectFlow, type Flow } from './flow-keys.js';

/** The policies in the driver's numbering. */
export const HASH_POLICIES = [
  'layer2',
  'layer3+4',
  'layer2+3',
  'encap2+3',
  'encap3+4',
  'vlan+srcmac',
] as const;
export type HashPolicy = (typeof HASH_POLICIES)[number];

/** bond_eth_hash. */
function ethernetHash(frame: Uint8Array): number {
  return ((frame[5] ?? 0) ^ (frame[11] ?? 0) ^ at16(frame, 12)) >>> 0;
}

/** bond_vlan_srcmac_hash: all 16 bits of the tag, priority included. */
function vlanSourceHash(frame: Uint8Array, vlanTci: number): number {
  const upper = ((frame[6] ?? 0) << 16) | at16(frame, 7);
  const lower = ((frame[9] ?? 0) << 16) | at16(frame, 10);
  return (vlanTci ^ upper ^ lower) >>> 0;
}

/** The end of bond_ip_hash: addresses, then the folding. */
function fold(hash: number, flow: Flow): number {
  let folded = (hash ^ flow.addresses) >>> 0;
  folded = (folded ^ (folded >>> 16)) >>> 0;
  return (folded ^ (folded >>> 8)) >>> 0;
}

/**
 * The hash of a frame of at least 14 bytes, an unsigned 32-bit number. `vlanTci` is the tag that travels beside the
 * frame, 0 for none; a tag inside the bytes is a part of them.
 */
export function transmitHash(policy: HashPolicy, frame: Uint8Array, vlanTci: number = 0): number {
  switch (policy) {
    case 'layer2':
      return ethernetHash(frame);
    case 'vlan+srcmac':
      return vlanSourceHash(frame, vlanTci);
    case 'layer2+3':
    case 'encap2+3': {
      const flow = policy === 'layer2+3' ? bondFlow(frame, false) : dissectFlow(frame);
      return flow === null ? ethernetHash(frame) : fold(ethernetHash(frame), flow);
    }
    case 'layer3+4':
    case 'encap3+4': {
      const flow = policy === 'layer3+4' ? bondFlow(frame, true) : dissectFlow(frame);
      if (flow === null) return ethernetHash(frame);
      return fold(flow.identifier === 0 ? flow.ports : flow.identifier, flow) >>> 1;
    }
    default:
      return policy satisfies never;
  }
}
