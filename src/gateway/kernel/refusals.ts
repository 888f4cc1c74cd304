// What the kernel does not let us do, as one sentence that says what to do about it.
import { isErrno, type Refusal, refusal } from '../../base/index.js';

/** The kernel refuses what an uplink cannot do without. */
export class KernelRefused extends Error {
  readonly refusal: Refusal;

  constructor(why: Refusal, cause: unknown) {
    super(why.message, { cause });
    this.name = 'KernelRefused';
    this.refusal = why;
  }
}

function detailOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Why the kernel refused `what` ("The rule …"), thrown for whoever asked for an uplink. */
export function kernelRefused(error: unknown, what: string): KernelRefused {
  if (isErrno(error, 'EPERM', 'EACCES'))
    return new KernelRefused(
      refusal(
        'permission',
        'EPERM',
        `${what} was refused: this needs root, or CAP_NET_ADMIN in the namespace of the lines (${detailOf(error)})`,
      ),
      error,
    );
  if (isErrno(error, 'EOPNOTSUPP', 'EAFNOSUPPORT'))
    return new KernelRefused(
      refusal(
        'unsupported',
        'EOPNOTSUPP',
        `${what} was refused: this kernel has no policy routing (CONFIG_IP_MULTIPLE_TABLES, and CONFIG_IPV6_MULTIPLE_TABLES for IPv6), ` +
          `which uplinks are made of; run a kernel that has it (${detailOf(error)})`,
      ),
      error,
    );
  return new KernelRefused(refusal('system', 'EIO', `${what} was refused: ${detailOf(error)}`), error);
}
