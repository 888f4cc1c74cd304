// A bond that this daemon runs: the keeper of the bond in the world that Linux gives it.
import type { BondDataPlane } from '../dataplane/index.js';
import { BondKeeper, recordsOf } from '../keeper/index.js';
import type { Bond } from '../policy/index.js';
import { LinuxHost } from './host/linux-host.js';
import type { SavedRunner } from './keeping/state-file.js';
import type { Machine } from './kernel/machine.js';
import type { Registry } from './registry.js';

export type BondRunner = BondKeeper<LinuxHost>;

export interface RunnerParts {
  readonly machine: Machine;
  readonly registry: Registry;
  readonly plane: BondDataPlane;
  readonly policy: Bond;
  readonly pins: string;
  /** What the state file kept of it. */
  readonly saved?: SavedRunner;
}

/** Runs a bond, anew or as an earlier daemon left it; nothing is done to it yet. */
export function runBond({ machine, registry, plane, policy, pins, saved }: RunnerParts): BondRunner {
  const records = recordsOf(saved?.members ?? []);
  const host = new LinuxHost({
    machine,
    plane,
    records,
    plan: policy.plan(),
    bondName: () => policy.name,
    bondUp: () => policy.facts().adminUp,
    holders: () => registry.all(),
    parted: () => registry.part(runner),
    ended: () => registry.remove(runner),
    pins,
    ...(saved !== undefined && { filters: saved.filters }),
    ...(saved?.described !== undefined && { described: saved.described }),
  });
  const runner: BondRunner = new BondKeeper({ host, policy, records, ...(saved !== undefined && { saved }) });
  host.belongTo(runner);
  return runner;
}
