// Asks the kernel where the device of an interface is: one program with a map of its own, for all bonds of a process.
import { BPF_MAP_FLAGS, BPF_MAP_TYPES, over, type ProgramSpec } from '../../ebpf/index.js';
import { closeFd, createMap, type MappedMemory, mmapArray, progTestRun } from '../../linux/index.js';
import type { KernelLayout } from './kernel-layout.js';
import { LEARN, LEARN_MAP, LEARNED, learnProgram } from './learn-program.js';

/** Room for an Ethernet header, as BPF_PROG_TEST_RUN wants it. */
const PACKET_BYTES = 64;

/** Addresses in the kernel. */
export interface LearnedDevice {
  /** struct net_device. */
  readonly device: bigint;
  /** struct net of the namespace that it is in. */
  readonly net: bigint;
}

/** Lives as long as the process. */
export class Learner {
  readonly #program: number;
  readonly #memory: MappedMemory;

  private constructor(program: number, memory: MappedMemory) {
    this.#program = program;
    this.#memory = memory;
  }

  /** `load` gives a file descriptor of a program, linked with these maps. Throws what it throws. */
  static make(
    kernel: KernelLayout,
    load: (program: ProgramSpec, maps: Readonly<Record<string, number>>) => number,
  ): Learner {
    const map = createMap({
      name: LEARN_MAP,
      type: BPF_MAP_TYPES.BPF_MAP_TYPE_ARRAY,
      keySize: 4,
      valueSize: LEARN.size,
      maxEntries: 1,
      flags: BPF_MAP_FLAGS.BPF_F_MMAPABLE,
    });
    try {
      const program = load(learnProgram(kernel), { [LEARN_MAP]: map });
      return new Learner(program, mmapArray(map, LEARN.size));
    } finally {
      // The program has it.
      closeFd(map);
    }
  }

  /** Called in the namespace of the interface; undefined where the kernel does not say. */
  find(ifindex: number): LearnedDevice | undefined {
    const asked = over(LEARN, new DataView(this.#memory.buffer));
    asked.ifindex = ifindex;
    const { retval } = progTestRun(this.#program, { data: new Uint8Array(PACKET_BYTES) });
    return retval === LEARNED ? { device: asked.device, net: asked.net } : undefined;
  }
}
