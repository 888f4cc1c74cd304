// What the schemas of the state file are made of.
import { z } from 'zod';

/** An object with all the fields of a type: the compiler misses one that is added to it. */
export function fields<T>(shape: { readonly [K in keyof T]-?: z.ZodType }): z.ZodType<T> {
  return z.looseObject(shape) as unknown as z.ZodType<T>;
}

/** The same form for many fields. */
export function alike<K extends string>(names: readonly K[], form: z.ZodType): Record<K, z.ZodType> {
  return Object.fromEntries(names.map(name => [name, form])) as unknown as Record<K, z.ZodType>;
}

export const ifindex: z.ZodInt = z.int().min(1).max(0x7fff_ffff);
export const count: z.ZodInt = z.int().min(0);
export const flag: z.ZodBoolean = z.boolean();
export const text: z.ZodString = z.string();
export const time: z.ZodNumber = z.number();
export const address: z.ZodString = text.regex(
  /^(?:[0-9a-f]{2}(?::[0-9a-f]{2})*)?$/i,
  'it must be a MAC address',
);
