// The transmit programs of balance-tlb and balance-alb: flows of IP go by load or by hash, everything else by the active member
// (bond_tlb_xmit, bond_do_alb_xmit, tlb_choose_channel). It goes on the ingress of the lower end as `transmitProgram` does.
//
// What the driver's timer does every ten seconds, this program does by itself when a frame comes after that time: it needs no
// daemon. Counters of bytes are added to without locks, as in the driver: two processors may lose one of two additions.
import {
  type Assembler,
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
  SK_BUFF,
} from '../../ebpf/index.js';
import { HASH_POLICIES, type HashPolicy } from '../../policy/index.js';
import { MAX_MEMBERS } from '../limits.js';
import { ETH_HEADER, ETH_P_IP, ETH_P_IPV6, ICMPV6, readFrame, scratch } from './frame-code.js';
import { hashFrame } from './hash-code.js';
import {
  at,
  CALL_LOST,
  checkDevice,
  count,
  memberAt,
  of,
  type ProgramContext,
  STACK,
} from './program-parts.js';
import { chooseMember } from './programs.js';
import { FLOW, FLOWS, MEMBER_FLAGS, REBALANCE_SECONDS, SHARED_FLAGS } from './shared-state.js';
import { arpByClient, placeOfFrame } from './receivers-code.js';
import { begin, end, networkOrder, noticeDead, search } from './spread-programs.js';

const IPV6_NEXT_HEADER = ETH_HEADER + 6;
const ICMPV6_TYPE = ETH_HEADER + 40;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
const SOURCE_ADDRESS = 6;
const MAC_BYTES = 6;
const PERIOD_NS = 1_000_000_000n * BigInt(REBALANCE_SECONDS);
const SPEED_SHIFT = 20;
const BITS_SHIFT = 3;
const SLOT_BITS = Math.log2(MAX_MEMBERS);
/** More bits a second than any member can owe. */
const ROOM_BIAS = 1n << 48n;

const flow = {
  slot: FLOW.offset('slot'),
  period: FLOW.offset('period'),
  bytes: FLOW.offset('bytes'),
  history: FLOW.offset('history'),
};

/** `byLoad`: tlb_dynamic_lb. */
export function balanceProgram(context: ProgramContext, policy: HashPolicy, byLoad: boolean): ProgramSpec {
  const program = begin(`bw_transmit_t${byLoad ? 'l' : 'h'}${HASH_POLICIES.indexOf(policy)}`);
  program
    .store('u64', R10, STACK.context, R6)
    .block({ in: [R6], lost: CALL_LOST, exits: ['balanced', 'unbalanced'] }, isBalanced)
    .label('balanced')
    .include(a => hashFrame(a, policy));
  return spread(program, context, byLoad);
}

/** balance-alb: the same, but that flows are told apart by where they go (bond_xmit_alb_slave_get), and ARP goes by the table of clients. */
export function receiversProgram(context: ProgramContext, policy: HashPolicy, byLoad: boolean): ProgramSpec {
  const program = begin(`bw_transmit_r${byLoad ? 'l' : 'h'}${HASH_POLICIES.indexOf(policy)}`);
  const exits = ['balanced', 'arp', 'unbalanced'];
  program
    .store('u64', R10, STACK.context, R6)
    .block({ in: [R6], lost: CALL_LOST, exits }, placeOfFrame)
    .label('arp')
    .block({ in: [R6, R7], lost: [...CALL_LOST, R8, R9], exits: ['send own', 'unbalanced'] }, a =>
      arpByClient(a, context),
    )
    .label('send own')
    .include(ownSource)
    .load('u32', R1, R9, of.ifindex)
    .mov(R2, 0)
    .call('redirect')
    .exit()
    .label('balanced');
  if (byLoad) program.load('u64', R8, R10, STACK.flow);
  else program.include(a => hashFrame(a, policy));
  return spread(program, context, byLoad);
}

/** The rest of both: a frame whose hash is in R8 is given a member, and at `unbalanced` what is not balanced goes by the active one. */
function spread(program: Assembler, context: ProgramContext, byLoad: boolean): ProgramSpec {
  const all = [...CALL_LOST, R6, R8, R9];
  if (byLoad) {
    program
      .block({ in: [R7, R8], out: [R8], lost: [R1, R2] }, flowOfHash)
      .block({ in: [R7], out: [R3], lost: CALL_LOST }, newPeriod)
      .block({ in: [R3, R8], lost: [R1, R2] }, freshFlow)
      .block({ in: [R7, R8], out: [R9], lost: CALL_LOST, exits: ['use'] }, a => memberOfFlow(a, context))
      .block({ in: [R7], lost: [...CALL_LOST, R6, R9] }, a => leastLoaded(a, context))
      .block({ in: [R7], out: [R6, R8, R9], lost: CALL_LOST, exits: ['unbalanced'] }, giveFlow)
      .block({ in: [R7, R9], lost: [...CALL_LOST, R6, R8] }, sendByMember);
  } else search(program, context, { overAll: false, beforeSending: ownSource });
  program.block({ in: [R6, R7], lost: all, exits: ['none'] }, a => unbalanced(a, context, byLoad));
  return end(program);
}

/** Goes to `balanced` or `unbalanced`: unicast over IPv4 or IPv6, but not what IPv6 neighbours ask each other (alb_determine_nd). */
function isBalanced(program: Assembler): void {
  program
    .load('u32', R1, R6, SK_BUFF.data)
    .load('u32', R2, R6, SK_BUFF.data_end)
    .mov(R3, R1)
    .add(R3, ETH_HEADER)
    .jgt(R3, R2, 'unbalanced')
    .load('u8', R3, R1, 0)
    .and(R3, 1)
    .jne(R3, 0, 'unbalanced')
    .load('u32', R1, R6, SK_BUFF.protocol)
    .jeq(R1, networkOrder(ETH_P_IP), 'balanced')
    .jne(R1, networkOrder(ETH_P_IPV6), 'unbalanced')
    .mov(R2, IPV6_NEXT_HEADER);
  readFrame(program, R2, 1, 'unbalanced');
  scratch(program, 'u8', R1, 0);
  program.jne(R1, ICMPV6, 'balanced').mov(R2, ICMPV6_TYPE);
  readFrame(program, R2, 1, 'unbalanced');
  scratch(program, 'u8', R1, 0);
  program.jeq(R1, SOLICITATION, 'unbalanced').jeq(R1, ADVERTISEMENT, 'unbalanced');
}

/** R8 and STACK.flow = the flow of the hash in R8. */
function flowOfHash(program: Assembler): void {
  program
    .and(R8, FLOWS - 1)
    .lsh(R8, Math.log2(FLOW.size))
    .add(R8, R7)
    .add(R8, at.flows)
    .store('u64', R10, STACK.flow, R8)
    .include(a => unknownZero(a, STACK.passed));
}

/** After ten seconds all flows are free, and the load of the active member is what could not be balanced (bond_alb_monitor). */
function newPeriod(program: Assembler): void {
  program
    .call('ktime_get_ns')
    .load('u64', R1, R7, at.sinceNs)
    .mov(R2, R0)
    .sub(R2, R1)
    .loadImm64(R3, PERIOD_NS)
    .jslt(R2, R3, 'period')
    .mov(R3, R0)
    .mov(R0, R1)
    .atomicCompareExchange('u64', R7, at.sinceNs, R3)
    .jne(R0, R1, 'period')
    .mov(R2, 1)
    .atomicAdd('u64', R7, at.period, R2)
    .load('u64', R2, R7, at.unbalanced)
    .div(R2, REBALANCE_SECONDS)
    .store('u64', R7, at.unbalancedRate, R2)
    .storeImm('u64', R7, at.unbalanced, 0)
    .label('period')
    .load('u64', R3, R7, at.period)
    .store('u64', R10, STACK.period, R3);
}

/** A flow of an earlier period is given out anew, with what it had as its history (tlb_clear_slave, save_load). */
function freshFlow(program: Assembler): void {
  program
    .load('u64', R1, R8, flow.period)
    .jeq(R1, R3, 'fresh')
    .store('u64', R8, flow.period, R3)
    .load('u64', R1, R8, flow.slot)
    .jeq(R1, 0, 'fresh')
    .load('u64', R2, R8, flow.bytes)
    .div(R2, REBALANCE_SECONDS)
    .add(R2, 1)
    .store('u64', R8, flow.history, R2)
    .storeImm('u64', R8, flow.bytes, 0)
    .storeImm('u64', R8, flow.slot, 0)
    .label('fresh');
}

/** Goes to `use` with the member of the flow in R9, unless it has none that can send: then falls through. */
function memberOfFlow(program: Assembler, context: ProgramContext): void {
  program
    .load('u64', R1, R8, flow.slot)
    .sub(R1, 1)
    .jge(R1, MAX_MEMBERS, 'assign')
    .store('u64', R10, STACK.slot, R1)
    .include(a => memberAt(a, R9, R1))
    .load('u32', R1, R9, of.flags)
    .and(R1, MEMBER_FLAGS.usable)
    .jeq(R1, 0, 'assign');
  checkDevice(program, context, 'flow dead');
  program
    .jump('use')
    .label('flow dead')
    .load('u64', R1, R10, STACK.slot)
    .add(R1, 1)
    .store('u64', R10, STACK.passed, R1)
    .label('assign');
}

/**
 * STACK.best = slot of the usable member with the most room, who joined first among equals; goes to `unbalanced` when there is
 * none. Each is given a number: room above a bias, then who joined earlier, then the slot; the largest number wins. That is
 * chosen without a jump, from a start that is 0 but unknown to the verifier: else it would go every way through the loop.
 */
function leastLoaded(program: Assembler, context: ProgramContext): void {
  program
    .include(a => unknownZero(a, STACK.best))
    .mov(R6, 0)
    .label('next member')
    .jge(R6, MAX_MEMBERS, 'all compared')
    .include(a => memberAt(a, R9, R6))
    .load('u32', R1, R9, of.flags)
    .and(R1, MEMBER_FLAGS.usable)
    .jeq(R1, 0, 'compared');
  checkDevice(program, context, 'compared');
  program
    .mov(R1, 0)
    .load('u64', R2, R9, of.loadPeriod)
    .load('u64', R3, R10, STACK.period)
    .jne(R2, R3, 'idle')
    .load('u64', R1, R9, of.load)
    .label('idle')
    .load('u32', R2, R7, at.current)
    .jne(R2, R6, 'not active')
    .load('u64', R2, R7, at.unbalancedRate)
    .add(R1, R2)
    .label('not active')
    .load('u32', R3, R9, of.speed)
    .lsh(R3, SPEED_SHIFT)
    .lsh(R1, BITS_SHIFT)
    .sub(R3, R1)
    .loadImm64(R1, ROOM_BIAS)
    .add(R3, R1)
    .lsh(R3, 2 * SLOT_BITS)
    .load('u32', R1, R9, of.rank)
    .and(R1, MAX_MEMBERS - 1)
    .mov(R2, MAX_MEMBERS - 1)
    .sub(R2, R1)
    .lsh(R2, SLOT_BITS)
    .or(R3, R2)
    .or(R3, R6)
    // best -= (best - number) where that is negative.
    .load('u64', R1, R10, STACK.best)
    .mov(R2, R1)
    .sub(R2, R3)
    .mov(R4, R2)
    .arsh(R4, 63)
    .and(R2, R4)
    .sub(R1, R2)
    .store('u64', R10, STACK.best, R1)
    .label('compared')
    .add(R6, 1)
    .jump('next member')
    .label('all compared');
}

/** A word of the stack becomes 0, which the verifier does not know. R1 and R2 are lost. */
function unknownZero(program: Assembler, word: number): void {
  program.load('u64', R1, R7, at.period).mov(R2, R1).xor(R1, R2).store('u64', R10, word, R1);
}

/** The flow is the best member's from now on, and adds its history to that one's load. */
function giveFlow(program: Assembler): void {
  program
    .load('u64', R6, R10, STACK.context)
    .load('u64', R1, R10, STACK.best)
    .jeq(R1, 0, 'unbalanced')
    .and(R1, MAX_MEMBERS - 1)
    .store('u64', R10, STACK.slot, R1)
    .include(a => memberAt(a, R9, R1))
    .load('u64', R8, R10, STACK.flow)
    .add(R1, 1)
    .store('u64', R8, flow.slot, R1)
    .load('u64', R3, R8, flow.history)
    .load('u64', R4, R9, of.loadPeriod)
    .load('u64', R5, R10, STACK.period)
    .jeq(R4, R5, 'add load')
    .store('u64', R9, of.loadPeriod, R5)
    .storeImm('u64', R9, of.load, 0)
    .label('add load')
    .load('u64', R4, R9, of.load)
    .add(R4, R3)
    .store('u64', R9, of.load, R4);
}

/** Sends the frame by the member in R9 (slot at STACK.slot), and counts it for its flow. */
function sendByMember(program: Assembler): void {
  program
    .label('use')
    .load('u64', R8, R10, STACK.flow)
    .load('u64', R6, R10, STACK.context)
    .load('u32', R2, R6, SK_BUFF.len)
    .load('u64', R1, R8, flow.bytes)
    .add(R1, R2)
    .store('u64', R8, flow.bytes, R1)
    .load('u32', R1, R7, at.flags)
    .and(R1, SHARED_FLAGS.divert)
    .jeq(R1, 0, 'send')
    .load('u64', R1, R10, STACK.passed)
    .jeq(R1, 0, 'send')
    .sub(R1, 1)
    .store('u64', R10, STACK.old, R1)
    .include(a => noticeDead(a, 'send'))
    .label('send')
    .include(ownSource)
    .load('u32', R1, R9, of.ifindex)
    .mov(R2, 0)
    .call('redirect')
    .exit();
}

/** A frame that leaves by another member than the active one has that member's source address. */
function ownSource(program: Assembler): void {
  const done = program.freshLabel('source');
  program.block({ in: [R7, R9], lost: CALL_LOST }, a =>
    a
      .load('u64', R1, R10, STACK.slot)
      .load('u32', R2, R7, at.current)
      .jeq(R1, R2, done)
      .load('u32', R1, R9, of.source)
      .store('u32', R10, STACK.event, R1)
      .load('u16', R1, R9, of.source + 4)
      .store('u16', R10, STACK.event + 4, R1)
      .load('u64', R1, R10, STACK.context)
      .mov(R2, SOURCE_ADDRESS)
      .mov(R3, R10)
      .add(R3, STACK.event)
      .mov(R4, MAC_BYTES)
      .mov(R5, 0)
      .call('skb_store_bytes')
      .label(done),
  );
}

/** What is not balanced: by `current`, or where that cannot send and the programs may divert, by the first of the order that can. */
function unbalanced(program: Assembler, context: ProgramContext, byLoad: boolean): void {
  program.label('unbalanced');
  if (byLoad) {
    program
      .load('u32', R2, R6, SK_BUFF.len)
      .load('u64', R1, R7, at.unbalanced)
      .add(R1, R2)
      .store('u64', R7, at.unbalanced, R1);
  }
  program
    .load('u32', R8, R7, at.current)
    .jge(R8, MAX_MEMBERS, 'no active')
    .include(a => memberAt(a, R9, R8));
  checkDevice(program, context, 'active dead');
  program
    .label('send plain')
    .load('u32', R1, R9, of.ifindex)
    .mov(R2, 0)
    .call('redirect')
    .exit()
    .label('active dead')
    .load('u32', R1, R7, at.flags)
    .jset(R1, SHARED_FLAGS.divert, 'choose')
    .include(a => count(a, R9, of.dead))
    .jump('send plain')
    .label('no active')
    .load('u32', R1, R7, at.flags)
    .and(R1, SHARED_FLAGS.divert)
    .jeq(R1, 0, 'none')
    .label('choose');
  chooseMember(program, context, 'send plain', 'none');
}
