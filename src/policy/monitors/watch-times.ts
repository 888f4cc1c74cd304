// link_watch: what is known of the answers on one member.
import type { TimeMs } from '../contract.js';

/** What is known of the answers on one member. */
export interface WatchTimes {
  /** The last answer of a target to it, and the last question. */
  answeredMs: TimeMs;
  askedMs: TimeMs;
  /** The last frame of any kind that came in. */
  heardMs: TimeMs;
  /** Since when it is suspected, and asked at every look; null when it is not. */
  suspectMs: TimeMs | null;
  /** No answers: its link counts as lost, as far as link_watch says. */
  silent: boolean;
}

/** Of a member that joins, or whose watch begins now: in good standing, unless it was silent. */
export function newWatch(now: TimeMs, silent = false): WatchTimes {
  return { answeredMs: now, askedMs: now, heardMs: now, suspectMs: null, silent };
}
