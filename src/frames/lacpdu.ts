// LACPDUs and Marker PDUs (IEEE 802.1AX-2008 §5.4.2 and §5.5.3, the slow protocols of IEEE 802.3 Annex 57A).
import { err, formatMac, type MacText, ok, parseMac, type Result } from '../base/index.js';
import { putU16, putU32, u16, u32 } from './bytes.js';
import { emitEthernet, ETHERNET_LENGTH, ETHERTYPE, parseEthernet, type VlanTag } from './ethernet.js';

/** Whom slow protocols speak to: the station at the other end of the link. */
export const SLOW_PROTOCOLS_MAC: MacText = '01:80:c2:00:00:02';

/** Bytes of a LACPDU and of a Marker PDU, from the subtype on. */
export const SLOW_PDU_LENGTH = 110;

const SUBTYPE = { LACP: 1, MARKER: 2 } as const;
const LACP_VERSION = 1;
const TLV = { ACTOR: 1, PARTNER: 2, COLLECTOR: 3 } as const;
const END_LENGTH = 20;
const COLLECTOR_LENGTH = 16;

/** Flags of a port (Actor_State, Partner_State). */
export const PORT_STATE = {
  ACTIVITY: 0x01,
  TIMEOUT: 0x02,
  AGGREGATION: 0x04,
  SYNCHRONIZATION: 0x08,
  COLLECTING: 0x10,
  DISTRIBUTING: 0x20,
  DEFAULTED: 0x40,
  EXPIRED: 0x80,
} as const;

/** One end of a link, as a LACPDU tells it. Numbers of 16 bits; `state` has the flags of `PORT_STATE`. */
export interface LacpEnd {
  readonly systemPriority: number;
  readonly system: MacText;
  readonly key: number;
  readonly portPriority: number;
  readonly port: number;
  readonly state: number;
}

/**
 * ```
 * SUBTYPE(1)=1 VERSION(1)=1
 * TLV(1)=1 LENGTH(1)=20 ACTOR:   SYSTEM_PRIORITY(2) SYSTEM(6) KEY(2) PORT_PRIORITY(2) PORT(2) STATE(1) reserved(3)
 * TLV(1)=2 LENGTH(1)=20 PARTNER: the same
 * TLV(1)=3 LENGTH(1)=16 COLLECTOR: MAX_DELAY(2) reserved(12)
 * TLV(1)=0 LENGTH(1)=0 reserved(50)
 * ```
 */
export interface Lacpdu {
  /** Who says it. */
  readonly actor: LacpEnd;
  /** What it heard last of whom it speaks to. */
  readonly partner: LacpEnd;
}

/** TLV types of a Marker PDU. */
export const MARKER_TLV = { INFORMATION: 1, RESPONSE: 2 } as const;

/** A frame of the slow protocols, as far as it is understood. */
export type SlowFrame = {
  readonly source: MacText;
  /** Tags that it came with; slow protocols have none, but for the priority (VLAN 0). */
  readonly vlanTags: readonly VlanTag[];
} & (
  | { readonly kind: 'lacpdu'; readonly pdu: Lacpdu }
  /** `body` is the whole PDU, `SLOW_PDU_LENGTH` bytes. */
  | { readonly kind: 'marker'; readonly tlv: number; readonly body: Uint8Array }
  /** `body` as of a marker. */
  | { readonly kind: 'other'; readonly subtype: number; readonly body: Uint8Array }
  /** Cut short. */
  | { readonly kind: 'illegal'; readonly length: number }
);

/** Offsets from the subtype on. */
const AT = { VERSION: 1, ACTOR: 2, PARTNER: 22, COLLECTOR: 42 } as const;

function parseEnd(pdu: Uint8Array, at: number): LacpEnd {
  return {
    systemPriority: u16(pdu, at + 2),
    system: formatMac(pdu, at + 4),
    key: u16(pdu, at + 10),
    portPriority: u16(pdu, at + 12),
    port: u16(pdu, at + 14),
    state: pdu[at + 16] ?? 0,
  };
}

/**
 * Reads a frame, or says why it is none of the slow protocols. As the driver does, it takes any version, and TLVs of any type and
 * length: places are fixed, and what is longer is not looked at (bond_3ad_rx_indication).
 */
export function parseSlowFrame(frame: Uint8Array): Result<SlowFrame, string> {
  const header = parseEthernet(frame);
  if (!header.ok) return header;
  const { destination, source, vlanTags, etherType, payloadOffset } = header.value;
  if (etherType !== ETHERTYPE.SLOW) return err(`EtherType ${etherType} is no slow protocol`);
  if (formatMac(destination) !== SLOW_PROTOCOLS_MAC) return err(`it is for ${formatMac(destination)}`);
  const pdu = frame.subarray(payloadOffset, payloadOffset + SLOW_PDU_LENGTH);
  const about = { source: formatMac(source), vlanTags };
  if (pdu.length < SLOW_PDU_LENGTH) return ok({ ...about, kind: 'illegal', length: pdu.length });
  const subtype = pdu[0] ?? 0;
  switch (subtype) {
    case SUBTYPE.LACP:
      return ok({
        ...about,
        kind: 'lacpdu',
        pdu: { actor: parseEnd(pdu, AT.ACTOR), partner: parseEnd(pdu, AT.PARTNER) },
      });
    case SUBTYPE.MARKER:
      return ok({ ...about, kind: 'marker', tlv: pdu[2] ?? 0, body: pdu.slice() });
    default:
      return ok({ ...about, kind: 'other', subtype, body: pdu.slice() });
  }
}

/** A frame of the slow protocols whose PDU, `SLOW_PDU_LENGTH` bytes after the Ethernet header, is all zero. */
export function emptySlowFrame(source: MacText): Result<Uint8Array, string> {
  const [from, to] = [parseMac(source), parseMac(SLOW_PROTOCOLS_MAC)];
  if (!from.ok) return from;
  if (!to.ok) return to;
  const frame = new Uint8Array(ETHERNET_LENGTH + SLOW_PDU_LENGTH);
  emitEthernet({ destination: to.value, source: from.value, vlanTags: [], etherType: ETHERTYPE.SLOW }, frame);
  return ok(frame);
}

function putEnd(end: LacpEnd, type: number, into: Uint8Array, at: number): Result<undefined, string> {
  const system = parseMac(end.system);
  if (!system.ok) return system;
  into[at] = type;
  into[at + 1] = END_LENGTH;
  putU16(into, at + 2, end.systemPriority);
  into.set(system.value, at + 4);
  putU16(into, at + 10, end.key);
  putU16(into, at + 12, end.portPriority);
  putU16(into, at + 14, end.port);
  into[at + 16] = end.state;
  return ok(undefined);
}

/** The frame of 124 bytes that the driver sends (ad_lacpdu_send), or why an address is none. */
export function lacpduFrame(source: MacText, { actor, partner }: Lacpdu): Result<Uint8Array, string> {
  const frame = emptySlowFrame(source);
  if (!frame.ok) return frame;
  const pdu = frame.value.subarray(ETHERNET_LENGTH);
  pdu[0] = SUBTYPE.LACP;
  pdu[AT.VERSION] = LACP_VERSION;
  for (const [end, type, at] of [
    [actor, TLV.ACTOR, AT.ACTOR],
    [partner, TLV.PARTNER, AT.PARTNER],
  ] as const) {
    const put = putEnd(end, type, pdu, at);
    if (!put.ok) return put;
  }
  pdu[AT.COLLECTOR] = TLV.COLLECTOR;
  pdu[AT.COLLECTOR + 1] = COLLECTOR_LENGTH;
  return frame;
}

/**
 * ```
 * SUBTYPE(1)=2 VERSION(1)=1 TLV(1) LENGTH(1)=16 PORT(2) SYSTEM(6) TRANSACTION(4) pad(2) TLV(1)=0 LENGTH(1)=0 reserved(90)
 * ```
 */
const MARKER_AT = { TLV: 2, LENGTH: 3, PORT: 4, SYSTEM: 6, TRANSACTION: 12, PAD: 16 } as const;
const MARKER_LENGTH = 16;
const MARKER_VERSION = 1;

/** Who asks by a marker, and which of its markers it is: a number of 32 bits. */
export interface Marker {
  readonly port: number;
  readonly system: MacText;
  readonly transaction: number;
}

/** What a marker, or the answer to one, says. `body` is a whole PDU. */
export function readMarker(body: Uint8Array): Marker {
  return {
    port: u16(body, MARKER_AT.PORT),
    system: formatMac(body, MARKER_AT.SYSTEM),
    transaction: u32(body, MARKER_AT.TRANSACTION),
  };
}

/** A marker, which a partner is to answer at once; or why an address is none. */
export function markerFrame(
  source: MacText,
  { port, system, transaction }: Marker,
): Result<Uint8Array, string> {
  const frame = emptySlowFrame(source);
  if (!frame.ok) return frame;
  const asker = parseMac(system);
  if (!asker.ok) return asker;
  const pdu = frame.value.subarray(ETHERNET_LENGTH);
  pdu[0] = SUBTYPE.MARKER;
  pdu[1] = MARKER_VERSION;
  pdu[MARKER_AT.TLV] = MARKER_TLV.INFORMATION;
  pdu[MARKER_AT.LENGTH] = MARKER_LENGTH;
  putU16(pdu, MARKER_AT.PORT, port);
  pdu.set(asker.value, MARKER_AT.SYSTEM);
  putU32(pdu, MARKER_AT.TRANSACTION, transaction);
  return frame;
}

/**
 * The answer to a Marker PDU: the same with another type. `whole`: what is reserved is sent back too, as the driver does
 * (ad_marker_info_received); else it is zero.
 */
export function markerResponse(
  source: MacText,
  marker: Uint8Array,
  whole: boolean,
): Result<Uint8Array, string> {
  const frame = emptySlowFrame(source);
  if (!frame.ok) return frame;
  const pdu = frame.value.subarray(ETHERNET_LENGTH);
  pdu.set(marker.subarray(0, whole ? SLOW_PDU_LENGTH : MARKER_AT.PAD));
  pdu[MARKER_AT.TLV] = MARKER_TLV.RESPONSE;
  return frame;
}
