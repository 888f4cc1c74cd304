// What the runner of a bond is made from: anew, or of what the state file kept.
import type { BondDataPlane } from '../dataplane/index.js';
import type { Bond } from '../policy/index.js';
import type { IfconfigCounters } from '../report/index.js';
import type { SavedBelongings } from './members/address-transfer.js';
import type { Described } from './api/api.js';
import type { Machine } from './kernel/machine.js';
import type { SavedMember, WantedMember } from './keeping/state-file.js';

export interface RunnerParts {
  readonly machine: Machine;
  readonly plane: BondDataPlane;
  readonly policy: Bond;
  readonly pins: string;
  readonly members?: readonly SavedMember[];
  readonly taken?: readonly SavedBelongings[];
  readonly filters?: readonly (readonly [number, readonly string[]])[];
  readonly departed?: IfconfigCounters;
  readonly wanted?: readonly WantedMember[];
  readonly heldDown?: readonly number[];
  readonly described?: Described;
}
