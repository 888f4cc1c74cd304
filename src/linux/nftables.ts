// Where nftables has chains that see the frames of devices, in the namespace that the thread is in.
import {
  type DeviceChain,
  emitChainsQuestion,
  GET_CHAIN,
  NEW_CHAIN,
  parseDeviceChain,
} from '../netlink/index.js';
import { isErrno } from './errors.js';
import { Rtnetlink } from './rtnetlink.js';

const NETLINK_NETFILTER = 12;

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
    if (isErrno(error, 'EPROTONOSUPPORT', 'EINVAL', 'EOPNOTSUPP', 'EPERM', 'ENOENT')) return [];
    throw error;
  }
}
