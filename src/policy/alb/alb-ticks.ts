// balance-alb: what its clock counts (bond_alb_monitor): learning packets, how long the active member takes in everything, and when clients
// are told. Ticks that would find nothing to do are left out.
import { type AlbClient, type AlbState, dealAnew, type Receiver } from './clients.js';

/**
 * Milliseconds of a tick. The driver asks for 100 and has 26 jiffies of 4 ms (HZ=250, Debian); all of its "seconds" are as much longer.
 */
export const ALB_TICK_MS = 104;
/** ALB_TIMER_TICKS_PER_SEC. */
const TICKS_PER_SECOND = 10;
/** RLB_UPDATE_DELAY: between our asking everybody, or telling clients, and telling clients. */
export const DELAY_TICKS = 2 * TICKS_PER_SECOND;
/** RLB_PROMISC_TIMEOUT. */
const PROMISCUOUS_TICKS = 10 * TICKS_PER_SECOND;
/** A minute: nothing waits longer for its turn. */
export const MOST_IDLE_TICKS = 600;

/** What is to be done in a tick, in this order. */
export interface AlbTick {
  readonly learns: boolean;
  readonly isNoMorePromiscuous: boolean;
  readonly told: readonly AlbClient[];
}

/** Another tick is over. `able`: members that can send, in the order of joining. */
export function albTick(alb: AlbState, lpIntervalSeconds: number, able: readonly Receiver[]): AlbTick {
  alb.learnTicks++;
  const learns = alb.learnTicks >= lpIntervalSeconds * TICKS_PER_SECOND;
  if (learns) alb.learnTicks = 0;
  if (alb.promiscuousTicks !== null) alb.promiscuousTicks++;
  const isNoMorePromiscuous = alb.promiscuousTicks !== null && alb.promiscuousTicks >= PROMISCUOUS_TICKS;
  if (isNoMorePromiscuous) alb.promiscuousTicks = null;
  if (alb.mustDeal) {
    alb.mustDeal = false;
    dealAnew(alb, able);
  }
  return { learns, isNoMorePromiscuous, told: whoIsTold(alb) };
}

function whoIsTold(alb: AlbState): readonly AlbClient[] {
  if (!alb.mustTell) return [];
  if (alb.delayTicks > 0) {
    alb.delayTicks--;
    return [];
  }
  const told = clientsToTell(alb);
  if (alb.retries > 0) alb.retries--;
  else alb.mustTell = false;
  return told;
}

/** Those that wait to be told, now; with retries left they go on waiting (rlb_update_rx_clients). */
export function clientsToTell(alb: AlbState): readonly AlbClient[] {
  const told = alb.clients.filter(({ mustTell }) => mustTell);
  if (alb.retries === 0) for (const client of told) client.mustTell = false;
  alb.delayTicks = DELAY_TICKS;
  return told;
}

/** How many ticks from now on would find nothing to do. */
export function idleTicks(alb: AlbState, lpIntervalSeconds: number): number {
  if (alb.mustDeal) return 0;
  const ends = [MOST_IDLE_TICKS, lpIntervalSeconds * TICKS_PER_SECOND - alb.learnTicks - 1];
  if (alb.promiscuousTicks !== null) ends.push(PROMISCUOUS_TICKS - alb.promiscuousTicks - 1);
  if (alb.mustTell) ends.push(alb.delayTicks);
  return Math.max(0, Math.min(...ends));
}

/** So many ticks passed that found nothing to do. */
export function passIdle(alb: AlbState, ticks: number): void {
  alb.learnTicks += ticks;
  if (alb.promiscuousTicks !== null) alb.promiscuousTicks += ticks;
  if (alb.mustTell) alb.delayTicks -= ticks;
}
