// Which options move traffic: before one of them is set, what stands on the bond is looked at, as peers are to be told of it.
import { findOption } from '../policy/index.js';

/** Options that may change who sends at once. */
const MOVES_TRAFFIC: ReadonlySet<string> = new Set(['active_slave', 'primary', 'prio']);

/** True for an option, by its name or an alias, that may change who sends at once. */
export function movesTraffic(option: string): boolean {
  return MOVES_TRAFFIC.has(findOption(option)?.name ?? option);
}
