// The programs of a bond, as pure values: transmit on the lower end, receive on each member, and one that finds a device.
// All ask the kernel's own device state on every packet, so that no frame is given to a member that lost its carrier.
import {
  type AssembledProgram,
  Assembler,
  BPF_PROG_TYPES,
  type ProgramSpec,
  R0,
  R1,
  R2,
  R3,
  R4,
  R6,
  R7,
  R8,
  R9,
  R10,
  type Register,
  SK_BUFF,
} from '../../ebpf/index.js';
import {
  CAST_KFUNC,
  DEVICE_TABLE_SIZE,
  type KernelLayout,
  LINK_STATE_NOCARRIER,
  LINK_STATE_START,
} from './kernel-layout.js';
import {
  DIVERSION,
  EVENTS_MAP,
  MAX_MEMBERS,
  MEMBER,
  MEMBER_FLAGS,
  SHARED,
  SHARED_FLAGS,
  STATE_MAP,
} from './shared-state.js';

/** How the programs read a device: a direct load (Linux 6.2), a helper call (5.8), or not at all. */
export type DeviceReader = 'cast' | 'probe' | 'none';

/** What the programs are made for. */
export interface ProgramContext {
  readonly reader: DeviceReader;
  /** Needed unless `reader` is none. */
  readonly layout: KernelLayout | undefined;
}

/** Name of the receive program, by which another daemon's is known. */
export const RECEIVE_PROGRAM = 'bw_receive';

const TC_PASS = -1;
const TC_DROP = 2;

// Stack of the transmit and receive programs, bytes below R10.
const STACK_STATE = -8;
const STACK_IFINDEX = -16;
const STACK_NET = -24;
const STACK_SLOT = -32;
const STACK_OLD = -40;
const STACK_EVENT = STACK_OLD - DIVERSION.size;

const MEMBER_STRIDE = SHARED.fields.members.type.stride;
const MEMBERS = SHARED.fields.members.offset;
const ORDER = SHARED.fields.order.offset;
const at = {
  current: SHARED.offset('current'),
  orderCount: SHARED.offset('orderCount'),
  flags: SHARED.offset('flags'),
  net: SHARED.offset('net'),
  lower: SHARED.offset('lowerIfindex'),
  switches: SHARED.offset('switches'),
  drops: SHARED.offset('drops'),
  firstDropNs: SHARED.offset('firstDropNs'),
};
const of = {
  ifindex: MEMBER.offset('ifindex'),
  flags: MEMBER.offset('flags'),
  device: MEMBER.offset('device'),
  deadSends: MEMBER.offset('deadSends'),
  firstDeadNs: MEMBER.offset('firstDeadNs'),
};

/**
 * Transmit: on the ingress of the lower end, for every frame that the host sends through the bond.
 * Redirects to `current`; when that member cannot send, moves `current` to the first of `order` that can.
 */
export function transmitProgram(context: ProgramContext): ProgramSpec {
  const program = new Assembler('bw_transmit');
  program
    .loadMapValue(R7, STATE_MAP)
    .load('u32', R8, R7, at.current)
    .jge(R8, MAX_MEMBERS, 'choose')
    .include(a => memberAt(a, R9, R8));
  checkDevice(program, context, 'dead');
  program
    .label('send')
    .load('u32', R1, R9, of.ifindex)
    .mov(R2, 0)
    .call('redirect')
    .exit()
    .label('dead')
    .load('u32', R1, R7, at.flags)
    .jset(R1, SHARED_FLAGS.divert, 'choose')
    // Not allowed to divert: the frame goes into the dead member as without us, but is counted.
    .include(a => count(a, R9, of.deadSends, of.firstDeadNs))
    .jump('send')
    .label('choose');
  chooseMember(program, context, 'send', 'none');
  program
    .label('none')
    .include(a => count(a, R7, at.drops, at.firstDropNs))
    .exitWith(TC_DROP);
  return classifier(program.build());
}

/**
 * Receive: on the ingress of the member in `slot`. Frames of `current` go to the bond; those of others are dropped
 * (bond_should_deliver_exact_match), but link-local ones (01:80:c2:00:00:0X) stay with the member for LLDP and the like.
 * When `current` cannot send any more, the member that would be chosen is accepted at once.
 */
export function receiveProgram(context: ProgramContext, slot: number): ProgramSpec {
  const program = new Assembler(RECEIVE_PROGRAM);
  program
    .mov(R6, R1)
    .loadMapValue(R7, STATE_MAP)
    .load('u32', R8, R7, at.current)
    .jeq(R8, slot, 'accept')
    .load('u32', R1, R7, MEMBERS + slot * MEMBER_STRIDE + of.flags)
    .jset(R1, MEMBER_FLAGS.acceptAlways, 'accept')
    .load('u32', R1, R7, at.flags)
    .jset(R1, SHARED_FLAGS.divert, 'is current alive')
    .jump('refuse')
    .label('is current alive')
    .jge(R8, MAX_MEMBERS, 'refuse')
    .include(a => memberAt(a, R9, R8));
  checkDevice(program, context, 'current is dead');
  program
    .label('refuse')
    .load('u32', R1, R6, SK_BUFF.data)
    .load('u32', R2, R6, SK_BUFF.data_end)
    .mov(R3, R1)
    .add(R3, 14)
    .jgt(R3, R2, 'drop')
    .load('u32', R3, R1, 0)
    .load('u16', R4, R1, 4)
    .be32(R3)
    .be16(R4)
    .and(R4, 0xfff0)
    .mov32(R2, 0x0180c200)
    .jne32(R3, R2, 'drop')
    .jne(R4, 0, 'drop')
    .exitWith(TC_PASS)
    .label('drop')
    .exitWith(TC_DROP)
    .label('current is dead')
    // The context is wanted again afterwards; the loop below uses R6.
    .store('u64', R10, STACK_OLD, R6);
  chooseMember(program, context, 'chosen', 'refuse again', STACK_OLD);
  program
    .label('chosen')
    .load('u32', R1, R10, STACK_SLOT)
    .jeq(R1, slot, 'accept')
    .label('refuse again')
    .load('u64', R6, R10, STACK_OLD)
    .jump('refuse')
    .label('accept')
    .load('u32', R1, R7, at.lower)
    .mov(R2, 0)
    .call('redirect')
    .exit();
  return classifier(program.build());
}

/** What `learnProgram` returns when it found the device. */
export const LEARNED = 1;

/**
 * Finds the kernel's struct net_device of an interface and notes its address in `slot`. Run once, by BPF_PROG_TEST_RUN,
 * in the namespace of the interface: it walks current -> nsproxy -> net -> dev_index_head, as __dev_get_by_index does.
 */
export function learnProgram(layout: KernelLayout, slot: number, ifindex: number): ProgramSpec {
  const program = new Assembler('bw_learn');
  const member = MEMBERS + slot * MEMBER_STRIDE;
  program.loadMapValue(R6, STATE_MAP).call('get_current_task').mov(R7, R0);
  readKernel(program, 'u64', R7, R7, layout.taskNsproxy);
  readKernel(program, 'u64', R7, R7, layout.nsproxyNet);
  program.store('u64', R6, at.net, R7);
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
    .store('u64', R6, member + of.device, R8)
    .exitWith(LEARNED);
  return classifier(program.build());
}

function classifier(program: AssembledProgram): ProgramSpec {
  return { ...program, type: BPF_PROG_TYPES.BPF_PROG_TYPE_SCHED_CLS, license: 'GPL' };
}

/** dst = &shared.members[slot], with shared in R7. `slot` keeps its value and is below MAX_MEMBERS. */
function memberAt(program: Assembler, dst: Register, slot: Register): void {
  program.mov(dst, slot).mul(dst, MEMBER_STRIDE).add(dst, R7).add(dst, MEMBERS);
}

/**
 * Goes to `dead` unless the device of the member at R9 can send: it is the device that joined (index and namespace are
 * the same), is up and has its carrier. Falls through when it can, and when its address is not known. R0 to R5 are lost.
 */
function checkDevice(program: Assembler, context: ProgramContext, dead: string): void {
  const { reader, layout } = context;
  if (reader === 'none' || layout === undefined) return;
  const alive = program.freshLabel('alive');
  program.load('u64', R1, R9, of.device).jeq(R1, 0, alive);
  if (reader === 'cast') {
    program
      .mov(R2, layout.deviceTypeId)
      .callKfunc(CAST_KFUNC)
      .load('u64', R1, R0, layout.deviceState)
      .load('u32', R2, R0, layout.deviceIfindex)
      .load('u64', R3, R0, layout.deviceNet);
  } else {
    const read = (size: number, slot: number, offset: number): void => {
      program
        .load('u64', R3, R9, of.device)
        .add(R3, offset)
        .mov(R1, R10)
        .add(R1, slot)
        .storeImm('u64', R10, slot, 0)
        .mov(R2, size)
        .call('probe_read_kernel');
    };
    read(8, STACK_STATE, layout.deviceState);
    read(4, STACK_IFINDEX, layout.deviceIfindex);
    read(8, STACK_NET, layout.deviceNet);
    program
      .load('u64', R1, R10, STACK_STATE)
      .load('u32', R2, R10, STACK_IFINDEX)
      .load('u64', R3, R10, STACK_NET);
  }
  program
    .and(R1, LINK_STATE_START | LINK_STATE_NOCARRIER)
    .jne(R1, LINK_STATE_START, dead)
    .load('u32', R4, R9, of.ifindex)
    .jne(R2, R4, dead)
    .load('u64', R4, R7, at.net)
    .jne(R3, R4, dead)
    .label(alive)
    .mov(R0, 0);
}

/**
 * Takes the first of `order` that can send, makes it `current` (was R8) and goes to `found` with its member in R9 and
 * its slot at STACK_SLOT; goes to `none` when there is none. R6 is lost. `keep` is a stack slot not to be used.
 */
function chooseMember(
  program: Assembler,
  context: ProgramContext,
  found: string,
  none: string,
  keep?: number,
): void {
  const next = program.freshLabel('next');
  const again = program.freshLabel('again');
  const old = keep === undefined ? STACK_OLD : STACK_EVENT - 8;
  program
    .store('u64', R10, old, R8)
    .mov(R6, 0)
    .label(again)
    .load('u32', R1, R7, at.orderCount)
    .jge(R6, R1, none)
    .jge(R6, MAX_MEMBERS, none)
    .mov(R1, R6)
    .lsh(R1, 2)
    .add(R1, R7)
    .load('u32', R8, R1, ORDER)
    .jge(R8, MAX_MEMBERS, next)
    .store('u64', R10, STACK_SLOT, R8)
    .include(a => memberAt(a, R9, R8))
    .load('u32', R1, R9, of.ifindex)
    .jeq(R1, 0, next);
  checkDevice(program, context, next);
  program
    // Another processor may have been quicker, or the daemon: then its choice stands and nothing is noted here.
    .load('u64', R0, R10, old)
    .load('u64', R8, R10, STACK_SLOT)
    .mov(R1, R0)
    .atomicCompareExchange('u32', R7, at.current, R8)
    .load('u64', R1, R10, old)
    .lsh(R0, 32)
    .rsh(R0, 32)
    .jne(R0, R1, found)
    .mov(R1, 1)
    .atomicAdd('u64', R7, at.switches, R1)
    .call('ktime_get_ns')
    .load('u64', R1, R10, old)
    .store('u32', R10, STACK_EVENT + DIVERSION.offset('fromSlot'), R1)
    .store('u32', R10, STACK_EVENT + DIVERSION.offset('toSlot'), R8)
    .store('u64', R10, STACK_EVENT + DIVERSION.offset('atNs'), R0)
    .loadMap(R1, EVENTS_MAP)
    .mov(R2, R10)
    .add(R2, STACK_EVENT)
    .mov(R3, DIVERSION.size)
    .mov(R4, 0)
    .call('ringbuf_output')
    .jump(found)
    .label(next)
    .add(R6, 1)
    .jump(again);
}

/** Adds 1 to the counter at base + counter and notes the time of the first at base + first. R0 and R1 are lost. */
function count(program: Assembler, base: Register, counter: number, first: number): void {
  const noted = program.freshLabel('noted');
  program
    .mov(R1, 1)
    .atomicAdd('u64', base, counter, R1)
    .load('u64', R1, base, first)
    .jne(R1, 0, noted)
    .call('ktime_get_ns')
    .store('u64', base, first, R0)
    .label(noted)
    .mov(R0, 0);
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
    .add(R1, STACK_STATE)
    .storeImm('u64', R10, STACK_STATE, 0)
    .mov(R2, size === 'u64' ? 8 : 4)
    .call('probe_read_kernel')
    .load(size, dst, R10, STACK_STATE);
}
