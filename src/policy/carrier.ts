// The carrier of the bond: on while at least one member's link is UP; FAIL does not count (bond_set_carrier). In 802.3ad: while
// enough ports are in the active aggregator (min_links).
import { FALLBACK } from './lacp/fallback.js';
import { lacpCarrier } from './lacp/lacp.js';
import { isAggregating } from './modes/modes.js';
import { type Context } from './state.js';
import { tell } from './tell.js';

function missingPorts({ numbers }: Context['state']): string {
  if (numbers.lacp_fallback === FALLBACK.OFF && numbers.min_links <= 1)
    return 'no port is in sync with a partner (lacp_fallback=off)';
  return `fewer ports than ${Math.max(1, numbers.min_links)} are in its aggregate (min_links)`;
}

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
    const why = isLacp ? missingPorts(state) : "no member's link is up";
    tell(context, 'warning', 'carrier', `${state.name} has lost its carrier: ${why}`);
  }
  return true;
}
