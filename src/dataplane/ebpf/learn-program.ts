// The program that finds a member's device in the kernel, when the interface joins.
import {
  Assembler,
  BPF_PROG_TYPES,
  layout,
  type ProgramSpec,
  R0,
  R1,
  R2,
  R3,
  R6,
  R7,
  R8,
  R9,
  R10,
  type Register,
} from '../../ebpf/index.js';
import { DEVICE_TABLE_SIZE, type KernelLayout } from './kernel-layout.js';

/** Where on the stack a value that was read lands, bytes below R10. */
const STACK_VALUE = -8;

/** What `learnProgram` returns when it found the device. */
export const LEARNED = 1;

/** The map of the program: what it is asked, and what it answers. */
export const LEARN_MAP = 'bw_learn';

export const LEARN = layout({
  /** Asked for. */
  ifindex: 'u32',
  reserved: 'u32',
  /** Address of the caller's namespace (struct net). */
  net: 'u64',
  /** Address of the interface (struct net_device). */
  device: 'u64',
});

/**
 * Finds the kernel's struct net_device of an interface. Run by BPF_PROG_TEST_RUN, in the namespace of the interface: it walks
 * current -> nsproxy -> net -> dev_index_head, as __dev_get_by_index does.
 */
export function learnProgram(layout: KernelLayout): ProgramSpec {
  const program = new Assembler('bw_learn');
  program.loadMapValue(R6, LEARN_MAP).call('get_current_task').mov(R7, R0);
  readKernel(program, 'u64', R7, R7, layout.taskNsproxy);
  readKernel(program, 'u64', R7, R7, layout.nsproxyNet);
  program.store('u64', R6, LEARN.offset('net'), R7);
  readKernel(program, 'u64', R7, R7, layout.netDeviceTable);
  program
    .load('u32', R1, R6, LEARN.offset('ifindex'))
    .and(R1, DEVICE_TABLE_SIZE - 1)
    .lsh(R1, 3)
    .add(R7, R1);
  readKernel(program, 'u64', R7, R7, 0);
  for (let step = 0; step < 64; step++) {
    program.jeq(R7, 0, 'not found').mov(R8, R7).sub(R8, layout.deviceIndexHlist);
    readKernel(program, 'u32', R9, R8, layout.deviceIfindex);
    program.load('u32', R1, R6, LEARN.offset('ifindex')).jeq(R9, R1, 'found');
    readKernel(program, 'u64', R7, R7, 0);
  }
  program
    .label('not found')
    .exitWith(0)
    .label('found')
    .store('u64', R6, LEARN.offset('device'), R8)
    .exitWith(LEARNED);
  return {
    ...program.build(),
    type: BPF_PROG_TYPES.BPF_PROG_TYPE_SCHED_CLS,
    license: 'GPL',
  };
}

/** dst = *(size *)(src + offset) in kernel memory, by helper. R0 to R5 are lost; 0 when it cannot be read. */
function readKernel(
  program: Assembler,
  size: 'u32' | 'u64',
  dst: Register,
  src: Register,
  offset: number,
): void {
  program
    .mov(R3, src)
    .add(R3, offset)
    .mov(R1, R10)
    .add(R1, STACK_VALUE)
    .storeImm('u64', R10, STACK_VALUE, 0)
    .mov(R2, size === 'u64' ? 8 : 4)
    .call('probe_read_kernel')
    .load(size, dst, R10, STACK_VALUE);
}
