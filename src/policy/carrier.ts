// The carrier of the bond: on while at least one member's link is UP; FAIL does not count (bond_set_carrier).
import { type Context } from './state.js';
import { tell } from './tell.js';

/** Re-evaluates the carrier. True when it changed. */
export function evaluateCarrier(context: Context): boolean {
  const { state } = context;
  const on = state.members.some(member => member.link === 'up');
  if (on === state.carrier) return false;
  state.carrier = on;
  context.out.push({ kind: 'carrier', on });
  if (on) tell(context, 'info', 'carrier', `${state.name} has carrier: at least one member's link is up`);
  else if (state.members.length === 0) {
    tell(context, 'info', 'carrier', `${state.name} has no carrier: it has no members`);
  } else tell(context, 'warning', 'carrier', `${state.name} has lost its carrier: no member's link is up`);
  return true;
}
