// Hellos between two Bondwires: frames of the Organisation Specific Slow Protocol (IEEE 802.3 Annex 57B, subtype 10), which bridges keep
// to the link and others do not look at.
import { err, formatMac, type MacText, ok, parseMac, type Result } from '../base/index.js';
import { putU16, putU32, u16, u32 } from './bytes.js';
import { ETHERNET_LENGTH } from './ethernet.js';
import { emptySlowFrame } from './lacpdu.js';

/** The subtype of organisations' own slow protocols. */
export const OSSP_SUBTYPE = 0x0a;

/** Whose it is: a local choice (bit 0x02 of the first byte), which no organisation has. */
const OWNER = [0x02, 0x42, 0x57] as const;
const KIND_HELLO = 1;
const VERSION = 1;

/** Flags of a hello. */
export const HELLO = {
  /** It is the last one: that none comes means nothing from now on. */
  ENDS: 0x01,
  /** Nothing is heard of whom it is said to, although it should be. */
  DEAF: 0x02,
} as const;

/**
 * ```
 * SUBTYPE(1)=10 OWNER(3)=02-42-57 KIND(1)=1 VERSION(1)=1 FLAGS(1) reserved(1) SEQUENCE(4) SYSTEM(6) PORT(2) reserved(90)
 * ```
 */
export interface Hello {
  readonly flags: number;
  /** One more than that of the hello before, 32 bits. */
  readonly sequence: number;
  /** Who says it, as in its LACPDUs. */
  readonly system: MacText;
  readonly port: number;
}

const AT = { OWNER: 1, KIND: 4, VERSION: 5, FLAGS: 6, SEQUENCE: 8, SYSTEM: 12, PORT: 18 } as const;

/** Reads the PDU of a frame of the slow protocols, from its subtype on; or says why it is no hello. Later versions only add to it. */
export function parseHello(pdu: Uint8Array): Result<Hello, string> {
  if (pdu.length < AT.PORT + 2) return err(`it has ${pdu.length} bytes`);
  if (pdu[0] !== OSSP_SUBTYPE) return err(`subtype ${pdu[0] ?? 0} is not that of organisations`);
  if (!OWNER.every((byte, at) => pdu[AT.OWNER + at] === byte)) return err("it is somebody else's");
  if (pdu[AT.KIND] !== KIND_HELLO || (pdu[AT.VERSION] ?? 0) < VERSION) return err('it is no hello');
  return ok({
    flags: pdu[AT.FLAGS] ?? 0,
    sequence: u32(pdu, AT.SEQUENCE),
    system: formatMac(pdu, AT.SYSTEM),
    port: u16(pdu, AT.PORT),
  });
}

/** The frame of a hello, or why an address is none. */
export function helloFrame(
  source: MacText,
  { flags, sequence, system, port }: Hello,
): Result<Uint8Array, string> {
  const frame = emptySlowFrame(source);
  if (!frame.ok) return frame;
  const sayer = parseMac(system);
  if (!sayer.ok) return sayer;
  const pdu = frame.value.subarray(ETHERNET_LENGTH);
  pdu[0] = OSSP_SUBTYPE;
  pdu.set(OWNER, AT.OWNER);
  pdu[AT.KIND] = KIND_HELLO;
  pdu[AT.VERSION] = VERSION;
  pdu[AT.FLAGS] = flags;
  putU32(pdu, AT.SEQUENCE, sequence);
  pdu.set(sayer.value, AT.SYSTEM);
  putU16(pdu, AT.PORT, port);
  return frame;
}
