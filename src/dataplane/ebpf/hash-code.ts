// The hash of a frame as eBPF code, for each xmit_hash_policy: the same as transmitHash of src/policy, step by step.
import { type Assembler, R1, R2, R3, R6, R8, R9, R10, SK_BUFF } from '../../ebpf/index.js';
import type { HashPolicy } from '../../policy/index.js';
import { dissect } from './dissect-code.js';
import {
  ETH_HEADER,
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
import { CALL_LOST } from './program-parts.js';

/** bond_flow_ip at R8 of the family in R9: addresses, protocol (0xffff for a fragment), R8 behind the header. */
function readIpHeader(program: Assembler, short: string): void {
  const [v6, whole, done] = ['IPv6', 'not a fragment', 'IP header'].map(stem => program.freshLabel(stem)) as [
    string,
    string,
    string,
  ];
  program.jeq(R9, ETH_P_IPV6, v6).jne(R9, ETH_P_IP, short);
  readFrame(program, R8, 20, short);
  xorAddresses(program, 12, 2);
  scratch(program, 'u8', R1, 9);
  scratch(program, 'u16', R2, 6);
  program.be16(R2).and(R2, 0x3fff).jeq(R2, 0, whole).mov(R1, 0xffff).label(whole);
  program.store('u64', R10, HASH_STACK.protocol, R1);
  scratch(program, 'u8', R1, 0);
  program.and(R1, 0xf).lsh(R1, 2).add(R8, R1).jump(done).label(v6);
  readFrame(program, R8, 40, short);
  xorAddresses(program, 8, 8);
  scratch(program, 'u8', R1, 6);
  program.store('u64', R10, HASH_STACK.protocol, R1).add(R8, 40).label(done);
}

/** The driver's own way to look at a flow, for layer2+3 and layer3+4 (bond_flow_dissect). */
function bondFlow(program: Assembler, withPorts: boolean, done: string, unknown: string): void {
  const [icmp, icmp6, inner] = ['ICMP', 'ICMPv6', 'embedded packet'].map(stem =>
    program.freshLabel(stem),
  ) as [string, string, string];
  const ports = program.freshLabel('transport');
  program.mov(R8, ETH_HEADER);
  readIpHeader(program, unknown);
  program.load('u64', R1, R10, HASH_STACK.protocol).jeq(R1, ICMP, icmp).jeq(R1, ICMPV6, icmp6).label(ports);
  if (withPorts) readPorts(program);
  program.jump(done).label(icmp);
  readIdentifier(program, done);
  for (const type of [3, 4, 5, 11, 12]) program.jeq(R1, type, inner);
  program.jump(done).label(icmp6);
  readIdentifier(program, done);
  for (const type of [1, 2, 3, 4]) program.jeq(R1, type, inner);
  program.jump(done).label(inner).add(R8, 8);
  readIpHeader(program, unknown);
  program.jump(ports);
}

/** R8 = the hash of the frame with the context in R6. R0 to R5 and R9 are lost. */
export function hashFrame(program: Assembler, policy: HashPolicy): void {
  program.block({ in: [R6], out: [R8], lost: [...CALL_LOST, R9] }, a => hashAs(a, policy));
}

function hashAs(program: Assembler, policy: HashPolicy): void {
  const [tooShort, done, ready] = ['no frame', 'flow', 'hash'].map(stem => program.freshLabel(stem)) as [
    string,
    string,
    string,
  ];
  program
    .load('u32', R1, R6, SK_BUFF.data)
    .load('u32', R2, R6, SK_BUFF.data_end)
    .mov(R8, 0)
    .mov(R3, R1)
    .add(R3, ETH_HEADER)
    .jgt(R3, R2, tooShort);
  if (policy === 'vlan+srcmac') {
    vlanSourceHash(program);
    program.label(tooShort);
    return;
  }
  program
    .load('u16', R9, R1, 12)
    .be16(R9)
    .load('u8', R8, R1, 5)
    .load('u8', R2, R1, 11)
    .xor32(R8, R2)
    .xor32(R8, R9);
  if (policy === 'layer2') {
    program.label(tooShort);
    return;
  }
  const { ethernet, addresses, ports, identifier } = HASH_STACK;
  program.store('u64', R10, ethernet, R8);
  for (const word of [addresses, ports, identifier]) program.storeImm('u64', R10, word, 0);
  const unknown = program.freshLabel('no flow');
  if (policy.startsWith('encap')) dissect(program, done, unknown);
  else bondFlow(program, policy === 'layer3+4', done, unknown);
  program.label(done);
  if (policy.endsWith('3+4')) {
    const withIdentifier = program.freshLabel('with identifier');
    program
      .load('u64', R8, R10, identifier)
      .jne(R8, 0, withIdentifier)
      .load('u64', R8, R10, ports)
      .label(withIdentifier);
  } else program.load('u64', R8, R10, ethernet);
  program.load('u64', R1, R10, addresses).xor32(R8, R1);
  for (const shift of [16, 8]) program.mov32(R1, R8).rsh32(R1, shift).xor32(R8, R1);
  if (policy.endsWith('3+4')) program.rsh32(R8, 1);
  program.jump(ready).label(unknown).load('u64', R8, R10, ethernet).label(ready).label(tooShort);
}

/** bond_vlan_srcmac_hash, with the frame at R1. */
function vlanSourceHash(program: Assembler): void {
  const untagged = program.freshLabel('untagged');
  program
    .load('u8', R8, R1, 6)
    .lsh32(R8, 16)
    .load('u16', R2, R1, 7)
    .be16(R2)
    .or32(R8, R2)
    .load('u8', R3, R1, 9)
    .lsh32(R3, 16)
    .load('u16', R2, R1, 10)
    .be16(R2)
    .or32(R3, R2)
    .xor32(R8, R3)
    .load('u32', R2, R6, SK_BUFF.vlan_present)
    .jeq(R2, 0, untagged)
    .load('u32', R2, R6, SK_BUFF.vlan_tci)
    .and(R2, 0xffff)
    .xor32(R8, R2)
    .label(untagged);
}
