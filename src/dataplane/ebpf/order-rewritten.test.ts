// The daemon rewrites the order in the very moment in which a frame has looked through all of the old one: the frame looks once more, at
// the first eight of the new one. Needs root and BPF.
import { afterEach, describe, expect, test } from 'vitest';
import { Assembler, BPF_PROG_TYPES, R0, R1, R2, R6, R7, R8, R9 } from '../../ebpf/index.js';
import { closeFd, mmapArray, progTestRun } from '../../linux/index.js';
import { isRoot } from '../../linux/testing.js';
import { at, of, type ProgramContext } from './program-parts.js';
import { chooseMember } from './programs.js';
import { SHARED, STATE_MAP } from './shared-state.js';
import { answering, BROADCAST_FRAME, ProgramBench, VERDICT } from './testing.js';
import { Toolbox } from './toolbox.js';

const toolbox = Toolbox.probe();

/** Each time that an order was looked through, the word of the order becomes the other one of two. */
class Rewriting extends Assembler {
  readonly #change: number;

  constructor(change: number) {
    super('bw_rewriting');
    this.#change = change;
  }

  override label(name: string): this {
    super.label(name);
    if (!name.startsWith('exhausted')) return this;
    return this.load('u32', R1, R7, at.order)
      .mov32(R2, this.#change)
      .xor(R1, R2)
      .store('u32', R7, at.order, R1);
  }
}

/** Chooses a member as all programs do, and gives its interface, or a drop. */
function choosing(context: ProgramContext, change: number) {
  const program = new Rewriting(change);
  program.mov(R6, R1).loadMapValue(R7, STATE_MAP).load('u32', R8, R7, at.current);
  chooseMember(program, context, 'found', 'none');
  program
    .label('found')
    .load('u32', R1, R9, of.ifindex)
    .mov(R2, 0)
    .call('redirect')
    .exit()
    .label('none')
    .mov(R0, VERDICT.drop)
    .exit();
  return answering({ ...program.build(), type: BPF_PROG_TYPES.BPF_PROG_TYPE_SCHED_CLS, license: 'GPL' });
}

let bench: ProgramBench;
afterEach(() => bench.close());

const MEMBERS = 12;
/** The one that can send. */
const ALIVE = 11;

/** What a frame gets that has `before` for its order, which is `after` by the time that it has looked through that. */
function sent(before: readonly number[], after: readonly number[]): number {
  const { state, maps } = bench;
  const memory = mmapArray(maps.state, SHARED.size);
  const words = new Uint32Array(memory.buffer);
  const place = SHARED.offset('order') / 4;
  try {
    state.order = before;
    const was = words[place] ?? 0;
    state.order = after;
    const change = (was ^ (words[place] ?? 0)) >>> 0;
    words[place] = was;
    const fd = toolbox.load(choosing(toolbox.context, change), maps);
    try {
      return progTestRun(fd, { data: BROADCAST_FRAME }).retval;
    } finally {
      closeFd(fd);
    }
  } finally {
    memory.unmap();
  }
}

const dead = (count: number): number[] => Array.from({ length: count }, (_, slot) => slot);

describe.runIf(isRoot && toolbox.context.reader !== 'none')(
  'an order that is rewritten under the eyes of a frame',
  () => {
    /** Twelve members, of which one can send; none of the others may be chosen. */
    const open = (): void => {
      bench = ProgramBench.open(toolbox, MEMBERS);
      for (let slot = 0; slot < MEMBERS; slot++) if (slot !== ALIVE) bench.setCarrier(slot, false);
    };

    test('the one that can send is found among the first eight of the new one', () => {
      open();
      for (const place of [0, 3, 7]) {
        bench.state.current = 0;
        const after = [...dead(place), ALIVE, ...dead(11).slice(place)];
        expect({ place, sent: sent(dead(9), after) }).toEqual({ place, sent: bench.ifindex(ALIVE) });
        expect(bench.state.current).toBe(ALIVE);
      }
    });

    test('behind those it is not: the frame is lost, and who is current stays; the next frame finds it', () => {
      open();
      const after = [...dead(8), ALIVE, 8, 9, 10];
      expect(sent(dead(9), after)).toBe(VERDICT.drop);
      expect(bench.state.current).toBe(0);
      bench.state.order = after;
      expect(bench.transmit()).toBe(bench.ifindex(ALIVE));
    });

    test('an order that was not rewritten is looked through to its end, however long, and once', () => {
      open();
      bench.state.order = [...dead(11), ALIVE];
      expect(bench.transmit()).toBe(bench.ifindex(ALIVE));
      bench.state.current = 0;
      bench.setCarrier(ALIVE, false);
      expect(bench.transmit()).toBe(VERDICT.drop);
      expect(bench.state.drops).toBe(1);
    });
  },
);
