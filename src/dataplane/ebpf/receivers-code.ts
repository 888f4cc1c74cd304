// What the programs of balance-alb do besides those of balance-tlb: ARP by the table of clients, flows by their destination's address
// (rlb_arp_xmit, bond_xmit_alb_slave_get), and which unicast a member takes in for the bond. In TypeScript: policy/alb/outgoing.ts.
import {
  type Assembler,
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
import { ETHERTYPE } from '../../frames/index.js';
import { MAX_MEMBERS } from '../limits.js';
import { ETH_HEADER, ETH_P_IP, ETH_P_IPV6, ICMPV6, readFrame, scratch } from './frame-code.js';
import {
  at,
  CALL_LOST,
  checkDevice,
  MEMBER_STRIDE,
  memberAt,
  MEMBERS,
  of,
  type ProgramContext,
  STACK,
} from './program-parts.js';
import { CLIENT, MEMBER_FLAGS } from './shared-state.js';
import { networkOrder } from './spread-programs.js';

const MAC_BYTES = 6;
const IGMP = 2;
const IPV4 = { bytes: 20, protocol: 9, destination: 16 } as const;
const IPV6 = { bytes: 40, nextHeader: 6, source: 8, destination: 24 } as const;
const ICMPV6_TYPE = ETH_HEADER + IPV6.bytes;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
/** ARP, from the end of the Ethernet header on. */
const ARP = { bytes: 28, lengths: 4, operation: 6, senderMac: 8, senderIp: 14, targetIp: 24 } as const;
/** As they lie in memory: Ethernet and IPv4; six and four bytes. */
const [ARP_TYPES, ARP_LENGTHS] = [0x0008_0100, 0x0406];
const [REQUEST, REPLY] = [0x0100, 0x0200];
/** 33:33:00:00:00:01, which is to IPv6 what broadcast is to IPv4. */
const ALL_NODES = { first: 0x3333, last: 0x0100 } as const;
const ALL_ONES = 0xffff_ffff;

const client = {
  ourIp: CLIENT.offset('ourIp'),
  ip: CLIENT.offset('ip'),
  slot: CLIENT.offset('slot'),
} as const;

/**
 * Goes to `balanced` with the place of the frame's flow at STACK.flow, to `arp`, or to `unbalanced`. The context is in R6. Broadcasts, IGMP,
 * what IPv6 neighbours ask each other and what has no source address yet are not balanced.
 */
export function placeOfFrame(program: Assembler): void {
  program
    .load('u32', R1, R6, SK_BUFF.data)
    .load('u32', R2, R6, SK_BUFF.data_end)
    .mov(R3, R1)
    .add(R3, ETH_HEADER)
    .jgt(R3, R2, 'unbalanced')
    .load('u32', R2, R6, SK_BUFF.protocol)
    .jeq(R2, networkOrder(ETHERTYPE.ARP), 'arp')
    .load('u32', R3, R1, 0)
    .load('u16', R4, R1, 4)
    .mov32(R5, ALL_ONES)
    .jne32(R3, R5, 'one')
    .jeq(R4, 0xffff, 'unbalanced')
    .label('one')
    .jeq(R2, networkOrder(ETH_P_IP), 'ipv4')
    .jne(R2, networkOrder(ETH_P_IPV6), 'unbalanced')
    .jne(R3, ALL_NODES.first, 'ipv6')
    .jeq(R4, ALL_NODES.last, 'unbalanced')
    .label('ipv6')
    .mov(R2, ETH_HEADER + IPV6.nextHeader);
  readFrame(program, R2, 1, 'unbalanced');
  scratch(program, 'u8', R1, 0);
  program.jne(R1, ICMPV6, 'addresses').mov(R2, ICMPV6_TYPE);
  readFrame(program, R2, 1, 'unbalanced');
  scratch(program, 'u8', R1, 0);
  program
    .jeq(R1, SOLICITATION, 'unbalanced')
    .jeq(R1, ADVERTISEMENT, 'unbalanced')
    .label('addresses')
    .mov(R2, ETH_HEADER);
  readFrame(program, R2, IPV6.bytes, 'unbalanced');
  orWords(program, R1, IPV6.source);
  program.jeq32(R1, 0, 'unbalanced');
  xorWords(program, R1, IPV6.destination);
  program.jump('fold').label('ipv4').mov(R2, ETH_HEADER);
  readFrame(program, R2, IPV4.bytes, 'unbalanced');
  scratch(program, 'u8', R1, IPV4.protocol);
  program.jeq(R1, IGMP, 'unbalanced');
  scratch(program, 'u32', R1, IPV4.destination);
  program
    .mov32(R2, ALL_ONES)
    .jeq32(R1, R2, 'unbalanced')
    .label('fold')
    .include(a => foldBytes(a, R1, R2))
    .store('u64', R10, STACK.flow, R1)
    .jump('balanced');
}

/** The four words of an IPv6 address, one over the other. R2 is lost. */
function xorWords(program: Assembler, dst: Register, from: number): void {
  scratch(program, 'u32', dst, from);
  for (const word of [4, 8, 12]) {
    scratch(program, 'u32', R2, from + word);
    program.xor32(dst, R2);
  }
}

/** 0 where all four words are. R2 is lost. */
function orWords(program: Assembler, dst: Register, from: number): void {
  scratch(program, 'u32', dst, from);
  for (const word of [4, 8, 12]) {
    scratch(program, 'u32', R2, from + word);
    program.or(dst, R2);
  }
}

/** The four bytes of a word, one over the other (_simple_hash). */
function foldBytes(program: Assembler, word: Register, other: Register): void {
  program
    .mov32(other, word)
    .rsh(other, 16)
    .xor32(word, other)
    .mov32(other, word)
    .rsh(other, 8)
    .xor32(word, other)
    .and(word, 0xff);
}

/**
 * ARP of the host's own leaves by the member of its client, or by the next to be given out; replies say that member's address. Goes to
 * `send own` with the member in R9 and its slot at STACK.slot, or to `unbalanced`, also where that member cannot send.
 */
export function arpByClient(program: Assembler, context: ProgramContext): void {
  program.mov(R2, ETH_HEADER);
  readFrame(program, R2, ARP.bytes, 'unbalanced');
  scratch(program, 'u32', R1, 0);
  program.jne(R1, ARP_TYPES, 'unbalanced');
  scratch(program, 'u16', R1, ARP.lengths);
  program.jne(R1, ARP_LENGTHS, 'unbalanced');
  scratch(program, 'u16', R1, ARP.operation);
  program.jeq(R1, REQUEST, 'ours').jne(R1, REPLY, 'unbalanced').label('ours');
  scratch(program, 'u32', R1, ARP.senderMac);
  program.load('u32', R2, R7, at.bondAddress).jne32(R1, R2, 'unbalanced');
  scratch(program, 'u16', R1, ARP.senderMac + 4);
  program.load('u16', R2, R7, at.bondAddress + 4).jne(R1, R2, 'unbalanced');
  scratch(program, 'u32', R1, ARP.targetIp);
  program
    .mov32(R4, R1)
    .include(a => foldBytes(a, R1, R2))
    .lsh(R1, Math.log2(CLIENT.size))
    .add(R1, R7)
    .add(R1, at.clients)
    .load('u32', R8, R7, at.next)
    .jeq(R8, 0, 'unbalanced')
    .load('u32', R2, R1, client.ip)
    .jne32(R2, R4, 'found')
    .load('u32', R2, R1, client.ourIp);
  // Not on a boundary of four bytes, and the stack is read at such ones alone.
  scratch(program, 'u16', R3, ARP.senderIp + 2);
  scratch(program, 'u16', R4, ARP.senderIp);
  program
    .lsh(R3, 16)
    .or(R3, R4)
    .jne32(R2, R3, 'found')
    .load('u32', R2, R1, client.slot)
    .jeq(R2, 0, 'found')
    .mov(R8, R2)
    .label('found')
    .sub(R8, 1)
    .jge(R8, MAX_MEMBERS, 'unbalanced')
    .store('u64', R10, STACK.slot, R8)
    .include(a => memberAt(a, R9, R8));
  checkDevice(program, context, 'unbalanced');
  scratch(program, 'u16', R1, ARP.operation);
  program
    .jne(R1, REPLY, 'send own')
    .mov(R1, R6)
    .mov(R2, ETH_HEADER + ARP.senderMac)
    .mov(R3, R9)
    .add(R3, of.source)
    .include(a => storeMac(a))
    .jump('send own');
}

/** Six bytes at R3 to the frame in R1, at R2. */
function storeMac(program: Assembler): void {
  program.mov(R4, MAC_BYTES).mov(R5, 0).call('skb_store_bytes');
}

/**
 * On reception: goes to `own` for unicast to the address of this member itself, to `other` for everything else. The context is in
 * R6, R8 stays.
 */
export function isOwnAddress(program: Assembler, slot: number, own: string, other: string): void {
  const source = MEMBERS + slot * MEMBER_STRIDE + of.source;
  program.block({ in: [R6, R7], lost: [R1, R2, R3, R4], exits: [own, other] }, a =>
    a
      .load('u32', R1, R6, SK_BUFF.data)
      .load('u32', R2, R6, SK_BUFF.data_end)
      .mov(R3, R1)
      .add(R3, ETH_HEADER)
      .jgt(R3, R2, other)
      .load('u32', R3, R1, 0)
      .load('u16', R4, R1, 4)
      .load('u32', R2, R7, source)
      .jne32(R3, R2, other)
      .load('u16', R2, R7, source + 4)
      .jeq(R4, R2, own)
      .jump(other),
  );
}

/**
 * On reception by the active member: goes to `taken` for unicast to the address of a member that is not usable: the switch was taught that it
 * is here. Else to `other`.
 */
export function isLostAddress(program: Assembler, taken: string, other: string): void {
  const [next, no] = [program.freshLabel('lost'), program.freshLabel('not lost')];
  program.block({ in: [R6, R7], lost: [R0, R1, R2, R3, R4, R5], exits: [taken, other] }, a =>
    a
      .load('u32', R1, R6, SK_BUFF.data)
      .load('u32', R2, R6, SK_BUFF.data_end)
      .mov(R3, R1)
      .add(R3, ETH_HEADER)
      .jgt(R3, R2, other)
      .load('u32', R3, R1, 0)
      .load('u16', R4, R1, 4)
      .mov(R1, R3)
      .and(R1, 1)
      .jne(R1, 0, other)
      .mov(R0, 0)
      .label(next)
      .jge(R0, MAX_MEMBERS, other)
      .include(member => memberAt(member, R5, R0))
      .load('u32', R1, R5, of.ifindex)
      .jeq(R1, 0, no)
      .load('u32', R1, R5, of.flags)
      .and(R1, MEMBER_FLAGS.usable)
      .jne(R1, 0, no)
      .load('u32', R1, R5, of.source)
      .jne32(R1, R3, no)
      .load('u16', R1, R5, of.source + 4)
      .jeq(R1, R4, taken)
      .label(no)
      .add(R0, 1)
      .jump(next),
  );
}

/** Goes to `same` where the address of this member is the bond's: the frame is as it is to be. */
export function hasBondAddress(program: Assembler, slot: number, same: string): void {
  const source = MEMBERS + slot * MEMBER_STRIDE + of.source;
  const differs = program.freshLabel('differs');
  program.block({ in: [R7], lost: [R1, R2], exits: [same] }, a =>
    a
      .load('u32', R1, R7, source)
      .load('u32', R2, R7, at.bondAddress)
      .jne32(R1, R2, differs)
      .load('u16', R1, R7, source + 4)
      .load('u16', R2, R7, at.bondAddress + 4)
      .jeq(R1, R2, same)
      .label(differs),
  );
}

/** The frame is for the bond, whose address the host knows. The context is in R6. */
export function toBondAddress(program: Assembler): void {
  program.block({ in: [R6, R7], lost: CALL_LOST }, a =>
    a.mov(R1, R6).mov(R2, 0).mov(R3, R7).add(R3, at.bondAddress).include(storeMac),
  );
}
