// BTF (the kernel's type information) as a table: one pass over the type headers into typed arrays, nothing else decoded.
//
//   header: magic u16 | version u8 | flags u8 | hdr_len u32 | type_off u32 | type_len u32 | str_off u32 | str_len u32
//   type:   name_off u32 | info u32 (kflag:1 kind:5 at bit 24, vlen:16) | size or type u32 | then by kind
import { err, ok, type Result } from '../base/index.js';

/** Kinds of types (uapi `BTF_KIND_*`). */
export const BTF_KINDS = {
  VOID: 0,
  INT: 1,
  PTR: 2,
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FWD: 7,
  TYPEDEF: 8,
  VOLATILE: 9,
  CONST: 10,
  RESTRICT: 11,
  FUNC: 12,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  FLOAT: 16,
  DECL_TAG: 17,
  TYPE_TAG: 18,
  ENUM64: 19,
} as const;

/** The name of a kind. */
export type BtfKind = keyof typeof BTF_KINDS;

/** Why there is no answer: the bytes are not BTF, are BTF that is not understood, or do not have what was asked for. */
export interface BtfProblem {
  readonly code: 'malformed' | 'unsupported' | 'not-found';
  /** One sentence for a person. */
  readonly message: string;
}

/** Every type's header; index 0 is void. */
export interface BtfIndex {
  readonly view: DataView;
  /** Types, void included. */
  readonly count: number;
  /** Byte offset of each type in `view`. */
  readonly at: Uint32Array;
  /** Byte offset of each type's name in `strings`. */
  readonly name: Uint32Array;
  readonly kind: Uint8Array;
  readonly strings: Uint8Array;
}

/** Bytes of a type's header; its members and the like come after. */
export const BTF_TYPE_SIZE = 12;

const MAGIC = 0xeb9f;
const MAGIC_SWAPPED = 0x9feb;
const HEADER_SIZE = 24;

/** Bytes after the header by kind: fixed, or for each of the `vlen` entries. */
const FIXED = Uint8Array.of(0, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 0, 0);
const EACH = Uint8Array.of(0, 0, 0, 0, 12, 12, 8, 0, 0, 0, 0, 0, 0, 8, 0, 12, 0, 0, 0, 12);

/** Walks over all types once. Never throws, whatever the bytes are. */
export function indexBtf(bytes: Uint8Array): Result<BtfIndex, BtfProblem> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sections = findSections(view);
  if (!sections.ok) return sections;
  const { types, typesEnd, strings, stringsEnd } = sections.value;

  const room = Math.floor((typesEnd - types) / BTF_TYPE_SIZE) + 1;
  const at = new Uint32Array(room);
  const name = new Uint32Array(room);
  const kind = new Uint8Array(room);
  const stringsLength = stringsEnd - strings;
  let count = 1;
  let position = types;
  while (position < typesEnd) {
    if (position + BTF_TYPE_SIZE > typesEnd) return malformed(`type ${count} is cut off`);
    const info = view.getUint32(position + 4, true);
    const thisKind = (info >>> 24) & 0x1f;
    const fixed = FIXED[thisKind];
    const each = EACH[thisKind];
    if (fixed === undefined || each === undefined || thisKind === BTF_KINDS.VOID) {
      return err({ code: 'unsupported', message: `BTF type ${count} is of the unknown kind ${thisKind}.` });
    }
    const nameOffset = view.getUint32(position, true);
    if (nameOffset >= stringsLength) return malformed(`the name of type ${count} lies outside the strings`);
    at[count] = position;
    name[count] = nameOffset;
    kind[count] = thisKind;
    position += BTF_TYPE_SIZE + fixed + each * (info & 0xffff);
    if (position > typesEnd) return malformed(`type ${count} is cut off`);
    count += 1;
  }
  return ok({ view, count, at, name, kind, strings: bytes.subarray(strings, stringsEnd) });
}

interface Sections {
  readonly types: number;
  readonly typesEnd: number;
  readonly strings: number;
  readonly stringsEnd: number;
}

function findSections(view: DataView): Result<Sections, BtfProblem> {
  if (view.byteLength < HEADER_SIZE) return malformed(`${view.byteLength} bytes are too few for a header`);
  const magic = view.getUint16(0, true);
  if (magic === MAGIC_SWAPPED) {
    return err({ code: 'unsupported', message: 'This BTF is big-endian; only little-endian BTF is read.' });
  }
  if (magic !== MAGIC) return malformed('it does not start with the magic number 0xeb9f');
  const version = view.getUint8(2);
  if (version !== 1) {
    return err({ code: 'unsupported', message: `This BTF has version ${version}; only version 1 is read.` });
  }
  const header = view.getUint32(4, true);
  const types = header + view.getUint32(8, true);
  const typesEnd = types + view.getUint32(12, true);
  const strings = header + view.getUint32(16, true);
  const stringsEnd = strings + view.getUint32(20, true);
  if (header < HEADER_SIZE || typesEnd > view.byteLength || stringsEnd > view.byteLength) {
    return malformed('its sections lie outside the data');
  }
  if (stringsEnd === strings || view.getUint8(strings) !== 0 || view.getUint8(stringsEnd - 1) !== 0) {
    return malformed('its strings do not start and end with NUL');
  }
  return ok({ types, typesEnd, strings, stringsEnd });
}

function malformed(why: string): Result<never, BtfProblem> {
  return err({ code: 'malformed', message: `This is not valid BTF: ${why}.` });
}
