// The program that finds a member's device in the kernel, once, when the interface joins.
import {
  Assembler,
  BPF_PROG_TYPES,
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
import { MEMBER, SHARED, STATE_MAP } from './shared-state.js';

/** Where on the stack a value that was read lands, bytes below R10. */
const STACK_VALUE = -8;

/** What `learnProgram` returns when it found the device. */
export const LEARNED = 1;

/**
 * Finds the kernel's struct net_device of an interface and notes its address in `slot`. Run once, by BPF_PROG_TEST_RUN,
 * in the namespace of the interface: it walks current -> nsproxy -> net -> dev_index_head, as __dev_get_by_index does.
 */
export function learnProgram(layout: KernelLayout, slot: number, ifindex: number): ProgramSpec {
  const program = new Assembler('bw_learn');
  const { offset, type } = SHARED.fields.members;
  const member = offset + slot * type.stride;
  program.loadMapValue(R6, STATE_MAP).call('get_current_task').mov(R7, R0);
  readKernel(program, 'u64', R7, R7, layout.taskNsproxy);
  readKernel(program, 'u64', R7, R7, layout.nsproxyNet);
  program.store('u64', R6, SHARED.offset('net'), R7);
  readKernel(program, 'u64', R7, R7, layout.netDeviceTable);
  readKernel(program, 'u64', R7, R7, (ifindex % DEVICE_TABLE_SIZE) * 8);
  for (let step = 0; step < 64; step++) {
    program.jeq(R7, 0, 'not found').mov(R8, R7).sub(R8, layout.deviceIndexHlist);
    readKernel(program, 'u32', R9, R8, layout.deviceIfindex);
    program.jeq(R9, ifindex, 'found');
    readKernel(program, 'u64', R7, R7, 0);
  }
  program
    .label('not found')
    .exitWith(0)
    .label('found')
    .store('u64', R6, member + MEMBER.offset('device'), R8)
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
