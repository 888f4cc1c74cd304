// Netlink attributes (struct nlattr): type-length-value records, padded to four bytes, which may nest.
// All numbers are little-endian: Bondwire runs on x86_64 and aarch64.
import { decodeUtf8, encodeUtf8, err, ok, type Result } from '../base/index.js';

/** Bit of `nla_type` that says that the value is a list of attributes. */
export const NLA_F_NESTED = 0x8000;
/** Bit of `nla_type` that says that the value is big-endian. */
export const NLA_F_NET_BYTEORDER = 0x4000;
const NLA_TYPE_MASK = 0x3fff;
const NLA_HDRLEN = 4;

/**
 * One attribute (linux/netlink.h).
 *
 *      0                   16                  32
 *     +-------------------+-------------------+-----------------+- - -+
 *     | nla_len           | flags | nla_type  | value           | pad |
 *     +-------------------+-------------------+-----------------+- - -+
 */
export interface Attribute {
  /** `nla_type` without its two flag bits. */
  readonly type: number;
  /** `NLA_F_NESTED | NLA_F_NET_BYTEORDER`, whichever are set. */
  readonly flags: number;
  readonly value: Uint8Array;
}

/** Two bytes as a number. Without a DataView: one for each of a link's sixty attributes took longer than all else. */
function halfWord(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

function align4(length: number): number {
  return (length + 3) & ~3;
}

/** The attributes in `bytes[start..end)`, or the reason why they cannot be read. Values are views of `bytes`. */
export function parseAttributes(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Result<Attribute[], string> {
  const attributes: Attribute[] = [];
  let at = start;
  while (at + NLA_HDRLEN <= end) {
    const length = halfWord(bytes, at);
    if (length < NLA_HDRLEN)
      return err(`Attribute at byte ${at} is ${length} bytes long; the least is ${NLA_HDRLEN}`);
    if (at + length > end)
      return err(`Attribute at byte ${at} is ${length} bytes long; only ${end - at} are left`);
    const type = halfWord(bytes, at + 2);
    attributes.push({
      type: type & NLA_TYPE_MASK,
      flags: type & ~NLA_TYPE_MASK & 0xffff,
      value: bytes.subarray(at + NLA_HDRLEN, at + length),
    });
    at += align4(length);
  }
  return ok(attributes);
}

/** Bytes that `emitAttributes` gives for `attributes`, with padding. */
export function attributesLength(attributes: readonly Attribute[]): number {
  let length = 0;
  for (const { value } of attributes) length += align4(NLA_HDRLEN + value.length);
  return length;
}

/** Bytes of `attributes`, each padded with zeros to four bytes. */
export function emitAttributes(attributes: readonly Attribute[]): Uint8Array {
  const bytes = new Uint8Array(attributesLength(attributes));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { type, flags, value } of attributes) {
    view.setUint16(at, NLA_HDRLEN + value.length, true);
    view.setUint16(at + 2, (type & NLA_TYPE_MASK) | flags, true);
    bytes.set(value, at + NLA_HDRLEN);
    at += align4(NLA_HDRLEN + value.length);
  }
  return bytes;
}

/** The first attribute of `type`, if there is one. */
export function findAttribute(attributes: readonly Attribute[], type: number): Attribute | undefined {
  return attributes.find(attribute => attribute.type === type);
}

/** An attribute with these bytes. */
export function bytesAttribute(type: number, value: Uint8Array): Attribute {
  return { type, flags: 0, value };
}

/** An attribute that holds attributes, marked NLA_F_NESTED. */
export function nestedAttribute(type: number, attributes: readonly Attribute[]): Attribute {
  return { type, flags: NLA_F_NESTED, value: emitAttributes(attributes) };
}

/** A one-byte attribute. */
export function u8Attribute(type: number, value: number): Attribute {
  return bytesAttribute(type, u8.write(value));
}

/** A 16-bit attribute. */
export function u16Attribute(type: number, value: number): Attribute {
  return bytesAttribute(type, u16.write(value));
}

/** A 32-bit attribute. */
export function u32Attribute(type: number, value: number): Attribute {
  return bytesAttribute(type, u32.write(value));
}

/** A text attribute, closed with a zero byte as the kernel wants names. */
export function textAttribute(type: number, value: string): Attribute {
  return bytesAttribute(type, text.write(value));
}

/** How one kind of attribute value is read and written. `read` gives undefined for a value of the wrong shape. */
export interface Codec<T> {
  readonly read: (value: Uint8Array) => T | undefined;
  readonly write: (value: T) => Uint8Array;
  /** True when the value is a list of attributes. */
  readonly nested?: boolean;
}

/** Four bytes as a signed number. */
function word(value: Uint8Array): number {
  return halfWord(value, 0) | (halfWord(value, 2) << 16);
}

function viewOf(value: Uint8Array): DataView {
  return new DataView(value.buffer, value.byteOffset, value.byteLength);
}

/** One unsigned byte. */
export const u8: Codec<number> = {
  read: value => (value.length === 1 ? value[0] : undefined),
  write: value => Uint8Array.of(value),
};

/** One byte, zero or not. */
export const flag8: Codec<boolean> = {
  read: value => (value.length === 1 ? value[0] !== 0 : undefined),
  write: value => Uint8Array.of(value ? 1 : 0),
};

/** Unsigned 16 bits. */
export const u16: Codec<number> = {
  read: value => (value.length === 2 ? halfWord(value, 0) : undefined),
  write: value => Uint8Array.of(value & 0xff, (value >> 8) & 0xff),
};

/** Unsigned 16 bits, big-endian. */
export const be16: Codec<number> = {
  read: value => (value.length === 2 ? ((value[0] ?? 0) << 8) | (value[1] ?? 0) : undefined),
  write: value => Uint8Array.of((value >> 8) & 0xff, value & 0xff),
};

/** Unsigned 64 bits, big-endian; beyond 2^53 not exact. */
export const be64: Codec<number> = {
  read: value => (value.length === 8 ? Number(viewOf(value).getBigUint64(0)) : undefined),
  write: value => {
    const bytes = new Uint8Array(8);
    viewOf(bytes).setBigUint64(0, BigInt(value));
    return bytes;
  },
};

/** Unsigned 32 bits. */
export const u32: Codec<number> = {
  read: value => (value.length === 4 ? word(value) >>> 0 : undefined),
  write: value => {
    const bytes = new Uint8Array(4);
    viewOf(bytes).setUint32(0, value, true);
    return bytes;
  },
};

/** Unsigned 32 bits, big-endian. */
export const be32: Codec<number> = {
  read: value => (value.length === 4 ? viewOf(value).getUint32(0) : undefined),
  write: value => {
    const bytes = new Uint8Array(4);
    viewOf(bytes).setUint32(0, value);
    return bytes;
  },
};

/** Signed 32 bits. */
export const s32: Codec<number> = {
  read: value => (value.length === 4 ? word(value) : undefined),
  write: value => {
    const bytes = new Uint8Array(4);
    viewOf(bytes).setInt32(0, value, true);
    return bytes;
  },
};

/** Text with or without its closing zero byte; written with it. */
export const text: Codec<string> = {
  read: value => {
    const end = value.indexOf(0);
    return decodeUtf8(value, 0, end < 0 ? value.length : end);
  },
  write: value => {
    const bytes = encodeUtf8(value);
    const closed = new Uint8Array(bytes.length + 1);
    closed.set(bytes);
    return closed;
  },
};

/** Text written without a closing zero byte, as IFLA_IFALIAS wants it. */
export const bareText: Codec<string> = { read: text.read, write: encodeUtf8 };

/** Bytes as they are. */
export const raw: Codec<Uint8Array> = { read: value => value, write: value => value };

/** A link-layer address of any length as `aa:bb:…`; six bytes for Ethernet. */
export const linkAddress: Codec<string> = {
  read: value => {
    let text = '';
    for (const byte of value) text += `${text === '' ? '' : ':'}${byte < 16 ? '0' : ''}${byte.toString(16)}`;
    return text;
  },
  write: value =>
    value === '' ? new Uint8Array(0) : Uint8Array.from(value.split(':'), part => Number.parseInt(part, 16)),
};

/** A list of attributes, left as attributes. */
export const attributeList: Codec<readonly Attribute[]> = {
  nested: true,
  read: value => {
    const parsed = parseAttributes(value);
    return parsed.ok ? parsed.value : undefined;
  },
  write: emitAttributes,
};

/** For every property of a message: its attribute type and how its value is written. */
export type FieldTable<T> = {
  readonly [K in keyof T]-?: readonly [type: number, codec: Codec<NonNullable<T[K]>>];
};

/** A codec for a value whose properties are attributes; what has no property (or is misshapen) is dropped. */
export function nestedFields<T extends object>(table: FieldTable<T>): Codec<T> {
  return {
    nested: true,
    read: value => {
      const parsed = parseAttributes(value);
      return parsed.ok ? (readFields(table, parsed.value).fields as T) : undefined;
    },
    write: value => emitAttributes(writeFields(table, value)),
  };
}

const byTypeOf = new WeakMap<object, ReadonlyMap<number, PropertyKey>>();

function propertiesByType<T extends object>(table: FieldTable<T>): ReadonlyMap<number, keyof T> {
  let byType = byTypeOf.get(table) as Map<number, keyof T> | undefined;
  if (byType === undefined) {
    byType = new Map<number, keyof T>();
    for (const key in table) byType.set(table[key][0], key);
    byTypeOf.set(table, byType);
  }
  return byType;
}

/** Sorts attributes into the properties of `table`; those that have none, or a value of the wrong shape, come back in `other`. */
export function readFields<T extends object>(
  table: FieldTable<T>,
  attributes: readonly Attribute[],
): { fields: Partial<T>; other: Attribute[] } {
  const fields: Partial<T> = {};
  const other: Attribute[] = [];
  const byType = propertiesByType(table);
  for (const attribute of attributes) {
    const key = byType.get(attribute.type);
    const value = key === undefined ? undefined : table[key][1].read(attribute.value);
    if (key === undefined || value === undefined) other.push(attribute);
    else fields[key] = value;
  }
  return { fields, other };
}

/** Attributes for the properties that `fields` has, in the order of `table`. */
export function writeFields<T extends object>(table: FieldTable<T>, fields: Partial<T>): Attribute[] {
  const attributes: Attribute[] = [];
  for (const key in table) {
    const value = fields[key];
    if (value === undefined || value === null) continue;
    const [type, codec] = table[key];
    attributes.push({ type, flags: codec.nested === true ? NLA_F_NESTED : 0, value: codec.write(value) });
  }
  return attributes;
}
