// The programs of a bond, as pure values: transmit on the lower end, receive on each member.
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
import { CAST_KFUNC, type KernelLayout, LINK_STATE_NOCARRIER, LINK_STATE_START } from './kernel-layout.js';
import {
  DIVERSION,
  EVENTS_MAP,
  LOSS,
  MAX_MEMBERS,
  MEMBER,
  MEMBER_FLAGS,
  ORDER_SECOND,
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
const STACK_CONTEXT = -48;
const STACK_END = -56;
const STACK_ORDER = -64;
const STACK_TRIES = -72;
const STACK_EVENT = STACK_TRIES - DIVERSION.size;
/** How often a frame looks again when the daemon changed the order under its eyes. */
const MOST_TRIES = 3;
/** Most bytes of a device that are copied at once. */
const DEVICE_BYTES = 192;
const STACK_DEVICE = STACK_EVENT - DEVICE_BYTES;

/** bpf_sock.priority (uapi). */
const SOCK_PRIORITY = 20;

const MEMBER_STRIDE = SHARED.fields.members.type.stride;
const MEMBERS = SHARED.fields.members.offset;
const SLOTS = SHARED.fields.slots.offset;
const at = {
  current: SHARED.offset('current'),
  order: SHARED.offset('order'),
  flags: SHARED.offset('flags'),
  net: SHARED.offset('net'),
  lower: SHARED.offset('lowerIfindex'),
  switches: SHARED.offset('switches'),
  drops: SHARED.offset('drops'),
};
const of = {
  ifindex: MEMBER.offset('ifindex'),
  flags: MEMBER.offset('flags'),
  device: MEMBER.offset('device'),
  dead: MEMBER.offset('dead'),
};

/**
 * Transmit: on the ingress of the lower end, for every frame that the host sends through the bond.
 * Redirects to `current`; when that member cannot send, moves `current` to the first of `order` that can.
 *
 * The way through the veth pair clears what the stack noted beside the frame (kernel ____dev_forward_skb, skb_scrub_packet,
 * __bpf_tx_skb). Of that the program restores `priority`, from the socket that sends. Lost for qdiscs and filters of a
 * member are: a priority that did not come from the socket (the TOS of forwarded packets, control messages, `skbedit` or
 * CLASSIFY rules on the bond), the time that a packet is to leave (SO_TXTIME, pacing by fq: have that qdisc on the bond),
 * connection tracking state and the route's realm. Mark, hash, checksum and segmentation requests, VLAN tag and the socket
 * itself stay.
 */
export function transmitProgram(context: ProgramContext): ProgramSpec {
  const program = new Assembler('bw_transmit');
  program
    .mov(R6, R1)
    .loadMapValue(R7, STATE_MAP)
    .include(restorePriority)
    .load('u32', R8, R7, at.current)
    .jge(R8, MAX_MEMBERS, 'no current')
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
    .include(a => count(a, R9, of.dead))
    .jump('send')
    .label('no current')
    .load('u32', R1, R7, at.flags)
    .jset(R1, SHARED_FLAGS.divert, 'choose')
    .jump('none')
    .label('choose');
  chooseMember(program, context, 'send', 'none');
  program
    .label('none')
    .include(a => count(a, R7, at.drops))
    .exitWith(TC_DROP);
  return classifier(program.build());
}

/**
 * Receive: on the ingress of the member in `slot`. Frames of `current` go to the bond; those of others are dropped
 * (bond_should_deliver_exact_match), but link-local ones (01:80:c2:00:00:0X) stay with the member for LLDP and the like.
 * When `current` cannot send any more, or there is none, the member that would be chosen is accepted at once.
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
    .jge(R8, MAX_MEMBERS, 'choose')
    .include(a => memberAt(a, R9, R8));
  checkDevice(program, context, 'choose');
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
    .label('choose')
    // The context is wanted again afterwards; the loop below uses R6.
    .store('u64', R10, STACK_CONTEXT, R6);
  chooseMember(program, context, 'chosen', 'refuse again');
  program
    .label('chosen')
    .load('u32', R1, R10, STACK_SLOT)
    .jeq(R1, slot, 'accept')
    .label('refuse again')
    .load('u64', R6, R10, STACK_CONTEXT)
    .jump('refuse')
    .label('accept')
    .load('u32', R1, R7, at.lower)
    .mov(R2, 0)
    .call('redirect')
    .exit();
  return classifier(program.build());
}

function classifier(program: AssembledProgram): ProgramSpec {
  return { ...program, type: BPF_PROG_TYPES.BPF_PROG_TYPE_SCHED_CLS, license: 'GPL' };
}

/** dst = &shared.members[slot], with shared in R7. `slot` keeps its value and is below MAX_MEMBERS. */
function memberAt(program: Assembler, dst: Register, slot: Register): void {
  program.mov(dst, slot).lsh(dst, Math.log2(MEMBER_STRIDE)).add(dst, R7).add(dst, MEMBERS);
}

/**
 * Goes to `dead` unless the device of the member at R9 can send: it is the device that joined (index and namespace are
 * the same), is up and has its carrier. Falls through when it can, and when its address is not known; a free slot is
 * dead. R0 to R5 are lost.
 *
 * The address may be that of a device that is gone: a load from memory that is not mapped any more gives 0 (the kernel's
 * exception tables for BPF_PROBE_MEM, or the helper's), which is dead; memory that holds something else fails the test of
 * index and namespace. The index alone would not do: it is the same in many namespaces, and memory of a device is taken
 * by the next one; and a member that somebody moved to another namespace keeps address and index.
 */
function checkDevice(program: Assembler, context: ProgramContext, dead: string): void {
  const { reader, layout } = context;
  if (reader === 'none' || layout === undefined) {
    program.load('u32', R1, R9, of.ifindex).jeq(R1, 0, dead);
    return;
  }
  const alive = program.freshLabel('alive');
  const known = program.freshLabel('known');
  program
    .load('u64', R1, R9, of.device)
    .jne(R1, 0, known)
    .load('u32', R1, R9, of.ifindex)
    .jeq(R1, 0, dead)
    .jump(alive)
    .label(known);
  if (reader === 'cast') {
    program
      .mov(R2, layout.deviceTypeId)
      .callKfunc(CAST_KFUNC)
      .load('u64', R1, R0, layout.deviceState)
      .load('u32', R2, R0, layout.deviceIfindex)
      .load('u64', R3, R0, layout.deviceNet);
  } else {
    for (const { start, size, fields } of readGroups(layout)) {
      program
        .load('u64', R3, R9, of.device)
        .add(R3, start)
        .mov(R1, R10)
        .add(R1, STACK_DEVICE)
        .mov(R2, size)
        .call('probe_read_kernel');
      for (const { offset, size, slot } of fields) {
        program.load(size, R1, R10, STACK_DEVICE + offset - start).store('u64', R10, slot, R1);
      }
    }
    program
      .load('u64', R1, R10, STACK_STATE)
      .load('u64', R2, R10, STACK_IFINDEX)
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

interface ReadGroup {
  readonly start: number;
  readonly size: number;
  readonly fields: readonly {
    readonly offset: number;
    readonly size: 'u32' | 'u64';
    readonly slot: number;
  }[];
}

/** What is asked of a device, neighbours together: a call of the helper costs more than some bytes that nobody wants. */
function readGroups(layout: KernelLayout): readonly ReadGroup[] {
  const fields = [
    { offset: layout.deviceState, size: 'u64', slot: STACK_STATE },
    { offset: layout.deviceIfindex, size: 'u32', slot: STACK_IFINDEX },
    { offset: layout.deviceNet, size: 'u64', slot: STACK_NET },
  ] as const;
  const groups: { start: number; size: number; fields: (typeof fields)[number][] }[] = [];
  for (const field of fields.toSorted((a, b) => a.offset - b.offset)) {
    const last = groups.at(-1);
    const size = field.offset + 8 - (last?.start ?? 0);
    if (last === undefined || size > DEVICE_BYTES)
      groups.push({ start: field.offset, size: 8, fields: [field] });
    else {
      last.fields.push(field);
      last.size = size;
    }
  }
  return groups;
}

/**
 * Takes the first of `order` that can send, makes it `current` (was R8) and goes to `found` with its member in R9 and
 * its slot at STACK_SLOT; goes to `none` when there is none. R6 is lost.
 */
function chooseMember(program: Assembler, context: ProgramContext, found: string, none: string): void {
  const next = program.freshLabel('next');
  const again = program.freshLabel('again');
  const start = program.freshLabel('start');
  const exhausted = program.freshLabel('exhausted');
  program
    .store('u64', R10, STACK_OLD, R8)
    .storeImm('u64', R10, STACK_TRIES, 0)
    .label(start)
    // One load for length and half: the daemon writes the other half meanwhile.
    .load('u32', R6, R7, at.order)
    .store('u64', R10, STACK_ORDER, R6)
    .mov(R1, R6)
    .and(R1, ORDER_SECOND - 1)
    .and(R6, ORDER_SECOND)
    .rsh(R6, Math.log2(ORDER_SECOND / MAX_MEMBERS))
    .add(R1, R6)
    .store('u64', R10, STACK_END, R1)
    .label(again)
    .load('u64', R1, R10, STACK_END)
    .jge(R6, R1, exhausted)
    .jge(R6, 2 * MAX_MEMBERS, exhausted)
    .mov(R1, R6)
    .lsh(R1, 2)
    .add(R1, R7)
    .load('u32', R8, R1, SLOTS)
    .jge(R8, MAX_MEMBERS, next)
    .store('u64', R10, STACK_SLOT, R8)
    .include(a => memberAt(a, R9, R8));
  checkDevice(program, context, next);
  program
    .load('u64', R0, R10, STACK_OLD)
    .load('u64', R8, R10, STACK_SLOT)
    // It got its carrier back between two looks.
    .jeq(R0, R8, found)
    // Another processor may have been quicker, or the daemon: then its choice stands and nothing is noted here.
    .atomicCompareExchange('u32', R7, at.current, R8)
    .load('u64', R1, R10, STACK_OLD)
    .lsh(R0, 32)
    .rsh(R0, 32)
    .jne(R0, R1, found)
    .mov(R1, 1)
    .atomicAdd('u64', R7, at.switches, R1)
    .call('ktime_get_ns')
    .load('u64', R1, R10, STACK_OLD)
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
    .jump(again)
    // The daemon changed the order meanwhile, maybe twice, and so the very half that was read: look once more.
    .label(exhausted)
    .load('u32', R1, R7, at.order)
    .load('u64', R2, R10, STACK_ORDER)
    .jeq(R1, R2, none)
    .load('u64', R1, R10, STACK_TRIES)
    .jge(R1, MOST_TRIES, none)
    .add(R1, 1)
    .store('u64', R10, STACK_TRIES, R1)
    .jump(start);
}

/** skb->priority = priority of the socket that sends, with the context in R6. R0 to R5 are lost. */
function restorePriority(program: Assembler): void {
  const done = program.freshLabel('priority');
  program
    .load('u64', R1, R6, SK_BUFF.sk)
    .jeq(R1, 0, done)
    .call('sk_fullsock')
    .jeq(R0, 0, done)
    .load('u32', R1, R0, SOCK_PRIORITY)
    .store('u32', R6, SK_BUFF.priority, R1)
    .label(done)
    // The verifier goes two ways from here else, through all that follows.
    .mov(R0, 0)
    .mov(R1, 0);
}

/** Adds 1 to the loss at base + offset, and notes the time when it is the first that the daemon has not taken. R0 to R5 are lost. */
function count(program: Assembler, base: Register, offset: number): void {
  const noted = program.freshLabel('noted');
  program
    .mov(R1, 1)
    .atomicFetchAdd('u64', base, offset + LOSS.offset('count'), R1)
    .load('u64', R2, base, offset + LOSS.offset('taken'))
    .jne(R1, R2, noted)
    .call('ktime_get_ns')
    .store('u64', base, offset + LOSS.offset('firstNs'), R0)
    .label(noted)
    .mov(R0, 0);
}
