// The reflex: what the receive program of a member does with a LACPDU while no daemon is there. The partner hears what the last daemon
// said for as long as it says itself what it said to that daemon.
import { type Assembler, R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, SK_BUFF } from '../../ebpf/index.js';
import { PORT_STATE } from '../../frames/index.js';
import { CAST_KFUNC } from './kernel-layout.js';
import { LACPDU_BYTES, LEASE, LEASE_STATE, LEASING, PDU_AT, TERMS } from './lease-state.js';
import {
  CALL_LOST,
  checkDevice,
  MEMBER_STRIDE,
  MEMBERS,
  of,
  type ProgramContext,
  STACK,
  TC_DROP,
} from './program-parts.js';
import { MEMBER_FLAGS, SHARED, STATE_MAP } from './shared-state.js';

/**
 * A daemon that was not there for so long is away. A partner that wants a LACPDU a second gives up after three: one that is lost with
 * the daemon, this, and the second until its next own make less.
 */
export const AWAY_NS = 800_000_000;

/** Between two LACPDUs of ours: at most three a second (IEEE 802.1AX-2008 §5.4.16). */
export const LEAST_GAP_NS = 300_000_000;

const { ACTIVITY, TIMEOUT, AGGREGATION, SYNCHRONIZATION, COLLECTING, DEFAULTED, EXPIRED } = PORT_STATE;

/** Flags of the partner that may not change: all but whether it distributes. */
const ACTOR_FLAGS = ACTIVITY | TIMEOUT | AGGREGATION | SYNCHRONIZATION | COLLECTING | DEFAULTED | EXPIRED;

/** Flags of ours that it must know. */
const VIEW_FLAGS = AGGREGATION | SYNCHRONIZATION;

/** Without these nothing may be sent to it. */
const OPEN = SYNCHRONIZATION | COLLECTING;

/** 01:80:c2:00:00:02, four and two bytes, as they lie in memory. */
const [SLOW_MAC_HEAD, SLOW_MAC_TAIL] = [0x00c2_8001, 0x0200];
const LACP_SUBTYPE = 1;
const PDU_LOOKED_AT = PDU_AT.viewFlags + 2;

const { stride: LEASE_STRIDE } = SHARED.fields.leases.type;
const LEASING_AT = SHARED.fields.leasing.offset;
const LEASES = SHARED.fields.leases.offset;
const TERMS_AT = LEASE.fields.terms.offset;
export const lease = {
  state: LEASE.offset('state'),
  heardNs: LEASE.offset('heardNs'),
  saidNs: LEASE.offset('saidNs'),
  answers: LEASE.offset('answers'),
  beats: LEASE.offset('beats'),
  cutNs: LEASE.offset('cutNs'),
  silenceNs: TERMS_AT + TERMS.offset('silenceNs'),
  pauseNs: TERMS_AT + TERMS.offset('pauseNs'),
  actorHead: TERMS_AT + TERMS.offset('actorHead'),
  actorTail: TERMS_AT + TERMS.offset('actorTail'),
  viewHead: TERMS_AT + TERMS.offset('viewHead'),
  viewTail: TERMS_AT + TERMS.offset('viewTail'),
  carrierDowns: TERMS_AT + TERMS.offset('carrierDowns'),
  actorFlags: TERMS_AT + TERMS.offset('actorFlags'),
  viewFlags: TERMS_AT + TERMS.offset('viewFlags'),
  answer: TERMS_AT + TERMS.offset('answer'),
} as const;

/** Where a lease can be: the programs must see by themselves that a carrier was away. */
export function canLease({ reader, layout }: ProgramContext): boolean {
  return reader !== 'none' && layout?.deviceCarrierDowns !== undefined;
}

/**
 * A frame of the slow protocols that the member of `slot` received, its context in R6. A LACPDU that says what the lease of the slot
 * expects is answered where no daemon does it, and the program ends; one that says anything else ends the lease, and where its sender
 * does not take what is sent to it (any more), nothing is from that very moment. All other frames, and all that are not answered, go to
 * `done`. Tagged frames are none of LACP's.
 */
export function answerLacpdu(program: Assembler, context: ProgramContext, slot: number, done: string): void {
  const [different, closed, bounced] = ['different', 'closed', 'bounced'].map(label =>
    program.freshLabel(label),
  ) as [string, string, string];
  program.block({ in: [R6], lost: [...CALL_LOST, R7, R8, R9], exits: [done] }, a =>
    a
      .load('u32', R1, R6, SK_BUFF.vlan_present)
      .jne(R1, 0, done)
      .include(b => leaseOf(b, slot))
      .load('u32', R1, R7, lease.state)
      .jeq(R1, LEASE_STATE.none, done)
      .include(b => readPdu(b, done))
      .call('ktime_get_ns')
      .mov(R8, R0)
      .load('u32', R1, R7, lease.state)
      .jne(R1, LEASE_STATE.holds, closed)
      .include(b => comparePdu(b, different))
      .store('u64', R7, lease.heardNs, R8)
      .include(b => unlessAway(b, done))
      .load('u64', R1, R1, LEASING.offset('untilNs'))
      .jgt(R8, R1, done)
      .load('u64', R2, R7, lease.saidNs)
      .mov(R1, R8)
      .sub(R1, R2)
      .jlt(R1, LEAST_GAP_NS, done)
      .include(b => compareCarrier(b, context, slot, done, bounced))
      .include(b => putAnswer(b, done))
      .mov(R1, 1)
      .atomicAdd('u64', R7, lease.answers, R1)
      .load('u32', R1, R9, of.ifindex)
      .mov(R2, 0)
      .call('redirect')
      .exit()
      .label(bounced)
      .storeImm('u32', R7, lease.state, LEASE_STATE.ended)
      .jump(done)
      .label(different)
      .storeImm('u32', R7, lease.state, LEASE_STATE.ended)
      .label(closed)
      .include(b => unlessAway(b, done))
      .load('u8', R1, R9, PDU_AT.actorFlags)
      .and(R1, OPEN)
      .jeq(R1, OPEN, done)
      .include(b => cut(b, slot))
      .jump(done),
  );
}

/** R7 = the lease of a slot. */
export function leaseOf(program: Assembler, slot: number): void {
  program.loadMapValue(R7, STATE_MAP, LEASES + slot * LEASE_STRIDE);
}

/** R9 = the frame of the context in R6, if it is a LACPDU; else goes to `none`. R0 to R5 are lost. */
function readPdu(program: Assembler, none: string): void {
  program.block({ in: [R6], out: [R9], lost: CALL_LOST, exits: [none] }, a =>
    a
      .mov(R1, R6)
      // A shorter one is illegal.
      .mov(R2, LACPDU_BYTES)
      .call('skb_pull_data')
      .jne(R0, 0, none)
      .load('u32', R9, R6, SK_BUFF.data)
      .load('u32', R2, R6, SK_BUFF.data_end)
      .mov(R3, R9)
      .add(R3, PDU_LOOKED_AT)
      .jgt(R3, R2, none)
      .load('u32', R1, R9, 0)
      .mov32(R2, SLOW_MAC_HEAD)
      .jne32(R1, R2, none)
      .load('u16', R1, R9, 4)
      .jne(R1, SLOW_MAC_TAIL, none)
      .load('u8', R1, R9, PDU_AT.subtype)
      .jne(R1, LACP_SUBTYPE, none),
  );
}

/** Goes to `different` unless the LACPDU at R9 says what the lease at R7 expects. */
function comparePdu(program: Assembler, different: string): void {
  program.block({ in: [R7, R9], lost: [R1, R2], exits: [different] }, a => {
    for (const word of ['actorHead', 'actorTail', 'viewHead', 'viewTail'] as const)
      a.load('u64', R1, R9, PDU_AT[word]).load('u64', R2, R7, lease[word]).jne(R1, R2, different);
    for (const [flags, mask] of [
      ['actorFlags', ACTOR_FLAGS],
      ['viewFlags', VIEW_FLAGS],
    ] as const)
      a.load('u8', R1, R9, PDU_AT[flags])
        .load('u8', R2, R7, lease[flags])
        .xor(R1, R2)
        .and(R1, mask)
        .jne(R1, 0, different);
  });
}

/** Goes to `there` unless the daemon is away, at the time in R8; else R1 has the bond's LEASING. */
export function unlessAway(program: Assembler, there: string): void {
  program.block({ in: [R8], out: [R1], lost: [R2, R3], exits: [there] }, a =>
    a
      .loadMapValue(R1, STATE_MAP, LEASING_AT)
      .load('u64', R2, R1, LEASING.offset('daemonNs'))
      .mov(R3, R8)
      .sub(R3, R2)
      .jslt(R3, AWAY_NS, there),
  );
}

/**
 * Goes to `dead` unless the member of the slot can send, to `bounced` when its carrier was away since its lease was stored. R7
 * has the lease then, R9 the member. R0 to R5 are lost.
 */
export function compareCarrier(
  program: Assembler,
  { reader, layout }: ProgramContext,
  slot: number,
  dead: string,
  bounced: string,
): void {
  const downs = layout?.deviceCarrierDowns;
  if (reader === 'none' || layout === undefined || downs === undefined)
    throw new Error('Without type information there is no lease.');
  program.block({ out: [R7, R9], lost: CALL_LOST, exits: [dead, bounced] }, a => {
    a.loadMapValue(R7, STATE_MAP)
      .loadMapValue(R9, STATE_MAP, MEMBERS + slot * MEMBER_STRIDE)
      .load('u64', R1, R9, of.device)
      .jeq(R1, 0, dead);
    checkDevice(a, { reader, layout }, dead);
    a.load('u64', R1, R9, of.device);
    if (reader === 'cast') a.mov(R2, layout.deviceTypeId).callKfunc(CAST_KFUNC).load('u32', R1, R0, downs);
    else
      a.mov(R3, R1)
        .add(R3, downs)
        .mov(R1, R10)
        .add(R1, STACK.device)
        .mov(R2, 4)
        .call('probe_read_kernel')
        .load('u32', R1, R10, STACK.device);
    a.include(b => leaseOf(b, slot))
      .load('u32', R2, R7, lease.carrierDowns)
      .jne32(R1, R2, bounced);
  });
}

/**
 * The frame of the context in R6 becomes the answer of the lease at R7, said at R8. Goes to `whole` when it was left as it is; ends the
 * program, and the frame, where it was not. R0 to R5 are lost.
 */
export function putAnswer(program: Assembler, whole: string): void {
  const put = program.freshLabel('put');
  program.block({ in: [R6, R7, R8], lost: CALL_LOST, exits: [whole] }, a =>
    a
      .mov(R1, R6)
      .mov(R2, LACPDU_BYTES)
      .mov(R3, 0)
      .call('skb_change_tail')
      .jne(R0, 0, whole)
      .mov(R1, R6)
      .mov(R2, 0)
      .mov(R3, R7)
      .add(R3, lease.answer)
      .mov(R4, LACPDU_BYTES)
      .mov(R5, 0)
      .call('skb_store_bytes')
      .jeq(R0, 0, put)
      .exitWith(TC_DROP)
      .label(put)
      .store('u64', R7, lease.saidNs, R8),
  );
}

/** The member of the slot is sent nothing any more, from the time in R8 on; its lease is at R7. */
export function cut(program: Assembler, slot: number): void {
  const known = program.freshLabel('known');
  program.block({ in: [R7, R8], lost: [R1, R2] }, a =>
    a
      .loadMapValue(R2, STATE_MAP, MEMBERS + slot * MEMBER_STRIDE)
      .mov(R1, ~MEMBER_FLAGS.usable)
      .atomicAnd('u32', R2, of.flags, R1)
      .load('u64', R1, R7, lease.cutNs)
      .jne(R1, 0, known)
      .store('u64', R7, lease.cutNs, R8)
      .label(known),
  );
}
