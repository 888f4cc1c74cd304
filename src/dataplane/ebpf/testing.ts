// For tests and benches: the programs of a bond, run by BPF_PROG_TEST_RUN over real veth devices in a namespace of their
// own. A redirect is replaced by an answer: the program returns the interface that it would redirect to.
import {
  Assembler,
  BPF_PROG_TYPES,
  type Instruction,
  type ProgramSpec,
  R0,
  R1,
  R2,
  R3,
  R6,
  R8,
  SK_BUFF,
} from '../../ebpf/index.js';
import {
  closeFd,
  createNamedNetns,
  createVeth,
  deleteLink,
  deleteNamedNetns,
  netnsPath,
  progTestRun,
  requireLink,
  RingBuffer,
  Rtnetlink,
  setLink,
  withNetns,
} from '../../linux/index.js';
import type { HashPolicy } from '../../policy/index.js';
import { hashFrame } from './hash-code.js';
import { LiveState } from './live-state.js';
import { createMaps, EVENTS_BYTES, type LoadedMaps } from './maps.js';
import { metronomeProgram } from './metronome-program.js';
import { classifier } from './program-parts.js';
import { receiveProgram } from './programs.js';
import type { RandomFrame } from './random-frames.js';
import { MEMBER_FLAGS, SHARED_FLAGS } from './shared-state.js';
import type { Toolbox } from './toolbox.js';
import { type TransmitKind, transmitProgramOf } from './transmit-kinds.js';

/** What the programs return besides interfaces. */
export const VERDICT = { pass: 0xffff_ffff, drop: 2 } as const;

const REDIRECT_HELPER = 23;
const CALL_OPCODE = 0x85;
/** r0 = r1 */
const MOV_R0_R1: Pick<Instruction, 'opcode' | 'dst' | 'src' | 'offset' | 'imm'> = {
  opcode: 0xbf,
  dst: 0,
  src: 1,
  offset: 0,
  imm: 0,
};

/** The same program, but it returns its target instead of redirecting to it. */
export function answering(program: ProgramSpec): ProgramSpec {
  const instructions = program.instructions.map(one =>
    one.opcode === CALL_OPCODE && one.src === 0 && one.imm === REDIRECT_HELPER
      ? { ...one, ...MOV_R0_R1 }
      : one,
  );
  return { ...program, instructions };
}

/** Bytes of struct __sk_buff. */
const CONTEXT_BYTES = 192;
/** ETH_P_8021Q as it lies in memory. */
const VLAN_PROTOCOL = 0x0081;

/** BPF_PROG_TEST_RUN refuses IP packets without a whole header (Linux 6.17). */
const SHORTEST_TEST_BYTES = 64;

/**
 * Returns the hash of a frame. Upper half of the context's mark: the length that it is cut to first, 0 for none; lower half:
 * the tag that is put beside it, as the kernel keeps VLAN tags.
 */
function hashProgram(policy: HashPolicy): ProgramSpec {
  const program = new Assembler('bw_hash')
    .mov(R6, R1)
    .load('u32', R2, R6, SK_BUFF.mark)
    .rsh(R2, 16)
    .jeq(R2, 0, 'whole')
    .mov(R1, R6)
    .mov(R3, 0)
    .call('skb_change_tail')
    .jne(R0, 0, 'failed')
    .label('whole')
    .load('u32', R3, R6, SK_BUFF.mark)
    .and(R3, 0xffff)
    .jeq(R3, 0, 'untagged')
    .mov(R1, R6)
    .mov(R2, VLAN_PROTOCOL)
    .call('skb_vlan_push')
    .label('untagged')
    .include(a => hashFrame(a, policy))
    .mov(R0, R8)
    .exit()
    .label('failed')
    .exitWith(-1);
  return classifier(program.build());
}

/** A broadcast frame that means nothing. */
export const BROADCAST_FRAME: Uint8Array = new Uint8Array(64).fill(0xff, 0, 6);

let made = 0;

/** Maps, programs and members `m<slot>`, whose wires end at `x<slot>`. */
export class ProgramBench {
  readonly lowerIfindex: number = 90;
  /** Which transmit program is meant. */
  kind: TransmitKind = { mode: 'active-backup' };
  readonly maps: LoadedMaps;
  readonly state: LiveState;
  readonly netlink: Rtnetlink;
  readonly #toolbox: Toolbox;
  readonly #namespace: string;
  readonly #ring: RingBuffer;
  readonly #programs = new Map<string, number>();

  private constructor(toolbox: Toolbox, namespace: string) {
    this.#toolbox = toolbox;
    this.#namespace = namespace;
    this.netlink = this.inside(() => Rtnetlink.open());
    this.maps = createMaps();
    this.state = new LiveState(this.maps.state);
    this.state.initialise(this.lowerIfindex);
    this.#ring = new RingBuffer(this.maps.events, EVENTS_BYTES);
  }

  /** Makes `count` members, all up, in slots from 0; they are in `order`, the first is `current`, diverting is allowed. */
  static open(toolbox: Toolbox, count: number): ProgramBench {
    const namespace = `bw${process.pid}t${made++}`;
    createNamedNetns(namespace);
    const bench = new ProgramBench(toolbox, namespace);
    for (let slot = 0; slot < count; slot++) bench.plug(slot);
    bench.state.order = Array.from({ length: count }, (_, slot) => slot);
    bench.state.flags = SHARED_FLAGS.divert;
    bench.state.current = 0;
    return bench;
  }

  inside<T>(work: () => T): T {
    return withNetns(netnsPath(this.#namespace), work);
  }

  /** Makes the wire of a slot and lets the member join. */
  plug(slot: number): void {
    this.connect(slot);
    this.join(slot, `m${slot}`);
  }

  /** Makes the wire of a slot, and nothing else. */
  connect(slot: number): void {
    createVeth(this.netlink, { name: `m${slot}`, peerName: `x${slot}` });
    this.setCarrier(slot, true);
    this.setUp(slot, true);
  }

  /** Lets an interface join, as the bond does. */
  join(slot: number, name: string): void {
    const { ifindex } = requireLink(this.netlink, name);
    if (ifindex === VERDICT.drop) throw new Error('A member cannot be told from a verdict');
    this.state.occupy(slot, ifindex);
    this.state.setDevice(
      slot,
      this.inside(() => this.#toolbox.learn(ifindex)),
    );
    this.state.setMemberFlags(slot, MEMBER_FLAGS.usable);
  }

  ifindex(slot: number): number {
    return this.state.memberAt(slot);
  }

  /** Takes the carrier of a member, or gives it back. */
  setCarrier(slot: number, on: boolean): void {
    setLink(this.netlink, requireLink(this.netlink, `x${slot}`).ifindex, { up: on });
  }

  setUp(slot: number, up: boolean): void {
    setLink(this.netlink, requireLink(this.netlink, `m${slot}`).ifindex, { up });
  }

  unplug(slot: number): void {
    deleteLink(this.netlink, `m${slot}`);
  }

  /** File descriptor of the transmit program of `kind`. With `redirecting` it is the one that bonds use, otherwise it answers. */
  transmitFd(redirecting = false): number {
    const { kind } = this;
    return this.#loaded(
      `transmit ${JSON.stringify(kind)}`,
      transmitProgramOf(this.#toolbox.context, kind),
      redirecting,
    );
  }

  /** The hash that the programs compute of a frame. */
  hash(policy: HashPolicy, { frame, vlanTci }: RandomFrame): number {
    const fd = this.#loaded(`hash ${policy}`, hashProgram(policy), true);
    const data = new Uint8Array(Math.max(frame.length, SHORTEST_TEST_BYTES));
    data.set(frame);
    const ctx = new Uint8Array(CONTEXT_BYTES);
    const cutTo = frame.length < data.length ? frame.length : 0;
    new DataView(ctx.buffer).setUint32(SK_BUFF.mark, ((cutTo << 16) | vlanTci) >>> 0, true);
    return progTestRun(fd, { data, ctx }).retval;
  }

  /** Frames that a member's wire has carried. */
  sent(slot: number): number {
    return requireLink(this.netlink, `m${slot}`).statistics?.txPackets ?? 0;
  }

  /** The same for the receive program of a slot. */
  receiveFd(slot: number, redirecting = false): number {
    return this.#loaded(`receive ${slot}`, receiveProgram(this.#toolbox.context, slot), redirecting);
  }

  /** The interface that a frame would go to, or a VERDICT. */
  transmit(frame: Uint8Array = BROADCAST_FRAME, repeat = 1): number {
    return this.#run(this.transmitFd(), frame, repeat);
  }

  /** The same for a frame that the member of `slot` received. */
  receive(slot: number, frame: Uint8Array = BROADCAST_FRAME, repeat = 1): number {
    return this.#run(this.receiveFd(slot), frame, repeat);
  }

  /** A beat of the metronome of these slots: what it says goes out of their members. */
  beat(slots: readonly number[]): void {
    const program = metronomeProgram(this.#toolbox.context, slots);
    const fd = this.#loaded(`metronome ${slots.join()}`, program, true);
    this.inside(() => progTestRun(fd, { data: BROADCAST_FRAME }));
  }

  /** Mean nanoseconds of a program on a frame, of `repeat` runs. */
  measure(fd: number, repeat: number, frame: Uint8Array = BROADCAST_FRAME): number {
    return progTestRun(fd, { data: frame, repeat }).durationNs;
  }

  /** A program that does nothing but return: what a run costs by itself. */
  emptyFd(): number {
    const program = new Assembler('bw_empty').exitWith(0).build();
    return this.#loaded(
      'empty',
      { ...program, type: BPF_PROG_TYPES.BPF_PROG_TYPE_SCHED_CLS, license: 'GPL' },
      true,
    );
  }

  /** Records of diversions that were not looked at yet. */
  records(): Uint8Array[] {
    const records: Uint8Array[] = [];
    this.#ring.consume(record => records.push(record.slice()));
    return records;
  }

  close(): void {
    for (const fd of this.#programs.values()) closeFd(fd);
    this.#ring.close();
    this.state.close();
    closeFd(this.maps.state);
    closeFd(this.maps.events);
    this.netlink.close();
    deleteNamedNetns(this.#namespace);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** As `transmit`, with the frame as it leaves. */
  transmitted(frame: Uint8Array): { readonly to: number; readonly frame: Uint8Array } {
    return this.#outcome(this.transmitFd(), frame);
  }

  /** As `receive`, with the frame as it goes on. */
  received(slot: number, frame: Uint8Array): { readonly to: number; readonly frame: Uint8Array } {
    return this.#outcome(this.receiveFd(slot), frame);
  }

  #outcome(fd: number, frame: Uint8Array): { readonly to: number; readonly frame: Uint8Array } {
    const { retval, dataOut } = progTestRun(fd, { data: frame });
    return { to: retval, frame: dataOut };
  }

  #run(fd: number, frame: Uint8Array, repeat: number): number {
    return progTestRun(fd, { data: frame, repeat }).retval;
  }

  #loaded(name: string, program: ProgramSpec, redirecting: boolean): number {
    const key = redirecting ? `${name}, redirecting` : name;
    const known = this.#programs.get(key);
    if (known !== undefined) return known;
    const fd = this.#toolbox.load(redirecting ? program : answering(program), this.maps);
    this.#programs.set(key, fd);
    return fd;
  }
}
