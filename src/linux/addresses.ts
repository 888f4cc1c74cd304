// IP addresses of interfaces by rtnetlink: list, add, delete.
import {
  type Address,
  AF_INET,
  AF_INET6,
  emitAddress,
  IFA_F,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  ownAddress,
  parseAddress,
  RTM_DELADDR,
  RTM_GETADDR,
  RTM_NEWADDR,
} from '../netlink/index.js';
import type { SystemError } from './errors.js';
import type { NamedRequest, Rtnetlink } from './rtnetlink.js';

/** All addresses, or those of one interface. */
export function listAddresses(netlink: Rtnetlink, filter: { readonly ifindex?: number } = {}): Address[] {
  const all: Address = { family: 0, prefixLength: 0, scope: 0, ifindex: 0, other: [] };
  const addresses: Address[] = [];
  for (const message of netlink.dump({ type: RTM_GETADDR, flags: 0, payload: emitAddress(all) })) {
    const address = parseAddress(message.payload);
    if (message.type !== RTM_NEWADDR || !address.ok) continue;
    if (filter.ifindex === undefined || filter.ifindex === address.value.ifindex)
      addresses.push(address.value);
  }
  return addresses;
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
