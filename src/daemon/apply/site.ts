// Where a configuration is carried out: what `Applying` needs of the daemon around it, so little that tests make it by hand.
import type { Refusal } from '../../base/index.js';
import type { BondEvent } from '../../policy/index.js';
import type { ConfigBond } from '../api/api.js';
import type { EventListener } from '../keeping/journal.js';
import type { Outcome } from './carry-out.js';
import type { DesiredBond, PresentBond } from './difference.js';
import type { Step } from './steps.js';

export interface Site {
  /** True while there is no bond at all. */
  isEmpty(): boolean;
  has(bond: string): boolean;
  /** The bond as it is now; undefined where there is none. Throws what the machine says when it cannot be read. */
  present(bond: string): PresentBond | undefined;
  /** The bond of a file in the machine's own words; throws as `present` does. */
  desired(bond: ConfigBond): DesiredBond;
  /** Names of the members of a bond, and of those that it awaits; none where there is no such bond. */
  company(bond: string): { readonly members: readonly string[]; readonly awaited: readonly string[] };
  /** Whether there is an interface of this name. */
  hasInterface(name: string): boolean;
  /** See carry-out.ts; may throw. */
  carryOut(step: Step, isNew?: boolean): Promise<Outcome>;
  /** Others have their turn: monitors, and whoever only looks. */
  rest(): Promise<void>;
  /** Writes down what undoes what was done (`Applying.undo`), before the next step: why it cannot be, with `what` before it. */
  note(what: string): Refusal | undefined;
  /** As `note`, after what is done; what cannot be written is tried again. */
  save(): void;
  /** Many changes follow, until what this gives is called. */
  hold(): () => void;
  tell(bond: string, event: BondEvent): void;
  /** Calls back for every event from now on, until what this gives is called. */
  listen(listener: EventListener): () => void;
}
