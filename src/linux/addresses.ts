// IP addresses of interfaces by rtnetlink: list, add, delete.
import {
  type Address,
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  emitAddress,
  IFA_F,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  ownAddress,
  parseAddress,
  RTM_DELADDR,
  RTM_GETADDR,
  RTM_GETMULTICAST,
  RTM_NEWADDR,
} from '../netlink/index.js';
import { isErrno, type SystemError } from './errors.js';
import type { NamedRequest, Rtnetlink } from './rtnetlink.js';

/** Messages of a dump; of one interface where `ifindex` is not 0, none when that is gone. Kernels before 4.20 give all. */
function dumpOf(netlink: Rtnetlink, type: number, family: number, ifindex: number): Address[] {
  const payload = emitAddress({ family, prefixLength: 0, scope: 0, ifindex, other: [] });
  const found: Address[] = [];
  try {
    for (const message of netlink.dump({ type, flags: 0, payload })) {
      const address = parseAddress(message.payload);
      if (!address.ok || (ifindex !== 0 && address.value.ifindex !== ifindex)) continue;
      if (message.type === RTM_NEWADDR || message.type === RTM_GETMULTICAST) found.push(address.value);
    }
  } catch (error) {
    if (ifindex === 0 || !isErrno(error, 'ENODEV')) throw error;
  }
  return found;
}

/** All addresses, or those of one interface. */
export function listAddresses(netlink: Rtnetlink, filter: { readonly ifindex?: number } = {}): Address[] {
  return dumpOf(netlink, RTM_GETADDR, AF_UNSPEC, filter.ifindex ?? 0);
}

/** The IPv6 multicast groups that an interface has joined, as text, in the kernel's order (inet6_dump_addr). */
export function listIpv6Groups(netlink: Rtnetlink, ifindex: number): string[] {
  return dumpOf(netlink, RTM_GETMULTICAST, AF_INET6, ifindex).flatMap(({ multicast }) => multicast ?? []);
}

/**
 * An address to add, from text such as `192.0.2.1/24` or `2001:db8::1/64` (the prefix defaults to a single host);
 * `flags` are IFA_F_*.
 */
export function addressFromText(ifindex: number, text: string, flags = 0): Address {
  const [address = '', length] = text.split('/');
  const isIpv6 = address.includes(':');
  return {
    family: isIpv6 ? AF_INET6 : AF_INET,
    prefixLength: length === undefined ? (isIpv6 ? 128 : 32) : Number(length),
    scope: 0,
    ifindex,
    local: address,
    address,
    ...(flags !== 0 && { flags }),
    other: [],
  };
}

const FOREVER = 0xffffffff;

/** What of an address the kernel takes in a request; it makes the rest itself. */
function addressRequest(address: Address): Uint8Array {
  const { lifetimes, flags = 0, ...wish } = address;
  const validSeconds = lifetimes?.validSeconds ?? FOREVER;
  // Of an IPv4 address that is valid for ever the kernel tells by the flag alone that it is deprecated (inet_fill_ifaddr).
  const isDeprecated = (flags & IFA_F.IFA_F_DEPRECATED) !== 0;
  const preferredSeconds = isDeprecated ? 0 : (lifetimes?.preferredSeconds ?? FOREVER);
  if (validSeconds === FOREVER && preferredSeconds === FOREVER) return emitAddress({ ...wish, flags });
  const given = { validSeconds, preferredSeconds, createdCentiseconds: 0, updatedCentiseconds: 0 };
  return emitAddress({ ...wish, flags, lifetimes: given });
}

function addition(address: Address, replace: boolean): NamedRequest {
  const flags = NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
  return { type: RTM_NEWADDR, flags, payload: addressRequest(address), target: ownAddress(address) ?? '' };
}

function deletion(address: Address): NamedRequest {
  return { type: RTM_DELADDR, flags: 0, payload: emitAddress(address), target: ownAddress(address) ?? '' };
}

/** Adds an address; one that is there already throws EEXIST unless `replace`. */
export function addAddress(netlink: Rtnetlink, address: Address, replace = false): void {
  const request = addition(address, replace);
  netlink.request(request, request.target);
}

/** Adds addresses in this order, many in one call of the kernel; gives the outcome of each. */
export function addAddresses(netlink: Rtnetlink, addresses: readonly Address[]): (SystemError | undefined)[] {
  return netlink.requestAll(addresses.map(address => addition(address, false)));
}

/** Deletes an address; EADDRNOTAVAIL when it is not there. */
export function deleteAddress(netlink: Rtnetlink, address: Address): void {
  const request = deletion(address);
  netlink.request(request, request.target);
}

/** Deletes addresses, many in one call of the kernel; gives the outcome of each. */
export function deleteAddresses(
  netlink: Rtnetlink,
  addresses: readonly Address[],
): (SystemError | undefined)[] {
  return netlink.requestAll(addresses.map(deletion));
}
