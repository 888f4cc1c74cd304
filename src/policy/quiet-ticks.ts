// Ticks of the MII monitor that find nothing: nearly all of them. One that nobody waits for is passed over in an instant, and where the
// kernel tells by itself what a tick would ask for, many are left out.
import { nextTick } from '../base/index.js';
import type { Input, TimeMs } from './contract.js';
import type { BondState, BondTimer } from './state.js';
import { MII_TABLE } from './monitors/mii-monitor.js';
import { hasLink } from './monitors/watched-link.js';

/** The other timers of a bond. */
const OTHERS: readonly Exclude<BondTimer, 'mii'>[] = ['arp', 'lacp', 'silence', 'alb', 'learning', 'igmp'];

function isDue(dueMs: TimeMs | null, now: TimeMs): dueMs is TimeMs {
  return dueMs !== null && dueMs <= now;
}

/** True where a tick finds nothing and counts nothing, as long as nothing else comes in. */
export function findsNothing(state: BondState): boolean {
  if (state.peerNotifLeft !== 0) return false;
  for (const member of state.members)
    if (MII_TABLE[member.link][hasLink(state, member) ? 'on' : 'off'] !== 'stay') return false;
  return true;
}

/** The time passes: true where no more is due than a tick that finds nothing, which is done with then. */
export function passesQuietly(state: BondState, now: TimeMs): boolean {
  const { timers, numbers } = state;
  for (const name of OTHERS) if (isDue(timers[name], now)) return false;
  const { mii } = timers;
  if (!isDue(mii, now)) return true;
  if (!findsNothing(state)) return false;
  timers.mii = nextTick(mii, numbers.miimon, now);
  return true;
}

/** True where an input concerns LACP alone: a frame or the time of one that came in, or time at which nothing else is due. */
export function isOfLacp({ timers }: BondState, { kind }: Input, now: TimeMs): boolean {
  if (kind !== 'time') return kind === 'slow-frame' || kind === 'heard';
  const others = (['mii', 'arp', 'alb', 'learning', 'igmp'] as const).some(name => isDue(timers[name], now));
  return (isDue(timers.lacp, now) || isDue(timers.silence, now)) && !others;
}

/** Ticks that are left out. The others stay where they would have been. */
export class Rest {
  /** The first of those that are left out. */
  #firstMs: TimeMs | null = null;

  /** Leaves out the ticks up to this time, where they would find nothing. */
  begin(state: BondState, untilMs: TimeMs): void {
    const { timers, numbers } = state;
    const { mii } = timers;
    if (mii === null || mii > untilMs || !findsNothing(state)) return;
    this.#firstMs ??= mii;
    timers.mii = tickAfter(mii, numbers.miimon, untilMs);
  }

  /** Something comes in: the next tick is the one that would be next if none had been left out; those until now found nothing. */
  end(state: BondState, now: TimeMs): void {
    state.timers.mii = this.dueMs(state, now);
    this.#firstMs = null;
  }

  /** When the monitor's next tick is due if the rest ends now; null: it does not run. */
  dueMs({ timers, numbers }: BondState, now: TimeMs): TimeMs | null {
    const { mii } = timers;
    if (this.#firstMs === null || mii === null || mii <= now) return mii;
    return tickAfter(this.#firstMs, numbers.miimon, now);
  }
}

/** The first tick after this time, of those that come every `periodMs` from `firstMs` on. */
function tickAfter(firstMs: TimeMs, periodMs: number, timeMs: TimeMs): TimeMs {
  return firstMs + Math.max(0, Math.floor((timeMs - firstMs) / periodMs) + 1) * periodMs;
}
