// The kernel's flow dissector as eBPF code, for encap2+3 and encap3+4: dissectFlow of src/policy, header by header.
import { type Assembler, R1, R2, R3, R8, R9, R10 } from '../../ebpf/index.js';
import { MOST_HEADERS } from '../../policy/index.js';
import {
  ETH_P_IP,
  ETH_P_IPV6,
  HASH_STACK,
  ICMP,
  ICMPV6,
  readFrame,
  readIdentifier,
  readPorts,
  scratch,
  xorAddresses,
} from './frame-code.js';

const ETH_P_MPLS_UC = 0x8847;
const ETH_P_MPLS_MC = 0x8848;

interface Labels {
  /** Goes on with the ethertype in R9, counted as one header more. */
  readonly etherType: string;
  /** Goes on with the protocol on the stack: after an IP header (not counted), and else. */
  readonly protocol: string;
  readonly protocolAgain: string;
  readonly done: string;
  readonly unknown: string;
}

/** From the ethertype in R9 on, at the end of the Ethernet header. Addresses, ports, identifier on the stack. */
export function dissect(program: Assembler, done: string, unknown: string): void {
  const label = (stem: string): string => program.freshLabel(stem);
  const labels: Labels = {
    etherType: label('ethertype next'),
    protocol: label('protocol'),
    protocolAgain: label('protocol next'),
    done,
    unknown,
  };
  const start = label('ethertype');
  program.mov(R8, 14).storeImm('u64', R10, HASH_STACK.headers, 0).jump(start);
  program.label(labels.etherType);
  countHeader(program, done);
  // A jump, as Linux 6.1 takes only jumps for the ends of loops.
  program.jump(start).label(start);
  byEtherType(program, labels);
  program.label(labels.protocolAgain);
  const enough = label('enough headers');
  countHeader(program, enough);
  program.jump(labels.protocol).label(labels.protocol);
  byProtocol(program, labels);
  program.label(enough);
  readPorts(program);
  program.jump(done);
}

/** skb_flow_dissect_allowed. */
function countHeader(program: Assembler, enough: string): void {
  program
    .load('u64', R1, R10, HASH_STACK.headers)
    .jge(R1, MOST_HEADERS, enough)
    .add(R1, 1)
    .store('u64', R10, HASH_STACK.headers, R1);
}

function byEtherType(program: Assembler, labels: Labels): void {
  const { etherType, protocol, done, unknown } = labels;
  const label = (stem: string): string => program.freshLabel(stem);
  const [v4, v6, tag, pppoe, hsr] = ['IPv4', 'IPv6', 'tag', 'PPPoE', 'HSR'].map(label) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const [ptp, fcoe] = [label('PTP'), label('FCoE')];
  program.jeq(R9, ETH_P_IP, v4).jeq(R9, ETH_P_IPV6, v6).jeq(R9, 0x8100, tag).jeq(R9, 0x88a8, tag);
  program.jeq(R9, 0x8864, pppoe).jeq(R9, 0x88fb, hsr).jeq(R9, 0x892f, hsr);
  program.jeq(R9, 0x88f7, ptp).jeq(R9, 0x8906, fcoe);
  for (const type of [0x0806, 0x8035, ETH_P_MPLS_UC, ETH_P_MPLS_MC]) program.jeq(R9, type, done);
  program.jump(unknown);

  program.label(v4);
  readFrame(program, R8, 20, unknown);
  scratch(program, 'u8', R3, 0);
  program.and(R3, 0xf).jlt(R3, 5, unknown).lsh(R3, 2).add(R8, R3);
  xorAddresses(program, 12, 2);
  scratch(program, 'u8', R1, 9);
  program.store('u64', R10, HASH_STACK.protocol, R1);
  scratch(program, 'u16', R1, 6);
  program.be16(R1).and(R1, 0x3fff).jeq(R1, 0, protocol).jump(done);

  program.label(v6);
  readFrame(program, R8, 40, unknown);
  xorAddresses(program, 8, 8);
  scratch(program, 'u8', R1, 6);
  program.store('u64', R10, HASH_STACK.protocol, R1).add(R8, 40).jump(protocol);

  program.label(tag);
  readFrame(program, R8, 4, unknown);
  scratch(program, 'u16', R9, 2);
  program.be16(R9).add(R8, 4).jump(etherType);

  program.label(hsr);
  readFrame(program, R8, 6, unknown);
  scratch(program, 'u16', R9, 4);
  program.be16(R9).add(R8, 6).jump(etherType);

  program.label(ptp);
  readFrame(program, R8, 34, unknown);
  program.jump(done).label(fcoe);
  readFrame(program, R8, 38, unknown);
  program.jump(done).label(pppoe);
  byPppoe(program, labels);
}

function byPppoe(program: Assembler, { etherType, done, unknown }: Labels): void {
  const [long, mpls, end] = ['PPP', 'PPP MPLS', 'PPP other'].map(stem => program.freshLabel(stem)) as [
    string,
    string,
    string,
  ];
  readFrame(program, R8, 8, unknown);
  scratch(program, 'u16', R1, 0);
  // Version 1, type 1, code 0, as the two bytes lie.
  program.jne(R1, 0x0011, unknown);
  scratch(program, 'u16', R1, 6);
  program.be16(R1).add(R8, 8).mov(R2, R1).and(R2, 0x0100).jeq(R2, 0, long).rsh(R1, 8).sub(R8, 1).label(long);
  program.mov(R9, ETH_P_IP).jeq(R1, 0x21, etherType).mov(R9, ETH_P_IPV6).jeq(R1, 0x57, etherType);
  program.jeq(R1, 0x281, mpls).jne(R1, 0x283, end).label(mpls).mov(R9, ETH_P_MPLS_UC).jump(etherType);
  program.label(end).and(R1, 0x0101).jeq(R1, 1, done).jump(unknown);
}

function byProtocol(program: Assembler, labels: Labels): void {
  const { etherType, protocolAgain, done, unknown } = labels;
  const label = (stem: string): string => program.freshLabel(stem);
  const [gre, extension, fragment, icmp, other] = ['GRE', 'extension', 'fragment', 'ICMP', 'other'].map(
    label,
  ) as [string, string, string, string, string];
  program.load('u64', R1, R10, HASH_STACK.protocol).jeq(R1, 47, gre);
  for (const protocol of [0, 43, 60]) program.jeq(R1, protocol, extension);
  program.jeq(R1, 44, fragment).jeq(R1, ICMP, icmp).jeq(R1, ICMPV6, icmp);
  const next = label('not IP in IP');
  program.jne(R1, 4, next).mov(R9, ETH_P_IP).jump(etherType).label(next);
  const notSix = label('not IPv6 in IP');
  program.jne(R1, 41, notSix).mov(R9, ETH_P_IPV6).jump(etherType).label(notSix);
  program.jne(R1, 137, other).mov(R9, ETH_P_MPLS_UC).jump(etherType);

  program.label(extension).jne(R9, ETH_P_IPV6, done);
  readFrame(program, R8, 2, unknown);
  scratch(program, 'u8', R1, 0);
  program.store('u64', R10, HASH_STACK.protocol, R1);
  scratch(program, 'u8', R1, 1);
  program.add(R1, 1).lsh(R1, 3).add(R8, R1).jump(protocolAgain);

  program.label(fragment).jne(R9, ETH_P_IPV6, done);
  readFrame(program, R8, 8, unknown);
  program.jump(done).label(icmp);
  readIdentifier(program, done);
  program.jump(done).label(other);
  readPorts(program);
  program.jump(done).label(gre);
  byGre(program, labels);
}

/** __skb_flow_dissect_gre: flags are kept in the word of the ports meanwhile, which GRE has none of. */
function byGre(program: Assembler, { etherType, done, unknown }: Labels): void {
  const flags = HASH_STACK.ports;
  const label = (stem: string): string => program.freshLabel(stem);
  const [zero, noSum, noKey, noSequence] = ['version 0', 'no checksum', 'no key', 'no sequence'].map(
    label,
  ) as [string, string, string, string];
  const [pptp, noAck, out, bad, nested] = [
    'PPTP',
    'no acknowledgement',
    'GRE done',
    'GRE bad',
    'GRE nested',
  ].map(label) as [string, string, string, string, string];
  readFrame(program, R8, 4, unknown);
  scratch(program, 'u16', R1, 0);
  scratch(program, 'u16', R2, 2);
  program
    .be16(R1)
    .be16(R2)
    .mov(R3, R1)
    .and(R3, 0x4000)
    .jne(R3, 0, done)
    .mov(R3, R1)
    .and(R3, 7)
    .jgt(R3, 1, done)
    .jeq(R3, 0, zero)
    // Version 1 must be PPTP: PPP inside, and a key.
    .jne(R2, 0x880b, done)
    .mov(R3, R1)
    .and(R3, 0x2000)
    .jeq(R3, 0, done)
    .label(zero)
    .mov(R9, R2)
    .store('u64', R10, flags, R1)
    .add(R8, 4)
    .and(R1, 0x8000)
    .jeq(R1, 0, noSum)
    .add(R8, 4)
    .label(noSum)
    .load('u64', R1, R10, flags)
    .and(R1, 0x2000)
    .jeq(R1, 0, noKey);
  readFrame(program, R8, 4, bad);
  program
    .add(R8, 4)
    .label(noKey)
    .load('u64', R1, R10, flags)
    .mov(R2, R1)
    .and(R2, 0x1000)
    .jeq(R2, 0, noSequence)
    .add(R8, 4)
    .label(noSequence)
    .and(R1, 7)
    .jne(R1, 0, pptp)
    .jne(R9, 0x6558, out);
  readFrame(program, R8, 14, bad);
  scratch(program, 'u16', R9, 12);
  program.be16(R9).add(R8, 14).jump(out).label(pptp).load('u64', R1, R10, flags).and(R1, 0x0080);
  program.jeq(R1, 0, noAck).add(R8, 4).label(noAck);
  readFrame(program, R8, 4, bad);
  scratch(program, 'u16', R1, 2);
  program.be16(R1).add(R8, 4).jne(R1, 0x21, nested).mov(R9, ETH_P_IP).jump(out).label(nested);
  program.jne(R1, 0x57, out).mov(R9, ETH_P_IPV6);
  program.label(out).storeImm('u64', R10, flags, 0).jump(etherType).label(bad).jump(unknown);
}
