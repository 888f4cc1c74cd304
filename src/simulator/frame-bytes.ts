// The bytes of a simulated frame as far as a hash policy reads them: what real hosts send for the same cargo. (simulator)
import { parseIpv4, parseIpv6, parseMac } from '../base/index.js';
import {
  ARP_OPERATION,
  emitArp,
  emitEthernet,
  emitIpv4Header,
  emitIpv6Header,
  ETHERTYPE,
} from '../frames/index.js';
import type { FlowRun } from './flow.js';
import type { Frame } from './frame.js';

const LONGEST = 128;
const UDP = 17;
const UDP_HEADER = 8;
const ICMPV6 = 58;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
const HOP_LIMIT = 64;

/** The frame from its first byte to the end of its transport header. */
export function bytesOf(frame: Frame): Uint8Array {
  const { cargo } = frame;
  if (cargo.kind === 'bytes') return cargo.bytes;
  const bytes = new Uint8Array(LONGEST);
  if (cargo.kind === 'packet') return bytes.subarray(0, putPacket(frame, cargo.flow, bytes));
  const isIpv6 = cargo.ip.includes(':');
  const at = putHeader(frame, isIpv6 ? ETHERTYPE.IPV6 : ETHERTYPE.ARP, bytes);
  const isQuestion = cargo.kind === 'ask';
  // A question for `ip` comes from `from`; an answer of `ip` goes to `to`.
  const [from, to] = isQuestion ? [cargo.from, cargo.ip] : [cargo.ip, cargo.to];
  if (isIpv6) {
    const message = putIpv6(from, to, ICMPV6, UDP_HEADER, bytes, at);
    bytes[message] = isQuestion ? SOLICITATION : ADVERTISEMENT;
    return bytes.subarray(0, message + UDP_HEADER);
  }
  const end = emitArp(
    {
      operation: isQuestion ? ARP_OPERATION.REQUEST : ARP_OPERATION.REPLY,
      senderMac: macBytes(cargo.sender ?? frame.source),
      senderIp: ipBytes(from),
      targetMac: macBytes(frame.destination),
      targetIp: ipBytes(to),
    },
    bytes,
    at,
  );
  return bytes.subarray(0, end);
}

function putHeader(frame: Frame, etherType: number, into: Uint8Array): number {
  const addresses = { destination: macBytes(frame.destination), source: macBytes(frame.source) };
  return emitEthernet({ ...addresses, vlanTags: [], etherType }, into);
}

/** A datagram of a flow, from its own port to the same one. */
function putPacket(frame: Frame, flow: FlowRun, into: Uint8Array): number {
  const { address, bytes } = flow.spec;
  const isIpv6 = address.includes(':');
  const at = putHeader(frame, isIpv6 ? ETHERTYPE.IPV6 : ETHERTYPE.IPV4, into);
  const payload = UDP_HEADER + bytes;
  const transport = isIpv6
    ? putIpv6(flow.source, address, UDP, payload, into, at)
    : emitIpv4Header(
        {
          tos: 0,
          totalLength: 20 + payload,
          identification: 0,
          dontFragment: true,
          moreFragments: false,
          fragmentOffset: 0,
          ttl: HOP_LIMIT,
          protocol: UDP,
          source: ipBytes(flow.source),
          destination: ipBytes(address),
          routerAlert: false,
        },
        into,
        at,
      );
  const ports = new DataView(into.buffer);
  ports.setUint16(transport, flow.port);
  ports.setUint16(transport + 2, flow.port);
  return transport + UDP_HEADER;
}

function putIpv6(
  from: string,
  to: string,
  nextHeader: number,
  payloadLength: number,
  into: Uint8Array,
  at: number,
): number {
  const header = {
    trafficClass: 0,
    flowLabel: 0,
    payloadLength,
    nextHeader,
    hopLimit: HOP_LIMIT,
    routerAlert: false,
  };
  return emitIpv6Header({ ...header, source: ipBytes(from), destination: ipBytes(to) }, into, at);
}

function macBytes(text: string): Uint8Array {
  const parsed = parseMac(text);
  return parsed.ok ? parsed.value : new Uint8Array(6);
}

function ipBytes(text: string): Uint8Array {
  const parsed = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  return parsed.ok ? parsed.value : new Uint8Array(text.includes(':') ? 16 : 4);
}
