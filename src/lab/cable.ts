// One cable of a lab: a veth pair between a host's namespace and the switch's, and what can be done to it from the
// switch's side.
import { netnsPath, requireLink, Rtnetlink, setLink, withNetns } from '../linux/index.js';
import {
  IFF,
  linkWith,
  emitLink,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTM_NEWLINK,
  vethInfo,
} from '../netlink/index.js';

/** One end of a cable. */
export interface CableEnd {
  /** rtnetlink in the end's namespace. */
  readonly netlink: Rtnetlink;
  readonly netnsFd: number;
  readonly name: string;
  readonly ifindex: number;
  readonly address?: string;
}

/**
 * Makes a veth pair between two namespaces, each end with the interface index that is asked for: the kernel reports the
 * carrier of a device whose peer has the same index late, as it does for physical devices.
 */
export function createCable(near: CableEnd, far: CableEnd): void {
  const peer = linkWith({
    name: far.name,
    ifindex: far.ifindex,
    netnsFd: far.netnsFd,
    ...(far.address !== undefined && { address: far.address }),
  });
  const link = linkWith({
    name: near.name,
    ifindex: near.ifindex,
    ...(near.address !== undefined && { address: near.address }),
    info: vethInfo(peer),
  });
  const request = { type: RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, payload: emitLink(link) };
  near.netlink.request(request, near.name);
}

/** Plugs the switch's end in or pulls it: the other end loses its carrier at once. */
export function setCable(switchNamespace: string, end: string, pluggedIn: boolean): void {
  withRtnetlink(switchNamespace, netlink => {
    setLink(netlink, requireLink(netlink, end).ifindex, { up: pluggedIn });
  });
}

/** True when the switch's end is down. */
export function cableIsCut(switchNamespace: string, end: string): boolean {
  return withRtnetlink(switchNamespace, netlink => (requireLink(netlink, end).flags & IFF.IFF_UP) === 0);
}

/** Calls `work` with an rtnetlink connection into the namespace of this name. */
export function withRtnetlink<T>(namespace: string, work: (netlink: Rtnetlink) => T): T {
  const netlink = withNetns(netnsPath(namespace), () => Rtnetlink.open());
  try {
    return work(netlink);
  } finally {
    netlink.close();
  }
}
