// Tables of nftables in the namespace of a connection: read, exchanged all at once, watched.
import {
  batchOf,
  getChains,
  getRules,
  getTable,
  type NetlinkRequest,
  NFT_MSG,
  type NftChain,
  type NftRule,
  type NftTable,
  parseChain,
  parseNftRule,
  parseTable,
} from '../netlink/index.js';
import { isErrno } from './errors.js';
import { Rtnetlink, type RtnetlinkOptions } from './rtnetlink.js';

const NETLINK_NETFILTER = 12;
/** NFNLGRP_NFTABLES, for the options of `openNetfilter()`. */
export const NFNLGRP_NFTABLES = 7;

/** A connection to netfilter of the namespace that the thread is in. Throws SystemError (EPROTONOSUPPORT: the kernel has none). */
export function openNetfilter(options: Omit<RtnetlinkOptions, 'protocol'> = {}): Rtnetlink {
  return Rtnetlink.open({ ...options, protocol: NETLINK_NETFILTER });
}

/** A table of `inet` as the kernel has it. */
export interface TableLook {
  readonly table: Partial<NftTable>;
  readonly chains: readonly Partial<NftChain>[];
  readonly rules: readonly Partial<NftRule>[];
}

/** Undefined when there is no such table. Throws SystemError where the kernel has no nftables, or does not let us ask. */
export function readTable(netfilter: Rtnetlink, name: string): TableLook | undefined {
  try {
    const [answer] = netfilter.request(getTable(name), name);
    const table = answer === undefined ? undefined : parseTable(answer.payload);
    if (table?.ok !== true) return undefined;
    const chains = dumped(netfilter, getChains(name), NFT_MSG.newChain).map(parseChain);
    const rules = dumped(netfilter, getRules(name), NFT_MSG.newRule).map(parseNftRule);
    return {
      table: table.value,
      chains: chains.flatMap(one => (one.ok && one.value.table === name ? [one.value] : [])),
      rules: rules.flatMap(one => (one.ok && one.value.table === name ? [one.value] : [])),
    };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Payloads of `inet` among the answers. */
function dumped(netfilter: Rtnetlink, question: NetlinkRequest, type: number): Uint8Array[] {
  return netfilter
    .dump(question, 'nftables')
    .filter(message => message.type === type && message.payload[0] === 1)
    .map(({ payload }) => payload);
}

/** Carries out all of the requests or none. Throws SystemError with what was refused first. */
export function nftBatch(netfilter: Rtnetlink, requests: readonly NetlinkRequest[], target: string): void {
  netfilter.transaction(
    batchOf(requests).map(({ type, flags, payload }) => ({ type, flags, payload, target })),
  );
}
