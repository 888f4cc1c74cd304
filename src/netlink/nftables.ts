// Chains of nftables that are hooked to devices (linux/netfilter/nf_tables.h), as far as one must know where they are.
import { ok, type Result } from '../base/index.js';
import { be32, findAttribute, parseAttributes, text } from './attribute.js';

const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_NEWCHAIN = 3;
const NFT_MSG_GETCHAIN = 4;
const NFT_MSG_DELCHAIN = 5;
/** struct nfgenmsg: family, version, resource. */
const NFGENMSG_LENGTH = 4;
const NFTA_CHAIN = { table: 1, name: 3, hook: 4 } as const;
const NFTA_HOOK = { number: 1, device: 3, devices: 4 } as const;
const NFPROTO = { inet: 1, netdev: 5 } as const;
const NF_NETDEV = { ingress: 0, egress: 1 } as const;
const NF_INET_INGRESS = 5;

export const NEW_CHAIN: number = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWCHAIN;
export const GET_CHAIN: number = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETCHAIN;
export const DEL_CHAIN: number = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_DELCHAIN;

/** A chain that sees the frames of devices. */
export interface DeviceChain {
  readonly table: string;
  readonly chain: string;
  readonly hook: 'ingress' | 'egress';
  /** Names of devices; a shape (`eth*`) in newer kernels. */
  readonly devices: readonly string[];
}

/** The question for all chains of all families. */
export function emitChainsQuestion(): Uint8Array {
  return new Uint8Array(NFGENMSG_LENGTH);
}

/** The answer; undefined for a chain that is hooked to no device. */
export function parseDeviceChain(payload: Uint8Array): Result<DeviceChain | undefined, string> {
  const attributes = parseAttributes(payload, NFGENMSG_LENGTH);
  if (!attributes.ok) return attributes;
  const valueOf = (type: number): Uint8Array | undefined => findAttribute(attributes.value, type)?.value;
  const hooked = valueOf(NFTA_CHAIN.hook);
  if (hooked === undefined) return ok(undefined);
  const hook = parseAttributes(hooked);
  if (!hook.ok) return hook;
  const number = be32.read(findAttribute(hook.value, NFTA_HOOK.number)?.value ?? new Uint8Array(0));
  const where = hookOf(payload[0] ?? 0, number);
  if (where === undefined) return ok(undefined);
  const one = findAttribute(hook.value, NFTA_HOOK.device)?.value;
  const list = parseAttributes(findAttribute(hook.value, NFTA_HOOK.devices)?.value ?? new Uint8Array(0));
  const values = [
    ...(one === undefined ? [] : [one]),
    ...(list.ok ? list.value.map(each => each.value) : []),
  ];
  const names = values.map(value => text.read(value) ?? '').filter(name => name !== '');
  const table = text.read(valueOf(NFTA_CHAIN.table) ?? new Uint8Array(0)) ?? '';
  const chain = text.read(valueOf(NFTA_CHAIN.name) ?? new Uint8Array(0)) ?? '';
  return ok({ table, chain, hook: where, devices: [...new Set(names)] });
}

function hookOf(family: number, number: number | undefined): DeviceChain['hook'] | undefined {
  if (family === NFPROTO.inet) return number === NF_INET_INGRESS ? 'ingress' : undefined;
  if (family !== NFPROTO.netdev) return undefined;
  return number === NF_NETDEV.ingress ? 'ingress' : number === NF_NETDEV.egress ? 'egress' : undefined;
}
