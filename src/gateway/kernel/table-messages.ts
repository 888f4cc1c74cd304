// A planned nftables table as messages: each statement as the expressions that nft(8) makes of it.
import {
  CT_DIRECTION_REPLY,
  CT_STATE_NEW,
  delTable,
  ipAddress,
  NAT_RANGE_NETMAP,
  type NetlinkRequest,
  newChain,
  newRule,
  newTable,
  NF_INET_HOOKS,
  NFT_CMP,
  NFT_CT,
  NFT_EXTHDR_OP_TCPOPT,
  NFT_META,
  NFT_NAT_SNAT,
  NFT_NG_RANDOM,
  NFT_RT_TCPMSS,
  type NftChain,
  type NftExpression,
  nftExpressions,
  type NftRule,
  u32,
  VERDICT,
} from '../../netlink/index.js';
import { type Family, type PlannedTable, type Statement, TABLE_NAME } from '../../uplinks/index.js';
import { unreachable } from '../../base/index.js';

const NFPROTO: Readonly<Record<Family, number>> = { ipv4: 2, ipv6: 10 };
const NETWORK_HEADER = 1;
const TRANSPORT_HEADER = 2;
/** Where the addresses are in the header, and how long they are. */
const ADDRESSES = {
  ipv4: { source: 12, destination: 16, length: 4 },
  ipv6: { source: 8, destination: 24, length: 16 },
} as const;
const IFNAMSIZ = 16;
const TCP = 6;
/** Any fixed number: with it a client has the same place after every exchange of the table. */
const HASH_SEED = 0xb0de;
const COMMENT = 'kept by bondwire: changes are put back';

function load(kind: 'meta' | 'ct', key: number): NftExpression {
  return kind === 'meta' ? { kind, key, into: 1 } : { kind, key, into: 1 };
}

function compare(operation: number, value: Uint8Array): NftExpression {
  return { kind: 'cmp', from: 1, operation, value: { value } };
}

function masked(mask: Uint8Array, xor: Uint8Array): NftExpression {
  return {
    kind: 'bitwise',
    from: 1,
    into: 1,
    length: mask.length,
    mask: { value: mask },
    xor: { value: xor },
  };
}

function be(bytes: 1 | 2 | 4, value: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, place) => (value >>> (8 * (bytes - 1 - place))) & 0xff);
}

function toNetwork(size: number): NftExpression {
  return { kind: 'byteorder', from: 1, into: 1, operation: 1, length: size, size };
}

function verdict(code: number): NftExpression {
  return { kind: 'immediate', into: 0, data: { verdict: { code } } };
}

function deviceName(device: string): Uint8Array {
  const bytes = new Uint8Array(IFNAMSIZ);
  bytes.set(new TextEncoder().encode(device).subarray(0, IFNAMSIZ - 1));
  return bytes;
}

/** A register against numbers from first to last; `bytes` are in network order already. */
function within(bytes: 2 | 4, first: number, last: number): NftExpression[] {
  if (first === last) return [compare(NFT_CMP.equal, be(bytes, first))];
  return [compare(NFT_CMP.greaterOrEqual, be(bytes, first)), compare(NFT_CMP.lessOrEqual, be(bytes, last))];
}

interface Prefix {
  readonly bytes: Uint8Array;
  readonly mask: Uint8Array;
}

function prefixOf(prefix: string): Prefix {
  const [address = '', lengthText] = prefix.split('/');
  const all = ipAddress.write(address);
  const length = lengthText === undefined ? 8 * all.length : Number(lengthText);
  const mask = all.map((_, place) => (0xff00 >> Math.max(0, Math.min(8, length - 8 * place))) & 0xff);
  return { bytes: all.map((byte, place) => byte & (mask[place] ?? 0)), mask };
}

function addressIn(family: Family, which: 'source' | 'destination', prefix: string): NftExpression[] {
  const { bytes, mask } = prefixOf(prefix);
  const { [which]: offset, length } = ADDRESSES[family];
  const isWhole = mask.every(byte => byte === 0xff);
  return [
    { kind: 'payload', into: 1, base: NETWORK_HEADER, offset, length },
    ...(isWhole ? [] : [masked(mask, new Uint8Array(length))]),
    compare(NFT_CMP.equal, bytes),
  ];
}

function transportPort(offset: number, first: number, last: number): NftExpression[] {
  return [{ kind: 'payload', into: 1, base: TRANSPORT_HEADER, offset, length: 2 }, ...within(2, first, last)];
}

/** The six bits lie in the second byte of IPv4's header, and across the first two of IPv6's. */
function dscpIs(family: Family, value: number): NftExpression[] {
  const isIpv4 = family === 'ipv4';
  const [offset, length] = isIpv4 ? [1, 1] : [0, 2];
  const mask = isIpv4 ? Uint8Array.of(0xfc) : Uint8Array.of(0x0f, 0xc0);
  const wanted = isIpv4 ? Uint8Array.of(value << 2) : be(2, value << 6);
  return [
    { kind: 'payload', into: 1, base: NETWORK_HEADER, offset, length },
    masked(mask, new Uint8Array(length)),
    compare(NFT_CMP.equal, wanted),
  ];
}

function share(statement: Extract<Statement, { kind: 'share' }>): NftExpression[] {
  const { by, family, of, below } = statement;
  const { source: offset, length } = ADDRESSES[family];
  const number: NftExpression[] =
    by === 'flow'
      ? [{ kind: 'numgen', into: 1, modulus: of, type: NFT_NG_RANDOM }]
      : [
          { kind: 'payload', into: 2, base: NETWORK_HEADER, offset, length },
          { kind: 'hash', from: 2, into: 1, length, modulus: of, seed: HASH_SEED },
        ];
  return [...number, toNetwork(4), compare(NFT_CMP.less, be(4, below))];
}

/** `tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu`; the kernel only ever makes it less (nft_exthdr_tcp_set_eval). */
function clampMss(): NftExpression[] {
  return [
    load('meta', NFT_META.l4proto),
    compare(NFT_CMP.equal, Uint8Array.of(TCP)),
    { kind: 'payload', into: 1, base: TRANSPORT_HEADER, offset: 13, length: 1 },
    masked(Uint8Array.of(0x06), Uint8Array.of(0)),
    compare(NFT_CMP.equal, Uint8Array.of(0x02)),
    { kind: 'rt', key: NFT_RT_TCPMSS, into: 1 },
    toNetwork(2),
    { kind: 'exthdr', from: 1, type: 2, offset: 2, length: 2, operation: NFT_EXTHDR_OP_TCPOPT },
  ];
}

/** Each address of the inside becomes the one with the same host bits outside (NETMAP), and the flow is remembered. */
function mapPrefix(outside: string): NftExpression[] {
  const { bytes, mask } = prefixOf(outside);
  const last = bytes.map((byte, place) => byte | (~(mask[place] ?? 0) & 0xff));
  return [
    { kind: 'immediate', into: 1, data: { value: bytes } },
    { kind: 'immediate', into: 2, data: { value: last } },
    {
      kind: 'nat',
      type: NFT_NAT_SNAT,
      family: outside.includes(':') ? NFPROTO.ipv6 : NFPROTO.ipv4,
      addressFrom: 1,
      addressTo: 2,
      flags: NAT_RANGE_NETMAP,
    },
  ];
}

function markIs(kind: 'meta' | 'ct', mask: number, value: number): NftExpression[] {
  const key = kind === 'meta' ? NFT_META.mark : NFT_CT.mark;
  return [load(kind, key), masked(u32.write(mask), u32.write(0)), compare(NFT_CMP.equal, u32.write(value))];
}

function setMark(kind: 'meta' | 'ct', mask: number, value: number): NftExpression[] {
  const key = kind === 'meta' ? NFT_META.mark : NFT_CT.mark;
  const set: NftExpression = kind === 'meta' ? { kind, key, from: 1 } : { kind, key, from: 1 };
  return [load(kind, key), masked(u32.write(~mask >>> 0), u32.write(value)), set];
}

/** The expressions of one statement. */
export function expressionsOf(statement: Statement): NftExpression[] {
  if (isAct(statement)) return actOf(statement);
  switch (statement.kind) {
    case 'incoming':
      return deviceIs(NFT_META.iifname, statement.is, statement.device);
    case 'outgoing':
      return deviceIs(NFT_META.oifname, statement.is, statement.device);
    case 'family':
      return [load('meta', NFT_META.nfproto), compare(NFT_CMP.equal, be(1, NFPROTO[statement.family]))];
    case 'transport':
      return [load('meta', NFT_META.l4proto), compare(NFT_CMP.equal, be(1, statement.protocol))];
    case 'new-flow':
      return [
        load('ct', NFT_CT.state),
        masked(u32.write(CT_STATE_NEW), u32.write(0)),
        compare(NFT_CMP.unequal, u32.write(0)),
      ];
    case 'reply':
      return [load('ct', NFT_CT.direction), compare(NFT_CMP.equal, be(1, CT_DIRECTION_REPLY))];
    case 'flow-mark':
      return markIs('ct', statement.mask, statement.value);
    case 'packet-mark':
      return markIs('meta', statement.mask, statement.value);
    case 'set-flow-mark':
      return setMark('ct', statement.mask, statement.value);
    case 'set-packet-mark':
      return setMark('meta', statement.mask, statement.value);
    case 'share':
      return share(statement);
    case 'source-in':
      return addressIn(statement.family, 'source', statement.prefix);
    case 'destination-in':
      return addressIn(statement.family, 'destination', statement.prefix);
    case 'source-ports':
      return transportPort(0, statement.first, statement.last);
    case 'destination-ports':
      return transportPort(2, statement.first, statement.last);
    case 'dscp':
      return dscpIs(statement.family, statement.value);
    case 'uids':
      return [load('meta', NFT_META.skuid), toNetwork(4), ...within(4, statement.first, statement.last)];
    default:
      return unreachable(statement);
  }
}

type Act = Extract<
  Statement,
  { kind: 'masquerade' | 'map-prefix' | 'clamp-mss' | 'count' | 'accept' | 'drop' }
>;

function isAct(statement: Statement): statement is Act {
  return ['masquerade', 'map-prefix', 'clamp-mss', 'count', 'accept', 'drop'].includes(statement.kind);
}

function deviceIs(key: number, is: boolean, name: string): NftExpression[] {
  return [load('meta', key), compare(is ? NFT_CMP.equal : NFT_CMP.unequal, deviceName(name))];
}

function actOf(act: Act): NftExpression[] {
  switch (act.kind) {
    case 'masquerade':
      return [{ kind: 'masq' }];
    case 'map-prefix':
      return mapPrefix(act.outside);
    case 'clamp-mss':
      return clampMss();
    case 'count':
      return [{ kind: 'counter', bytes: 0, packets: 0 }];
    case 'accept':
      return [verdict(VERDICT.accept)];
    case 'drop':
      return [verdict(VERDICT.drop)];
    default:
      return unreachable(act);
  }
}

/** FNV-1a, 32 bits, in hexadecimal. */
function digest(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
}

/** The chains as messages have them. */
export function chainsOf({ chains }: PlannedTable): NftChain[] {
  return chains.map(({ name, type, hook, priority }) => ({
    table: TABLE_NAME,
    name,
    hook: { number: NF_INET_HOOKS[hook], priority },
    policy: VERDICT.accept,
    type,
  }));
}

/** The rules as messages have them; each bears a comment by which it is known again, with a digest of what it does. */
export function rulesOf({ chains }: PlannedTable): NftRule[] {
  return chains.flatMap(({ name, rules }) =>
    rules.map(statements => {
      const expressions = statements.flatMap(expressionsOf);
      const comment = `uplink ${digest(nftExpressions.write(expressions))}`;
      return { table: TABLE_NAME, chain: name, expressions, comment };
    }),
  );
}

/** The table in the place of the one that is there, or is not: one batch, so no packet sees half of it. */
export function exchange(table: PlannedTable): NetlinkRequest[] {
  return [
    ...removal(),
    newTable({ name: TABLE_NAME, comment: COMMENT }),
    ...chainsOf(table).map(newChain),
    ...rulesOf(table).map(newRule),
  ];
}

/** Takes the table out, whether it is there or not: deleting one that is not there would be refused. */
export function removal(): NetlinkRequest[] {
  return [newTable({ name: TABLE_NAME }), delTable(TABLE_NAME)];
}
