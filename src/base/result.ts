// A value or the reason why there is none; used wherever bad input is expected (bottom layer, imports nothing).

/** Success with a value. */
export interface Ok<T> {
  readonly ok: true;
  readonly value: T;
}

/** Failure with a reason. */
export interface Err<E> {
  readonly ok: false;
  readonly error: E;
}

/** Either a value or an error; narrow on `ok`. */
export type Result<T, E> = Ok<T> | Err<E>;

/** Wraps a value as success. */
export function ok<T>(value: T): Ok<T> {
  return { ok: true, value };
}

/** Wraps a reason as failure. */
export function err<E>(error: E): Err<E> {
  return { ok: false, error };
}

/** The end of an exhaustive switch: a compile error when a case is missing, a throw when one slips through at run time. */
export function unreachable(value: never): never {
  throw new Error(`Unhandled case: ${JSON.stringify(value)}`);
}
