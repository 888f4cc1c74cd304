// Flows in the connection tracking table (linux/netfilter/nfnetlink_conntrack.h): asked for by mark, ended by mark or one by one.
import { err, ok, type Result } from '../base/index.js';
import {
  type Attribute,
  attributeList,
  be16,
  be32,
  bytesAttribute,
  emitAttributes,
  findAttribute,
  nestedAttribute,
  parseAttributes,
  u32Attribute,
  u8,
} from './attribute.js';
import { type NetlinkRequest, NLM_F_CREATE, NLM_F_EXCL } from './message.js';

const NFNL_SUBSYS_CTNETLINK = 1;
export const CT_NEW: number = NFNL_SUBSYS_CTNETLINK << 8;
const CT_GET: number = (NFNL_SUBSYS_CTNETLINK << 8) | 1;
const CT_DELETE: number = (NFNL_SUBSYS_CTNETLINK << 8) | 2;

const CTA = {
  original: 1,
  reply: 2,
  status: 3,
  timeout: 7,
  mark: 8,
  id: 12,
  zone: 18,
  markMask: 21,
  filter: 25,
} as const;
const CTA_TUPLE = { ip: 1, protocol: 2 } as const;
const CTA_PROTO_NUM = 1;
const CTA_PROTO = { number: CTA_PROTO_NUM, sourcePort: 2, destinationPort: 3 } as const;
/** Of IPv4 and of IPv6. */
const CTA_IP = { source: [1, 3], destination: [2, 4] } as const;
const CTA_FILTER_ORIG_FLAGS = 1;
/** CTA_FILTER_FLAG(CTA_PROTO_NUM): of the tuple only the protocol counts. */
const BY_PROTOCOL = 8;
/** IPS_CONFIRMED, which a flow that is made by hand has to have. */
const IPS_CONFIRMED = 8;

/** Which flows: those with these bits of the mark, of one family. */
export interface FlowFilter {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  readonly mark: number;
  readonly mask: number;
  /** IP protocol number. Flows can be ended by it since Linux 6.8; older kernels answer EOPNOTSUPP. */
  readonly protocol?: number;
}

/** A flow as the kernel tells it, as far as it takes to end it. */
export interface TrackedFlow {
  readonly family: number;
  readonly protocol: number;
  readonly mark: number;
  /** Of the side that began it, before any NAT. Ports are 0 where the protocol has none. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** CTA_TUPLE_ORIG, CTA_ZONE and CTA_ID: what tells it from all others. */
  readonly identity: readonly Attribute[];
}

/** `struct nfgenmsg`: its version says whether the family counts when flows are ended (ctnetlink_del_conntrack). */
function payloadOf(family: number, attributes: readonly Attribute[], version = 0): Uint8Array {
  return Uint8Array.of(family, version, 0, 0, ...emitAttributes(attributes));
}

function marked({ mark, mask }: FlowFilter): Attribute[] {
  return [bytesAttribute(CTA.mark, be32.write(mark)), bytesAttribute(CTA.markMask, be32.write(mask))];
}

/** The question for all flows with the mark. The protocol is left to the one who asks, as older kernels cannot look at it. */
export function getFlows(filter: FlowFilter): NetlinkRequest {
  return { type: CT_GET, flags: 0, payload: payloadOf(filter.family, marked(filter)) };
}

/** Ends all flows with the mark, in one walk over the table. */
export function endFlows(filter: FlowFilter): NetlinkRequest {
  const { protocol } = filter;
  const byProtocol =
    protocol === undefined
      ? []
      : [
          nestedAttribute(CTA.original, [
            nestedAttribute(CTA_TUPLE.protocol, [bytesAttribute(CTA_PROTO_NUM, u8.write(protocol))]),
          ]),
          nestedAttribute(CTA.filter, [u32Attribute(CTA_FILTER_ORIG_FLAGS, BY_PROTOCOL)]),
        ];
  return {
    type: CT_DELETE,
    flags: 0,
    payload: payloadOf(filter.family, [...byProtocol, ...marked(filter)], 1),
  };
}

/** Ends this flow; ENOENT when it has ended. */
export function endFlow({ family, identity }: TrackedFlow): NetlinkRequest {
  return { type: CT_DELETE, flags: 0, payload: payloadOf(family, identity) };
}

/** Reads a flow of the kernel, or says why it cannot be read. */
export function parseFlow(payload: Uint8Array): Result<TrackedFlow, string> {
  const attributes = parseAttributes(payload, 4);
  if (!attributes.ok) return attributes;
  const original = findAttribute(attributes.value, CTA.original);
  const tuple = original && attributeList.read(original.value);
  const transport = tuple && findAttribute(tuple, CTA_TUPLE.protocol);
  const parts = (transport && attributeList.read(transport.value)) ?? [];
  const number = findAttribute(parts, CTA_PROTO.number);
  const protocol = number && u8.read(number.value);
  const ips = tuple && findAttribute(tuple, CTA_TUPLE.ip);
  const addresses = (ips && attributeList.read(ips.value)) ?? [];
  const addressOf = (types: readonly number[]): Uint8Array =>
    addresses.find(({ type }) => types.includes(type))?.value ?? new Uint8Array(0);
  const portOf = (type: number): number =>
    be16.read(findAttribute(parts, type)?.value ?? new Uint8Array(0)) ?? 0;
  if (original === undefined || protocol === undefined) return err('A flow without a protocol');
  const mark = findAttribute(attributes.value, CTA.mark);
  return ok({
    family: payload[0] ?? 0,
    protocol,
    mark: (mark && be32.read(mark.value)) ?? 0,
    source: addressOf(CTA_IP.source),
    destination: addressOf(CTA_IP.destination),
    sourcePort: portOf(CTA_PROTO.sourcePort),
    destinationPort: portOf(CTA_PROTO.destinationPort),
    identity: attributes.value.filter(({ type }) =>
      [CTA.original, CTA.id, CTA.zone].some(one => one === type),
    ),
  });
}

/** A flow of UDP that is made by hand, for tests and measurements: one that has not been answered. */
export interface HandmadeFlow {
  /** AF_INET. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** 17 (UDP); others need more than this says. */
  readonly protocol: number;
  readonly mark: number;
  readonly seconds: number;
}

/** Makes a flow. */
export function newFlow(flow: HandmadeFlow): NetlinkRequest {
  const { source, destination, sourcePort, destinationPort, protocol } = flow;
  const attributes = [
    tupleOf(CTA.original, source, destination, sourcePort, destinationPort, protocol),
    tupleOf(CTA.reply, destination, source, destinationPort, sourcePort, protocol),
    bytesAttribute(CTA.status, be32.write(IPS_CONFIRMED)),
    bytesAttribute(CTA.timeout, be32.write(flow.seconds)),
    bytesAttribute(CTA.mark, be32.write(flow.mark)),
  ];
  return {
    type: CT_NEW,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    payload: payloadOf(source.length === 4 ? 2 : 10, attributes),
  };
}

function tupleOf(
  type: number,
  from: Uint8Array,
  to: Uint8Array,
  fromPort: number,
  toPort: number,
  protocol: number,
): Attribute {
  const first = from.length === 4 ? 1 : 3;
  return nestedAttribute(type, [
    nestedAttribute(CTA_TUPLE.ip, [bytesAttribute(first, from), bytesAttribute(first + 1, to)]),
    nestedAttribute(CTA_TUPLE.protocol, [
      bytesAttribute(CTA_PROTO_NUM, u8.write(protocol)),
      bytesAttribute(2, be16.write(fromPort)),
      bytesAttribute(3, be16.write(toPort)),
    ]),
  ]);
}
