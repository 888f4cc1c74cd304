// What this kernel can do for the eBPF data plane, found by trying, and the loading of programs into it.
import { readFileSync } from 'node:fs';
import { err, type Result, unreachable } from '../../base/index.js';
import { type Btf, link, parseBtf, type ProgramSpec } from '../../ebpf/index.js';
import { closeFd, isErrno, loadProgram, programInfo } from '../../linux/index.js';
import type { PairKind } from '../pair.js';
import type { IngressKind } from './attachment.js';
import { CAST_KFUNC, type KernelLayout, readKernelLayout } from './kernel-layout.js';
import type { DeviceReader, ProgramContext } from './program-parts.js';
import { transmitProgram } from './programs.js';
import { type LearnedDevice, Learner } from './learner.js';
import { createMaps, type LoadedMaps } from './maps.js';

const BTF_PATH = '/sys/kernel/btf/vmlinux';

/** What is to be used although the kernel could do better; for tests, and for whoever meets a kernel's mistake. Absent: the best that there is. */
export interface ToolboxWishes {
  readonly attach?: IngressKind;
  readonly pair?: PairKind;
  readonly reader?: DeviceReader;
}

/** Loads programs for this kernel, with the best way to read a device that it allows. */
export class Toolbox {
  readonly context: ProgramContext;
  /** How programs are to be attached; undefined: the best that works. */
  readonly attach: IngressKind | undefined;
  /** Of which kind the pair of a new bond is to be; undefined: the best that works. */
  readonly pair: PairKind | undefined;
  /** Why devices are not read, when they are not: one sentence. */
  readonly readerProblem: string | undefined;
  readonly #castId: number | undefined;
  #learner: Learner | undefined;
  /** Tags by program, as the kernel gave them. */
  readonly #tags = new Map<string, string>();

  private constructor(parts: {
    readonly context: ProgramContext;
    readonly wishes: ToolboxWishes;
    readonly castId?: number;
    readonly problem?: string;
  }) {
    this.context = parts.context;
    this.attach = parts.wishes.attach;
    this.pair = parts.wishes.pair;
    this.#castId = parts.castId;
    this.readerProblem = parts.problem;
  }

  /** Tries what this kernel can do; throws SystemError when it cannot do eBPF at all (or we may not). */
  static probe(wishes: ToolboxWishes = {}): Toolbox {
    const plain = (problem: string): Toolbox => {
      const toolbox = new Toolbox({ context: { reader: 'none', layout: undefined }, wishes, problem });
      toolbox.#tryLoading(undefined);
      return toolbox;
    };
    if (wishes.reader === 'none') return plain('devices are not to be read');
    const found = readBtf();
    const layout = found.ok ? readKernelLayout(found.value) : found;
    if (!layout.ok) return plain(layout.error);
    const cast = found.ok ? found.value.funcId(CAST_KFUNC) : undefined;
    const castId = cast?.ok === true ? cast.value : undefined;
    let last = `this kernel has no ${CAST_KFUNC}`;
    for (const reader of ['cast', 'probe'] as const) {
      if ((wishes.reader ?? reader) !== reader || (reader === 'cast' && castId === undefined)) continue;
      const context = { reader, layout: layout.value };
      const tried = new Toolbox({ context, wishes, ...(castId !== undefined && { castId }) });
      try {
        tried.#tryLoading(layout.value);
        return tried;
      } catch (error) {
        // Nothing that another way to read would mend.
        if (isErrno(error, 'EAGAIN')) throw error;
        last = isLockedDown()
          ? 'lockdown (confidentiality) forbids programs to read the memory of the kernel'
          : (error as Error).message;
      }
    }
    return plain(last);
  }

  /** Loads a program; gives its file descriptor. Throws ProgramRefused. */
  load(program: ProgramSpec, maps: LoadedMaps): number {
    return this.#loadWith(program, { bw_state: maps.state, bw_events: maps.events });
  }

  #loadWith(program: ProgramSpec, maps: Readonly<Record<string, number>>): number {
    const instructions = link(program, {
      maps,
      ...(this.#castId !== undefined && { kfuncs: { [CAST_KFUNC]: this.#castId } }),
    });
    const { name, type, license } = program;
    return loadProgram({ name, type, license, instructions });
  }

  /** The tag that the kernel gives a program, for whichever maps it is loaded; `key` names it, and it is loaded once to see that. */
  tagOf(key: string, program: () => ProgramSpec, maps: LoadedMaps): string {
    const known = this.#tags.get(key);
    if (known !== undefined) return known;
    const fd = this.load(program(), maps);
    try {
      const { tag } = programInfo(fd);
      this.#tags.set(key, tag);
      return tag;
    } finally {
      closeFd(fd);
    }
  }

  /** Where the kernel has the device of an interface of this namespace, so that the programs can ask it; undefined where it does not say. */
  learn(ifindex: number): LearnedDevice | undefined {
    const { layout } = this.context;
    if (layout === undefined) return undefined;
    this.#learner ??= Learner.make(layout, (program, maps) => this.#loadWith(program, maps));
    return this.#learner.find(ifindex);
  }

  /** In words, for `show` and `doctor`. */
  describeReader(): string {
    const { reader } = this.context;
    switch (reader) {
      case 'cast':
        return 'carrier read on every packet';
      case 'probe':
        return 'carrier read on every packet (by helper call)';
      case 'none':
        return 'carrier not read on packets';
      default:
        return unreachable(reader);
    }
  }

  #tryLoading(layout: KernelLayout | undefined): void {
    const maps = createMaps();
    try {
      closeFd(this.load(transmitProgram(this.context), maps));
      if (layout !== undefined)
        this.#learner = Learner.make(layout, (spec, own) => this.#loadWith(spec, own));
    } finally {
      closeFd(maps.state);
      closeFd(maps.events);
    }
  }
}

function isLockedDown(): boolean {
  try {
    return readFileSync('/sys/kernel/security/lockdown', 'latin1').includes('[confidentiality]');
  } catch {
    return false;
  }
}

function readBtf(): Result<Btf, string> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(BTF_PATH);
  } catch {
    return err(`this kernel has no type information (${BTF_PATH}, CONFIG_DEBUG_INFO_BTF)`);
  }
  const parsed = parseBtf(bytes);
  return parsed.ok ? parsed : err(`${BTF_PATH} cannot be read: ${parsed.error.message}`);
}
