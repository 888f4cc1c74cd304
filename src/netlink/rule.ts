// Rules of the policy routing database (struct fib_rule_hdr, linux/fib_rules.h): which packets look at which routing table.
import { err, ok, type Result } from '../base/index.js';
import { ipAddress } from './address.js';
import {
  type Attribute,
  type Codec,
  emitAttributes,
  type FieldTable,
  parseAttributes,
  readFields,
  text,
  u16,
  u32,
  u8,
  writeFields,
} from './attribute.js';

export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;
export const RTM_GETRULE = 34;

/** FR_ACT_TO_TBL: look at the table. */
export const FR_ACT_TO_TBL = 1;
/** FIB_RULE_INVERT: the rule holds for packets that do not match. */
export const FIB_RULE_INVERT = 2;
/** What the kernel writes where no prefix length is suppressed. */
const NOTHING_SUPPRESSED = 0xffff_ffff;

const HEADER_LENGTH = 12;
/** RT_TABLE_COMPAT: what the header says of a table whose number needs more than its byte. */
const TABLE_COMPAT = 252;

/** First and last of some numbers. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

function range(bytes: 4 | 8): Codec<NumberRange> {
  const one = bytes === 4 ? u16 : u32;
  return {
    read: value => {
      if (value.length !== bytes) return undefined;
      const first = one.read(value.subarray(0, bytes / 2));
      const last = one.read(value.subarray(bytes / 2));
      return first === undefined || last === undefined ? undefined : { first, last };
    },
    write: ({ first, last }) => Uint8Array.of(...one.write(first), ...one.write(last)),
  };
}

/** Attributes of a rule (FRA_*). */
export interface RuleAttributes {
  /** FRA_SRC, FRA_DST: addresses; the lengths are in the header. */
  readonly source?: string;
  readonly destination?: string;
  /** FRA_IIFNAME, FRA_OIFNAME. */
  readonly incoming?: string;
  readonly outgoing?: string;
  /** FRA_PRIORITY; lower ones are asked first. */
  readonly preference?: number;
  /** FRA_FWMARK, FRA_FWMASK. */
  readonly mark?: number;
  readonly markMask?: number;
  /** FRA_SUPPRESS_PREFIXLEN. */
  readonly suppressPrefixLength?: number;
  /** FRA_TABLE, all 32 bits. */
  readonly tableNumber?: number;
  /** FRA_UID_RANGE. */
  readonly uids?: NumberRange;
  /** FRA_PROTOCOL: who made the rule (RTPROT_*). */
  readonly origin?: number;
  /** FRA_IP_PROTO. */
  readonly ipProtocol?: number;
  readonly sourcePorts?: NumberRange;
  readonly destinationPorts?: NumberRange;
  /** FRA_DSCP, since Linux 6.13; 0 to 63. Older kernels pass over it. */
  readonly dscp?: number;
}

/** One rule. */
export interface Rule extends RuleAttributes {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  readonly destinationLength: number;
  readonly sourceLength: number;
  readonly tos: number;
  /** FR_ACT_*. */
  readonly action: number;
  /** FIB_RULE_*. */
  readonly flags: number;
  /** Attributes that have no property here, as they came. */
  readonly other: readonly Attribute[];
}

const RULE: FieldTable<RuleAttributes> = {
  destination: [1, ipAddress],
  source: [2, ipAddress],
  incoming: [3, text],
  preference: [6, u32],
  mark: [10, u32],
  suppressPrefixLength: [14, u32],
  tableNumber: [15, u32],
  markMask: [16, u32],
  outgoing: [17, text],
  uids: [20, range(8)],
  origin: [21, u8],
  ipProtocol: [22, u8],
  sourcePorts: [23, range(4)],
  destinationPorts: [24, range(4)],
  dscp: [25, u8],
};

/** Reads the payload of RTM_NEWRULE, RTM_DELRULE or RTM_GETRULE. */
export function parseRule(payload: Uint8Array): Result<Rule, string> {
  if (payload.length < HEADER_LENGTH) return err(`A rule message of ${payload.length} bytes has no header`);
  const attributes = parseAttributes(payload, HEADER_LENGTH);
  if (!attributes.ok) return attributes;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const { fields, other } = readFields(RULE, attributes.value);
  return ok({
    family: view.getUint8(0),
    destinationLength: view.getUint8(1),
    sourceLength: view.getUint8(2),
    tos: view.getUint8(3),
    action: view.getUint8(7),
    flags: view.getUint32(8, true),
    ...fields,
    tableNumber: fields.tableNumber ?? view.getUint8(4),
    other,
  });
}

/** Payload of a rule message. */
export function emitRule(rule: Rule): Uint8Array {
  const attributes = emitAttributes([...writeFields(RULE, rule), ...rule.other]);
  const payload = new Uint8Array(HEADER_LENGTH + attributes.length);
  const table = rule.tableNumber ?? 0;
  payload.set([rule.family, rule.destinationLength, rule.sourceLength, rule.tos]);
  payload[4] = table < 256 ? table : TABLE_COMPAT;
  payload[7] = rule.action;
  new DataView(payload.buffer).setUint32(8, rule.flags, true);
  payload.set(attributes, HEADER_LENGTH);
  return payload;
}

/** The longest prefix that is suppressed in the table; undefined when none is. */
export function ruleSuppresses(rule: Rule): number | undefined {
  return rule.suppressPrefixLength === NOTHING_SUPPRESSED ? undefined : rule.suppressPrefixLength;
}
