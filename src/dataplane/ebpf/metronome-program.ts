// The metronome's program: what beats once a second (`metronome.ts`) becomes a LACPDU for each port whose partner was not answered lately,
// while no daemon is there; and what is missed at each beat is a partner that fell silent.
import { Assembler, type ProgramSpec, R0, R1, R2, R3, R6, R7, R8, R9, R10 } from '../../ebpf/index.js';
import { compareCarrier, cut, lease, leaseOf, putAnswer, unlessAway } from './lease-program.js';
import { LEASE_STATE, LEASING } from './lease-state.js';
import { CALL_LOST, classifier, of, type ProgramContext, STACK, TC_DROP } from './program-parts.js';

/** Name of the program. */
export const METRONOME_PROGRAM = 'bw_metronome';

/** For the members of these slots. What comes in goes nowhere. */
export function metronomeProgram(context: ProgramContext, slots: readonly number[]): ProgramSpec {
  const program = new Assembler(METRONOME_PROGRAM);
  program
    .mov(R6, R1)
    .call('ktime_get_ns')
    .mov(R8, R0)
    .include(a => unlessAway(a, 'end'))
    .load('u64', R1, R1, LEASING.offset('untilNs'))
    .store('u64', R10, STACK.last, R1);
  for (const slot of slots) program.include(a => beat(a, context, slot));
  return classifier(program.label('end').exitWith(TC_DROP).build());
}

/** One port: R6 is the context, R8 the time, STACK.last until when the lease lasts. */
function beat(program: Assembler, context: ProgramContext, slot: number): void {
  const [next, silent, bounced] = ['next', 'silent', 'bounced'].map(label => program.freshLabel(label)) as [
    string,
    string,
    string,
  ];
  program.block({ in: [R6, R8], lost: [...CALL_LOST, R7, R9] }, a =>
    a
      .include(b => leaseOf(b, slot))
      .load('u32', R1, R7, lease.state)
      .jeq(R1, LEASE_STATE.none, next)
      .mov(R2, R8)
      .load('u64', R3, R7, lease.heardNs)
      .sub(R2, R3)
      .load('u64', R3, R7, lease.silenceNs)
      .jsgt(R2, R3, silent)
      .jne(R1, LEASE_STATE.holds, next)
      .load('u64', R1, R10, STACK.last)
      .jgt(R8, R1, next)
      .mov(R2, R8)
      .load('u64', R3, R7, lease.saidNs)
      .sub(R2, R3)
      .load('u64', R3, R7, lease.pauseNs)
      .jlt(R2, R3, next)
      .include(b => compareCarrier(b, context, slot, next, bounced))
      .include(b => putAnswer(b, next))
      .mov(R1, 1)
      .atomicAdd('u64', R7, lease.beats, R1)
      .mov(R1, R6)
      .load('u32', R2, R9, of.ifindex)
      .mov(R3, 0)
      .call('clone_redirect')
      .jump(next)
      .label(silent)
      .include(b => cut(b, slot))
      .label(bounced)
      .storeImm('u32', R7, lease.state, LEASE_STATE.ended)
      .label(next),
  );
}
