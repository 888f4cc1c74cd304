// Address messages (struct ifaddrmsg and its attributes): one IPv4 or IPv6 address of an interface.
import { err, formatIpv4, formatIpv6, ok, parseIpv4, parseIpv6, type Result } from '../base/index.js';
import {
  type Attribute,
  type Codec,
  emitAttributes,
  type FieldTable,
  parseAttributes,
  readFields,
  text,
  u8,
  u32,
  writeFields,
} from './attribute.js';

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_GETMULTICAST = 58;

/** Flags of an address (linux/if_addr.h). */
export const IFA_F = {
  IFA_F_SECONDARY: 0x01,
  IFA_F_NODAD: 0x02,
  IFA_F_OPTIMISTIC: 0x04,
  IFA_F_DADFAILED: 0x08,
  IFA_F_HOMEADDRESS: 0x10,
  IFA_F_DEPRECATED: 0x20,
  IFA_F_TENTATIVE: 0x40,
  IFA_F_PERMANENT: 0x80,
  IFA_F_MANAGETEMPADDR: 0x100,
  IFA_F_NOPREFIXROUTE: 0x200,
  IFA_F_MCAUTOJOIN: 0x400,
  IFA_F_STABLE_PRIVACY: 0x800,
} as const;

/** IFADDRMSG: family 1, prefixlen 1, flags 1, scope 1, index 4. */
const IFADDRMSG_LENGTH = 8;

/** Lifetimes of an address (struct ifa_cacheinfo); 0xffffffff is forever. */
export interface AddressLifetimes {
  readonly preferredSeconds: number;
  readonly validSeconds: number;
  /** Hundredths of a second after boot. */
  readonly createdCentiseconds: number;
  readonly updatedCentiseconds: number;
}

/** Attributes of an address. Addresses are text. */
export interface AddressAttributes {
  /** The interface's own address (IFA_LOCAL); IPv6 has it only on point-to-point links, see `ownAddress()`. */
  readonly local?: string;
  /** IPv4: the peer's address on point-to-point links, else as `local`. IPv6: the address. */
  readonly address?: string;
  readonly broadcast?: string;
  readonly label?: string;
  /** IFA_F_*, all 32 bits. */
  readonly flags?: number;
  readonly lifetimes?: AddressLifetimes;
  /** Metric of the prefix route. */
  readonly routePriority?: number;
  readonly protocol?: number;
  /** A group that the interface has joined (IFA_MULTICAST), in answers to RTM_GETMULTICAST. */
  readonly multicast?: string;
}

/** One address of an interface. */
export interface Address extends AddressAttributes {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  readonly prefixLength: number;
  /** RT_SCOPE_*: 0 universe, 253 link, 254 host. */
  readonly scope: number;
  readonly ifindex: number;
  readonly other: readonly Attribute[];
}

/** An IPv4 or IPv6 address, told apart by its length. */
export const ipAddress: Codec<string> = {
  read: value => {
    if (value.length === 4) return formatIpv4(value);
    return value.length === 16 ? formatIpv6(value) : undefined;
  },
  write: value => {
    const parsed = value.includes(':') ? parseIpv6(value) : parseIpv4(value);
    // A bad text is the caller's mistake; the kernel answers EINVAL for the empty value.
    return parsed.ok ? parsed.value : new Uint8Array(0);
  },
};

const lifetimes: Codec<AddressLifetimes> = {
  read: value => {
    if (value.length !== 16) return undefined;
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    return {
      preferredSeconds: view.getUint32(0, true),
      validSeconds: view.getUint32(4, true),
      createdCentiseconds: view.getUint32(8, true),
      updatedCentiseconds: view.getUint32(12, true),
    };
  },
  write: value => {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, value.preferredSeconds, true);
    view.setUint32(4, value.validSeconds, true);
    view.setUint32(8, value.createdCentiseconds, true);
    view.setUint32(12, value.updatedCentiseconds, true);
    return bytes;
  },
};

const ADDRESS: FieldTable<AddressAttributes> = {
  address: [1, ipAddress],
  local: [2, ipAddress],
  label: [3, text],
  broadcast: [4, ipAddress],
  lifetimes: [6, lifetimes],
  multicast: [7, ipAddress],
  flags: [8, u32],
  routePriority: [9, u32],
  protocol: [11, u8],
};

/** The address that the interface itself has. */
export function ownAddress(address: Address): string | undefined {
  return address.local ?? address.address;
}

/** Reads the payload of RTM_NEWADDR, RTM_DELADDR or RTM_GETADDR, and of answers to RTM_GETMULTICAST. */
export function parseAddress(payload: Uint8Array): Result<Address, string> {
  if (payload.length < IFADDRMSG_LENGTH)
    return err(`An address message of ${payload.length} bytes has no header`);
  const attributes = parseAttributes(payload, IFADDRMSG_LENGTH);
  if (!attributes.ok) return attributes;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const { fields, other } = readFields(ADDRESS, attributes.value);
  return ok({
    family: view.getUint8(0),
    prefixLength: view.getUint8(1),
    scope: view.getUint8(3),
    ifindex: view.getUint32(4, true),
    flags: view.getUint8(2),
    ...fields,
    other,
  });
}

/** Payload of an address message. The low flags are written in the header too, for kernels without IFA_FLAGS. */
export function emitAddress(address: Address): Uint8Array {
  const attributes = emitAttributes([...writeFields(ADDRESS, address), ...address.other]);
  const payload = new Uint8Array(IFADDRMSG_LENGTH + attributes.length);
  const view = new DataView(payload.buffer);
  view.setUint8(0, address.family);
  view.setUint8(1, address.prefixLength);
  view.setUint8(2, (address.flags ?? 0) & 0xff);
  view.setUint8(3, address.scope);
  view.setUint32(4, address.ifindex, true);
  payload.set(attributes, IFADDRMSG_LENGTH);
  return payload;
}
