// What those who look at the world of an uplink may be told of it, as it happens. (simulator)
import type { Flush, LineNumber, Probe, Steering, UplinkEvent, UplinkInput } from '../../uplinks/index.js';
import type { FlowEntry } from './flow-table.js';
import type { Loss } from './gateway.js';
import type { Step } from './scenario.js';
import type { Traffic } from './traffic.js';
import type { UplinkWorld } from './world.js';

export interface UplinkWatch {
  /** Something is about to happen. */
  stepping?(world: UplinkWorld, step: Step): void;
  stepped?(world: UplinkWorld, step: Step): void;
  /** The daemon asks through a line. */
  asked?(world: UplinkWorld, probe: Probe): void;
  /** A daemon is about to begin. */
  starting?(world: UplinkWorld): void;
  /** The keeper gets this next. */
  fed?(world: UplinkWorld, input: UplinkInput): void;
  /** It is in the kernel. */
  steered?(world: UplinkWorld, steering: Steering, before: Steering | null): void;
  flushed?(world: UplinkWorld, flush: Flush, ended: readonly FlowEntry[]): void;
  told?(world: UplinkWorld, event: UplinkEvent): void;
  /** An alarm of the keeper rings. */
  rang?(world: UplinkWorld): void;
  /** A question of a client was lost. */
  lost?(world: UplinkWorld, traffic: Traffic, why: Loss, line: LineNumber | null): void;
}
