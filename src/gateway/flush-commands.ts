// What the flushing thread is told and answers.
import type { FlowTransport, KeptFlows } from '../linux/index.js';
import type { FlowFilter } from '../netlink/index.js';

/** Given to the thread when it starts: a descriptor of the network namespace whose flows are meant. */
export interface FlushStart {
  readonly netns: number;
}

/** End these flows. */
export interface FlushCommand {
  readonly number: number;
  readonly filter: FlowFilter;
  readonly transport: FlowTransport;
  /** These are left alone. */
  readonly keep: readonly KeptFlows[];
}

/** How many were ended; null, with the reason, when it could not be done. */
export interface Flushed {
  readonly number: number;
  readonly ended: number | null;
  readonly reason?: string;
}
