// What a failed system call throws: the call, the errno, what it was done to, and one sentence.
import { getSystemErrorMap } from 'node:util';
import { ERRNO, errnoName } from '../base/index.js';

/** Errnos that the kernel gives to user space although they are its own (linux/errno.h). */
const KERNEL_ONLY: ReadonlyMap<number, readonly [name: string, sentence: string]> = new Map([
  [524, ['ENOTSUPP', 'operation is not supported']],
]);

/** Name and sentence of an errno (positive). Our own names go first: libuv calls EOPNOTSUPP by its old name ENOTSUP. */
function describe(errno: number): readonly [name: string, sentence: string] {
  const [libuvName, sentence] = getSystemErrorMap().get(-errno) ??
    KERNEL_ONLY.get(errno) ?? [errnoName(errno), `error number ${errno}`];
  const isKnown = Object.values<number>(ERRNO).includes(errno);
  return [isKnown ? errnoName(errno) : libuvName, sentence];
}

/** A system call that failed. */
export class SystemError extends Error {
  /** The call as documentation names it: `setns`, `bpf(BPF_MAP_CREATE)`, `RTM_NEWLINK`. */
  readonly call: string;
  /** Name of the errno: `ENODEV`. */
  readonly code: string;
  readonly errno: number;
  /** Interface, path or address that it was done to; empty when there is none. */
  readonly target: string;
  /** What the kernel said beside the errno (netlink's extended acknowledgement, verifier log); empty when nothing. */
  readonly detail: string;

  /** `errno` is positive. */
  constructor(call: string, errno: number, target = '', detail = '') {
    const [code, sentence] = describe(errno);
    const what = target === '' ? call : `${call} for ${target}`;
    super(`${what} failed: ${sentence} (${code})${detail === '' ? '' : `: ${detail}`}`);
    this.name = 'SystemError';
    this.call = call;
    this.code = code;
    this.errno = errno;
    this.target = target;
    this.detail = detail;
  }
}

export { isErrno } from '../base/index.js';
