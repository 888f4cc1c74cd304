// Checking unknown JSON against a shape, with the place of the first thing that is wrong. No exceptions on any input.
import { err, ok, type Result } from '../base/index.js';

/** Says what is wrong with a value at a place, or null. */
export type Shape = (value: unknown, place: string) => string | null;

function wrong(place: string, wanted: string, value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return `${place || 'it'} must be ${wanted}, not ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
}

export const text: Shape = (value, place) =>
  typeof value === 'string' ? null : wrong(place, 'a text', value);

export const flag: Shape = (value, place) =>
  typeof value === 'boolean' ? null : wrong(place, 'true or false', value);

export function matching(pattern: RegExp, wanted: string): Shape {
  return (value, place) =>
    typeof value === 'string' && pattern.test(value) ? null : wrong(place, wanted, value);
}

/** A number between two bounds. */
export function number(min = 0, max: number = Number.MAX_SAFE_INTEGER): Shape {
  return (value, place) =>
    typeof value === 'number' && value >= min && value <= max
      ? null
      : wrong(place, `a number from ${min} to ${max}`, value);
}

export function oneOf(values: readonly (string | number)[]): Shape {
  return (value, place) =>
    values.some(each => each === value) ? null : wrong(place, `one of ${values.join(', ')}`, value);
}

export const value: Shape = (given, place) =>
  given === null || ['string', 'number', 'boolean'].includes(typeof given)
    ? null
    : wrong(place, 'a text, a number, true, false or null', given);

export function list(each: Shape): Shape {
  return (given, place) => {
    if (!Array.isArray(given)) return wrong(place, 'a list', given);
    for (const [at, item] of given.entries()) {
      const problem = each(item, `${place}[${at}]`);
      if (problem !== null) return problem;
    }
    return null;
  };
}

/** A shape of a key that may be absent. */
export function maybe(shape: Shape): Shape {
  return (given, place) => (given === undefined ? null : shape(given, place));
}

function isRecord(given: unknown): given is Record<string, unknown> {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

/** Exactly these keys. */
export function record(keys: Readonly<Record<string, Shape>>): Shape {
  return (given, place) => {
    if (!isRecord(given)) return wrong(place, 'an object', given);
    const under = (key: string): string => (place === '' ? key : `${place}.${key}`);
    for (const [key, shape] of Object.entries(keys)) {
      const problem = shape(given[key], under(key));
      if (problem !== null) return problem;
    }
    const extra = Object.keys(given).find(key => !Object.hasOwn(keys, key));
    return extra === undefined
      ? null
      : `${under(extra)} is not known; known here are ${Object.keys(keys).join(', ')}`;
  };
}

/** Any keys, all values of one shape. */
export function dictionary(each: Shape): Shape {
  return (given, place) => {
    if (!isRecord(given)) return wrong(place, 'an object', given);
    for (const [key, item] of Object.entries(given)) {
      const problem = each(item, `${place}.${key}`);
      if (problem !== null) return problem;
    }
    return null;
  };
}

/** An object whose `tag` says which shape it has. */
export function tagged(tag: string, shapes: Readonly<Record<string, Shape>>): Shape {
  return (given, place) => {
    if (!isRecord(given)) return wrong(place, 'an object', given);
    const chosen = given[tag];
    if (typeof chosen !== 'string' || !Object.hasOwn(shapes, chosen)) {
      return wrong(`${place}.${tag}`, `one of ${Object.keys(shapes).join(', ')}`, chosen);
    }
    return shapes[chosen]?.(given, place) ?? null;
  };
}

/** The value, typed as the caller knows the shape to be, or the first thing that is wrong. */
export function check<T>(shape: Shape, given: unknown): Result<T, string> {
  const problem = shape(given, '');
  return problem === null ? ok(given as T) : err(problem);
}
