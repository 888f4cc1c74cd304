// Neighbour messages (struct ndmsg): ARP and ND entries, and (family AF_BRIDGE, NTF_SELF) the unicast and multicast
// addresses that a device's own receive filter lets in.
import { err, ok, type Result } from '../base/index.js';
import { ipAddress } from './address.js';
import {
  type Attribute,
  emitAttributes,
  type FieldTable,
  linkAddress,
  parseAttributes,
  readFields,
  u16,
  u32,
  writeFields,
} from './attribute.js';

export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
export const RTM_GETNEIGH = 30;

/** The entry is the device's own, not the bridge's. */
export const NTF_SELF = 0x02;
export const NTF_MASTER = 0x04;
export const NUD_INCOMPLETE = 0x01;
export const NUD_REACHABLE = 0x02;
export const NUD_STALE = 0x04;
export const NUD_DELAY = 0x08;
export const NUD_PROBE = 0x10;
export const NUD_FAILED = 0x20;
export const NUD_NOARP = 0x40;
export const NUD_PERMANENT = 0x80;

const NDMSG_LENGTH = 12;

/** Attributes of a neighbour. */
export interface NeighbourAttributes {
  /** IP address (text); none in AF_BRIDGE entries. */
  readonly destination?: string;
  /** Link-layer address as `aa:bb:…`. */
  readonly address?: string;
  readonly vlan?: number;
  /** Filter of a dump. */
  readonly onlyIfindex?: number;
  readonly master?: number;
}

/** One neighbour. */
export interface Neighbour extends NeighbourAttributes {
  /** AF_INET, AF_INET6 or AF_BRIDGE. */
  readonly family: number;
  readonly ifindex: number;
  /** NUD_*. */
  readonly state: number;
  /** NTF_*. */
  readonly flags: number;
  /** RTN_*. */
  readonly type: number;
  readonly other: readonly Attribute[];
}

const NEIGHBOUR: FieldTable<NeighbourAttributes> = {
  destination: [1, ipAddress],
  address: [2, linkAddress],
  vlan: [5, u16],
  onlyIfindex: [8, u32],
  master: [9, u32],
};

/** Reads the payload of RTM_NEWNEIGH, RTM_DELNEIGH or RTM_GETNEIGH. */
export function parseNeighbour(payload: Uint8Array): Result<Neighbour, string> {
  if (payload.length < NDMSG_LENGTH)
    return err(`A neighbour message of ${payload.length} bytes has no header`);
  const attributes = parseAttributes(payload, NDMSG_LENGTH);
  if (!attributes.ok) return attributes;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const { fields, other } = readFields(NEIGHBOUR, attributes.value);
  return ok({
    family: view.getUint8(0),
    ifindex: view.getInt32(4, true),
    state: view.getUint16(8, true),
    flags: view.getUint8(10),
    type: view.getUint8(11),
    ...fields,
    other,
  });
}

/** Payload of a neighbour message. */
export function emitNeighbour(neighbour: Neighbour): Uint8Array {
  const attributes = emitAttributes([...writeFields(NEIGHBOUR, neighbour), ...neighbour.other]);
  const payload = new Uint8Array(NDMSG_LENGTH + attributes.length);
  const view = new DataView(payload.buffer);
  view.setUint8(0, neighbour.family);
  view.setInt32(4, neighbour.ifindex, true);
  view.setUint16(8, neighbour.state, true);
  view.setUint8(10, neighbour.flags);
  view.setUint8(11, neighbour.type);
  payload.set(attributes, NDMSG_LENGTH);
  return payload;
}
