// C struct layouts declared once: offsets for programs that reach into a map's value, size and alignment for the map itself,
// typed reading and writing for TypeScript (see struct-access.ts). Natural alignment, as C compilers do on 64-bit Linux.

/** Bytes of each scalar. `be16` to `be64` are in network order in memory and plain numbers in TypeScript. */
export const SCALAR_SIZES = {
  u8: 1,
  s8: 1,
  u16: 2,
  s16: 2,
  be16: 2,
  u32: 4,
  s32: 4,
  be32: 4,
  u64: 8,
  s64: 8,
  be64: 8,
} as const;

/** A number in memory. */
export type Scalar = keyof typeof SCALAR_SIZES;

/** Scalars that are bigint in TypeScript. */
export type WideScalar = 'u64' | 's64' | 'be64';

/** Raw bytes, such as a MAC address: `bytes(6)`. No alignment. */
export interface BytesLayout {
  readonly kind: 'bytes';
  readonly size: number;
  readonly align: 1;
}

/** An array whose elements are not known to the compiler. */
export interface AnyArrayLayout {
  readonly kind: 'array';
  readonly element: FieldType;
  readonly length: number;
  /** Bytes from one element to the next. */
  readonly stride: number;
  readonly size: number;
  readonly align: number;
}

/** `length` elements in a row, `stride` bytes apart. */
export interface ArrayLayout<E extends FieldType> extends AnyArrayLayout {
  readonly element: E;
}

/** A struct whose fields are not known to the compiler. */
export interface AnyStructLayout {
  readonly kind: 'struct';
  readonly fields: Readonly<Record<string, Placement>>;
  /** Bytes, padded at the end to `align`: the map's value size. */
  readonly size: number;
  /** Bytes. */
  readonly align: number;
  /** Bytes of this struct itself that belong to no field. Programs must zero them in map keys and in values on the stack. */
  readonly padding: number;
}

/** What a field can be. */
export type FieldType = Scalar | BytesLayout | AnyArrayLayout | AnyStructLayout;

/** Fields in order of declaration. */
export type Fields = Readonly<Record<string, FieldType>>;

/** Where a field lies in its struct. */
export interface Placement<T extends FieldType = FieldType> {
  readonly type: T;
  /** Bytes from the start of the struct. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** A struct's layout. */
export interface StructLayout<F extends Fields> extends AnyStructLayout {
  readonly fields: { readonly [K in keyof F]: Placement<F[K]> };
  /**
   * Byte offset of a field or of a part of it: `shared.offset('members', 2, 'ifindex')`.
   * Throws RangeError for fields and indexes that do not exist.
   */
  offset(...path: FieldPath<F>): number;
}

/** The way from a struct to a field or a part of it: field names, and indexes for arrays. */
export type FieldPath<F extends Fields> = {
  [K in keyof F & string]: readonly [K] | readonly [K, ...PathInto<F[K]>];
}[keyof F & string];

/** The way on from a field to its parts. */
export type PathInto<T extends FieldType> = T extends AnyStructLayout
  ? FieldPath<FieldsOf<T>>
  : T extends AnyArrayLayout
    ? readonly [number] | readonly [number, ...PathInto<T['element']>]
    : never;

/** The fields that a struct was declared with. */
export type FieldsOf<T extends AnyStructLayout> = {
  readonly [K in keyof T['fields'] & string]: T['fields'][K]['type'];
};

/** Declares a struct: `layout({ current: 'u32', members: array(64, layout({ ifindex: 'u32' })) })`. */
export function layout<const F extends Fields>(fields: F): StructLayout<F> {
  const placed: Record<string, Placement> = {};
  let end = 0;
  let align = 1;
  let used = 0;
  for (const [name, type] of Object.entries(fields)) {
    const fieldAlign = alignOf(type);
    const offset = roundUp(end, fieldAlign);
    const size = sizeOf(type);
    placed[name] = Object.freeze({ type, offset, size });
    end = offset + size;
    used += size;
    align = Math.max(align, fieldAlign);
  }
  const size = roundUp(end, align);
  const struct: StructLayout<F> = {
    kind: 'struct',
    fields: Object.freeze(placed) as { [K in keyof F]: Placement<F[K]> },
    size,
    align,
    padding: size - used,
    offset: (...path) => offsetOf(struct, path as readonly (string | number)[]),
  };
  return Object.freeze(struct);
}

/** Declares an array of `length` elements. */
export function array<E extends FieldType>(length: number, element: E): ArrayLayout<E> {
  checkLength(length);
  // A struct's size is a multiple of its alignment, so elements need no padding of their own.
  const stride = sizeOf(element);
  return Object.freeze({
    kind: 'array',
    element,
    length,
    stride,
    size: stride * length,
    align: alignOf(element),
  });
}

/** Declares `size` raw bytes. */
export function bytes(size: number): BytesLayout {
  checkLength(size);
  return Object.freeze({ kind: 'bytes', size, align: 1 });
}

/** Bytes that a field takes. */
export function sizeOf(type: FieldType): number {
  return typeof type === 'string' ? SCALAR_SIZES[type] : type.size;
}

/** The alignment that a field wants, in bytes. */
export function alignOf(type: FieldType): number {
  return typeof type === 'string' ? SCALAR_SIZES[type] : type.align;
}

function roundUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}

function checkLength(length: number): void {
  if (!Number.isInteger(length) || length < 0) {
    throw new RangeError(`A layout's length must be a whole number of at least 0, not ${length}.`);
  }
}

function offsetOf(start: FieldType, path: readonly (string | number)[]): number {
  let type: FieldType = start;
  let offset = 0;
  for (const [depth, step] of path.entries()) {
    const place = stepInto(type, step);
    if (place === undefined) {
      throw new RangeError(`The layout has no "${path.slice(0, depth + 1).join('.')}".`);
    }
    type = place.type;
    offset += place.offset;
  }
  return offset;
}

function stepInto(type: FieldType, step: string | number): { type: FieldType; offset: number } | undefined {
  if (typeof type === 'string' || type.kind === 'bytes') return undefined;
  if (type.kind === 'array') {
    const inside = typeof step === 'number' && Number.isInteger(step) && step >= 0 && step < type.length;
    return inside ? { type: type.element, offset: step * type.stride } : undefined;
  }
  if (typeof step !== 'string' || !Object.hasOwn(type.fields, step)) return undefined;
  return type.fields[step];
}
