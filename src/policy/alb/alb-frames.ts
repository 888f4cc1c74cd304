// balance-alb: ARP packets as the table of clients takes them, and what clients are told.
import { formatIpv4, formatMac, type MacText, parseIpv4, parseMac, type Result } from '../../base/index.js';
import {
  ARP_LENGTH,
  ARP_OPERATION,
  emitArp,
  emitEthernet,
  ETHERNET_LENGTH,
  ETHERTYPE,
  parseArp,
  parseEthernet,
  VLAN_TAG_LENGTH,
} from '../../frames/index.js';
import type { AlbClient, ArpSeen } from './clients.js';

/** Reads a request or a reply from its Ethernet header on, with at most one tag; null: it is none. */
export function arpSeen(frame: Uint8Array): ArpSeen | null {
  const ethernet = parseEthernet(frame);
  if (!ethernet.ok || ethernet.value.etherType !== ETHERTYPE.ARP) return null;
  const { vlanTags, payloadOffset } = ethernet.value;
  const arp = parseArp(frame, payloadOffset);
  if (!arp.ok || vlanTags.length > 1) return null;
  const { operation, senderMac, senderIp, targetMac, targetIp } = arp.value;
  if (operation !== ARP_OPERATION.REQUEST && operation !== ARP_OPERATION.REPLY) return null;
  return {
    isReply: operation === ARP_OPERATION.REPLY,
    senderMac: formatMac(senderMac),
    senderIp: formatIpv4(senderIp),
    targetMac: formatMac(targetMac),
    targetIp: formatIpv4(targetIp),
    tci: vlanTags[0]?.tci ?? 0,
  };
}

/** The ARP reply, to this client alone, that our address is at its member's (rlb_update_client). */
export function clientFrame(client: AlbClient, memberMac: MacText): Result<Uint8Array, string> {
  const source = parseMac(memberMac);
  const destination = parseMac(client.mac);
  const [senderIp, targetIp] = [parseIpv4(client.ourIp), parseIpv4(client.ip)];
  for (const each of [source, destination, senderIp, targetIp]) if (!each.ok) return each;
  if (!source.ok || !destination.ok || !senderIp.ok || !targetIp.ok)
    return { ok: false, error: 'no addresses' };
  const vlanTags = client.tci === 0 ? [] : [{ tpid: ETHERTYPE.VLAN, tci: client.tci }];
  const frame = new Uint8Array(ETHERNET_LENGTH + vlanTags.length * VLAN_TAG_LENGTH + ARP_LENGTH);
  const ends = { destination: destination.value, source: source.value };
  const at = emitEthernet({ ...ends, vlanTags, etherType: ETHERTYPE.ARP }, frame);
  const who = { senderMac: source.value, senderIp: senderIp.value, targetMac: destination.value };
  emitArp({ operation: ARP_OPERATION.REPLY, ...who, targetIp: targetIp.value }, frame, at);
  return { ok: true, value: frame };
}
