// The carrier of the bond: on while at least one member's link is UP; FAIL does not count (bond_set_carrier). In 802.3ad: while
// enough ports are in the active aggregator (min_links).
import { lacpCarrier } from './lacp/lacp.js';
import { isAggregating } from './modes/modes.js';
import { type Context } from './state.js';
import { tell } from './tell.js';

/** Re-evaluates the carrier. True when it changed. */
export function evaluateCarrier(context: Context): boolean {
  const { state } = context;
  const isLacp = isAggregating(state);
  const on = isLacp ? lacpCarrier(state) : state.members.some(member => member.link === 'up');
  if (on === state.carrier) return false;
  state.carrier = on;
  context.out.push({ kind: 'carrier', on });
  if (on) {
    const why = isLacp ? 'enough ports are in its aggregate' : "at least one member's link is up";
    tell(context, 'info', 'carrier', `${state.name} has carrier: ${why}`);
  } else if (state.members.length === 0) {
    tell(context, 'info', 'carrier', `${state.name} has no carrier: it has no members`);
  } else {
    const least = Math.max(1, state.numbers.min_links);
    const why = isLacp
      ? `fewer ports than ${least} are in its aggregate (min_links)`
      : "no member's link is up";
    tell(context, 'warning', 'carrier', `${state.name} has lost its carrier: ${why}`);
  }
  return true;
}
