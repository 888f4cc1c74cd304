// Failed system calls, whoever made them, told by the name of their errno: as values of errors, and as refusals for users.
import { ERRNO, type ErrnoName } from './errno.js';
import { type Refusal, refusal } from './refusal.js';

/** True when `error` is a system call (ours or Node's) that failed with one of the named errnos. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** True for a system call that failed, ours or Node's. */
export function isSystemFailure(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && 'errno' in error && typeof error.code === 'string';
}

/** A refusal for a failed system call. */
export function systemRefusal(error: unknown, what: string): Refusal {
  const message = error instanceof Error ? error.message : String(error);
  const code = isErrno(error, 'EPERM', 'EACCES') ? 'permission' : 'system';
  return refusal(code, errnoOf(error), `${what}: ${message}`);
}

function errnoOf(error: unknown): ErrnoName {
  return isSystemFailure(error) && Object.hasOwn(ERRNO, error.code) ? (error.code as ErrnoName) : 'EIO';
}
