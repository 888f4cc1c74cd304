// Classic BPF filters of sockets (linux/filter.h): which frames come in at all.
import {
  classicStep,
  type ClassicStep,
  CLASSIC,
  emitClassic,
  type TagRange,
  tagProgram,
} from '../netlink/index.js';
import { addressOf, check, libc } from './ffi.js';

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
/** SKF_AD_OFF + SKF_AD_PROTOCOL: the EtherType behind a tag that the kernel took off, in the host's order. */
const ETHERTYPE = 0xffff_f000;
const WHOLE = 0xffff_ffff;

const { LOAD_WORD, LOAD_BYTE, JUMP_EQUAL, RETURN } = CLASSIC;
const step = classicStep;

/**
 * ARP, neighbour solicitations and advertisements (ICMPv6 135 and 136 right behind the IPv6 header), and whatever still has a
 * VLAN tag, which the receiver looks into.
 */
export const PROBE_ANSWERS: readonly ClassicStep[] = [
  step(LOAD_WORD, ETHERTYPE),
  step(JUMP_EQUAL, 0x0806, 8, 0),
  step(JUMP_EQUAL, 0x8100, 7, 0),
  step(JUMP_EQUAL, 0x88a8, 6, 0),
  step(JUMP_EQUAL, 0x86dd, 0, 6),
  step(LOAD_BYTE, 20),
  step(JUMP_EQUAL, 58, 0, 4),
  step(LOAD_BYTE, 54),
  step(JUMP_EQUAL, 135, 1, 0),
  step(JUMP_EQUAL, 136, 0, 1),
  step(RETURN, WHOLE),
  step(RETURN, 0),
];

/** The slow protocols, by their EtherType, behind whichever tag. */
export const SLOW_FRAMES: readonly ClassicStep[] = [
  step(LOAD_WORD, ETHERTYPE),
  step(JUMP_EQUAL, 0x8809, 0, 1),
  step(RETURN, WHOLE),
  step(RETURN, 0),
];

/** ARP, behind whichever tag. */
export const ARP_FRAMES: readonly ClassicStep[] = [
  step(LOAD_WORD, ETHERTYPE),
  step(JUMP_EQUAL, 0x0806, 0, 1),
  step(RETURN, WHOLE),
  step(RETURN, 0),
];

/** Lets a socket see no frames with these VLAN tags; all others. Throws SystemError. */
export function leaveTagged(fd: number, tags: readonly TagRange[]): void {
  attachFilter(fd, tagProgram(tags, 0, WHOLE));
}

/** Gives a socket its filter; throws SystemError. */
export function attachFilter(fd: number, steps: readonly ClassicStep[]): void {
  const code = emitClassic(steps);
  // struct sock_fprog: number of steps, six bytes of padding, address.
  const program = new Uint8Array(16);
  const header = new DataView(program.buffer);
  header.setUint16(0, steps.length, true);
  header.setBigUint64(8, addressOf(code), true);
  const result = libc().setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, program.length);
  check(result, 'setsockopt(SO_ATTACH_FILTER)');
}
