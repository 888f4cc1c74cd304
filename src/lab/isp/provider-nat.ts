// A provider's own translation of IPv4 addresses, as with carrier-grade NAT.
import { nftBatch, openNetfilter } from '../../linux/index.js';
import {
  newChain,
  newRule,
  newTable,
  NF_INET_HOOKS,
  NFT_CMP,
  NFT_META,
  type NftExpression,
} from '../../netlink/index.js';
import type { Place } from '../place.js';
import { TRANSIT } from './plan.js';

const TABLE = 'provider';
const CHAIN = 'out';
/** NF_IP_PRI_NAT_SRC. */
const SOURCE_NAT = 100;
const NFPROTO_IPV4 = 2;
const IFNAMSIZ = 16;

function is(key: number, value: Uint8Array): NftExpression[] {
  return [
    { kind: 'meta', key, into: 1 },
    { kind: 'cmp', from: 1, operation: NFT_CMP.equal, value: { value } },
  ];
}

/** Sets it up in the provider's router. Throws SystemError where the kernel has no nftables. */
export function addProviderNat(provider: Place): void {
  const device = new Uint8Array(IFNAMSIZ);
  device.set(new TextEncoder().encode(TRANSIT));
  const expressions: NftExpression[] = [
    ...is(NFT_META.nfproto, Uint8Array.of(NFPROTO_IPV4)),
    ...is(NFT_META.oifname, device),
    { kind: 'masq' },
  ];
  const hook = { number: NF_INET_HOOKS.postrouting, priority: SOURCE_NAT };
  const netfilter = provider.inside(() => openNetfilter());
  try {
    const requests = [
      newTable({ name: TABLE }),
      newChain({ table: TABLE, name: CHAIN, type: 'nat', hook }),
      newRule({ table: TABLE, chain: CHAIN, expressions }),
    ];
    nftBatch(netfilter, requests, `the NAT of ${provider.name}`);
  } finally {
    netfilter.close();
  }
}
