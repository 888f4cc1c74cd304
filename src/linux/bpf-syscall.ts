// bpf(2) itself: one entry with an attribute block (union bpf_attr) that embeds addresses of other blocks.
import { BPF_COMMANDS, type BpfCommand } from '../ebpf/index.js';
import { SystemError } from './errors.js';
import { addressOf, type Bytes, lastErrno, libc } from './ffi.js';
import { withoutSignals } from './signals.js';

/** __NR_bpf of the architectures that Node runs on and Bondwire supports. */
const NR_BPF: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 321, arm64: 280 };
const ENOSYS = 38;
const EINTR = 4;
const EAGAIN = 11;
/** How long a call that was interrupted is made again. */
const PATIENCE_MS = 2000;

/** The attribute block of one call; it keeps what it points to alive. */
export class BpfAttr {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #referenced: Bytes[] = [];

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.#view = new DataView(this.bytes.buffer);
  }

  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  u64(offset: number, value: bigint): this {
    this.#view.setBigUint64(offset, value, true);
    return this;
  }

  /** The address of `bytes`; none when there are none. */
  pointer(offset: number, bytes: Bytes | undefined): this {
    if (bytes === undefined || bytes.length === 0) return this;
    this.#referenced.push(bytes);
    return this.u64(offset, addressOf(bytes));
  }

  /** A name of at most 15 characters (BPF_OBJ_NAME_LEN); the kernel takes letters, digits, `_` and `.`. */
  name(offset: number, name: string): this {
    const safe = name.replace(/[^A-Za-z0-9_.]/g, '_').slice(0, 15);
    for (let i = 0; i < safe.length; i++) this.bytes[offset + i] = safe.charCodeAt(i);
    return this;
  }

  /** A path or other text, closed with a zero byte. */
  textPointer(offset: number, text: string): this {
    return this.pointer(offset, new TextEncoder().encode(`${text}\0`));
  }

  getU32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
}

/** Reached by the garbage collector during a call, so that nothing which the kernel reads is collected. */
const inUse = new Set<BpfAttr>();

/**
 * Makes a call until it is not interrupted; gives its result, a negative errno where it failed. The one place where that is done: who
 * gets EAGAIN from here is to tell it, not to try again.
 */
export function uninterrupted(call: () => number, now: () => number = () => performance.now()): number {
  const end = now() + PATIENCE_MS;
  for (;;) {
    const result = call();
    if ((result !== -EINTR && result !== -EAGAIN) || now() >= end) return result;
  }
}

/** bpf(2); gives the result (a file descriptor or 0), or the errno as a negative number. */
export function tryBpf(command: BpfCommand, attr: BpfAttr): number {
  const number = NR_BPF[process.arch];
  if (number === undefined) return -ENOSYS;
  const once = (): number => {
    const result = libc().bpf(number, BPF_COMMANDS[command], attr.bytes, attr.bytes.length);
    return result >= 0 ? result : -lastErrno();
  };
  // The verifier gives up with EAGAIN when a signal is pending (a profiler sends them all the time): they wait.
  const tryOnce = command === 'BPF_PROG_LOAD' ? () => withoutSignals(once) : once;
  inUse.add(attr);
  try {
    return uninterrupted(tryOnce);
  } finally {
    inUse.delete(attr);
  }
}

/** bpf(2); throws SystemError. `target` names the object in the error. */
export function bpf(command: BpfCommand, attr: BpfAttr, target = ''): number {
  const result = tryBpf(command, attr);
  if (result < 0) throw new SystemError(`bpf(${command})`, -result, target);
  return result;
}
