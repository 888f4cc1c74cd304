// The data planes by kind: what people call them, and what is not built on one of them.
import type { ModeName } from '../policy/index.js';
import type { DataPlaneKind } from './contract.js';

/** Names for people. */
export const DATA_PLANE_NAMES: Readonly<Record<DataPlaneKind, string>> = {
  ebpf: 'eBPF data plane',
  userspace: 'user-space data plane',
};

/** Modes that a data plane carries out; 'all': whatever the policy has. */
const MODES: Readonly<Record<DataPlaneKind, 'all' | ReadonlySet<ModeName>>> = {
  ebpf: 'all',
  userspace: new Set([
    'active-backup',
    'balance-rr',
    'balance-xor',
    'broadcast',
    '802.3ad',
    'balance-tlb',
    'balance-alb',
  ]),
};

/** True when this mode can be carried out by bonds of this kind. */
export function carriesOut(kind: DataPlaneKind, mode: ModeName): boolean {
  const modes = MODES[kind];
  return modes === 'all' || modes.has(mode);
}
