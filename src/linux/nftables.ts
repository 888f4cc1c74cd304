// Where nftables has chains that see the frames of devices, in the namespace that the thread is in.
import {
  DEL_CHAIN,
  type DeviceChain,
  emitChainsQuestion,
  GET_CHAIN,
  NEW_CHAIN,
  parseDeviceChain,
} from '../netlink/index.js';
import { isErrno } from './errors.js';
import { Rtnetlink } from './rtnetlink.js';

const NETLINK_NETFILTER = 12;
const NFNLGRP_NFTABLES = 7;

/** No nftables in the kernel, or no right to ask. */
const CANNOT_ASK = ['EPROTONOSUPPORT', 'EINVAL', 'EOPNOTSUPP', 'EPERM', 'ENOENT'] as const;

/** All of them; none where the kernel has no nftables, or does not let us ask. */
export function deviceChains(): DeviceChain[] {
  try {
    const netfilter = Rtnetlink.open({ protocol: NETLINK_NETFILTER });
    try {
      return netfilter
        .dump({ type: GET_CHAIN, flags: 0, payload: emitChainsQuestion() }, 'nftables')
        .filter(({ type }) => type === NEW_CHAIN)
        .flatMap(({ payload }) => {
          const chain = parseDeviceChain(payload);
          return chain.ok && chain.value !== undefined ? [chain.value] : [];
        });
    } finally {
      netfilter.close();
    }
  } catch (error) {
    if (isErrno(error, ...CANNOT_ASK)) return [];
    throw error;
  }
}

/**
 * Calls `changed` whenever a chain is made or goes, in the namespace that the thread is in now, until what it gives is called. Nothing
 * is ever told where the kernel has no nftables, or does not let us ask. Throws SystemError.
 */
export function watchChains(changed: () => void): () => void {
  try {
    const netfilter = Rtnetlink.open({ protocol: NETLINK_NETFILTER, groups: [NFNLGRP_NFTABLES] });
    netfilter.onMessage(({ type }) => {
      if (type === NEW_CHAIN || type === DEL_CHAIN) changed();
    }, changed);
    return () => netfilter.close();
  } catch (error) {
    if (isErrno(error, ...CANNOT_ASK)) return () => {};
    throw error;
  }
}
