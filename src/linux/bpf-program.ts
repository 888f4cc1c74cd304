// eBPF programs by bpf(2): load (with the verifier's log when it refuses) and run on one packet for tests.
import { BpfAttr, bpf, tryBpf } from './bpf-syscall.js';
import { raiseMemlockLimit } from './bpf-map.js';
import { SystemError } from './errors.js';

/** BPF_PROG_TYPE_SCHED_CLS: runs on packets at an interface. */
export const BPF_PROG_TYPE_SCHED_CLS = 3;
/** BPF_PROG_TYPE_XDP. */
export const BPF_PROG_TYPE_XDP = 6;

const EAGAIN = 11;
const ENOSPC = 28;
const FIRST_LOG_BYTES = 256 * 1024;
/** The kernel's limit since 5.2 is UINT_MAX / 4; a program of ours fits in far less. */
const MAX_LOG_BYTES = 64 * 1024 * 1024;
const PROG_LOAD_ATTR_BYTES = 144;
const INSTRUCTION_BYTES = 8;

/** A program that the kernel refused. `log` is all that the verifier wrote; empty when it was refused before. */
export class ProgramRefused extends SystemError {
  readonly log: string;

  constructor(errno: number, name: string, log: string) {
    super('bpf(BPF_PROG_LOAD)', errno, name, lastLines(log));
    this.name = 'ProgramRefused';
    this.log = log;
  }
}

/** The end of a log says what was wrong. */
function lastLines(log: string): string {
  const lines = log.trimEnd().split('\n');
  return lines
    .filter(line => line !== '' && !/^(processed|verification time|stack depth)/.test(line))
    .slice(-2)
    .join('; ');
}

/** What to load. */
export interface ProgramParameters {
  /** BPF_PROG_TYPE_*. */
  readonly type: number;
  /** At most 15 characters. */
  readonly name: string;
  /** `GPL` where helpers or kfuncs ask for it. */
  readonly license: string;
  /** Encoded instructions, eight bytes each, with map file descriptors filled in. */
  readonly instructions: Uint8Array;
  readonly expectedAttachType?: number;
  /** BTF file descriptor of the module whose kfuncs are called with offset 1; those of the kernel itself need none. */
  readonly kfuncBtfFd?: number;
  /** 0 (the default) asks for a log only when the program is refused; 1, 2, 4: see the verifier. */
  readonly logLevel?: number;
}

function loadAttr(program: ProgramParameters, logLevel: number, log: Uint8Array | undefined): BpfAttr {
  const attr = new BpfAttr(PROG_LOAD_ATTR_BYTES)
    .u32(0, program.type)
    .u32(4, program.instructions.length / INSTRUCTION_BYTES)
    .pointer(8, program.instructions)
    .textPointer(16, program.license)
    .name(48, program.name)
    .u32(68, program.expectedAttachType ?? 0);
  if (log !== undefined) attr.u32(24, logLevel).u32(28, log.length).pointer(32, log);
  if (program.kfuncBtfFd !== undefined) attr.pointer(120, fdArray(program.kfuncBtfFd));
  return attr;
}

function fdArray(fd: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setInt32(4, fd, true);
  return bytes;
}

function logText(log: Uint8Array): string {
  const end = log.indexOf(0);
  return new TextDecoder('latin1').decode(log.subarray(0, end < 0 ? log.length : end));
}

/** Loads with a log buffer, larger each time that the log did not fit. */
function loadWithLog(program: ProgramParameters, logLevel: number): { result: number; log: string } {
  for (let length = FIRST_LOG_BYTES; ; length *= 8) {
    const log = new Uint8Array(length);
    const result = tryBpf('BPF_PROG_LOAD', loadAttr(program, logLevel, log));
    if (result !== -ENOSPC || length * 8 > MAX_LOG_BYTES) return { result, log: logText(log) };
  }
}

/** Loads a program; gives its file descriptor and, with `logLevel`, the verifier's log. Throws ProgramRefused. */
export function loadProgramWithLog(program: ProgramParameters): {
  readonly fd: number;
  readonly log: string;
} {
  raiseMemlockLimit();
  if (program.logLevel === undefined || program.logLevel === 0) {
    const fd = tryBpf('BPF_PROG_LOAD', loadAttr(program, 0, undefined));
    if (fd >= 0) return { fd, log: '' };
    // Not for what is in it: there is nothing to ask the verifier.
    if (fd === -EAGAIN) throw new ProgramRefused(EAGAIN, program.name, '');
  }
  const { result, log } = loadWithLog(program, program.logLevel || 1);
  if (result < 0) throw new ProgramRefused(-result, program.name, log);
  return { fd: result, log };
}

/** Loads a program; gives its file descriptor. Throws ProgramRefused, whose `log` is the verifier's. */
export function loadProgram(program: ProgramParameters): number {
  return loadProgramWithLog(program).fd;
}

/** What a program is run on. */
export interface TestRunInput {
  /** The packet, from its Ethernet header; at least 14 bytes. */
  readonly data: Uint8Array;
  /** struct __sk_buff or xdp_md as the program shall see it; most fields must be zero. */
  readonly ctx?: Uint8Array;
  /** Runs for the mean duration; 1 by default. */
  readonly repeat?: number;
}

/** What came of it. */
export interface TestRunResult {
  /** The program's return value, unsigned: TCX_NEXT (−1) is 0xffffffff. */
  readonly retval: number;
  readonly dataOut: Uint8Array;
  /** Empty without `ctx`. */
  readonly ctxOut: Uint8Array;
  /** Mean of the runs. */
  readonly durationNs: number;
}

/** Runs a program on a packet, without any network (BPF_PROG_TEST_RUN). */
export function progTestRun(programFd: number, input: TestRunInput): TestRunResult {
  const dataOut = new Uint8Array(input.data.length + 512);
  const ctxOut = new Uint8Array(input.ctx?.length ?? 0);
  const attr = new BpfAttr(80)
    .u32(0, programFd)
    .u32(8, input.data.length)
    .u32(12, dataOut.length)
    .pointer(16, input.data)
    .pointer(24, dataOut)
    .u32(32, input.repeat ?? 1)
    .u32(40, input.ctx?.length ?? 0)
    .u32(44, ctxOut.length)
    .pointer(48, input.ctx)
    .pointer(56, ctxOut);
  bpf('BPF_PROG_TEST_RUN', attr, `program fd ${programFd}`);
  return {
    retval: attr.getU32(4),
    dataOut: dataOut.subarray(0, attr.getU32(12)),
    ctxOut: ctxOut.subarray(0, attr.getU32(44)),
    durationNs: attr.getU32(36),
  };
}
