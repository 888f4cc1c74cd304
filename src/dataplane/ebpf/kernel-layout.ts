// Where the running kernel keeps what the programs ask a device for; read from the kernel's own type information (BTF).
import { err, ok, type Result } from '../../base/index.js';
import type { Btf, BtfProblem } from '../../ebpf/index.js';

/** Byte offsets inside kernel structs. */
export interface KernelLayout {
  readonly deviceState: number;
  readonly deviceIfindex: number;
  readonly deviceNet: number;
  /** net_device.carrier_down_count; undefined on a kernel without it (before Linux 4.16). */
  readonly deviceCarrierDowns: number | undefined;
  readonly deviceIndexHlist: number;
  readonly taskNsproxy: number;
  readonly nsproxyNet: number;
  readonly netDeviceTable: number;
  /** BTF id of struct net_device, for bpf_rdonly_cast. */
  readonly deviceTypeId: number;
}

/** Bits of net_device.state (kernel enum netdev_state_t): the same since Linux 2.6. */
export const LINK_STATE_START = 1;
export const LINK_STATE_NOCARRIER = 4;

/** The kernel's hash of interface indexes (NETDEV_HASHENTRIES). */
export const DEVICE_TABLE_SIZE = 256;

/** The kfunc that makes a plain address readable as a kernel struct (Linux 6.2). */
export const CAST_KFUNC = 'bpf_rdonly_cast';

/** Reads the offsets; the reason when this kernel's type information lacks one of them. */
export function readKernelLayout(btf: Btf): Result<KernelLayout, string> {
  const problems: string[] = [];
  const value = (found: Result<number, BtfProblem>): number => {
    if (found.ok) return found.value;
    problems.push(found.error.message);
    return 0;
  };
  const downs = btf.memberOffset('net_device', 'carrier_down_count');
  const layout: KernelLayout = {
    deviceState: value(btf.memberOffset('net_device', 'state')),
    deviceIfindex: value(btf.memberOffset('net_device', 'ifindex')),
    deviceNet: value(btf.memberOffset('net_device', 'nd_net')),
    deviceCarrierDowns: downs.ok ? downs.value : undefined,
    deviceIndexHlist: value(btf.memberOffset('net_device', 'index_hlist')),
    taskNsproxy: value(btf.memberOffset('task_struct', 'nsproxy')),
    nsproxyNet: value(btf.memberOffset('nsproxy', 'net_ns')),
    netDeviceTable: value(btf.memberOffset('net', 'dev_index_head')),
    deviceTypeId: value(btf.find('net_device', 'STRUCT')),
  };
  const problem = problems[0];
  return problem === undefined ? ok(layout) : err(problem);
}
