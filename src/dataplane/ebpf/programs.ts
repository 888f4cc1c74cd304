// The programs of a bond, as pure values: transmit on the lower end or, of a netkit pair, at what the bond sends, receive on each member.
// All ask the kernel's own device state on every packet, so that no frame is given to a member that lost its carrier.
import {
  Assembler,
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
  SK_BUFF,
} from '../../ebpf/index.js';
import { ETHERTYPE } from '../../frames/index.js';
import { TAG_8021AD, type TagRange } from '../../netlink/index.js';
import { MAX_MEMBERS } from '../limits.js';
import {
  at,
  CALL_LOST,
  checkDevice,
  classifier,
  count,
  forget,
  halfOfOrder,
  MEMBER_STRIDE,
  memberAt,
  MEMBERS,
  of,
  type ProgramContext,
  restorePriority,
  sendByQueue,
  SLOTS,
  STACK,
  TC_DROP,
  TC_PASS,
  tellDiversion,
} from './program-parts.js';
import { answerLacpdu, canLease } from './lease-program.js';
import { MEMBER_FLAGS, SHARED_FLAGS, STATE_MAP } from './shared-state.js';
import { hasBondAddress, isLostAddress, isOwnAddress, toBondAddress } from './receivers-code.js';
import { networkOrder } from './spread-programs.js';

/** Name of the receive program, by which another daemon's is known. */
export const RECEIVE_PROGRAM = 'bw_receive';

/** With what the names of all transmit programs begin. */
export const TRANSMIT_PROGRAM = 'bw_transmit';

/**
 * How many members a frame looks at when it looks again, as the daemon changed the order under its eyes: the first that can send is
 * among the first, and the verifier walks through each turn of the loop. For a third look the daemon would have to write both halves
 * once more within the microsecond of the second.
 */
const AGAIN_MEMBERS = 8;

/**
 * Transmit: on the ingress of the lower end (netkit: at the near end), for every frame that the host sends through the bond.
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
  const program = new Assembler(TRANSMIT_PROGRAM);
  program
    .mov(R6, R1)
    .loadMapValue(R7, STATE_MAP)
    .include(restorePriority)
    .include(a => sendByQueue(a, context))
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
 * When `current` cannot send any more, or there is none, the member that would be chosen is accepted at once. In 802.3ad frames of the
 * slow protocols stay with the member too: they are said to it. What the partner says there is answered while no daemon is
 * there to do it (`answerLacpdu`).
 * In balance-alb each member takes in what is for its own address, the active one
 * also what is for that of a member that cannot send; the bond gets it with the address that it knows as its own.
 *
 * Frames with a tag of `left` stay with the member in any case, and are no sign of life of it: the program runs before
 * vlan_do_receive, which gives them to the VLAN devices there, as it does before the driver's rx_handler.
 */
export function receiveProgram(
  context: ProgramContext,
  slot: number,
  left: readonly TagRange[] = [],
): ProgramSpec {
  const program = new Assembler(RECEIVE_PROGRAM);
  const leases = canLease(context);
  program.mov(R6, R1).include(a => leaveTagged(a, left));
  if (leases)
    program.load('u32', R1, R6, SK_BUFF.protocol).jeq(R1, networkOrder(ETHERTYPE.SLOW), 'slow').label('any');
  program
    .loadMapValue(R7, STATE_MAP)
    .load('u32', R9, R7, MEMBERS + slot * MEMBER_STRIDE + of.flags)
    .mov(R1, R9)
    .and(R1, MEMBER_FLAGS.timed)
    .jeq(R1, 0, 'untimed')
    .call('ktime_get_ns')
    .store('u64', R7, MEMBERS + slot * MEMBER_STRIDE + of.receivedNs, R0)
    .label('untimed')
    .load('u32', R8, R7, at.current)
    .jeq(R8, slot, 'accept')
    .jset(R9, MEMBER_FLAGS.acceptAlways, 'accept')
    .load('u32', R1, R7, at.flags)
    .jset(R1, SHARED_FLAGS.ownAddresses, 'address')
    .label('not its address')
    .load('u32', R1, R7, at.flags)
    .jset(R1, SHARED_FLAGS.divert, 'is current alive')
    .jump('refuse')
    .label('address')
    .include(a => isOwnAddress(a, slot, 'own', 'not its address'))
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
    .store('u64', R10, STACK.context, R6);
  chooseMember(program, context, 'chosen', 'refuse again');
  program
    .label('chosen')
    .load('u32', R1, R10, STACK.slot)
    .load('u64', R6, R10, STACK.context)
    .jeq(R1, slot, 'accept')
    .jump('refuse')
    .label('refuse again')
    .load('u64', R6, R10, STACK.context)
    .jump('refuse')
    .label('accept')
    .load('u32', R1, R7, at.flags)
    .and(R1, SHARED_FLAGS.keepSlow | SHARED_FLAGS.ownAddresses)
    .jeq(R1, 0, 'hand over')
    .jset(R1, SHARED_FLAGS.ownAddresses, 'whose address')
    .load('u32', R1, R6, SK_BUFF.protocol)
    .jne(R1, networkOrder(ETHERTYPE.SLOW), 'hand over')
    .exitWith(TC_PASS)
    .label('whose address')
    .include(a => isOwnAddress(a, slot, 'own', 'lost address'))
    .label('lost address')
    .load('u32', R1, R7, at.current)
    .jne(R1, slot, 'hand over')
    .include(a => isLostAddress(a, 'for the bond', 'hand over'))
    .label('own')
    .include(a => hasBondAddress(a, slot, 'hand over'))
    .label('for the bond')
    .include(toBondAddress)
    .label('hand over')
    .load('u32', R1, R7, at.lower)
    .mov(R2, 0)
    .call('redirect')
    .exit();
  if (leases) program.label('slow').include(a => answerLacpdu(a, context, slot, 'any'));
  return classifier(program.build());
}

/** ETH_P_8021Q and ETH_P_8021AD as they lie in memory. */
const [TAGGED_8021Q, TAGGED_8021AD] = [0x0081, 0xa888];

/** Ends the program for frames whose tag is in `ranges`. The context is in R6; R1 and R2 are lost. */
function leaveTagged(program: Assembler, ranges: readonly TagRange[]): void {
  if (ranges.length === 0) return;
  const [ours, compare, theirs] = ['ours', 'compare', 'theirs'].map(label => program.freshLabel(label)) as [
    string,
    string,
    string,
  ];
  program.block({ in: [R6], lost: [R0, R1, R2] }, a => {
    a.load('u32', R1, R6, SK_BUFF.vlan_present)
      .jeq(R1, 0, ours)
      .load('u32', R2, R6, SK_BUFF.vlan_proto)
      .load('u32', R1, R6, SK_BUFF.vlan_tci)
      .and(R1, TAG_8021AD - 1)
      .jeq(R2, TAGGED_8021Q, compare)
      .jne(R2, TAGGED_8021AD, ours)
      .or(R1, TAG_8021AD)
      .label(compare);
    for (const { first, last } of ranges) a.jlt(R1, first, ours).jle(R1, last, theirs);
    a.jump(ours).label(theirs).exitWith(TC_PASS).label(ours);
  });
}

/**
 * Takes the first of `order` that can send, makes it `current` (was R8) and goes to `found` with its member in R9 and
 * its slot at STACK.slot; goes to `none` when there is none. R6 is lost.
 */
export function chooseMember(program: Assembler, context: ProgramContext, found: string, none: string): void {
  program.block({ in: [R7, R8], out: [R8, R9], lost: [...CALL_LOST, R6], exits: [found, none] }, a =>
    lookThroughOrder(a, context, found, none),
  );
}

function lookThroughOrder(program: Assembler, context: ProgramContext, found: string, none: string): void {
  const next = program.freshLabel('next');
  const again = program.freshLabel('again');
  const start = program.freshLabel('start');
  const exhausted = program.freshLabel('exhausted');
  program
    .include(a => forget(a, R8, R1))
    .store('u64', R10, STACK.old, R8)
    // By a register: kernels before 6.3 forget a constant that is stored as such, and with it that the loop ends.
    .mov(R1, MAX_MEMBERS)
    .store('u64', R10, STACK.turns, R1)
    .label(start)
    // One load for length and half: the daemon writes the other half meanwhile.
    .load('u32', R1, R7, at.order)
    .store('u64', R10, STACK.order, R1)
    .include(a => halfOfOrder(a, 'all'))
    // Counted from 0 for either half: the verifier walks through every turn of the loop, and takes its time for each.
    .mov(R6, 0)
    .label(again)
    .load('u64', R1, R10, STACK.range)
    .jge(R6, R1, exhausted)
    .load('u64', R1, R10, STACK.turns)
    .jge(R6, R1, exhausted)
    .load('u64', R1, R10, STACK.base)
    .add(R1, R6)
    .lsh(R1, 2)
    .add(R1, R7)
    .load('u32', R8, R1, SLOTS)
    .jge(R8, MAX_MEMBERS, next)
    .store('u64', R10, STACK.slot, R8)
    .include(a => memberAt(a, R9, R8));
  checkDevice(program, context, next);
  program
    .load('u64', R0, R10, STACK.old)
    .load('u64', R8, R10, STACK.slot)
    // It got its carrier back between two looks.
    .jeq(R0, R8, found)
    // Another processor may have been quicker, or the daemon: then its choice stands and nothing is noted here.
    .atomicCompareExchange('u32', R7, at.current, R8)
    .load('u64', R1, R10, STACK.old)
    .lsh(R0, 32)
    .rsh(R0, 32)
    .jne(R0, R1, found)
    .include(tellDiversion)
    .jump(found)
    .label(next)
    .add(R6, 1)
    .jump(again)
    // The daemon changed the order meanwhile, maybe twice, and so the very half that was read: look once more.
    .label(exhausted)
    .load('u32', R1, R7, at.order)
    .load('u64', R2, R10, STACK.order)
    .jeq(R1, R2, none)
    .load('u64', R1, R10, STACK.turns)
    .jne(R1, MAX_MEMBERS, none)
    .mov(R1, AGAIN_MEMBERS)
    .store('u64', R10, STACK.turns, R1)
    .jump(start);
}
