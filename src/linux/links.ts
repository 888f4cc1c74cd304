// Network interfaces by rtnetlink: list, find, change, make, delete.
import { MOST_ALTERNATIVE_BYTES } from '../base/index.js';
import {
  type AddrGenMode,
  addrGenModeSettings,
  type BridgeOptions,
  bridgeInfo,
  emitLink,
  IFF,
  type Link,
  type LinkAttributes,
  linkWith,
  type MacvlanMode,
  macvlanInfo,
  NLM_F_CREATE,
  NLM_F_EXCL,
  parseLink,
  promotionSettings,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
  netkitInfo,
  vethInfo,
  type VlanSettings,
  vlanInfo,
} from '../netlink/index.js';
import { isErrno, SystemError } from './errors.js';
import type { Rtnetlink } from './rtnetlink.js';

const ENODEV = 19;

/** All links of the namespace. */
export function listLinks(netlink: Rtnetlink): Link[] {
  const links: Link[] = [];
  for (const message of netlink.dump({ type: RTM_GETLINK, flags: 0, payload: emitLink(linkWith({})) })) {
    const link = parseLink(message.payload);
    if (message.type === RTM_NEWLINK && link.ok) links.push(link.value);
  }
  return links;
}

function selector(which: number | string): Partial<Link> {
  if (typeof which === 'number') return { ifindex: which };
  return Buffer.byteLength(which) > 15 ? { alternativeName: which } : { name: which };
}

/** A name, or alternative name, that an interface can have as far as its length goes; behind a NUL the kernel would not look. */
function mayBeName(name: string): boolean {
  return name !== '' && Buffer.byteLength(name) <= MOST_ALTERNATIVE_BYTES && !name.includes('\0');
}

/** The link with this index or name; undefined when there is none. */
export function getLink(netlink: Rtnetlink, which: number | string): Link | undefined {
  // The kernel answers index 0 with EINVAL, and a name of 128 characters or more with ERANGE: no such link either way.
  if (which === 0 || (typeof which === 'string' && !mayBeName(which))) return undefined;
  try {
    const payload = emitLink(linkWith(selector(which)));
    for (const message of netlink.request({ type: RTM_GETLINK, flags: 0, payload }, String(which))) {
      const link = parseLink(message.payload);
      if (link.ok) return link.value;
    }
    return undefined;
  } catch (error) {
    if (isErrno(error, 'ENODEV')) return undefined;
    throw error;
  }
}

/** The link with this index or name; throws ENODEV when there is none. */
export function requireLink(netlink: Rtnetlink, which: number | string): Link {
  const link = getLink(netlink, which);
  if (link === undefined) throw new SystemError('RTM_GETLINK', ENODEV, String(which));
  return link;
}

/** What to change of a link; what is absent stays. */
export interface LinkChanges {
  readonly up?: boolean;
  readonly mtu?: number;
  /** `aa:bb:cc:dd:ee:ff`. */
  readonly address?: string;
  readonly name?: string;
  /** Interface index of the bridge or VRF to join; 0 to leave. */
  readonly master?: number;
  /** Empty to clear. */
  readonly alias?: string;
  readonly promiscuous?: boolean;
  readonly allMulticast?: boolean;
  readonly noArp?: boolean;
  readonly multicast?: boolean;
  /** Namespace to move to. */
  readonly netnsFd?: number;
  readonly addrGenMode?: AddrGenMode;
  /** Whether a further address of a network stays when the first one of it goes. */
  readonly promotesSecondaries?: boolean;
  readonly txQueueLength?: number;
  /** Only devices that let user space decide (dummy). */
  readonly carrier?: boolean;
  readonly gsoMaxSize?: number;
  readonly gsoMaxSegments?: number;
}

function flagChanges(changes: LinkChanges): Pick<Link, 'flags' | 'changeMask'> {
  const wishes: readonly (readonly [boolean | undefined, number])[] = [
    [changes.up, IFF.IFF_UP],
    [changes.promiscuous, IFF.IFF_PROMISC],
    [changes.allMulticast, IFF.IFF_ALLMULTI],
    [changes.noArp, IFF.IFF_NOARP],
    [changes.multicast, IFF.IFF_MULTICAST],
  ];
  let flags = 0;
  let changeMask = 0;
  for (const [wish, flag] of wishes) {
    if (wish === undefined) continue;
    changeMask |= flag;
    if (wish) flags |= flag;
  }
  return { flags, changeMask };
}

/** The message that asks for the changes, without saying of which link. Properties that are no attributes are not emitted. */
function changesMessage(changes: LinkChanges): Partial<Link> {
  const { addrGenMode, promotesSecondaries } = changes;
  const familySettings = [
    ...(addrGenMode === undefined ? [] : addrGenModeSettings(addrGenMode)),
    ...(promotesSecondaries === undefined ? [] : promotionSettings(promotesSecondaries)),
  ];
  return { ...changes, ...flagChanges(changes), ...(familySettings.length > 0 && { familySettings }) };
}

/** Changes a link; throws SystemError with the kernel's sentence, having changed what came before the refused change. */
export function setLink(netlink: Rtnetlink, ifindex: number, changes: LinkChanges): void {
  const payload = emitLink(linkWith({ ...changesMessage(changes), ifindex }));
  netlink.request({ type: RTM_NEWLINK, flags: 0, payload }, `interface ${ifindex}`);
}

/** Deletes a link; false when it was not there. */
export function deleteLink(netlink: Rtnetlink, which: number | string): boolean {
  try {
    const payload = emitLink(linkWith(selector(which)));
    netlink.request({ type: RTM_DELLINK, flags: 0, payload }, String(which));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENODEV')) return false;
    throw error;
  }
}

function createLink(netlink: Rtnetlink, name: string, link: Partial<Link>): void {
  const payload = emitLink(linkWith({ ...link, name }));
  netlink.request({ type: RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, payload }, name);
  // The kernel passes over the alias of a new link, so that is a second step; one made elsewhere stays without.
  if (link.alias !== undefined && link.netnsFd === undefined) {
    setLink(netlink, requireLink(netlink, name).ifindex, { alias: link.alias });
  }
}

/** What a new link may be given besides what it is. */
export interface NewLink
  extends Pick<LinkAttributes, 'mtu' | 'address' | 'alias' | 'netnsFd' | 'txQueueLength'> {
  readonly name: string;
  readonly numTxQueues?: number;
  readonly numRxQueues?: number;
  readonly up?: boolean;
}

function newLinkMessage(link: NewLink): Partial<Link> {
  return { ...link, ...flagChanges(link) };
}

/** What is asked of a pair of Ethernet devices, of whichever kind. */
export interface PairOptions extends NewLink {
  readonly peerName: string;
  /** Transmit queues of the other end; as many as this end's where absent. */
  readonly peerNumTxQueues?: number;
}

/** A pair of Ethernet devices joined by a wire. */
export interface VethOptions extends PairOptions {
  readonly peerAddress?: string;
  /** Namespace of the other end; this one where absent. */
  readonly peerNetnsFd?: number;
  /** Raise the other end too; only where it stays in this namespace. */
  readonly peerUp?: boolean;
}

/** The other end as it goes into the message. */
function peerWith(options: PairOptions): Partial<Link> {
  const { peerName, mtu, numRxQueues } = options;
  const numTxQueues = options.peerNumTxQueues ?? options.numTxQueues;
  return {
    name: peerName,
    ...(mtu !== undefined && { mtu }),
    ...(numTxQueues !== undefined && { numTxQueues }),
    ...(numRxQueues !== undefined && { numRxQueues }),
  };
}

/** Makes a veth pair; both ends get the MTU and the queues. Gives the near end (absent from here when `netnsFd` put it elsewhere). */
export function createVeth(netlink: Rtnetlink, options: VethOptions): Link | undefined {
  const { peerName, peerAddress, peerNetnsFd, peerUp, name } = options;
  const peer = linkWith({
    ...peerWith(options),
    ...(peerAddress !== undefined && { address: peerAddress }),
    ...(peerNetnsFd !== undefined && { netnsFd: peerNetnsFd }),
  });
  createLink(netlink, name, { ...newLinkMessage(options), info: vethInfo(peer) });
  // The kernel refuses to raise an end that has no other end yet (ENOTCONN), so that is a second step.
  if (peerUp === true && peerNetnsFd === undefined) {
    setLink(netlink, requireLink(netlink, peerName).ifindex, { up: true });
  }
  return options.netnsFd === undefined ? requireLink(netlink, name) : undefined;
}

/** Makes a netkit pair, both ends here, with the MTU; gives the primary device. EOPNOTSUPP: this kernel has none (before 6.7). */
export function createNetkit(netlink: Rtnetlink, options: PairOptions): Link {
  const peer = linkWith(peerWith(options));
  createLink(netlink, options.name, { ...newLinkMessage(options), info: netkitInfo(peer) });
  return requireLink(netlink, options.name);
}

/** Makes a bridge. */
export function createBridge(netlink: Rtnetlink, link: NewLink, options: BridgeOptions = {}): Link {
  createLink(netlink, link.name, { ...newLinkMessage(link), info: bridgeInfo(options) });
  return requireLink(netlink, link.name);
}

/** Makes a macvlan on the device with index `lower`. */
export function createMacvlan(netlink: Rtnetlink, link: NewLink, lower: number, mode: MacvlanMode): Link {
  createLink(netlink, link.name, { ...newLinkMessage(link), link: lower, info: macvlanInfo(mode) });
  return requireLink(netlink, link.name);
}

/** Makes a VLAN device on the device with index `lower`. */
export function createVlan(netlink: Rtnetlink, link: NewLink, lower: number, id: number): Link {
  createLink(netlink, link.name, {
    ...newLinkMessage(link),
    link: lower,
    info: vlanInfo({ id, protocol: 0x8100 }),
  });
  return requireLink(netlink, link.name);
}

/**
 * Makes a VLAN device that stays down whatever the device below does. All that it is for: the kernel tells the hardware of that one
 * to let the VLAN in (vlan_vid_add). EEXIST when the device below has one of this VLAN already, in whatever namespace.
 */
export function createVlanFilter(
  netlink: Rtnetlink,
  link: Pick<NewLink, 'name' | 'alias'>,
  lower: number,
  settings: VlanSettings,
): void {
  createLink(netlink, link.name, { ...link, link: lower, info: vlanInfo(settings, true) });
}

/** Makes a device that swallows what is sent on it. */
export function createDummy(netlink: Rtnetlink, link: NewLink): Link {
  createLink(netlink, link.name, { ...newLinkMessage(link), info: { kind: 'dummy' } });
  return requireLink(netlink, link.name);
}
