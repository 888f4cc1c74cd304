// A refused wish: what was refused, why, what to do, and the errno that the kernel driver gives for it.
import type { ErrnoName } from './errno.js';

/**
 * Why something was refused. `message` is one plain sentence (or two) for a person: what was refused, why, what to do.
 * `errno` is the driver's where the driver would refuse too.
 */
export interface Refusal {
  readonly code:
    | 'invalid-value'
    | 'unknown-option'
    | 'wrong-mode'
    | 'has-members'
    | 'bond-up'
    | 'needs-monitor'
    | 'unknown-interface'
    | 'unknown-bond'
    | 'exists'
    | 'in-use'
    | 'interface-up'
    | 'has-addresses'
    | 'unsupported'
    | 'permission'
    | 'invalid-request'
    | 'starting'
    | 'system';
  readonly errno: ErrnoName;
  readonly message: string;
}

/** Builds a refusal. */
export function refusal(code: Refusal['code'], errno: ErrnoName, message: string): Refusal {
  return { code, errno, message };
}
