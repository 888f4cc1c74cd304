// When the next packets of a steady stream are due. Pure arithmetic; the meter's sender asks it.

/** A steady stream's timetable: packet n is due at n / rate seconds after the start. */
export interface Pace {
  /** How many packets are due at `nowMs` beyond the `sent` ones; never more than `most`. */
  due(nowMs: number, sent: number): number;
  /** Milliseconds from `nowMs` until packet `sent` is due; at least the shortest sleep that is worth it. */
  sleepMs(nowMs: number, sent: number): number;
}

/** Above this rate packets are sent in small groups, because a sleep takes longer than the time between two. */
const SINGLE_RATE = 5000;
/** A shorter sleep costs more processor time than it is worth at high rates. */
const GROUP_SLEEP_MS = 0.25;

/**
 * `rate` packets a second from `startMs` on, `count` in all. Up to 5000 a second each packet goes at its own time;
 * faster streams, and senders that fell behind, go in groups of at most `most`.
 */
export function steadyPace(startMs: number, rate: number, count: number, most: number): Pace {
  const shortestMs = rate > SINGLE_RATE ? GROUP_SLEEP_MS : 0.02;
  return {
    due(nowMs, sent) {
      const all = Math.min(count, Math.floor(((nowMs - startMs) * rate) / 1000) + 1);
      return Math.max(0, Math.min(most, all - sent));
    },
    sleepMs(nowMs, sent) {
      return Math.max(shortestMs, startMs + (sent * 1000) / rate - nowMs);
    },
  };
}
