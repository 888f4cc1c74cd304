// Which transmit program a plan wants: one for each mode, and where flows are hashed for each hash policy.
import type { ProgramSpec } from '../../ebpf/index.js';
import type { ForwardingPlan, HashPolicy } from '../../policy/index.js';
import { balanceProgram } from './balance-program.js';
import type { ProgramContext } from './program-parts.js';
import { transmitProgram } from './programs.js';
import { broadcastProgram, roundRobinProgram, xorProgram } from './spread-programs.js';

export type TransmitKind =
  | 'active-backup'
  | 'balance-rr'
  | 'broadcast'
  | `balance-xor ${HashPolicy}`
  | `balance-tlb ${'load' | 'hash'} ${HashPolicy}`;

/** What the plan wants. */
export function transmitKindOf(plan: Pick<ForwardingPlan, 'mode' | 'hashPolicy' | 'byLoad'>): TransmitKind {
  if (plan.mode === 'balance-rr' || plan.mode === 'broadcast') return plan.mode;
  if (plan.mode === 'balance-tlb') return `balance-tlb ${plan.byLoad ? 'load' : 'hash'} ${plan.hashPolicy}`;
  return plan.mode === 'balance-xor' ? `balance-xor ${plan.hashPolicy}` : 'active-backup';
}

/** The program of a kind. */
export function transmitProgramOf(context: ProgramContext, kind: TransmitKind): ProgramSpec {
  if (kind === 'active-backup') return transmitProgram(context);
  if (kind === 'balance-rr') return roundRobinProgram(context);
  if (kind === 'broadcast') return broadcastProgram(context);
  const [mode, ...words] = kind.split(' ');
  const policy = words.at(-1) as HashPolicy;
  return mode === 'balance-xor'
    ? xorProgram(context, policy)
    : balanceProgram(context, policy, words[0] === 'load');
}
