// A failed system call as the refusal that users see.
import { ERRNO, type ErrnoName, type Refusal, refusal } from '../../base/index.js';
import { isErrno } from '../../linux/index.js';

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
