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

/** `length` elements in a row, `stride` bytes apart. */
export interface ArrayLayout<E extends FieldType> {
  readonly kind: 'array';
  readonly element: E;
  readonly length: number;
  readonly stride: number;
  readonly size: number;
  readonly align: number;
}

/** What a field can be. */
// oxlint-disable-next-line typescript/no-explicit-any -- a type parameter here would refer to itself
export type FieldType = Scalar | BytesLayout | ArrayLayout<any> | StructLayout<any>;

/** Fields in order of declaration. */
export type Fields = Readonly<Record<string, FieldType>>;

/** Where a field lies in its struct. */
export interface Placement<T extends FieldType> {
  readonly type: T;
  /** Bytes from the start of the struct. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** The way to a scalar or a part: field names, and indexes for arrays. */
export type LayoutPath<T> =
  T extends StructLayout<infer F>
    ? { [K in keyof F & string]: readonly [K] | readonly [K, ...LayoutPath<F[K]>] }[keyof F & string]
    : T extends ArrayLayout<infer E>
      ? readonly [number] | readonly [number, ...LayoutPath<E>]
      : never;

/** A struct's layout. */
export interface StructLayout<F extends Fields> {
  readonly kind: 'struct';
  readonly fields: { readonly [K in keyof F]: Placement<F[K]> };
  /** Bytes, padded at the end to `align`: the map's value size. */
  readonly size: number;
  /** Bytes. */
  readonly align: number;
  /** Bytes that belong to no field. Programs must zero them in map keys and before values leave the stack. */
  readonly padding: number;
  /**
   * Byte offset of a field or of a part of it: `shared.offset('members', 2, 'ifindex')`.
   * Throws RangeError for fields and indexes that do not exist.
   */
  offset(...path: LayoutPath<StructLayout<F>>): number;
}

/** Declares a struct: `layout({ current: 'u32', members: array(64, layout({ ifindex: 'u32' })) })`. */
export function layout<const F extends Fields>(fields: F): StructLayout<F> {
  const placed: Record<string, Placement<FieldType>> = {};
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
    return inside ? { type: type.element as FieldType, offset: step * type.stride } : undefined;
  }
  if (typeof step !== 'string' || !Object.hasOwn(type.fields, step)) return undefined;
  return (type.fields as Record<string, Placement<FieldType>>)[step];
}
