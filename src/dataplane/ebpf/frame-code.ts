// Reading a frame in eBPF code: bytes into a scratch on the stack, and from them what hashing wants to know of a flow.
import { type Assembler, R0, R1, R2, R3, R4, R6, R8, R10, type Register } from '../../ebpf/index.js';
import { STACK } from './program-parts.js';

export const ETH_P_IP = 0x0800;
export const ETH_P_IPV6 = 0x86dd;
export const ICMP = 1;
export const ICMPV6 = 58;
export const ETH_HEADER = 14;

/** Bytes below R10 that hashing uses; each a word of eight bytes. `scratch` holds 40 bytes of the frame. */
export const HASH_STACK = {
  ethernet: STACK.end - 8,
  addresses: STACK.end - 16,
  ports: STACK.end - 24,
  identifier: STACK.end - 32,
  protocol: STACK.end - 40,
  headers: STACK.end - 48,
  scratch: STACK.end - 88,
} as const;

/** Reads from the frame (context in R6) at the offset in a register into the scratch; goes to `short` when it is not there. R0 to R5 are lost. */
export function readFrame(program: Assembler, offset: Register, bytes: number, short: string): void {
  program
    .mov(R2, offset)
    .mov(R1, R6)
    .mov(R3, R10)
    .add(R3, HASH_STACK.scratch)
    .mov(R4, bytes)
    .call('skb_load_bytes')
    .jne(R0, 0, short);
}

/** dst = bytes of the scratch. */
export function scratch(program: Assembler, size: 'u8' | 'u16' | 'u32', dst: Register, at: number): void {
  program.load(size, dst, R10, HASH_STACK.scratch + at);
}

/** The exclusive or of words of the scratch becomes the flow's addresses. R1 and R2 are lost. */
export function xorAddresses(program: Assembler, from: number, words: number): void {
  scratch(program, 'u32', R1, from);
  for (let word = 1; word < words; word++) {
    scratch(program, 'u32', R2, from + 4 * word);
    program.xor32(R1, R2);
  }
  program.store('u64', R10, HASH_STACK.addresses, R1);
}

/** The ports at R8 of the protocol noted on the stack, where it has any and they are there (__skb_flow_get_ports). */
export function readPorts(program: Assembler): void {
  const [plain, done] = [program.freshLabel('ports'), program.freshLabel('no ports')];
  program.load('u64', R1, R10, HASH_STACK.protocol).mov(R3, R8);
  for (const protocol of [6, 17, 33, 50, 132, 136]) program.jeq(R1, protocol, plain);
  program.jne(R1, 51, done).add(R3, 4).label(plain);
  readFrame(program, R3, 4, done);
  scratch(program, 'u32', R1, 0);
  program.store('u64', R10, HASH_STACK.ports, R1).label(done);
}

/**
 * The identifier of the ICMP message at R8 (skb_flow_get_icmp_tci); goes to `short` when its header is not there. Its type
 * is left in R1, also where there is no identifier.
 */
export function readIdentifier(program: Assembler, short: string): void {
  const [has, given, done] = ['has identifier', 'identifier', 'no identifier'].map(stem =>
    program.freshLabel(stem),
  ) as [string, string, string];
  readFrame(program, R8, 8, short);
  scratch(program, 'u8', R1, 0);
  for (const type of [0, 8, 13, 14, 128, 129]) program.jeq(R1, type, has);
  program.jump(done).label(has);
  scratch(program, 'u16', R2, 4);
  program.be16(R2).jne(R2, 0, given).mov(R2, 1).label(given).lsh(R2, 16);
  scratch(program, 'u16', R3, 0);
  program.or(R2, R3).store('u64', R10, HASH_STACK.identifier, R2).label(done);
}
