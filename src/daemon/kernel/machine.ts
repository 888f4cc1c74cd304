// What every bond of a daemon shares: the kernel, the journal, the log, and the way to keep state.
import type { Logger } from 'pino';
import type { Refusal } from '../../base/index.js';
import type { Ethtool, Rtnetlink } from '../../linux/index.js';
import type { DataPlanes } from './data-planes.js';
import type { Journal } from '../keeping/journal.js';

export interface Machine {
  readonly runDir: string;
  readonly netlink: Rtnetlink;
  readonly ethtool: Ethtool;
  readonly planes: DataPlanes;
  readonly journal: Journal;
  readonly log: Logger;
  /** CLOCK_MONOTONIC in milliseconds. */
  readonly now: () => number;
  /** Writes the state file, and tells when it cannot; the runner is the one whose bond changed. */
  readonly save: (changed: object) => void;
  /** As `save`, at the end of the turn: for what is done already. */
  readonly saveSoon: (changed: object) => void;
  /** As `save`, before what must not be done when it is not written down: then it gives the refusal, which begins with `what`. */
  readonly note: (changed: object, what: string) => Refusal | undefined;
  /**
   * Many changes follow: what only shows them (the files of the driver's form) waits until what this gives is called, and `saveSoon`
   * for the next note, or a moment.
   */
  readonly hold: () => () => void;
}
