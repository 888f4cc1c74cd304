// Which transmit program a plan wants: one for each mode, and where flows are hashed for each hash policy.
import { unreachable } from '../../base/index.js';
import type { ProgramSpec } from '../../ebpf/index.js';
import type { ForwardingPlan, HashPolicy } from '../../policy/index.js';
import { balanceProgram, receiversProgram } from './balance-program.js';
import type { ProgramContext } from './program-parts.js';
import { transmitProgram } from './programs.js';
import { aggregateProgram, broadcastProgram, roundRobinProgram, xorProgram } from './spread-programs.js';

export type TransmitKind =
  | { readonly mode: 'active-backup' | 'balance-rr' | 'broadcast' }
  | { readonly mode: 'balance-xor' | '802.3ad'; readonly hashPolicy: HashPolicy }
  | {
      readonly mode: 'balance-tlb' | 'balance-alb';
      readonly hashPolicy: HashPolicy;
      readonly byLoad: boolean;
    };

/** What the plan wants. */
export function transmitKindOf({
  mode,
  hashPolicy,
  byLoad,
}: Pick<ForwardingPlan, 'mode' | 'hashPolicy' | 'byLoad'>): TransmitKind {
  if (mode === 'balance-rr' || mode === 'broadcast') return { mode };
  if (mode === 'balance-tlb' || mode === 'balance-alb') return { mode, hashPolicy, byLoad };
  return mode === 'balance-xor' || mode === '802.3ad' ? { mode, hashPolicy } : { mode: 'active-backup' };
}

/** The program of a kind. */
export function transmitProgramOf(context: ProgramContext, kind: TransmitKind): ProgramSpec {
  switch (kind.mode) {
    case 'active-backup':
      return transmitProgram(context);
    case 'balance-rr':
      return roundRobinProgram(context);
    case 'broadcast':
      return broadcastProgram(context);
    case 'balance-xor':
      return xorProgram(context, kind.hashPolicy);
    case '802.3ad':
      return aggregateProgram(context, kind.hashPolicy);
    case 'balance-tlb':
      return balanceProgram(context, kind.hashPolicy, kind.byLoad);
    case 'balance-alb':
      return receiversProgram(context, kind.hashPolicy, kind.byLoad);
    default:
      return unreachable(kind);
  }
}
