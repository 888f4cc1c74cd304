// What all programs of a bond are built from: finding a member, asking its device whether it can send, counting losses.
import {
  type AssembledProgram,
  type Assembler,
  BPF_PROG_TYPES,
  type ProgramSpec,
  R0,
  R1,
  R2,
  R3,
  R4,
  R5,
  R6,
  R7,
  R8,
  R9,
  R10,
  type Register,
  SK_BUFF,
} from '../../ebpf/index.js';
import { MAX_MEMBERS } from '../limits.js';
import { CAST_KFUNC, type KernelLayout, LINK_STATE_NOCARRIER, LINK_STATE_START } from './kernel-layout.js';
import {
  BALANCING,
  DIVERSION,
  EVENTS_MAP,
  LOSS,
  MEMBER,
  ORDER_SECOND,
  ORDER_USABLE_SHIFT,
  RECEIVERS,
  SHARED,
  TX_QUEUES,
} from './shared-state.js';

/** How the programs read a device: a direct load (Linux 6.2), a helper call (5.8), or not at all. */
export type DeviceReader = 'cast' | 'probe' | 'none';

/** What the programs are made for. */
export interface ProgramContext {
  readonly reader: DeviceReader;
  /** Needed unless `reader` is none. */
  readonly layout: KernelLayout | undefined;
}

/** Verdicts. */
export const TC_PASS = -1;
export const TC_DROP = 2;

/** Stack below R10 that `checkDevice` uses, apart from what is named in STACK. */
const DEVICE_BYTES = 192;

/** Stack of the programs, bytes below R10. The lower end of it, from STACK.end down, is free for what hashes frames. */
export const STACK = {
  state: -8,
  ifindex: -16,
  net: -24,
  slot: -32,
  old: -40,
  context: -48,
  last: -56,
  order: -64,
  turns: -72,
  event: -88,
  base: -96,
  range: -104,
  flow: -112,
  period: -120,
  best: -128,
  passed: -136,
  device: -136 - DEVICE_BYTES,
  end: -136 - DEVICE_BYTES,
} as const;

/** What a call overwrites. */
export const CALL_LOST: readonly Register[] = [R0, R1, R2, R3, R4, R5];

/** bpf_sock.priority (uapi). */
const SOCK_PRIORITY = 20;

/** Byte offsets in the shared map. */
export const MEMBER_STRIDE: number = SHARED.fields.members.type.stride;
export const MEMBERS: number = SHARED.fields.members.offset;
export const SLOTS: number = SHARED.fields.slots.offset;
export const at = {
  current: SHARED.offset('current'),
  order: SHARED.offset('order'),
  flags: SHARED.offset('flags'),
  net: SHARED.offset('net'),
  lower: SHARED.offset('lowerIfindex'),
  switches: SHARED.offset('switches'),
  drops: SHARED.offset('drops'),
  packetsPerSlave: SHARED.offset('packetsPerSlave'),
  turns: SHARED.fields.turns.offset,
  queues: SHARED.fields.queues.offset,
  flows: SHARED.fields.flows.offset,
  clients: SHARED.fields.clients.offset,
  next: SHARED.fields.receivers.offset + RECEIVERS.offset('next'),
  bondAddress: SHARED.fields.receivers.offset + RECEIVERS.offset('bondAddress'),
  period: SHARED.fields.balancing.offset + BALANCING.offset('period'),
  sinceNs: SHARED.fields.balancing.offset + BALANCING.offset('sinceNs'),
  unbalanced: SHARED.fields.balancing.offset + BALANCING.offset('unbalanced'),
  unbalancedRate: SHARED.fields.balancing.offset + BALANCING.offset('unbalancedRate'),
} as const;
export const of = {
  ifindex: MEMBER.offset('ifindex'),
  flags: MEMBER.offset('flags'),
  device: MEMBER.offset('device'),
  dead: MEMBER.offset('dead'),
  receivedNs: MEMBER.offset('receivedNs'),
  noticed: MEMBER.offset('noticed'),
  speed: MEMBER.offset('speed'),
  rank: MEMBER.offset('rank'),
  load: MEMBER.offset('load'),
  loadPeriod: MEMBER.offset('loadPeriod'),
  source: MEMBER.offset('source'),
} as const;

export function classifier(program: AssembledProgram): ProgramSpec {
  return { ...program, type: BPF_PROG_TYPES.BPF_PROG_TYPE_SCHED_CLS, license: 'GPL' };
}

/**
 * The number stays, and the verifier knows nothing of it any more. In front of a loop that makes it see one state where there
 * were several: it walks through all turns of the loop for each of them. `scratch` is lost.
 */
export function forget(program: Assembler, number: Register, scratch: Register): void {
  program.block({ in: [R7, number], out: [number], lost: [scratch] }, a =>
    a.load('u64', scratch, R7, at.switches).xor(number, scratch).xor(number, scratch),
  );
}

/**
 * Of the order's word in R1: STACK.base where the half that counts begins, STACK.range and R2 how many of it count, all or the usable
 * ones. The daemon writes the other half meanwhile.
 */
export function halfOfOrder(program: Assembler, which: 'all' | 'usable'): void {
  program.block({ in: [R1], out: [R2], lost: [R1] }, a => {
    a.mov(R2, R1);
    if (which === 'usable') a.rsh(R2, ORDER_USABLE_SHIFT);
    a.and(R2, ORDER_SECOND - 1)
      .store('u64', R10, STACK.range, R2)
      .and(R1, ORDER_SECOND)
      .rsh(R1, Math.log2(ORDER_SECOND / MAX_MEMBERS))
      .store('u64', R10, STACK.base, R1);
  });
}

/** dst = &shared.members[slot], with shared in R7. `slot` keeps its value and is below MAX_MEMBERS. */
export function memberAt(program: Assembler, dst: Register, slot: Register): void {
  program.block({ in: [R7, slot], out: [dst] }, a =>
    a.mov(dst, slot).lsh(dst, Math.log2(MEMBER_STRIDE)).add(dst, R7).add(dst, MEMBERS),
  );
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
export function checkDevice(program: Assembler, context: ProgramContext, dead: string): void {
  program.block({ in: [R7, R9], lost: CALL_LOST, exits: [dead] }, a => askDevice(a, context, dead));
}

function askDevice(program: Assembler, context: ProgramContext, dead: string): void {
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
        .add(R1, STACK.device)
        .mov(R2, size)
        .call('probe_read_kernel');
      for (const { offset, size, slot } of fields) {
        program.load(size, R1, R10, STACK.device + offset - start).store('u64', R10, slot, R1);
      }
    }
    program
      .load('u64', R1, R10, STACK.state)
      .load('u64', R2, R10, STACK.ifindex)
      .load('u64', R3, R10, STACK.net);
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
    { offset: layout.deviceState, size: 'u64', slot: STACK.state },
    { offset: layout.deviceIfindex, size: 'u32', slot: STACK.ifindex },
    { offset: layout.deviceNet, size: 'u64', slot: STACK.net },
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

/** skb->priority = priority of the socket that sends, with the context in R6. R0 to R5 are lost. */
export function restorePriority(program: Assembler): void {
  const done = program.freshLabel('priority');
  program.block({ in: [R6], lost: CALL_LOST }, a =>
    a
      .load('u64', R1, R6, SK_BUFF.sk)
      .jeq(R1, 0, done)
      .call('sk_fullsock')
      .jeq(R0, 0, done)
      .load('u32', R1, R0, SOCK_PRIORITY)
      .store('u32', R6, SK_BUFF.priority, R1)
      .label(done)
      // The verifier goes two ways from here else, through all that follows.
      .mov(R0, 0)
      .mov(R1, 0),
  );
}

/**
 * Sends the frame by the member that its transmit queue is tied to (queue_id, kernel bond_slave_override); falls through when
 * it is in none, in that of nobody, or of a member that cannot send. The context is in R6, the state in R7. A
 * veth hands the queue that was chosen on the bond over as it is (seen on Linux 6.1, 6.12 and 6.18).
 */
export function sendByQueue(program: Assembler, context: ProgramContext): void {
  program.block({ in: [R6, R7], lost: [...CALL_LOST, R8, R9] }, a => askQueue(a, context));
}

function askQueue(program: Assembler, context: ProgramContext): void {
  const untied = program.freshLabel('untied');
  program
    .load('u32', R1, R6, SK_BUFF.queue_mapping)
    .jeq(R1, 0, untied)
    .jgt(R1, TX_QUEUES, untied)
    .lsh(R1, 2)
    .add(R1, R7)
    .load('u32', R8, R1, at.queues)
    .jeq(R8, 0, untied)
    .sub(R8, 1)
    .jge(R8, MAX_MEMBERS, untied)
    .include(a => memberAt(a, R9, R8));
  checkDevice(program, context, untied);
  program.load('u32', R1, R9, of.ifindex).mov(R2, 0).call('redirect').exit().label(untied);
}

/** Adds 1 to the loss at base + offset, and notes the time when it is the first that the daemon has not taken. R0 to R5 are lost. */
export function count(program: Assembler, base: Register, offset: number): void {
  const noted = program.freshLabel('noted');
  program.block({ in: [base], lost: CALL_LOST }, a =>
    a
      .mov(R1, 1)
      .atomicFetchAdd('u64', base, offset + LOSS.offset('count'), R1)
      .load('u64', R2, base, offset + LOSS.offset('taken'))
      .jne(R1, R2, noted)
      .call('ktime_get_ns')
      .store('u64', base, offset + LOSS.offset('firstNs'), R0)
      .label(noted)
      .mov(R0, 0),
  );
}

/** Tells the daemon that traffic left the member in STACK.old for the one in R8. R0 to R5 are lost. */
export function tellDiversion(program: Assembler): void {
  program.block({ in: [R7, R8], lost: CALL_LOST }, a =>
    a
      .mov(R1, 1)
      .atomicAdd('u64', R7, at.switches, R1)
      .call('ktime_get_ns')
      .load('u64', R1, R10, STACK.old)
      .store('u32', R10, STACK.event + DIVERSION.offset('fromSlot'), R1)
      .store('u32', R10, STACK.event + DIVERSION.offset('toSlot'), R8)
      .store('u64', R10, STACK.event + DIVERSION.offset('atNs'), R0)
      .loadMap(R1, EVENTS_MAP)
      .mov(R2, R10)
      .add(R2, STACK.event)
      .mov(R3, DIVERSION.size)
      .mov(R4, 0)
      .call('ringbuf_output'),
  );
}
