// A failed system call as the refusal that users see.
import { type Refusal, refusal } from '../base/index.js';
import { isErrno } from '../linux/index.js';

/** A refusal for a failed system call. */
export function systemRefusal(error: unknown, what: string): Refusal {
  const message = error instanceof Error ? error.message : String(error);
  const code = isErrno(error, 'EPERM', 'EACCES') ? 'permission' : 'system';
  return refusal(code, 'EIO', `${what}: ${message}`);
}
