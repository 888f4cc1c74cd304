// Transmit programs of the modes in which several members send: balance-rr, balance-xor, broadcast, 802.3ad. One program for each
// mode and hash policy; they go on the ingress of the lower end as `transmitProgram` does.
import {
  Assembler,
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
  SK_BUFF,
} from '../../ebpf/index.js';
import type { HashPolicy } from '../../policy/index.js';
import { HASH_POLICIES } from '../../policy/index.js';
import { MAX_MEMBERS } from '../limits.js';
import { ETH_HEADER, ETH_P_IP, readFrame, scratch } from './frame-code.js';
import { hashFrame } from './hash-code.js';
import {
  at,
  CALL_LOST,
  checkDevice,
  classifier,
  count,
  forget,
  halfOfOrder,
  memberAt,
  of,
  type ProgramContext,
  restorePriority,
  sendByQueue,
  SLOTS,
  STACK,
  TC_DROP,
  tellDiversion,
} from './program-parts.js';
import { MEMBER_FLAGS, SHARED_FLAGS, STATE_MAP, TURN_CELLS } from './shared-state.js';

/** STACK.old while no member was passed over. */
const NOBODY = -1;
const IGMP = 2;
const IP_PROTOCOL_AT = ETH_HEADER + 9;
const TURN_STRIDE_BITS = 6;

/** As the driver's skb->protocol lies in memory. */
export const networkOrder = (etherType: number): number => ((etherType & 0xff) << 8) | (etherType >> 8);

export function begin(name: string): Assembler {
  return new Assembler(name).mov(R6, R1).loadMapValue(R7, STATE_MAP).include(restorePriority);
}

export function end(program: Assembler): ProgramSpec {
  program
    .label('none')
    .include(a => count(a, R7, at.drops))
    .exitWith(TC_DROP);
  return classifier(program.build());
}

/** How `search` looks. */
export interface SearchOptions {
  /** All members are gone through, or only the usable ones. */
  readonly overAll: boolean;
  /** Only usable ones are ever used: LACP does not let the others send. Absent: any other, when none of them can. */
  readonly onlyUsable?: boolean;
  /** What is done first to a frame that is sent, with its member in R9 and the slot at STACK.slot. */
  readonly beforeSending?: (program: Assembler) => void;
}

/**
 * balance-rr (bond_xmit_roundrobin_slave_get): a counter for each processor, divided by packets_per_slave, modulo the number
 * of all members; from there on the first that can send. IGMP over IPv4 goes to the member that is active in name.
 */
export function roundRobinProgram(context: ProgramContext): ProgramSpec {
  const program = begin('bw_transmit_rr');
  program
    .include(a => sendByQueue(a, context))
    .load('u32', R1, R6, SK_BUFF.protocol)
    .jne(R1, networkOrder(ETH_P_IP), 'turn')
    .mov(R2, IP_PROTOCOL_AT);
  readFrame(program, R2, 1, 'turn');
  scratch(program, 'u8', R1, 0);
  program.jne(R1, IGMP, 'turn').load('u32', R8, R7, at.current).jge(R8, MAX_MEMBERS, 'first');
  program.include(a => memberAt(a, R9, R8));
  checkDevice(program, context, 'IGMP dead');
  program
    .jump('send')
    .label('IGMP dead')
    .load('u32', R1, R7, at.flags)
    .jset(R1, SHARED_FLAGS.divert, 'first')
    .load('u32', R1, R9, of.ifindex)
    .jeq(R1, 0, 'first')
    .include(a => count(a, R9, of.dead))
    .jump('send')
    .label('first')
    .mov(R8, 0)
    .jump('search')
    .label('turn')
    .load('u32', R1, R7, at.packetsPerSlave)
    .jne(R1, 0, 'count')
    .call('get_prandom_u32')
    .mov(R8, R0)
    .jump('search')
    .label('count')
    .call('get_smp_processor_id')
    .and(R0, TURN_CELLS - 1)
    .lsh(R0, TURN_STRIDE_BITS)
    .add(R0, R7)
    .load('u32', R8, R0, at.turns)
    .add32(R8, 1)
    .store('u32', R0, at.turns, R8)
    .load('u32', R1, R7, at.packetsPerSlave)
    .div32(R8, R1)
    .label('search');
  search(program, context, { overAll: true });
  return end(program);
}

/** balance-xor (bond_xmit_3ad_xor_slave_get): the usable member number hash modulo their count. */
export function xorProgram(context: ProgramContext, policy: HashPolicy): ProgramSpec {
  const program = begin(`bw_transmit_x${HASH_POLICIES.indexOf(policy)}`);
  hashFrame(program, policy);
  search(program, context, { overAll: false });
  return end(program);
}

/** 802.3ad: as balance-xor, but never through a port that does not distribute. */
export function aggregateProgram(context: ProgramContext, policy: HashPolicy): ProgramSpec {
  const program = begin(`bw_transmit_a${HASH_POLICIES.indexOf(policy)}`);
  hashFrame(program, policy);
  search(program, context, { overAll: false, onlyUsable: true });
  return end(program);
}

/**
 * Sends through the member number R8 modulo how many there are, or the next that can. Only usable members are looked at: the
 * first of the order, or (`overAll`) those among all of it. When none of them can send and the programs may divert, any
 * other that can. Goes to `none` when there is none.
 *
 * With a list of usable members alone the driver does not look whether the one that was hit can send: without leave to divert
 * the frame goes into it, and is counted. The program that goes over all members looks always (bond_slave_can_tx).
 */
export function search(program: Assembler, context: ProgramContext, options: SearchOptions): void {
  const lost = [...CALL_LOST, R6, R8, R9];
  program.block({ in: [R6, R7, R8], lost, exits: ['none'] }, a => searchOrder(a, context, options));
}

function searchOrder(
  program: Assembler,
  context: ProgramContext,
  { overAll, onlyUsable = false, beforeSending }: SearchOptions,
): void {
  const mayPass = onlyUsable ? SHARED_FLAGS.pass : SHARED_FLAGS.divert;
  program
    .mov(R2, NOBODY)
    .include(a => forget(a, R2, R1))
    .store('u64', R10, STACK.old, R2)
    .include(a => readOrder(a, overAll ? 'all' : 'usable'))
    .mov(R6, 0)
    .jeq(R2, 0, 'exhausted')
    .mod32(R8, R2)
    .label('again')
    .load('u64', R1, R10, STACK.range)
    .jge(R6, R1, 'exhausted')
    .jge(R6, MAX_MEMBERS, 'exhausted')
    // Back to the start behind the last one, without a jump: the verifier would go both ways, at every step.
    .mov(R2, R8)
    .sub(R2, R1)
    .arsh(R2, 63)
    .and(R8, R2)
    .mov(R2, R8)
    .include(a => memberInOrder(a, 'next', 'exhausted'));
  checkDevice(program, context, 'dead');
  program
    .label('chosen')
    .load('u64', R1, R10, STACK.old)
    .jeq(R1, NOBODY, 'send')
    .include(a => noticeDead(a, 'send'))
    .label('send');
  if (beforeSending !== undefined) program.include(beforeSending);
  program
    .load('u32', R1, R9, of.ifindex)
    .mov(R2, 0)
    .call('redirect')
    .exit()
    .label('dead')
    .load('u32', R1, R9, of.ifindex)
    .jeq(R1, 0, 'next')
    .load('u32', R1, R7, at.flags);
  if (overAll) program.and(R1, SHARED_FLAGS.divert).jeq(R1, 0, 'next');
  else {
    program
      .jset(R1, mayPass, 'passed over')
      .include(a => count(a, R9, of.dead))
      .jump('send')
      .label('passed over');
  }
  program
    .load('u64', R1, R10, STACK.slot)
    .include(a => forget(a, R1, R2))
    .store('u64', R10, STACK.old, R1)
    .label('next')
    .add(R6, 1)
    .add(R8, 1)
    .jump('again')
    .label('exhausted');
  if (onlyUsable) program.jump('none');
  else program.include(a => anyOther(a, context, 'chosen', 'none'));
}

/** The order as it is now: STACK.base where it begins, STACK.range and R2 how many of it count. */
function readOrder(program: Assembler, which: 'all' | 'usable'): void {
  program.block({ in: [R7], out: [R2], lost: [R1] }, a =>
    a.load('u32', R1, R7, at.order).include(half => halfOfOrder(half, which)),
  );
}

/** R9 = the member at place R2 of the order, its slot at STACK.slot; goes to `next` when it is not usable. */
function memberInOrder(program: Assembler, next: string, outside: string): void {
  program.block({ in: [R2, R7], out: [R9], lost: [R1, R2, R3], exits: [next, outside] }, a =>
    a
      .load('u64', R1, R10, STACK.base)
      .add(R2, R1)
      .jge(R2, 2 * MAX_MEMBERS, outside)
      .lsh(R2, 2)
      .add(R2, R7)
      .load('u32', R3, R2, SLOTS)
      .jge(R3, MAX_MEMBERS, next)
      .store('u64', R10, STACK.slot, R3)
      .include(found => memberAt(found, R9, R3))
      .load('u32', R1, R9, of.flags)
      .and(R1, MEMBER_FLAGS.usable)
      .jeq(R1, 0, next),
  );
}

/**
 * No usable member can send, or the order was rewritten under our eyes: where the programs may divert, the first of all that
 * can, in R9, with its slot at STACK.slot. R6 is lost.
 */
function anyOther(program: Assembler, context: ProgramContext, found: string, none: string): void {
  const [again, next] = [program.freshLabel('any'), program.freshLabel('any next')];
  program.block({ in: [R7], out: [R9], lost: [...CALL_LOST, R6], exits: [found, none] }, a =>
    a
      .load('u32', R1, R7, at.flags)
      .and(R1, SHARED_FLAGS.divert)
      .jeq(R1, 0, none)
      .mov(R6, 0)
      .label(again)
      .jge(R6, MAX_MEMBERS, none)
      .store('u64', R10, STACK.slot, R6)
      .include(member => memberAt(member, R9, R6))
      .include(asked => checkDevice(asked, context, next))
      .jump(found)
      .label(next)
      .add(R6, 1)
      .jump(again),
  );
}

/**
 * Tells once that the member of the slot in R1, which is that of STACK.old, cannot send; the one of slot STACK.slot takes over. Goes to
 * `told` where that was told already.
 */
export function noticeDead(program: Assembler, told: string): void {
  program.block({ in: [R1, R7], lost: [...CALL_LOST, R8], exits: [told] }, a =>
    a
      .jge(R1, MAX_MEMBERS, told)
      .include(member => memberAt(member, R2, R1))
      .load('u32', R0, R2, of.noticed)
      .jne(R0, 0, told)
      .mov(R1, 1)
      .atomicCompareExchange('u32', R2, of.noticed, R1)
      .lsh(R0, 32)
      .jne(R0, 0, told)
      .load('u64', R8, R10, STACK.slot)
      .include(tellDiversion),
  );
}

/** broadcast (bond_xmit_broadcast): a copy to every member that is UP and can send; to any that can when there is none. */
export function broadcastProgram(context: ProgramContext): ProgramSpec {
  const program = begin('bw_transmit_bc');
  const pending = STACK.old;
  program
    .include(a => readOrder(a, 'all'))
    .storeImm('u64', R10, pending, 0)
    .mov(R8, 0)
    .label('again')
    .load('u64', R1, R10, STACK.range)
    .jge(R8, R1, 'all seen')
    .jge(R8, MAX_MEMBERS, 'all seen')
    .mov(R2, R8)
    .include(a => memberInOrder(a, 'next', 'all seen'));
  checkDevice(program, context, 'next');
  program
    .load('u64', R2, R10, pending)
    .load('u32', R1, R9, of.ifindex)
    .store('u64', R10, pending, R1)
    .jeq(R2, 0, 'next')
    .mov(R1, R6)
    .mov(R3, 0)
    .call('clone_redirect')
    .label('next')
    .add(R8, 1)
    .jump('again')
    .label('all seen')
    // The last one gets the frame itself.
    .load('u64', R1, R10, pending)
    .jne(R1, 0, 'send')
    .include(a => anyOther(a, context, 'found', 'none'))
    .label('found')
    .load('u32', R1, R9, of.ifindex)
    .label('send')
    .mov(R2, 0)
    .call('redirect')
    .exit();
  return end(program);
}
