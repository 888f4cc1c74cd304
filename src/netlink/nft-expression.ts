// Expressions of nftables rules (linux/netfilter/nf_tables.h): small programs for a machine with registers, one step an expression. Those
// that an uplink's table is made of; another one is kept as it came.
import { ok, type Result } from '../base/index.js';
import {
  type Attribute,
  attributeList,
  be32,
  be64,
  type Codec,
  type FieldTable,
  findAttribute,
  nestedAttribute,
  nestedFields,
  parseAttributes,
  raw,
  readFields,
  text,
  textAttribute,
  u8,
  writeFields,
} from './attribute.js';

/** What a register is filled with (NFTA_DATA_*): bytes, or a verdict for register 0. */
export interface NftData {
  readonly value?: Uint8Array;
  readonly verdict?: { readonly code: number };
}

/** By the kernel's name of each kind. `into` and `from` are registers (NFT_REG_*): 1 to 4, of 16 bytes each. */
export interface NftExpressions {
  /** Loads something about the packet (NFT_META_*), or sets it. */
  readonly meta: { readonly key: number; readonly into?: number; readonly from?: number };
  /** The same of its flow (NFT_CT_*). */
  readonly ct: { readonly key: number; readonly into?: number; readonly from?: number };
  readonly payload: {
    readonly into: number;
    /** NFT_PAYLOAD_*: 1 network header, 2 transport header. */
    readonly base: number;
    readonly offset: number;
    readonly length: number;
  };
  /** `into = (from & mask) ^ xor`. */
  readonly bitwise: {
    readonly from: number;
    readonly into: number;
    readonly length: number;
    readonly mask: NftData;
    readonly xor: NftData;
  };
  /** NFT_CMP_*; bytes are compared as memcmp does, so numbers have to be big-endian. */
  readonly cmp: { readonly from: number; readonly operation: number; readonly value: NftData };
  readonly immediate: { readonly into: number; readonly data: NftData };
  readonly byteorder: {
    readonly from: number;
    readonly into: number;
    /** 1: from host to network. */
    readonly operation: number;
    readonly length: number;
    readonly size: number;
  };
  readonly numgen: { readonly into: number; readonly modulus: number; readonly type: number };
  readonly hash: {
    readonly from: number;
    readonly into: number;
    readonly length: number;
    readonly modulus: number;
    readonly seed: number;
  };
  /** Loads something about the packet's route (NFT_RT_*). */
  readonly rt: { readonly key: number; readonly into: number };
  /** Writes into a header option. */
  readonly exthdr: {
    readonly from: number;
    readonly type: number;
    readonly offset: number;
    readonly length: number;
    readonly operation: number;
  };
  readonly masq: object;
  /** Counts what comes so far in its rule. */
  readonly counter: { readonly bytes?: number; readonly packets?: number };
  readonly nat: {
    readonly type: number;
    readonly family: number;
    readonly addressFrom: number;
    readonly addressTo: number;
    readonly flags: number;
  };
}

/** One step. */
export type NftExpression =
  | { [K in keyof NftExpressions]: { readonly kind: K } & NftExpressions[K] }[keyof NftExpressions]
  | { readonly kind: 'other'; readonly name: string; readonly attributes: readonly Attribute[] };

/** NFT_CMP_*. */
export const NFT_CMP = {
  equal: 0,
  unequal: 1,
  less: 2,
  lessOrEqual: 3,
  greater: 4,
  greaterOrEqual: 5,
} as const;
/** NFT_META_*. */
export const NFT_META = { mark: 3, skuid: 10, iifname: 6, oifname: 7, nfproto: 15, l4proto: 16 } as const;
/** NFT_CT_*. */
export const NFT_CT = { state: 0, direction: 1, mark: 3 } as const;
/** IP_CT_DIR_REPLY. */
export const CT_DIRECTION_REPLY = 1;
/** NF_CT_STATE_BIT(IP_CT_NEW) as nftables has it. */
export const CT_STATE_NEW = 8;
/** NFT_RT_TCPMSS. */
export const NFT_RT_TCPMSS = 3;
/** NFT_EXTHDR_OP_TCPOPT. */
export const NFT_EXTHDR_OP_TCPOPT = 1;
/** NFT_NAT_SNAT. */
export const NFT_NAT_SNAT = 0;
/** NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_NETMAP. */
export const NAT_RANGE_NETMAP = 0x41;
/** NF_DROP, NF_ACCEPT. */
export const VERDICT = { drop: 0, accept: 1 } as const;
/** NFT_NG_RANDOM. */
export const NFT_NG_RANDOM = 1;

const verdict: Codec<{ readonly code: number }> = nestedFields<{ readonly code: number }>({
  code: [1, be32],
});
const data: Codec<NftData> = nestedFields<NftData>({ value: [1, raw], verdict: [2, verdict] });

/** Fields in the order in which the kernel tells them. */
const TABLES: { readonly [K in keyof NftExpressions]: FieldTable<NftExpressions[K]> } = {
  meta: { key: [2, be32], into: [1, be32], from: [3, be32] },
  ct: { into: [1, be32], from: [4, be32], key: [2, be32] },
  payload: { into: [1, be32], base: [2, be32], offset: [3, be32], length: [4, be32] },
  bitwise: { from: [1, be32], into: [2, be32], length: [3, be32], mask: [4, data], xor: [5, data] },
  cmp: { from: [1, be32], operation: [2, be32], value: [3, data] },
  immediate: { into: [1, be32], data: [2, data] },
  byteorder: { from: [1, be32], into: [2, be32], operation: [3, be32], length: [4, be32], size: [5, be32] },
  numgen: { into: [1, be32], modulus: [2, be32], type: [3, be32] },
  hash: { from: [1, be32], into: [2, be32], length: [3, be32], modulus: [4, be32], seed: [5, be32] },
  rt: { key: [2, be32], into: [1, be32] },
  exthdr: { from: [7, be32], type: [2, u8], offset: [3, be32], length: [4, be32], operation: [6, be32] },
  masq: {},
  counter: { bytes: [1, be64], packets: [2, be64] },
  nat: { type: [1, be32], family: [2, be32], addressFrom: [3, be32], addressTo: [4, be32], flags: [7, be32] },
};

function fieldsOf(kind: keyof NftExpressions): FieldTable<object> {
  return TABLES[kind];
}

const NFTA_LIST_ELEM = 1;
const NFTA_EXPR = { name: 1, data: 2 } as const;

function emitExpression(expression: NftExpression): Attribute {
  const name = expression.kind === 'other' ? expression.name : expression.kind;
  const attributes =
    expression.kind === 'other'
      ? expression.attributes
      : writeFields<object>(fieldsOf(expression.kind), expression);
  return nestedAttribute(NFTA_LIST_ELEM, [
    textAttribute(NFTA_EXPR.name, name),
    nestedAttribute(NFTA_EXPR.data, attributes),
  ]);
}

function parseExpression(value: Uint8Array): Result<NftExpression, string> {
  const parts = parseAttributes(value);
  if (!parts.ok) return parts;
  const name = text.read(findAttribute(parts.value, NFTA_EXPR.name)?.value ?? new Uint8Array(0)) ?? '';
  const inner = parseAttributes(findAttribute(parts.value, NFTA_EXPR.data)?.value ?? new Uint8Array(0));
  if (!inner.ok) return inner;
  if (!Object.hasOwn(TABLES, name)) return ok({ kind: 'other', name, attributes: inner.value });
  const kind = name as keyof NftExpressions;
  const { fields } = readFields(fieldsOf(kind), inner.value);
  return ok({ kind, ...fields } as NftExpression);
}

/** A rule's expressions, the value of NFTA_RULE_EXPRESSIONS. */
export const nftExpressions: Codec<readonly NftExpression[]> = {
  nested: true,
  read: value => {
    const list = parseAttributes(value);
    if (!list.ok) return undefined;
    const parsed = list.value.map(each => parseExpression(each.value));
    return parsed.flatMap(one => (one.ok ? [one.value] : []));
  },
  write: expressions => attributeList.write(expressions.map(emitExpression)),
};

/** The userdata of a table or a rule that is a comment (NFTNL_UDATA_*_COMMENT): its type, its length, the text closed with zero. */
export const nftComment: Codec<string> = {
  read: value =>
    value[0] === 0 && value.length === 2 + (value[1] ?? 0) ? text.read(value.subarray(2)) : undefined,
  write: comment => {
    const bytes = text.write(comment);
    return Uint8Array.of(0, bytes.length, ...bytes);
  },
};
