// Questions to BTF: where a member lies in a kernel struct, how large it is, which id a kernel function has.
// Types are decoded when asked for; a name is found by comparing bytes, so that nothing is built for the other 100,000.
import { err, ok, type Result } from '../base/index.js';
import {
  BTF_KINDS,
  BTF_TYPE_SIZE,
  type BtfIndex,
  type BtfKind,
  type BtfProblem,
  indexBtf,
} from './btf-index.js';

/** One type's header. */
export interface BtfType {
  readonly id: number;
  readonly kind: BtfKind;
  /** Empty for anonymous types. */
  readonly name: string;
  /** Members, enumerators or parameters. */
  readonly count: number;
  /** Size in bytes (structs, unions, enums, numbers) or the id of the type that it refers to. */
  readonly sizeOrType: number;
}

/** A member as it is declared in its struct or union. */
export interface BtfMember {
  /** Empty for anonymous structs and unions. */
  readonly name: string;
  /** Id of the member's type. */
  readonly type: number;
  /** Bits from the start of the struct or union that declares it. */
  readonly bitOffset: number;
  /** Width of a bitfield in bits; 0 if it is none. */
  readonly bitfieldSize: number;
}

/** A member as it lies in the struct that was asked for. */
export interface BtfLocation {
  /** Bits from the start of the outermost struct. */
  readonly bitOffset: number;
  /** Width of a bitfield in bits; 0 if it is none. */
  readonly bitfieldSize: number;
  /** Id of the member's type, typedefs and qualifiers removed. */
  readonly type: number;
}

/** How many typedefs and qualifiers are followed: more than any kernel has, so that a loop ends. */
const MAX_CHAIN = 64;
/** How many anonymous structs and unions one lookup enters: more than any kernel struct has. */
const MAX_ANONYMOUS = 1000;
/** Kinds that only wrap another type. */
const TRANSPARENT: ReadonlySet<number> = new Set([
  BTF_KINDS.TYPEDEF,
  BTF_KINDS.CONST,
  BTF_KINDS.VOLATILE,
  BTF_KINDS.RESTRICT,
  BTF_KINDS.TYPE_TAG,
]);
const KIND_NAMES = Object.keys(BTF_KINDS) as readonly BtfKind[];

/** Reads `/sys/kernel/btf/vmlinux` (not the split BTF of modules). Never throws on bad bytes. */
export function parseBtf(bytes: Uint8Array): Result<Btf, BtfProblem> {
  const index = indexBtf(bytes);
  return index.ok ? ok(new Btf(index.value)) : index;
}

/** A kernel's types. Made by `parseBtf`; keeps a reference to the bytes. */
export class Btf {
  readonly #index: BtfIndex;

  constructor(index: BtfIndex) {
    this.#index = index;
  }

  /** Types, void (id 0) included. */
  get typeCount(): number {
    return this.#index.count;
  }

  /** The header of type `id`, or undefined if there is none. */
  type(id: number): BtfType | undefined {
    const { view, at, name, kind, count } = this.#index;
    if (!Number.isInteger(id) || id < 0 || id >= count) return undefined;
    if (id === 0) return { id, kind: 'VOID', name: '', count: 0, sizeOrType: 0 };
    const position = at[id] ?? 0;
    return {
      id,
      kind: KIND_NAMES[kind[id] ?? 0] ?? 'VOID',
      name: this.#string(name[id] ?? 0),
      count: view.getUint16(position + 4, true),
      sizeOrType: view.getUint32(position + 8, true),
    };
  }

  /** Id of the first type with this name and kind; looks through all types, so keep the answer. */
  find(name: string, kind: BtfKind): Result<number, BtfProblem> {
    const { name: names, kind: kinds, count } = this.#index;
    const wanted = BTF_KINDS[kind];
    if (name !== '') {
      for (let id = 1; id < count; id += 1) {
        if (kinds[id] === wanted && this.#hasName(names[id] ?? 0, name)) return ok(id);
      }
    }
    return notFound(`This kernel has no ${kind} named "${name}" in its BTF.`);
  }

  /** BTF id of a kernel function, for `LinkTable.kfuncs`. */
  funcId(name: string): Result<number, BtfProblem> {
    return this.find(name, 'FUNC');
  }

  /** Bytes of a struct, union or typedef of one. */
  structSize(name: string): Result<number, BtfProblem> {
    const id = this.#composite(name);
    return id.ok ? ok(this.type(id.value)?.sizeOrType ?? 0) : id;
  }

  /**
   * Bytes from the start of a struct (or union, or typedef of one) to a member: `memberOffset('net_device', 'nd_net.net')`.
   * Members of anonymous structs and unions are found as C finds them. Bitfields are refused: use `locate`.
   */
  memberOffset(struct: string, path: string): Result<number, BtfProblem> {
    const location = this.locate(struct, path);
    if (!location.ok) return location;
    const { bitOffset, bitfieldSize } = location.value;
    if (bitfieldSize !== 0 || bitOffset % 8 !== 0) {
      return err({
        code: 'unsupported',
        message: `"${path}" of "${struct}" is a bitfield of ${bitfieldSize} bits at bit ${bitOffset} and has no byte offset.`,
      });
    }
    return ok(bitOffset / 8);
  }

  /** Where a member lies, bitfields included. */
  locate(struct: string, path: string): Result<BtfLocation, BtfProblem> {
    const start = this.#composite(struct);
    if (!start.ok) return start;
    let type = start.value;
    let bitOffset = 0;
    let bitfieldSize = 0;
    for (const name of path.split('.')) {
      const owner = this.type(type);
      if (owner?.kind !== 'STRUCT' && owner?.kind !== 'UNION') {
        return notFound(
          `"${path}" of "${struct}": what should have "${name}" is a ${owner?.kind ?? 'nothing'}, not a struct.`,
        );
      }
      const member = this.#memberByName(type, name, new Set());
      if (member === undefined) return notFound(`"${struct}" has no member "${path}" in this kernel's BTF.`);
      bitOffset += member.bitOffset;
      bitfieldSize = member.bitfieldSize;
      type = this.resolve(member.type);
    }
    return ok({ bitOffset, bitfieldSize, type });
  }

  /** The type behind typedefs, const, volatile, restrict and type tags. */
  resolve(id: number): number {
    let current = id;
    for (let step = 0; step < MAX_CHAIN; step += 1) {
      if (!TRANSPARENT.has(this.#index.kind[current] ?? 0)) return current;
      current = this.#index.view.getUint32((this.#index.at[current] ?? 0) + 8, true);
    }
    return 0;
  }

  /** The members that a struct or union declares itself, in order; empty for other kinds. */
  members(id: number): readonly BtfMember[] {
    const type = this.type(id);
    if (type?.kind !== 'STRUCT' && type?.kind !== 'UNION') return [];
    return Array.from({ length: type.count }, (_, n) => this.#member(id, n));
  }

  /**
   * The value of an enumerator, such as `enumValue('netdev_state_t', '__LINK_STATE_NOCARRIER')`.
   * Values that a JavaScript number cannot hold exactly are refused.
   */
  enumValue(enumName: string, enumerator: string): Result<number, BtfProblem> {
    for (const kind of ['ENUM', 'ENUM64', 'TYPEDEF'] as const) {
      const found = this.find(enumName, kind);
      if (!found.ok) continue;
      const value = this.#enumerator(this.resolve(found.value), enumerator);
      if (value === undefined) continue;
      if (Number.isSafeInteger(Number(value))) return ok(Number(value));
      return err({ code: 'unsupported', message: `"${enumerator}" is ${value}, too large for a number.` });
    }
    return notFound(`This kernel's BTF has no enum "${enumName}" with "${enumerator}".`);
  }

  #enumerator(id: number, name: string): bigint | number | undefined {
    const type = this.type(id);
    if (type?.kind !== 'ENUM' && type?.kind !== 'ENUM64') return undefined;
    const { view, at } = this.#index;
    const start = at[id] ?? 0;
    const signed = view.getUint8(start + 7) >> 7 === 1;
    const each = type.kind === 'ENUM' ? 8 : 12;
    for (let n = 0; n < type.count; n += 1) {
      const entry = start + BTF_TYPE_SIZE + n * each;
      if (!this.#hasName(view.getUint32(entry, true), name)) continue;
      if (each === 8) return signed ? view.getInt32(entry + 4, true) : view.getUint32(entry + 4, true);
      const value =
        (BigInt(view.getUint32(entry + 8, true)) << 32n) | BigInt(view.getUint32(entry + 4, true));
      return signed ? BigInt.asIntN(64, value) : value;
    }
    return undefined;
  }

  #composite(name: string): Result<number, BtfProblem> {
    for (const kind of ['STRUCT', 'UNION', 'TYPEDEF'] as const) {
      const found = this.find(name, kind);
      if (!found.ok) continue;
      const id = this.resolve(found.value);
      const resolved = this.#index.kind[id];
      if (resolved === BTF_KINDS.STRUCT || resolved === BTF_KINDS.UNION) return ok(id);
    }
    return notFound(`This kernel has no struct or union named "${name}" in its BTF.`);
  }

  /** Looks into anonymous members too. A type is entered once only and only so many, so malformed BTF ends too. */
  #memberByName(id: number, name: string, entered: Set<number>): BtfMember | undefined {
    entered.add(id);
    const count = this.type(id)?.count ?? 0;
    for (let n = 0; n < count; n += 1) {
      const nameOffset = this.#memberNameOffset(id, n);
      if (nameOffset !== 0) {
        if (this.#hasName(nameOffset, name)) return this.#member(id, n);
        continue;
      }
      const member = this.#member(id, n);
      const inside = this.resolve(member.type);
      const kind = this.#index.kind[inside];
      if ((kind !== BTF_KINDS.STRUCT && kind !== BTF_KINDS.UNION) || entered.has(inside)) continue;
      if (entered.size >= MAX_ANONYMOUS) return undefined;
      const found = this.#memberByName(inside, name, entered);
      if (found !== undefined) return { ...found, bitOffset: member.bitOffset + found.bitOffset };
    }
    return undefined;
  }

  #memberNameOffset(id: number, n: number): number {
    return this.#index.view.getUint32((this.#index.at[id] ?? 0) + BTF_TYPE_SIZE + n * 12, true);
  }

  #member(id: number, n: number): BtfMember {
    const { view, at } = this.#index;
    const start = at[id] ?? 0;
    const entry = start + BTF_TYPE_SIZE + n * 12;
    const offset = view.getUint32(entry + 8, true);
    // With the kind flag, the upper 8 bits are the width of a bitfield.
    const hasWidths = view.getUint8(start + 7) >> 7 === 1;
    return {
      name: this.#string(view.getUint32(entry, true)),
      type: view.getUint32(entry + 4, true),
      bitOffset: hasWidths ? offset & 0xff_ffff : offset,
      bitfieldSize: hasWidths ? offset >>> 24 : 0,
    };
  }

  #hasName(offset: number, name: string): boolean {
    const { strings } = this.#index;
    for (let i = 0; i < name.length; i += 1) {
      if (strings[offset + i] !== name.charCodeAt(i)) return false;
    }
    return strings[offset + name.length] === 0;
  }

  /** Names in C are ASCII, so each byte is a character. */
  #string(offset: number): string {
    const { strings } = this.#index;
    let text = '';
    for (let i = offset; i < strings.length && strings[i] !== 0; i += 1) {
      text += String.fromCharCode(strings[i] ?? 0);
    }
    return text;
  }
}

function notFound(message: string): Result<never, BtfProblem> {
  return err({ code: 'not-found', message });
}
