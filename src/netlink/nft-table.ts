// Tables of nftables, their chains and rules, and the batches by which the kernel exchanges them all at once
// (linux/netfilter/nfnetlink.h, nf_tables.h).
import { ok, type Result } from '../base/index.js';
import {
  be32,
  type Codec,
  emitAttributes,
  type FieldTable,
  nestedFields,
  parseAttributes,
  readFields,
  text,
  writeFields,
} from './attribute.js';
import { type NetlinkRequest, NLM_F_APPEND, NLM_F_CREATE } from './message.js';
import { nftComment, type NftExpression, nftExpressions } from './nft-expression.js';

const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const NFPROTO_INET = 1;
const NFGENMSG_LENGTH = 4;

/** Message types, with the subsystem in the high byte. */
export const NFT_MSG = {
  newTable: 0xa00,
  getTable: 0xa01,
  delTable: 0xa02,
  newChain: 0xa03,
  getChain: 0xa04,
  delChain: 0xa05,
  newRule: 0xa06,
  getRule: 0xa07,
  delRule: 0xa08,
} as const;

/** NF_INET_*. */
export const NF_INET_HOOKS = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
/** NFT_TABLE_F_DORMANT: its chains are not asked. */
const DORMANT = 1;

/** A table; `comment` is what `nft` shows as such. */
export interface NftTable {
  readonly name: string;
  readonly flags?: number;
  readonly comment?: string;
}

/** A chain that is hooked where packets pass. */
export interface NftChain {
  readonly table: string;
  readonly name: string;
  readonly hook?: { readonly number: number; readonly priority: number };
  /** NF_DROP, NF_ACCEPT. */
  readonly policy?: number;
  readonly type?: string;
}

/** A rule. */
export interface NftRule {
  readonly table: string;
  readonly chain: string;
  readonly expressions: readonly NftExpression[];
  readonly comment?: string;
}

/** Signed, big-endian. */
const priority: Codec<number> = {
  read: value => {
    const number = be32.read(value);
    return number === undefined ? undefined : number | 0;
  },
  write: value => be32.write(value >>> 0),
};

const TABLE: FieldTable<NftTable> = { name: [1, text], flags: [2, be32], comment: [6, nftComment] };
const CHAIN: FieldTable<NftChain> = {
  table: [1, text],
  name: [3, text],
  hook: [4, nestedFields({ number: [1, be32], priority: [2, priority] })],
  policy: [5, be32],
  type: [7, text],
};
const RULE: FieldTable<NftRule> = {
  table: [1, text],
  chain: [2, text],
  expressions: [4, nftExpressions],
  comment: [7, nftComment],
};

/** `struct nfgenmsg` and attributes. */
function payloadOf<T extends object>(
  family: number,
  table: FieldTable<T>,
  fields: Partial<T>,
  resource = 0,
): Uint8Array {
  const attributes = emitAttributes(writeFields(table, fields));
  const payload = new Uint8Array(NFGENMSG_LENGTH + attributes.length);
  payload[0] = family;
  new DataView(payload.buffer).setUint16(2, resource);
  payload.set(attributes, NFGENMSG_LENGTH);
  return payload;
}

function parsed<T extends object>(table: FieldTable<T>, payload: Uint8Array): Result<Partial<T>, string> {
  const attributes = parseAttributes(payload, NFGENMSG_LENGTH);
  return attributes.ok ? ok(readFields(table, attributes.value).fields) : attributes;
}

/** Everything of `inet` in what follows; the payloads of answers. */
export function parseTable(payload: Uint8Array): Result<Partial<NftTable>, string> {
  return parsed(TABLE, payload);
}

/** The same for a chain. */
export function parseChain(payload: Uint8Array): Result<Partial<NftChain>, string> {
  return parsed(CHAIN, payload);
}

/** The same for a rule. */
export function parseNftRule(payload: Uint8Array): Result<Partial<NftRule>, string> {
  return parsed(RULE, payload);
}

/** True for news of the table `name` of `inet`, or of what is in it. */
export function isOfTable(type: number, payload: Uint8Array, name: string): boolean {
  if (payload[0] !== NFPROTO_INET || type >> 8 !== NFNL_SUBSYS_NFTABLES) return false;
  // The table's name is attribute 1 of tables, chains, rules and sets alike.
  const table = parsed(TABLE, payload);
  return table.ok && table.value.name === name;
}

/** True for a table that is switched off. */
export function isDormant({ flags = 0 }: Partial<NftTable>): boolean {
  return (flags & DORMANT) !== 0;
}

export function newTable(table: NftTable): NetlinkRequest {
  return { type: NFT_MSG.newTable, flags: NLM_F_CREATE, payload: payloadOf(NFPROTO_INET, TABLE, table) };
}

/** Deletes the table with all that is in it. */
export function delTable(name: string): NetlinkRequest {
  return { type: NFT_MSG.delTable, flags: 0, payload: payloadOf(NFPROTO_INET, TABLE, { name }) };
}

export function newChain(chain: NftChain): NetlinkRequest {
  return { type: NFT_MSG.newChain, flags: NLM_F_CREATE, payload: payloadOf(NFPROTO_INET, CHAIN, chain) };
}

/** Behind the rules that the chain has. */
export function newRule(rule: NftRule): NetlinkRequest {
  return {
    type: NFT_MSG.newRule,
    flags: NLM_F_CREATE | NLM_F_APPEND,
    payload: payloadOf(NFPROTO_INET, RULE, rule),
  };
}

/** The question for one table. */
export function getTable(name: string): NetlinkRequest {
  return { type: NFT_MSG.getTable, flags: 0, payload: payloadOf(NFPROTO_INET, TABLE, { name }) };
}

/** The questions for all chains, and for all rules, of a table. Kernels give the chains of all tables. */
export function getChains(table: string): NetlinkRequest {
  return { type: NFT_MSG.getChain, flags: 0, payload: payloadOf(NFPROTO_INET, CHAIN, { table }) };
}

export function getRules(table: string): NetlinkRequest {
  return { type: NFT_MSG.getRule, flags: 0, payload: payloadOf(NFPROTO_INET, RULE, { table }) };
}

function batchEdge(type: number): NetlinkRequest {
  const fields: FieldTable<object> = {};
  return { type, flags: 0, payload: payloadOf(0, fields, {}, NFNL_SUBSYS_NFTABLES) };
}

/** The requests with what makes the kernel carry them out all or none. */
export function batchOf(requests: readonly NetlinkRequest[]): NetlinkRequest[] {
  return [batchEdge(NFNL_MSG_BATCH_BEGIN), ...requests, batchEdge(NFNL_MSG_BATCH_END)];
}
