// Ticks that would find nothing to do need not be run. After a tick that changed nothing but counters, the next ones change nothing
// either until a counter comes to its end or something happens: what the machines do depends on counters by their end alone.
import { type Counters, type LacpBond, type LacpPort, type LacpState, TRANSMIT_TICKS } from './port.js';

/** A minute: nothing waits longer for its turn. */
export const MOST_IDLE_TICKS = 600;

/** Counters that a tick without news would count down. */
function running({ counters, enabled, mux }: LacpPort): (keyof Counters)[] {
  const names: (keyof Counters)[] = ['periodic', 'actorChurn', 'partnerChurn'];
  if (enabled) names.push('receive');
  if (mux === 'waiting') names.push('wait');
  return names.filter(name => counters[name] > 0);
}

/** Everything that ticks go by but for counters: equal before and after a tick that changed nothing. */
export function fingerprint({ members }: Pick<LacpBond, 'members'>, lacp: LacpState): string {
  const ports = lacp.ports.map(({ counters: _counters, counts: _counts, ...port }) => port);
  return JSON.stringify([ports, members.map(({ state, inactive }) => [state, inactive])]);
}

/** How many ticks after one that changed nothing will change nothing. */
export function idleTicks({ ports, selectTicks }: LacpState): number {
  if (ports.some(({ ntt }) => ntt)) return 0;
  const ends = ports.flatMap(port => running(port).map(name => port.counters[name]));
  if (selectTicks > 0) ends.push(selectTicks);
  return Math.min(MOST_IDLE_TICKS, ...ends.map(left => left - 1));
}

/** So many ticks passed that found nothing to do. */
export function passIdle(lacp: LacpState, ticks: number): void {
  if (ticks === 0) return;
  if (lacp.selectTicks > 0) lacp.selectTicks -= ticks;
  for (const port of lacp.ports) {
    const { counters } = port;
    for (const name of running(port)) counters[name] -= ticks;
    // It goes round from its full length to 1, and comes to its end in between.
    counters.transmit =
      ((((counters.transmit - 1 - ticks) % TRANSMIT_TICKS) + TRANSMIT_TICKS) % TRANSMIT_TICKS) + 1;
  }
}
