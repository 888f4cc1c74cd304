// Reading and writing memory that a struct layout describes: whole values at once, or field by field through accessors
// made once, so that watching a mapped BPF array allocates nothing. Little-endian hosts only, but for `be` scalars.
import { unreachable } from '../base/index.js';
import {
  type AnyArrayLayout,
  type AnyStructLayout,
  type ArrayLayout,
  type BytesLayout,
  type FieldType,
  type Fields,
  type FieldsOf,
  type Placement,
  type Scalar,
  sizeOf,
  type StructLayout,
  type WideScalar,
} from './struct-layout.js';

/** What a field is in TypeScript: number, bigint for 64 bits, bytes, array or object. */
export type ValueOf<T> = T extends WideScalar
  ? bigint
  : T extends Scalar
    ? number
    : T extends BytesLayout
      ? Uint8Array
      : T extends AnyArrayLayout
        ? readonly ValueOf<T['element']>[]
        : T extends AnyStructLayout
          ? { readonly [K in keyof T['fields']]: ValueOf<T['fields'][K]['type']> }
          : never;

/** A field behind an accessor: scalars read and write through, the rest are accessors themselves. */
export type AccessorOf<T> = T extends WideScalar
  ? bigint
  : T extends Scalar
    ? number
    : T extends BytesLayout
      ? Uint8Array
      : T extends AnyArrayLayout
        ? ArrayAccessor<T['element']>
        : T extends AnyStructLayout
          ? StructAccessor<FieldsOf<T>>
          : never;

/**
 * Live view of a struct in memory: `shared.current = 3`, `shared.members.at(2).ifindex`. Assigning to a bytes field
 * copies the bytes in; nested structs and arrays are read-only references.
 */
export type StructAccessor<F extends Fields> = {
  -readonly [K in keyof F as F[K] extends Scalar | BytesLayout ? K : never]: AccessorOf<F[K]>;
} & { readonly [K in keyof F as F[K] extends Scalar | BytesLayout ? never : K]: AccessorOf<F[K]> };

/** Live view of an array in memory. Indexes outside it throw RangeError. */
export interface ArrayAccessor<E extends FieldType> {
  readonly length: number;
  /** A scalar's value, or an accessor (made once and kept) for the element. */
  at(index: number): AccessorOf<E>;
  /** Writes a whole element. */
  set(index: number, value: ValueOf<E>): void;
}

type Unknown = Readonly<Record<string, unknown>>;

/** Reads a whole value into plain data. `offset` is in bytes from the start of `view`. Throws RangeError outside the view. */
export function read<T extends FieldType>(type: T, view: DataView, offset = 0): ValueOf<T> {
  return readAny(type, view, offset) as ValueOf<T>;
}

/** Writes a whole value; padding is left as it is. Numbers are cut to the field's width. */
export function write<T extends FieldType>(type: T, view: DataView, value: ValueOf<T>, offset = 0): void {
  writeAny(type, view, offset, value);
}

/** The bytes of a value, padding zeroed: a map's key or value, ready to be passed to the kernel. */
export function toBytes<T extends FieldType>(type: T, value: ValueOf<T>): Uint8Array {
  const bytes = new Uint8Array(sizeOf(type));
  writeAny(type, new DataView(bytes.buffer), 0, value);
  return bytes;
}

/** Reads a value from the bytes that the kernel gave. */
export function fromBytes<T extends FieldType>(type: T, bytes: Uint8Array): ValueOf<T> {
  return read(type, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** Lays a struct over memory; the accessor reads and writes the memory itself, nothing is cached. */
export function over<F extends Fields>(type: StructLayout<F>, view: DataView, offset = 0): StructAccessor<F> {
  return overAny(type, view, offset) as StructAccessor<F>;
}

function overAny(type: AnyStructLayout, view: DataView, offset: number): unknown {
  checkRoom(type.size, view, offset);
  let Form = forms.get(type);
  if (Form === undefined) forms.set(type, (Form = Place.formOf(type)));
  return Object.freeze(new Form(view, offset));
}

/** A class for each layout, of which there are few: a bond has some hundred places, and closures for each would take 0.3 MB. */
const forms = new WeakMap<AnyStructLayout, typeof Place>();

/** Where a struct is in memory. Fields that are accessors themselves are made when they are asked for. */
class Place {
  readonly #view: DataView;
  readonly #at: number;
  #parts: Map<string, unknown> | undefined;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
  }

  static formOf(type: AnyStructLayout): typeof Place {
    class Form extends Place {}
    for (const [name, place] of placements(type))
      Object.defineProperty(Form.prototype, name, property(name, place));
    return Form;
  }

  static read(place: Place, type: Scalar, offset: number): number | bigint {
    return readScalar(type, place.#view, place.#at + offset);
  }

  static write(place: Place, type: FieldType, offset: number, value: unknown): void {
    writeAny(type, place.#view, place.#at + offset, value);
  }

  static part(place: Place, name: string, type: Exclude<FieldType, Scalar>, offset: number): unknown {
    place.#parts ??= new Map();
    let made = place.#parts.get(name);
    if (made === undefined) place.#parts.set(name, (made = part(type, place.#view, place.#at + offset)));
    return made;
  }
}

/** Lays an array over memory. */
export function overArray<E extends FieldType>(
  type: ArrayLayout<E>,
  view: DataView,
  offset = 0,
): ArrayAccessor<E> {
  checkRoom(type.size, view, offset);
  const element: FieldType = type.element;
  const kept: (AccessorOf<E> | undefined)[] = [];
  const place = (index: number): number => {
    if (!Number.isInteger(index) || index < 0 || index >= type.length) {
      throw new RangeError(`Index ${index} is outside the array of ${type.length} elements.`);
    }
    return offset + index * type.stride;
  };
  return Object.freeze({
    length: type.length,
    at(index: number) {
      const at = place(index);
      if (typeof element === 'string') return readScalar(element, view, at) as AccessorOf<E>;
      return (kept[index] ??= part(element, view, at) as AccessorOf<E>);
    },
    set(index: number, value: ValueOf<E>) {
      writeAny(element, view, place(index), value);
    },
  });
}

function property(name: string, { type, offset }: Placement): PropertyDescriptor & ThisType<Place> {
  if (typeof type === 'string') {
    return {
      enumerable: true,
      get() {
        return Place.read(this, type, offset);
      },
      set(value: number | bigint) {
        Place.write(this, type, offset, value);
      },
    };
  }
  const get = function (this: Place): unknown {
    return Place.part(this, name, type, offset);
  };
  if (type.kind !== 'bytes') return { enumerable: true, get };
  return {
    enumerable: true,
    get,
    set(source: Uint8Array) {
      Place.write(this, type, offset, source);
    },
  };
}

function part(type: Exclude<FieldType, Scalar>, view: DataView, at: number): unknown {
  switch (type.kind) {
    case 'bytes':
      return new Uint8Array(view.buffer, view.byteOffset + at, type.size);
    case 'array':
      return overArray(type, view, at);
    case 'struct':
      return overAny(type, view, at);
    default:
      return unreachable(type);
  }
}

function readAny(type: FieldType, view: DataView, at: number): unknown {
  if (typeof type === 'string') return readScalar(type, view, at);
  switch (type.kind) {
    case 'bytes':
      checkRoom(type.size, view, at);
      return new Uint8Array(view.buffer, view.byteOffset + at, type.size).slice();
    case 'array':
      return Array.from({ length: type.length }, (_, index) =>
        readAny(type.element, view, at + index * type.stride),
      );
    case 'struct':
      return Object.fromEntries(
        placements(type).map(([name, place]) => [name, readAny(place.type, view, at + place.offset)]),
      );
    default:
      return unreachable(type);
  }
}

function writeAny(type: FieldType, view: DataView, at: number, value: unknown): void {
  if (typeof type === 'string') {
    writeScalar(type, view, at, value as number | bigint);
    return;
  }
  checkRoom(type.size, view, at);
  switch (type.kind) {
    case 'bytes':
      checkCount('bytes', type.size, (value as Uint8Array).length);
      new Uint8Array(view.buffer, view.byteOffset + at, type.size).set(value as Uint8Array);
      return;
    case 'array': {
      const elements = value as readonly unknown[];
      checkCount('elements', type.length, elements.length);
      for (const [index, element] of elements.entries()) {
        writeAny(type.element, view, at + index * type.stride, element);
      }
      return;
    }
    case 'struct':
      for (const [name, place] of placements(type)) {
        writeAny(place.type, view, at + place.offset, (value as Unknown)[name]);
      }
      return;
    default:
      unreachable(type);
  }
}

function readScalar(type: Scalar, view: DataView, at: number): number | bigint {
  switch (type) {
    case 'u8':
      return view.getUint8(at);
    case 's8':
      return view.getInt8(at);
    case 'u16':
      return view.getUint16(at, true);
    case 's16':
      return view.getInt16(at, true);
    case 'be16':
      return view.getUint16(at, false);
    case 'u32':
      return view.getUint32(at, true);
    case 's32':
      return view.getInt32(at, true);
    case 'be32':
      return view.getUint32(at, false);
    case 'u64':
      return view.getBigUint64(at, true);
    case 's64':
      return view.getBigInt64(at, true);
    case 'be64':
      return view.getBigUint64(at, false);
    default:
      return unreachable(type);
  }
}

function writeScalar(type: Scalar, view: DataView, at: number, value: number | bigint): void {
  switch (type) {
    case 'u64':
    case 's64':
      view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
      return;
    case 'be64':
      view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), false);
      return;
    case 'u8':
    case 's8':
      view.setUint8(at, Number(value));
      return;
    case 'u16':
    case 's16':
      view.setUint16(at, Number(value), true);
      return;
    case 'be16':
      view.setUint16(at, Number(value), false);
      return;
    case 'u32':
    case 's32':
      view.setUint32(at, Number(value), true);
      return;
    case 'be32':
      view.setUint32(at, Number(value), false);
      return;
    default:
      unreachable(type);
  }
}

function placements(type: AnyStructLayout): readonly [string, Placement][] {
  return Object.entries(type.fields);
}

function checkRoom(size: number, view: DataView, offset: number): void {
  if (!Number.isInteger(offset) || offset < 0 || offset + size > view.byteLength) {
    throw new RangeError(`${size} bytes at offset ${offset} do not fit a view of ${view.byteLength} bytes.`);
  }
}

function checkCount(what: string, wanted: number, found: number): void {
  if (found !== wanted) throw new RangeError(`The field has ${wanted} ${what}, the value ${found}.`);
}
