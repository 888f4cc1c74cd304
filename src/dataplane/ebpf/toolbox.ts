// What this kernel can do for the eBPF data plane, found by trying, and the loading of programs into it.
import { readFileSync } from 'node:fs';
import { err, type Result, unreachable } from '../../base/index.js';
import { type Btf, link, parseBtf, type ProgramSpec } from '../../ebpf/index.js';
import { closeFd, loadProgram } from '../../linux/index.js';
import { CAST_KFUNC, type KernelLayout, readKernelLayout } from './kernel-layout.js';
import { type DeviceReader, learnProgram, type ProgramContext, transmitProgram } from './programs.js';
import { createMaps, type LoadedMaps } from './maps.js';

const BTF_PATH = '/sys/kernel/btf/vmlinux';

/** Loads programs for this kernel, with the best way to read a device that it allows. */
export class Toolbox {
  readonly context: ProgramContext;
  /** Why devices are not read, when they are not: one sentence. */
  readonly readerProblem: string | undefined;
  readonly #castId: number | undefined;

  private constructor(context: ProgramContext, castId: number | undefined, problem: string | undefined) {
    this.context = context;
    this.#castId = castId;
    this.readerProblem = problem;
  }

  /** Tries what this kernel can do; throws SystemError when it cannot do eBPF at all (or we may not). */
  static probe(): Toolbox {
    const found = readBtf();
    const layout = found.ok ? readKernelLayout(found.value) : found;
    const cast = found.ok ? found.value.funcId(CAST_KFUNC) : undefined;
    const castId = cast?.ok === true ? cast.value : undefined;
    const trials: readonly DeviceReader[] = castId === undefined ? ['probe'] : ['cast', 'probe'];
    if (!layout.ok) return Toolbox.#plain(layout.error);
    let last = '';
    for (const reader of trials) {
      const tried = new Toolbox({ reader, layout: layout.value }, castId, undefined);
      try {
        tried.#tryLoading(layout.value);
        return tried;
      } catch (error) {
        last = (error as Error).message;
      }
    }
    return Toolbox.#plain(last);
  }

  static #plain(problem: string): Toolbox {
    const plain = new Toolbox({ reader: 'none', layout: undefined }, undefined, problem);
    plain.#tryLoading(undefined);
    return plain;
  }

  /** Loads a program; gives its file descriptor. Throws ProgramRefused. */
  load(program: ProgramSpec, maps: LoadedMaps): number {
    const instructions = link(program, {
      maps: { bw_state: maps.state, bw_events: maps.events },
      ...(this.#castId !== undefined && { kfuncs: { [CAST_KFUNC]: this.#castId } }),
    });
    const { name, type, license } = program;
    return loadProgram({ name, type, license, instructions });
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
      if (layout !== undefined) closeFd(this.load(learnProgram(layout, 0, 1), maps));
    } finally {
      closeFd(maps.state);
      closeFd(maps.events);
    }
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
