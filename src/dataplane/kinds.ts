// The data planes by kind: what people call them.
import type { DataPlaneKind } from './contract.js';

/** Names for people. */
export const DATA_PLANE_NAMES: Readonly<Record<DataPlaneKind, string>> = {
  ebpf: 'eBPF data plane',
  userspace: 'user-space data plane',
};
