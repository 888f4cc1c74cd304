// Classic BPF filters of sockets (linux/filter.h): which frames come in at all.
import { addressOf, check, libc } from './ffi.js';

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const STEP_BYTES = 8;
const LOAD_WORD = 0x20;
const LOAD_BYTE = 0x30;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
/** SKF_AD_OFF + SKF_AD_PROTOCOL: the EtherType behind a tag that the kernel took off, in the host's order. */
const ETHERTYPE = 0xffff_f000;
const WHOLE = 0xffff_ffff;

/** struct sock_filter. */
export interface FilterStep {
  readonly code: number;
  /** Steps to skip when it is true, and when it is false. */
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly value: number;
}

function load(code: number, value: number): FilterStep {
  return { code, whenTrue: 0, whenFalse: 0, value };
}

/** Skips so many steps when the loaded value is this, or is not. */
function when(value: number, whenTrue: number, whenFalse: number): FilterStep {
  return { code: JUMP_IF_EQUAL, whenTrue, whenFalse, value };
}

/**
 * ARP, neighbour solicitations and advertisements (ICMPv6 135 and 136 right behind the IPv6 header), and whatever still has a
 * VLAN tag, which the receiver looks into.
 */
export const PROBE_ANSWERS: readonly FilterStep[] = [
  load(LOAD_WORD, ETHERTYPE),
  when(0x0806, 8, 0),
  when(0x8100, 7, 0),
  when(0x88a8, 6, 0),
  when(0x86dd, 0, 6),
  load(LOAD_BYTE, 20),
  when(58, 0, 4),
  load(LOAD_BYTE, 54),
  when(135, 1, 0),
  when(136, 0, 1),
  load(RETURN, WHOLE),
  load(RETURN, 0),
];

/** Gives a socket its filter; throws SystemError. */
export function attachFilter(fd: number, steps: readonly FilterStep[]): void {
  const code = new Uint8Array(steps.length * STEP_BYTES);
  const view = new DataView(code.buffer);
  for (const [at, step] of steps.entries()) {
    view.setUint16(at * STEP_BYTES, step.code, true);
    view.setUint8(at * STEP_BYTES + 2, step.whenTrue);
    view.setUint8(at * STEP_BYTES + 3, step.whenFalse);
    view.setUint32(at * STEP_BYTES + 4, step.value, true);
  }
  // struct sock_fprog: number of steps, six bytes of padding, address.
  const program = new Uint8Array(16);
  const header = new DataView(program.buffer);
  header.setUint16(0, steps.length, true);
  header.setBigUint64(8, addressOf(code), true);
  const result = libc().setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, program.length);
  check(result, 'setsockopt(SO_ATTACH_FILTER)');
}
